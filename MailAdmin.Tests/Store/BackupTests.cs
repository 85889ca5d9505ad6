using System.Collections.Concurrent;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Io;
using MailEngine.Store;
using MailEngine.Store.Backup;

namespace MailAdmin.Tests.Store;

/// <summary>A backup of a store under load holds every message that was acknowledged before it began; restored, no id comes twice.</summary>
public sealed class BackupTests : IAsyncLifetime
{
    readonly TempFolder _target = new();
    StoreRig _rig = null!;

    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync(new StoreOptions
    {
        SegmentBytes = 60_000, InlineBodyBytes = 40_000, ExpungeRetention = TimeSpan.FromSeconds(-5), CompactionBytesPerSecond = int.MaxValue,
    });

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _target.Dispose();
    }

    string Backup => _target["backup"];

    static async Task<Dictionary<(long Account, string Box, uint Uid), string>> MessagesAsync(StoreRig rig, params long[] accounts)
    {
        var found = new Dictionary<(long, string, uint), string>();
        foreach (long account in accounts)
        {
            foreach (MailboxInfo info in await rig.Store.ListAsync(account))
            {
                Mailbox box = (await rig.Store.OpenAsync(account, info.Name))!;
                MailboxSnapshot now = box.Current;
                for (int i = 0; i < now.Count; i++)
                    found[(account, info.Name.Value, now[i].Uid)] = $"{Crc32C.Of(rig.Read(now[i])):x} {now[i].Flags} {string.Join(',', now.KeywordSets[now[i].KeywordSet])} {now[i].InternalDate}";
            }
        }
        return found;
    }

    [Fact]
    public async Task When_a_backup_is_made_under_load_then_what_is_restored_is_what_was_there_and_no_id_comes_twice()
    {
        var given = new ConcurrentDictionary<(long Mailbox, uint Uid), string>();
        ulong highest = 0;
        using var stop = new CancellationTokenSource();
        int next = 0;
        Task[] load = [.. Enumerable.Range(1, 3).Select(account => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                string id = $"m{Interlocked.Increment(ref next)}";
                AcceptOutcome outcome = await _rig.DeliverAsync(StoreRig.Mail(id, next % 17 == 0 ? 50_000 : 2000), StoreRig.To(account, prefix: "X-A: 1\r\n"));
                Assert.True(given.TryAdd((outcome.Deposits[0].MailboxId, outcome.Deposits[0].Uid), id));
                Mailbox box = (await _rig.Store.OpenAsync(account, MailboxName.Inbox))!;
                if (next % 5 == 0)
                    await _rig.Store.StoreFlagsAsync(box, [outcome.Deposits[0].Uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, ["$Work"]));
                if (next % 20 == 0)
                    await _rig.Store.ExpungeAsync(box, null);
                InterlockedMax(ref highest, box.Current.HighestModSeq);
            }
        })), Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await _rig.Store.PurgeAsync();
                await _rig.Store.CompactAsync();
                await Task.Delay(5);
            }
        })];
        while (next < 150)
            await Task.Delay(10);
        int copied = 0, segments = 0;
        for (int round = 0; round < 3; round++)
        {
            BackupReport report = await _rig.Store.BackUpAsync(Backup, default);
            Assert.Empty(report.Missing);
            Assert.True(report.Copied <= report.Segments);
            (copied, segments) = (report.Copied, report.Segments);
            int until = next + 60;
            while (next < until)
                await Task.Delay(10);
        }
        Assert.True(copied < segments, $"the last run copied {copied} of {segments}");
        await stop.CancelAsync();
        await Task.WhenAll(load);

        // The very last backup is of a store at rest, so that message by message can be compared.
        await _rig.Store.BackUpAsync(Backup, default);
        Dictionary<(long, string, uint), string> before = await MessagesAsync(_rig, 1, 2, 3);
        for (int i = 0; i < 10; i++)
        {
            AcceptOutcome late = await _rig.DeliverAsync(StoreRig.Mail($"late{i}"), StoreRig.To(1));
            given.TryAdd((late.Deposits[0].MailboxId, late.Deposits[0].Uid), "late");
        }
        InterlockedMax(ref highest, (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!.Current.HighestModSeq);
        await _rig.CloseAsync();
        string aside = StoreRestore.Run(Backup, _rig.Folder, DateTimeOffset.UtcNow, default);
        Assert.True(Directory.Exists(Path.Combine(aside, "partitions")));
        await _rig.ReopenAsync();
        Assert.Equal(before, await MessagesAsync(_rig, 1, 2, 3));
        CheckReport check = await _rig.Store.CheckAsync(null, default);
        Assert.True(check.IsWhole, string.Join('\n', check.Faults));
        AcceptOutcome after = await _rig.DeliverAsync(StoreRig.Mail("after"), StoreRig.To(1));
        Assert.False(given.ContainsKey((after.Deposits[0].MailboxId, after.Deposits[0].Uid)), "a UID came twice");
        Assert.True((await _rig.Store.OpenAsync(1, MailboxName.Inbox))!.Current.HighestModSeq > highest);
    }

    [Fact]
    public async Task When_the_old_data_folder_is_gone_then_ids_go_on_above_a_gap()
    {
        await _rig.GivenMailboxAsync(1, "INBOX", messages: 5);
        await _rig.Store.BackUpAsync(Backup, default);
        await _rig.GivenMailboxAsync(1, "INBOX", messages: 5);
        uint given = (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!.Current.UidNext;
        using var fresh = new TempFolder();
        StoreRestore.Run(Backup, fresh["data"], DateTimeOffset.UtcNow, default);
        await using StoreRig restored = await StoreRig.OpenAsync(folder: fresh["data"]);
        Mailbox box = (await restored.Store.OpenAsync(1, MailboxName.Inbox))!;
        Assert.Equal(5, box.Current.Count);
        Assert.True(box.Current.UidNext > given);
        Assert.True((await restored.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_a_restore_was_interrupted_then_the_next_start_ends_it()
    {
        await _rig.GivenMailboxAsync(1, "INBOX", messages: 5);
        await _rig.Store.BackUpAsync(Backup, default);
        await _rig.GivenMailboxAsync(1, "INBOX", messages: 5);
        await _rig.CloseAsync();
        StoreRestore.Run(Backup, _rig.Folder, DateTimeOffset.UtcNow, default);
        // As it was in the middle of the swap: the old state is aside, the new one not yet in its place.
        Directory.Move(Path.Combine(_rig.Folder, "partitions"), Path.Combine(_rig.Folder, "partitions.restoring"));
        await File.WriteAllTextAsync(Path.Combine(_rig.Folder, "restore.swap"), "before-restore-x");
        StoreRestore.Finish(_rig.Folder);
        await _rig.ReopenAsync();
        Assert.Equal(5, (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!.Current.Count);
        Assert.False(File.Exists(Path.Combine(_rig.Folder, "restore.swap")));
    }

    [Fact]
    public async Task When_there_is_no_complete_backup_or_the_store_is_open_then_nothing_is_touched()
    {
        await _rig.GivenMailboxAsync(1, "INBOX", messages: 2);
        Assert.Throws<IOException>(() => StoreRestore.Run(Backup, _rig.Folder, DateTimeOffset.UtcNow, default));
        await _rig.Store.BackUpAsync(Backup, default);
        Assert.Throws<StoreOpenException>(() => StoreRestore.Run(Backup, _rig.Folder, DateTimeOffset.UtcNow, default));
        Assert.Equal(2, (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!.Current.Count);
    }

    [Fact]
    public async Task When_one_account_is_restored_into_a_store_that_works_then_only_what_is_missing_comes_back()
    {
        Mailbox inbox = await _rig.GivenMailboxAsync(1, "INBOX", messages: 8), work = await _rig.GivenMailboxAsync(1, "Work", messages: 4);
        await _rig.GivenMailboxAsync(2, "INBOX", messages: 3);
        await _rig.DeliverAsync(StoreRig.Mail("prefixed"), StoreRig.To(1, prefix: "Delivered-To: one\r\n"));
        await _rig.Store.StoreFlagsAsync(inbox, [2, 9], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen | MessageFlags.Flagged, ["$Work"]));
        await _rig.Store.SubscribeAsync(1, MailboxName.Parse("Work"), true);
        byte[] second = _rig.Read(inbox.Current[1]), prefixed = _rig.Read(inbox.Current[8]);
        await _rig.Store.BackUpAsync(Backup, default);
        await _rig.Store.StoreFlagsAsync(inbox, [2, 3, 9], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await _rig.Store.ExpungeAsync(inbox, null);
        await _rig.Store.DeleteAsync(1, work.Name);
        await _rig.Store.PurgeAsync();
        await _rig.Store.CompactAsync();
        await _rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(1));

        (int messages, IReadOnlyList<string> faults) = await _rig.Store.RestoreAccountAsync(Backup, 1, default);
        Assert.Empty(faults);
        Assert.Equal(7, messages);
        Assert.Equal(10, inbox.Current.Count);
        Assert.Equal(4, (await _rig.Store.OpenAsync(1, MailboxName.Parse("Work")))!.Current.Count);
        MessageEntry back = Enumerable.Range(0, 10).Select(i => inbox.Current[i]).Single(e => _rig.Read(e).AsSpan().SequenceEqual(second));
        Assert.Equal((MessageFlags.Seen | MessageFlags.Flagged, true), (back.Flags, back.Uid > 10));
        Assert.Equal(["$Work"], inbox.Current.KeywordSets[back.KeywordSet]);
        Assert.Single(Enumerable.Range(0, 10), i => _rig.Read(inbox.Current[i]).AsSpan().SequenceEqual(prefixed));
        Assert.Contains(await _rig.Store.ListAsync(1), info => info is { Name.Value: "Work", Subscribed: true });
        Assert.Equal((0, 0), ((await _rig.Store.RestoreAccountAsync(Backup, 1, default)).Messages, faults.Count));
        Assert.Equal(3, (await _rig.Store.OpenAsync(2, MailboxName.Inbox))!.Current.Count);
        CheckReport check = await _rig.Store.CheckAsync(null, default);
        Assert.True(check.IsWhole, string.Join('\n', check.Faults));
    }

    static void InterlockedMax(ref ulong to, ulong value)
    {
        for (ulong seen = Volatile.Read(ref to); value > seen; seen = Volatile.Read(ref to))
            Interlocked.CompareExchange(ref to, value, seen);
    }
}
