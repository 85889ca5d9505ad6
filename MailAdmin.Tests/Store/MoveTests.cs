using System.Collections.Concurrent;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;
using MailEngine.Store.Partitions;

namespace MailAdmin.Tests.Store;

/// <summary>An account moves to another volume while it is used: nothing acknowledged is lost, nothing comes twice, no client can tell.</summary>
public sealed class MoveTests
{
    const long Ann = 1, Bob = 2;

    static Task<StoreRig> OpenAsync() => StoreRig.OpenAsync(new StoreOptions { InlineBodyBytes = 20_000, SegmentBytes = 300_000, MoveBytesPerSecond = int.MaxValue, Sync = false }.With("b", "c"));

    static async Task<StoreRig> GivenAccountAsync()
    {
        StoreRig rig = await OpenAsync();
        MailStore store = rig.Store;
        await store.GivenHomeAsync(Ann, "default");
        await store.GivenHomeAsync(Bob, "c");
        byte[] key = Encoding.ASCII.GetBytes("a delivery that is remembered   ");
        Mailbox inbox = await rig.GivenMailboxAsync(Ann, "INBOX", messages: 3), work = await rig.GivenMailboxAsync(Ann, "Work", messages: 150);
        await rig.GivenMailboxAsync(Ann, "Empty");
        await rig.DeliverAsync(StoreRig.Mail("keyed"), StoreRig.To(Ann, prefix: "Return-Path: <x@y.test>\r\n", key: key));
        await rig.DeliverAsync(StoreRig.Mail("large", 60_000), StoreRig.To(Ann, prefix: "X: 1\r\n"));
        await store.StoreFlagsAsync(work, [1, 2, 80], new FlagChange(FlagChangeMode.Add, MessageFlags.Flagged | MessageFlags.Seen, ["$Work", "other"]));
        await store.CopyAsync(work, [1, 2, 3], inbox, 0);
        await store.MoveAsync(work, [10, 11, 70], inbox);
        await store.StoreFlagsAsync(work, [20, 21, 149], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await store.ExpungeAsync(work, null);
        await store.CreateAsync(Ann, MailboxName.Parse("Gone"));
        await rig.DeliverAsync(StoreRig.Mail("in-gone"), StoreRig.To(Ann, "Gone"));
        await store.DeleteAsync(Ann, MailboxName.Parse("Gone"));
        await store.RestoreMessagesAsync(Ann, [IndexSchema.Key(work.Id, 21)], 0);
        await store.CreateAsync(Ann, MailboxName.Parse("Sent"), "\\Sent");
        await store.SubscribeAsync(Ann, MailboxName.Parse("Sent"), subscribed: true);
        await store.SubscribeAsync(Ann, MailboxName.Parse("Never/There"), subscribed: true);
        await store.SetAclAsync(work.Id, AclIdentifier.OfAccount(Bob), AclChangeMode.Replace, AclRights.All);
        Mailbox view = (await store.OpenAsync(Ann, work.Name, AclTests.Subject(Bob)))!;
        await store.StoreFlagsAsync(view, [5, 6, 7, 100], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, []));
        await store.SetAnnotationsAsync(work.Id, Bob, [new Annotation("/private/comment", [7]), new Annotation("/shared/comment", [8])]);
        await store.SetLimitsAsync(Ann, new AccountLimits(null, 100_000, 100_000));
        await store.UrlKeyAsync(work);
        await store.ClaimRecentAsync(inbox);
        return rig;
    }

    static Task<MoveReport> MoveAsync(StoreRig rig, long account, string to) => rig.Store.MoveAccountAsync(account, to, null, default);

    static async Task AssertWholeAsync(StoreRig rig)
    {
        CheckReport report = await rig.Store.CheckAsync(null, default);
        Assert.True(report.IsWhole, string.Join('\n', report.Faults));
    }

    [Fact]
    public async Task When_an_account_moves_then_everything_is_as_it_was_and_nothing_is_left_behind()
    {
        await using StoreRig rig = await GivenAccountAsync();
        string before = await AccountPicture.TakeAsync(rig.Store, Ann);
        AccountUse total = rig.Store.TotalUse();
        foreach (string to in new[] { "b", "c", "b", "default", "b" })
        {
            string from = rig.Store.HomeOf(Ann);
            MoveReport report = await MoveAsync(rig, Ann, to);
            Assert.Equal((from, to), (report.From, report.To));
            Assert.Equal(to, rig.Store.HomeOf(Ann));
            Assert.Equal(before, await AccountPicture.TakeAsync(rig.Store, Ann));
            foreach (PartitionSlot slot in rig.Store.Partitions.Slots.Where(slot => slot.Name != to))
                Assert.Equal(0, AccountPicture.RowsIn(slot.Open!, Ann));
            Assert.Equal(total, rig.Store.TotalUse());
            await AssertWholeAsync(rig);
            await rig.ReopenAsync();
            Assert.Equal(to, rig.Store.HomeOf(Ann));
            Assert.Equal(before, await AccountPicture.TakeAsync(rig.Store, Ann));
        }
        // The bytes left behind are garbage that compaction gives back; those of the account stay.
        await rig.Store.CompactAsync();
        Assert.Equal(before, await AccountPicture.TakeAsync(rig.Store, Ann));
        await AssertWholeAsync(rig);
        // What was taken before the move is known after it: a second try is dropped.
        byte[] key = Encoding.ASCII.GetBytes("a delivery that is remembered   ");
        Assert.Equal(StoreError.Duplicate, (await rig.DeliverAsync(StoreRig.Mail("keyed"), StoreRig.To(Ann, key: key))).Deposits[0].Error);
        // And what was expunged before it comes back after it.
        Assert.Equal(1, (await rig.Store.RestoreMessagesAsync(Ann, [IndexSchema.Key((await rig.Store.OpenAsync(Ann, MailboxName.Parse("Work")))!.Id, 149)], 0)).Messages);
        RestoreOutcome restored = await rig.Store.RestoreMailboxAsync(Ann, rig.Store.DeletedMailboxes(Ann)[0].Id, 0);
        Assert.Equal((StoreError.None, 1, "Gone"), (restored.Error, restored.Messages, restored.Mailbox));
    }

    [Fact]
    public async Task When_an_account_moves_then_the_index_can_be_made_anew_in_its_new_partition()
    {
        await using StoreRig rig = await GivenAccountAsync();
        await MoveAsync(rig, Ann, "b");
        Mailbox work = (await rig.Store.OpenAsync(Ann, MailboxName.Parse("Work")))!;
        (int count, uint validity) = (work.Current.Count, work.Current.UidValidity);
        await rig.CloseAsync();
        foreach (string name in new[] { "b", "default" })
        {
            foreach (string suffix in new[] { "", "-wal", "-shm" })
                File.Delete(Path.Combine(rig.Folder, "partitions", name, "index.db" + suffix));
        }
        await MailEngine.Store.Repair.OfflineRepair.RunAsync(rig.Folder, rig.Options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, default);
        await rig.ReopenAsync();
        Assert.Equal("b", rig.Store.HomeOf(Ann));   // its records in the first partition are older
        work = (await rig.Store.OpenAsync(Ann, MailboxName.Parse("Work")))!;
        Assert.Equal(validity, work.Current.UidValidity);
        Assert.True(work.Current.Count >= count);   // with the index went the knowledge of what was expunged
        await rig.Store.PurgeAsync();
        Assert.Equal(0, AccountPicture.RowsIn(rig.Store.Default, Ann));
        await AssertWholeAsync(rig);
    }

    [Fact]
    public async Task When_mailboxes_are_open_while_their_account_moves_then_they_go_on_and_hear_of_changes()
    {
        await using StoreRig rig = await GivenAccountAsync();
        Mailbox work = (await rig.Store.OpenAsync(Ann, MailboxName.Parse("Work")))!;
        Mailbox view = (await rig.Store.OpenAsync(Ann, work.Name, AclTests.Subject(Bob)))!;
        MailboxSnapshot told = work.Current;
        string first = rig.Store.Read(told, 0);
        using DetailsReader details = rig.Store.OpenDetails(work);
        Assert.True(details.Seek(told[0].Uid));
        using var woken = new SemaphoreSlim(0);
        using IDisposable watch = work.Watch(() => woken.Release());

        await MoveAsync(rig, Ann, "b");
        Assert.Same(work, await rig.Store.OpenAsync(Ann, work.Name));
        while (woken.CurrentCount > 0)
            await woken.WaitAsync();
        await rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(Ann, "Work"));
        Assert.True(await woken.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(told.Count + 1, work.Current.Count);
        Assert.Equal(told.Count + 1, view.Current.Count);
        Assert.Equal(StoreError.None, await rig.Store.StoreFlagsAsync(view, [told[^1].Uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, [])));
        Assert.True(view.Current.Unseen < work.Current.Unseen);
        // The client still shows the old snapshot, and reads from where that says.
        Assert.Equal(first, rig.Store.Read(told, 0));
        Assert.True(details.Seek(told[^1].Uid));
        Assert.NotEqual(0, details.Envelope.Length);
        await rig.Store.CompactAsync();
        Assert.Equal(first, rig.Store.Read(told, 0));
    }

    [Fact]
    public async Task When_an_account_is_used_hard_while_it_moves_to_and_fro_then_every_acknowledged_change_is_there_once()
    {
        await using StoreRig rig = await GivenAccountAsync();
        MailStore store = rig.Store;
        using var stop = new CancellationTokenSource();
        var delivered = new ConcurrentDictionary<string, bool>();   // true: it was expunged again
        var flagged = new ConcurrentDictionary<string, bool>();
        var copied = new ConcurrentDictionary<string, bool>();
        var created = new ConcurrentDictionary<string, bool>();
        int number = 0;
        long highest = 0;
        Mailbox inbox = (await store.OpenAsync(Ann, MailboxName.Inbox))!;
        Mailbox shared = await rig.GivenMailboxAsync(Bob, "Shared");

        Task Repeat(Func<string, Task> work) => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                await work($"n{Interlocked.Increment(ref number)}");
        });
        async Task<uint> DeliverAsync(string id, int size)
        {
            AcceptOutcome outcome = await rig.DeliverAsync(StoreRig.Mail(id, size), StoreRig.To(Ann), StoreRig.To(Bob));
            Assert.Equal(StoreError.None, outcome.Fault);
            Assert.All(outcome.Deposits, d => Assert.Equal(StoreError.None, d.Error));
            Assert.True(delivered.TryAdd(id, false));
            return outcome.Deposits[0].Uid;
        }
        Task[] users =
        [
            Repeat(async id => await DeliverAsync(id, 100)),
            Repeat(async id =>
            {
                uint uid = await DeliverAsync(id, 30_000);
                Assert.Equal(StoreError.None, await store.StoreFlagsAsync(inbox, [uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Flagged, ["kept"])));
                flagged[id] = true;
                InterlockedMax(ref highest, (long)inbox.Current.HighestModSeq);
            }),
            Repeat(async id =>
            {
                uint uid = await DeliverAsync(id, 100);
                Assert.Equal(StoreError.None, await store.StoreFlagsAsync(inbox, [uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, [])));
                Assert.Equal(StoreError.None, await store.ExpungeAsync(inbox, [uid]));
                delivered[id] = true;
            }),
            Repeat(async id =>
            {
                uint uid = await DeliverAsync(id, 200);
                CopyOutcome copy = await store.CopyAsync(inbox, [uid], shared, 0);
                Assert.Equal(StoreError.None, copy.Error);
                Assert.Single(copy.TargetUids);
                copied[id] = true;
            }),
            Repeat(async id =>
            {
                Mailbox again = (await store.OpenAsync(Ann, MailboxName.Inbox))!;
                using Body body = rig.GivenBody(StoreRig.Mail(id, 25_000));
                AppendOutcome appended = await store.AppendAsync(again, 0, [new AppendItem { Body = body }]);
                Assert.Equal(StoreError.None, appended.Error);
                delivered[id] = false;
                Assert.True(again.Current.IndexOf(appended.Uids[0]) >= 0);   // one's own change is seen at once
                Assert.Equal(StoreError.None, await store.CreateAsync(Ann, MailboxName.Parse("Made/" + id)));
                created[id] = true;
                Assert.Contains(await store.ListAsync(Ann), info => info.Name.Value == "Made/" + id);
            }),
        ];
        try
        {
            foreach (string to in new[] { "b", "default", "c", "b", "default" })
            {
                int before = delivered.Count;
                await MoveAsync(rig, Ann, to);
                SpinWait.SpinUntil(() => delivered.Count > before + 20 || users.Any(u => u.IsFaulted), TimeSpan.FromSeconds(60));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(users);
        }
        for (int turn = 0; turn < 2; turn++)
        {
            Mailbox now = (await store.OpenAsync(Ann, MailboxName.Inbox))!;
            if (turn == 0)
                Assert.Same(inbox, now);
            Dictionary<string, MessageEntry> there = Subjects(store, now.Current).ToDictionary(pair => pair.Subject, pair => pair.Entry);
            foreach ((string id, bool expunged) in delivered)
                Assert.Equal(!expunged, there.ContainsKey(id));
            foreach (string id in flagged.Keys)
                Assert.True(there[id].Flags.HasFlag(MessageFlags.Flagged) && now.Current.KeywordSets[there[id].KeywordSet].Contains("kept"));
            Assert.True((long)now.Current.HighestModSeq >= highest);
            Dictionary<string, int> copies = Subjects(store, (await store.OpenAsync(Bob, MailboxName.Parse("Shared")))!.Current).GroupBy(pair => pair.Subject).ToDictionary(g => g.Key, g => g.Count());
            Assert.Equal(copied.Keys.Order(), copies.Keys.Order());
            Assert.All(copies.Values, count => Assert.Equal(1, count));
            Assert.Subset((await store.ListAsync(Ann)).Select(info => info.Name.Value).ToHashSet(), created.Keys.Select(id => "Made/" + id).ToHashSet());
            await AssertWholeAsync(rig);
            await rig.ReopenAsync();
            store = rig.Store;
        }
    }

    static IEnumerable<(string Subject, MessageEntry Entry)> Subjects(MailStore store, MailboxSnapshot snapshot)
    {
        for (int i = 0; i < snapshot.Count; i++)
        {
            string subject = store.Read(snapshot, i).Split("Subject: ")[1].Split('\r')[0];
            if (subject.StartsWith('n'))
                yield return (subject, snapshot[i]);
        }
    }

    static void InterlockedMax(ref long to, long value)
    {
        for (long now = Volatile.Read(ref to); now < value;)
        {
            long seen = Interlocked.CompareExchange(ref to, value, now);
            if (seen == now)
                return;
            now = seen;
        }
    }

    [Fact]
    public async Task When_a_move_is_given_up_then_the_account_is_where_it_was_and_the_copy_is_gone()
    {
        await using StoreRig rig = await GivenAccountAsync();
        string before = await AccountPicture.TakeAsync(rig.Store, Ann);
        using var stop = new CancellationTokenSource();
        rig.Store.MoveStepReached = step =>
        {
            if (step == MoveStep.Copied)
                stop.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.Store.MoveAccountAsync(Ann, "b", null, stop.Token));
        Assert.Equal(("default", 0), (rig.Store.HomeOf(Ann), AccountPicture.RowsIn(rig.Store.Slot("b").Open!, Ann)));
        Assert.Equal(before, await AccountPicture.TakeAsync(rig.Store, Ann));
        Assert.Equal(StoreError.None, (await rig.DeliverAsync(StoreRig.Mail("on"), StoreRig.To(Ann))).Deposits[0].Error);
    }

    [Fact]
    public async Task When_a_message_is_damaged_then_the_move_says_which_and_changes_nothing()
    {
        await using StoreRig rig = await GivenAccountAsync();
        Mailbox work = (await rig.Store.OpenAsync(Ann, MailboxName.Parse("Work")))!;
        BodyRange body = work.Current[3].Body;
        string path = rig.Store.Default.Segments.PathOf(body.Segment);
        byte[] file = await File.ReadAllBytesAsync(path);
        file[body.Offset + 20] ^= 1;
        await File.WriteAllBytesAsync(path, file);
        IOException fault = await Assert.ThrowsAsync<IOException>(() => MoveAsync(rig, Ann, "b"));
        Assert.Contains($"Message {work.Current[3].Uid} of mailbox Work cannot be copied", fault.Message, StringComparison.Ordinal);
        Assert.Equal(("default", 0), (rig.Store.HomeOf(Ann), AccountPicture.RowsIn(rig.Store.Slot("b").Open!, Ann)));

        await rig.Store.StoreFlagsAsync(work, [work.Current[3].Uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await rig.Store.ExpungeAsync(work, null);
        int count = work.Current.Count;
        await MoveAsync(rig, Ann, "b");
        Assert.Equal(count, work.Current.Count);
        await AssertWholeAsync(rig);
    }

    [Fact]
    public async Task When_there_is_no_such_partition_then_the_move_is_refused_in_words()
    {
        await using StoreRig rig = await GivenAccountAsync();
        IOException fault = await Assert.ThrowsAsync<IOException>(() => MoveAsync(rig, Ann, "nowhere"));
        Assert.Equal("There is no partition nowhere. Mail:Store:Partitions names default, b, c.", fault.Message);
        Assert.Equal(0, (await MoveAsync(rig, Ann, "default")).Messages);
    }
}
