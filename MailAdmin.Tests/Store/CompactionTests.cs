using System.Diagnostics;
using System.Runtime.CompilerServices;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

/// <summary>Compaction gives garbage back and nobody notices: same bytes, same UIDs, same mod-sequences, readers of before read on.</summary>
public sealed class CompactionTests : IAsyncLifetime
{
    StoreRig _rig = null!;

    // Expunged mail is garbage at once; a pass takes no rest.
    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync(new StoreOptions
    {
        SegmentBytes = 40_000, InlineBodyBytes = 50_000, ExpungeRetention = TimeSpan.FromSeconds(-5), CompactionBytesPerSecond = int.MaxValue,
    });

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    MailStore Store => _rig.Store;

    string[] Files => [.. Directory.GetFiles(Path.Combine(_rig.Folder, "partitions/default/segments")).Select(f => Path.GetFileName(f)!).Order()];

    long FileBytes => Directory.GetFiles(Path.Combine(_rig.Folder, "partitions/default/segments")).Sum(f => new FileInfo(f).Length);

    async Task<Mailbox> InboxAsync(long account = 1) => (await Store.OpenAsync(account, MailboxName.Inbox))!;

    async Task GivenSharedMailAsync(int count, int bytes = 3000)
    {
        for (int i = 0; i < count; i++)
            await _rig.DeliverAsync(StoreRig.Mail($"m{i}", bytes), StoreRig.To(1, prefix: $"Delivered-To: one-{i}\r\n"), StoreRig.To(2, prefix: $"Delivered-To: two-{i}\r\n"));
    }

    async Task ExpungeAsync(Mailbox box, Func<uint, bool> which)
    {
        uint[] uids = [.. Enumerable.Range(0, box.Current.Count).Select(i => box.Current[i].Uid).Where(which)];
        await Store.StoreFlagsAsync(box, uids, new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        Assert.Equal(StoreError.None, await Store.ExpungeAsync(box, uids));
    }

    Dictionary<uint, (ulong ModSeq, MessageFlags Flags, string Bytes)> Picture(Mailbox box, MailboxSnapshot? at = null)
    {
        MailboxSnapshot snapshot = at ?? box.Current;
        return Enumerable.Range(0, snapshot.Count).ToDictionary(i => snapshot[i].Uid, i => (snapshot[i].ModSeq, snapshot[i].Flags, Convert.ToHexString(_rig.Read(snapshot[i]))));
    }

    static void AssertSame<T>((T First, T Second) expected, (T First, T Second) actual)
    {
        Assert.Equal(expected.First, actual.First);
        Assert.Equal(expected.Second, actual.Second);
    }

    [Fact]
    public async Task When_most_is_expunged_then_the_rest_moves_once_unseen_and_readers_of_before_read_on()
    {
        await GivenSharedMailAsync(60);
        Mailbox one = await InboxAsync(), two = await InboxAsync(2);
        await Store.StoreFlagsAsync(one, [6], new FlagChange(FlagChangeMode.Add, MessageFlags.Flagged, ["$Work"]));
        MailboxSnapshot told = one.Current;
        using MessageReader late = Store.OpenMessage(told, told[6]);
        byte[] start = new byte[10];
        late.Read(0, start);
        await ExpungeAsync(one, uid => uid % 6 != 0);
        await ExpungeAsync(two, uid => uid % 6 != 0);
        await Store.PurgeAsync();
        var before = (Picture(one), Picture(two));
        long bytes = FileBytes;
        MailboxSnapshot sparse = one.Current;

        CompactionReport report = await Store.CompactAsync();
        Assert.True(report.Segments >= 4, $"{report}");
        Assert.True(FileBytes < bytes / 2, $"{bytes} -> {FileBytes}");
        AssertSame(before, (Picture(one), Picture(two)));
        Assert.True(SnapshotDifference.Of(sparse, one.Current).IsEmpty);
        Assert.Equal((one.Current[0].BodySegment, one.Current[0].BodyOffset), (two.Current[0].BodySegment, two.Current[0].BodyOffset));   // still stored once
        Assert.Equal(before.Item1, Picture(one, sparse));   // who was told of the old places finds the old bytes there
        Assert.Equal(60, Picture(one, told).Count);
        byte[] rest = new byte[late.Length];
        Assert.Equal(rest.Length, late.Read(0, rest));
        Assert.Contains("one-6", System.Text.Encoding.ASCII.GetString(rest), StringComparison.Ordinal);

        await Store.CompactAsync();   // the segment that was written to meanwhile
        Assert.Equal(0, (await Store.CompactAsync()).Segments);   // it is done
        await _rig.ReopenAsync();
        AssertSame(before, (Picture(await InboxAsync()), Picture(await InboxAsync(2))));
        CheckReport check = await Store.CheckAsync(null, default);
        Assert.True(check.IsWhole, string.Join('\n', check.Faults));
    }

    [Fact]
    public async Task When_nobody_holds_what_was_retired_then_its_file_is_closed()
    {
        await GivenSharedMailAsync(40);
        Mailbox one = await InboxAsync(), two = await InboxAsync(2);
        await ExpungeAsync(one, uid => uid > 3);
        await ExpungeAsync(two, uid => uid > 3);
        await Store.PurgeAsync();
        string[] before = Files;
        WeakReference pin = PinOf(one);
        await Store.CompactAsync();
        string[] gone = [.. before.Except(Files)];
        Assert.NotEmpty(gone);
        bool IsOpen() => OpenFiles().Any(file => gone.Any(name => file.Contains($"{_rig.Folder}/partitions/default/segments/{name}", StringComparison.Ordinal)));
        var patience = Stopwatch.StartNew();
        for (int i = 0; patience.Elapsed < TimeSpan.FromSeconds(60) && (pin.IsAlive || IsOpen()); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(Math.Min(i, 50));   // the text index may be reading
        }
        Assert.False(pin.IsAlive);
        Assert.False(IsOpen());
        Assert.Equal(3, Picture(one).Count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static WeakReference PinOf(Mailbox box) => new(box.Current.Pin);

    static string[] OpenFiles() => [.. Directory.GetFileSystemEntries("/proc/self/fd").Select(fd =>
    {
        try
        {
            return File.ResolveLinkTarget(fd, false)?.FullName ?? "";
        }
        catch (IOException)
        {
            return "";   // closed meanwhile
        }
    })];

    [Fact]
    public async Task When_messages_were_copied_moved_expunged_queued_and_their_mailbox_deleted_then_all_of_it_moves_along()
    {
        Mailbox inbox = await _rig.GivenMailboxAsync(1, "INBOX", messages: 300), copies = await _rig.GivenMailboxAsync(1, "Copies"), gone = await _rig.GivenMailboxAsync(1, "Gone");
        await Store.CopyAsync(inbox, [5, 6, 7, 150], copies, 0);
        await Store.CopyAsync(inbox, [8, 9], gone, 0);
        await Store.MoveAsync(inbox, [10, 11], copies);
        var entry = new QueueEntry
        {
            MessageKey = "k", ReversePath = "a@example.test", Recipient = EmailAddress.Parse("b@other.test"), QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow,
        };
        using (Body body = _rig.GivenBody(StoreRig.Mail("queued")))
            await Store.AcceptAsync(new Acceptance { Body = body, Queue = [entry] }, default);
        await _rig.GivenMailboxAsync(1, "INBOX", messages: 100);
        await ExpungeAsync(inbox, uid => uid is not (20 or 390));
        await Store.PurgeAsync();
        // From here on expunged mail is kept.
        _rig.Options.ExpungeRetention = TimeSpan.FromDays(1);
        await _rig.ReopenAsync();
        inbox = await InboxAsync();
        copies = (await Store.OpenAsync(1, MailboxName.Parse("Copies")))!;
        await ExpungeAsync(copies, uid => uid == 2);
        await Store.DeleteAsync(1, MailboxName.Parse("Gone"));
        QueueEntry old = Assert.Single(Store.ReadQueue());
        var before = (Picture(inbox), Picture(copies));
        string[] files = Files;

        Assert.True((await Store.CompactAsync()).Segments > 0);
        AssertSame(before, (Picture(inbox), Picture(copies)));
        QueueEntry row = Assert.Single(Store.ReadQueue());
        Assert.NotEqual(old.Body, row.Body);
        foreach (QueueEntry each in new[] { old, row })
        {
            using MessageReader reader = Store.OpenBody(each.Body);
            byte[] bytes = new byte[reader.Length];
            reader.Read(0, bytes);
            Assert.Equal(StoreRig.Mail("queued"), bytes);
        }
        Assert.Equal(0, (await Store.CompactAsync()).Segments);
        await _rig.ReopenAsync();
        Assert.Equal(1, (await Store.RestoreMessagesAsync(1, null, 0)).Messages);
        DeletedMailbox deleted = Assert.Single(Store.DeletedMailboxes(1));
        Assert.Equal(2, (await Store.RestoreMailboxAsync(1, deleted.Id, 0)).Messages);
        Assert.Contains("INBOX-8", System.Text.Encoding.ASCII.GetString(_rig.Read((await Store.OpenAsync(1, MailboxName.Parse("Gone")))!.Current[0])), StringComparison.Ordinal);
        CheckReport check = await Store.CheckAsync(null, default);
        Assert.True(check.IsWhole, string.Join('\n', check.Faults));
        Assert.NotEqual(files, Files);
    }

    [Fact]
    public async Task When_a_large_body_is_dead_then_its_file_goes_and_its_number_never_comes_back()
    {
        await _rig.DeliverAsync(StoreRig.Mail("large", 200_000), StoreRig.To(1));
        await _rig.DeliverAsync(StoreRig.Mail("larger", 300_000), StoreRig.To(1));
        Mailbox box = await InboxAsync();
        uint number = box.Current[1].BodySegment;
        using Body onItsWay = _rig.GivenBody(StoreRig.Mail("on its way", 250_000));
        int files = Files.Length;
        await ExpungeAsync(box, uid => uid == 2);
        await Store.PurgeAsync();
        await Store.CompactAsync();
        Assert.Equal(files - 1, Files.Length);
        Assert.Single(Picture(box));
        AcceptOutcome outcome = await Store.AcceptAsync(new Acceptance { Body = onItsWay, Deposits = [StoreRig.To(1)] }, default);
        Assert.Equal(StoreError.None, outcome.Fault);
        Assert.Equal(2, Picture(box).Count);
        await ExpungeAsync(box, _ => true);
        await Store.PurgeAsync();
        await _rig.ReopenAsync();
        await Store.CompactAsync();
        Assert.Empty(Files);
        await _rig.ReopenAsync();
        await _rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(1));
        Assert.True((await InboxAsync()).Current[0].BodySegment > number + 1);
    }

    [Fact]
    public async Task When_a_live_message_of_a_segment_is_damaged_then_the_segment_stays_as_it_is()
    {
        await GivenSharedMailAsync(12);
        Mailbox one = await InboxAsync(), two = await InboxAsync(2);
        MessageEntry hurt = one.Current[2];
        await ExpungeAsync(one, uid => uid > 4);
        await ExpungeAsync(two, uid => uid > 4);
        await Store.PurgeAsync();
        await _rig.CloseAsync();
        string file = Path.Combine(_rig.Folder, "partitions/default/segments", hurt.BodySegment.ToString("D8", System.Globalization.CultureInfo.InvariantCulture));
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[hurt.BodyOffset + 700] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        await _rig.ReopenAsync();
        Assert.True((await Store.CompactAsync()).Segments <= 1);   // flags alone, in a segment of their own
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file));
    }

    [Fact]
    public async Task When_clients_read_old_and_new_places_while_segments_go_then_every_byte_is_right()
    {
        await GivenSharedMailAsync(40, 1000);
        Mailbox box = await InboxAsync();
        using var stop = new CancellationTokenSource();
        int reads = 0;
        Task[] readers = [.. Enumerable.Range(0, 3).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            MailboxSnapshot told = box.Current;
            for (int i = 0; !stop.IsCancellationRequested || i < 100; i++)
            {
                if (random.Next(20) == 0)
                    told = box.Current;   // a client that syncs now and then
                MessageEntry entry = told[random.Next(told.Count)];
                string text = System.Text.Encoding.ASCII.GetString(_rig.Read(entry));
                Assert.StartsWith("Delivered-To: one-", text, StringComparison.Ordinal);
                Assert.EndsWith("x\r\n", text, StringComparison.Ordinal);
                Interlocked.Increment(ref reads);
            }
        }))];
        int removed = 0;
        for (int round = 0; round < 8; round++)
        {
            await GivenSharedMailAsync(20, 1000);
            uint keep = box.Current.UidNext;
            await ExpungeAsync(box, uid => uid % 4 != round % 4 && uid + 15 < keep);
            await ExpungeAsync(await InboxAsync(2), uid => uid + 15 < keep);
            await Store.PurgeAsync();
            removed += (await Store.CompactAsync()).Segments;
        }
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(removed > 3 && reads > 300, $"{removed} segments removed, {reads} reads");
        CheckReport check = await Store.CheckAsync(null, default);
        Assert.True(check.IsWhole, string.Join('\n', check.Faults));
    }
}
