using System.Globalization;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Io;
using MailEngine.Store;
using MailEngine.Store.Repair;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Store;

/// <summary>Destroyed and damaged indexes, lost and torn segments: repair gives back every message there is, under the UID it had, and a second
/// one changes nothing.</summary>
public sealed class RepairTests : IAsyncLifetime
{
    StoreRig _rig = null!;

    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync(new StoreOptions { SegmentBytes = 30_000, InlineBodyBytes = 40_000 });

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    MailStore Store => _rig.Store;

    string Index => Path.Combine(_rig.Folder, "partitions/default/index.db");

    string SegmentPath(uint number) => Path.Combine(_rig.Folder, "partitions/default/segments", number.ToString("D8", CultureInfo.InvariantCulture));

    sealed record Picture(Dictionary<string, (uint Validity, string Messages)> Boxes)
    {
        public override string ToString() => string.Join('\n', Boxes.OrderBy(b => b.Key, StringComparer.Ordinal).Select(b => $"{b.Key} {b.Value.Validity}: {b.Value.Messages}"));
    }

    /// <summary>Every mailbox with UIDVALIDITY, UIDs and bytes of its messages.</summary>
    async Task<Picture> PictureAsync(bool withFlags = false)
    {
        var boxes = new Dictionary<string, (uint, string)>();
        foreach (long account in new[] { 1L, 2L })
        {
            foreach (MailboxInfo info in await Store.ListAsync(account))
            {
                Mailbox box = (await Store.OpenAsync(account, info.Name))!;
                MailboxSnapshot now = box.Current;
                boxes[$"{account}/{info.Name}"] = (now.UidValidity, string.Join(' ', Enumerable.Range(0, now.Count).Select(i =>
                    $"{now[i].Uid}:{Crc32C.Of(_rig.Read(now[i])):x}{(withFlags ? $":{now[i].Flags}:{string.Join(',', now.KeywordSets[now[i].KeywordSet])}" : "")}:{now[i].InternalDate}")));
            }
        }
        return new Picture(boxes);
    }

    /// <summary>Mail of all kinds in two accounts: shared, copied, moved, large, flagged, expunged.</summary>
    async Task GivenMailAsync()
    {
        for (int i = 0; i < 70; i++)
            await _rig.DeliverAsync(StoreRig.Mail($"m{i}", 300), StoreRig.To(1, prefix: $"Delivered-To: one-{i}\r\n"), StoreRig.To(2, prefix: $"Delivered-To: two-{i}\r\n"));
        Mailbox inbox = (await Store.OpenAsync(1, MailboxName.Inbox))!, work = await _rig.GivenMailboxAsync(1, "Work/2026", messages: 5);
        await Store.CopyAsync(inbox, [3, 4], work, 0);
        await Store.MoveAsync(inbox, [10, 11, 12], work);
        await _rig.DeliverAsync(StoreRig.Mail("large", 120_000), StoreRig.To(2));
        await Store.StoreFlagsAsync(inbox, [5, 6, 60], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen | MessageFlags.Flagged, ["$Work"]));
    }

    Task<RepairReport> RepairAsync() => OfflineRepair.RunAsync(_rig.Folder, _rig.Options, TimeProvider.System, NullLogger.Instance, default);

    async Task AssertWholeAsync()
    {
        CheckReport check = await Store.CheckAsync(null, default);
        Assert.True(check.IsWhole, string.Join('\n', check.Faults));
    }

    [Fact]
    public async Task When_the_index_is_gone_then_all_mail_is_back_with_its_uids_and_none_is_given_again()
    {
        await GivenMailAsync();
        var entry = new QueueEntry
        {
            MessageKey = "k", ReversePath = "a@example.test", Recipient = EmailAddress.Parse("b@other.test"), QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow,
        };
        using (Body body = _rig.GivenBody(StoreRig.Mail("queued")))
            await Store.AcceptAsync(new Acceptance { Body = body, Queue = [entry] }, default);
        Picture before = await PictureAsync();
        uint next = (await Store.OpenAsync(1, MailboxName.Inbox))!.Current.UidNext;
        ulong modSeq = (await Store.OpenAsync(1, MailboxName.Inbox))!.Current.HighestModSeq;
        await _rig.CloseAsync();
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Index)!, "index.db*"))
            File.Delete(file);

        RepairReport report = await RepairAsync();
        Assert.NotEmpty(report.Done);
        Assert.Empty(report.Lost);
        await _rig.ReopenAsync();
        // A mailbox that never held anything stands in no segment.
        Assert.Equal(new Picture(before.Boxes.Where(b => b.Value.Messages.Length > 0).ToDictionary()).ToString(), (await PictureAsync()).ToString());
        await AssertWholeAsync();
        Assert.Equal(QueueState.Held, Assert.Single(Store.ReadQueue()).State);
        AcceptOutcome late = await _rig.DeliverAsync(StoreRig.Mail("late"), StoreRig.To(1));
        Assert.True(late.Deposits[0].Uid >= next);
        Assert.True((await Store.OpenAsync(1, MailboxName.Inbox))!.Current.HighestModSeq > modSeq);
        await _rig.CloseAsync();
        Assert.Empty((await RepairAsync()).Done);
        // The files of large messages are on the list again: a backup has them, compaction finds them.
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))
            db.Execute("DELETE FROM segment");
        await _rig.ReopenAsync();
        Assert.Contains((await Store.CheckAsync(null, default)).Faults, fault => fault.Contains("a backup would miss it", StringComparison.Ordinal));
        foreach (long account in new[] { 1L, 2L })
            await Store.RepairAsync(account, default);
        Assert.DoesNotContain((await Store.CheckAsync(1, default)).Faults.Concat((await Store.CheckAsync(2, default)).Faults), fault => fault.Length > 0);
    }

    [Fact]
    public async Task When_pages_of_the_index_are_destroyed_one_by_one_then_no_message_and_no_uid_is_lost()
    {
        await GivenMailAsync();
        Picture before = await PictureAsync();
        await _rig.CloseAsync();
        byte[] whole = await File.ReadAllBytesAsync(Index);
        int pages = whole.Length / 4096;
        var random = new Random(3);
        int rebuilt = 0;
        foreach (int page in Enumerable.Range(0, pages).Where(p => p % Math.Max(1, pages / 14) == 0))
        {
            byte[] hurt = [.. whole];
            random.NextBytes(hurt.AsSpan(page * 4096, page % 2 == 0 ? 4096 : 100));
            foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Index)!, "index.db*"))
                File.Delete(file);
            await File.WriteAllBytesAsync(Index, hurt);
            RepairReport report = await RepairAsync();
            rebuilt += report.Done.Any(d => d.Contains("a new one was made", StringComparison.Ordinal)) ? 1 : 0;
            Assert.Empty(report.Lost);
            await _rig.ReopenAsync();
            Picture after = await PictureAsync();
            foreach ((string box, (uint Validity, string Messages) state) in before.Boxes.Where(b => b.Value.Messages.Length > 0))
                Assert.True(after.Boxes.GetValueOrDefault(box) == state, $"page {page}, {box}:\n{state}\n{after}\n{string.Join('\n', report.Done)}");
            await AssertWholeAsync();
            await _rig.CloseAsync();
            Assert.Empty((await RepairAsync()).Done);
        }
        Assert.True(rebuilt > 3, $"only {rebuilt} of the damages were seen by SQLite");
        Assert.NotEmpty(Directory.GetDirectories(Path.GetDirectoryName(Index)!, "index.damaged-*"));
        await _rig.ReopenAsync();
    }

    [Fact]
    public async Task When_a_page_of_chunks_is_destroyed_then_flags_of_the_others_are_kept()
    {
        await GivenMailAsync();
        await Store.StoreFlagsAsync((await Store.OpenAsync(2, MailboxName.Inbox))!, [1, 2, 3], new FlagChange(FlagChangeMode.Add, MessageFlags.Answered, []));
        string before = (await PictureAsync(withFlags: true)).Boxes["2/INBOX"].Messages;
        await _rig.CloseAsync();
        int page;
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))
        {
            db.Checkpoint();
            page = (int)(db.ReadNumber("SELECT rootpage FROM sqlite_schema WHERE name='expunged'") ?? 0);
        }
        byte[] bytes = await File.ReadAllBytesAsync(Index);
        bytes.AsSpan((page - 1) * 4096, 4096).Fill(0xA5);
        await File.WriteAllBytesAsync(Index, bytes);
        Assert.Contains((await RepairAsync()).Done, done => done.Contains("is kept in", StringComparison.Ordinal));
        await _rig.ReopenAsync();
        Assert.Equal(before, (await PictureAsync(withFlags: true)).Boxes["2/INBOX"].Messages);
        await AssertWholeAsync();
    }

    [Fact]
    public async Task When_rows_of_one_account_are_wrong_then_they_are_put_right_while_the_others_work()
    {
        await GivenMailAsync();
        Picture before = await PictureAsync();
        await _rig.CloseAsync();
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))
        {
            db.Execute("""
                UPDATE chunk SET data=x'0102' WHERE id=(SELECT min(id) FROM chunk WHERE account=1);
                UPDATE mailbox SET unseen=99 WHERE account=1 AND name='Work/2026';
                UPDATE account SET bytes=1 WHERE id=1;
                DELETE FROM message WHERE account=1 AND id & 0xffffffff = 2;
                """);
        }
        await _rig.ReopenAsync();
        using var stop = new CancellationTokenSource();
        Task others = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                Assert.Equal(StoreError.None, (await _rig.DeliverAsync(StoreRig.Mail("more"), StoreRig.To(3))).Fault);
        });
        RepairReport report = await Store.RepairAsync(1, default);
        await stop.CancelAsync();
        await others;
        Assert.True(report.Done.Count >= 4, string.Join('\n', report.Done));
        Assert.Empty(report.Lost);
        Assert.Equal(before.ToString(), (await PictureAsync()).ToString());
        await AssertWholeAsync();
        Assert.Empty((await Store.RepairAsync(1, default)).Done);
        Assert.Equal(StoreError.None, (await _rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(1))).Fault);
        await _rig.ReopenAsync();
        await AssertWholeAsync();
    }

    [Fact]
    public async Task When_rows_are_damaged_under_an_open_mailbox_then_they_are_written_anew_from_memory_with_all_flags()
    {
        await GivenMailAsync();
        Mailbox box = (await Store.OpenAsync(1, MailboxName.Inbox))!;
        string before = (await PictureAsync(withFlags: true)).ToString();
        Assert.True((await Store.CheckAsync(null, default)).IsWhole);   // all rows are written
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))
            db.Execute("UPDATE chunk SET data=x'0102' WHERE account=1");
        Assert.Empty((await Store.RepairAsync(1, default)).Lost);
        Assert.Equal(StoreError.None, (await _rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(3))).Fault);
        Assert.Equal(before, (await PictureAsync(withFlags: true)).ToString());
        Assert.Same(box, await Store.OpenAsync(1, MailboxName.Inbox));
        await _rig.ReopenAsync();
        Assert.Equal(before, (await PictureAsync(withFlags: true)).ToString());
        await AssertWholeAsync();
    }

    [Fact]
    public async Task When_a_segment_is_lost_then_only_its_messages_cannot_be_read_and_they_are_back_when_it_is()
    {
        await GivenMailAsync();
        Picture before = await PictureAsync();
        Mailbox box = (await Store.OpenAsync(2, MailboxName.Inbox))!;
        uint segment = box.Current[0].BodySegment;
        await _rig.CloseAsync();
        File.Move(SegmentPath(segment), Path.Combine(_rig.Folder, "away"));
        await _rig.ReopenAsync();
        CheckReport check = await Store.CheckAsync(null, default);
        Assert.Contains($"segment {segment} is lost", Assert.Single(check.Faults), StringComparison.Ordinal);
        box = (await Store.OpenAsync(2, MailboxName.Inbox))!;
        Assert.Throws<FileNotFoundException>(() => _rig.Read(box.Current[0]));
        Assert.NotEmpty(_rig.Read(box.Current[^1]));
        RepairReport report = await Store.RepairAsync(2, default);
        Assert.Empty(report.Done);
        Assert.Single(report.Lost);
        Assert.Equal(71, box.Current.Count);
        Assert.Equal(StoreError.None, (await _rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(3))).Fault);
        await _rig.CloseAsync();
        Assert.NotEmpty((await RepairAsync()).Lost);
        File.Move(Path.Combine(_rig.Folder, "away"), SegmentPath(segment));
        await _rig.ReopenAsync();
        Assert.Equal(before.ToString(), (await PictureAsync()).ToString());
        await AssertWholeAsync();
    }

    [Fact]
    public async Task When_index_and_the_end_of_a_segment_are_gone_then_what_is_left_is_whole()
    {
        await GivenMailAsync();
        Mailbox box = (await Store.OpenAsync(2, MailboxName.Inbox))!;
        MessageEntry torn = box.Current[40];
        await _rig.CloseAsync();
        await using (FileStream file = File.OpenWrite(SegmentPath(torn.BodySegment)))
            file.SetLength(torn.BodyOffset + 10);
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Index)!, "index.db*"))
            File.Delete(file);
        await RepairAsync();
        await _rig.ReopenAsync();
        box = (await Store.OpenAsync(2, MailboxName.Inbox))!;
        Assert.Equal(-1, box.Current.IndexOf(41));
        Assert.True(box.Current.Count >= 40, $"{box.Current.Count}");
        await AssertWholeAsync();
        Assert.True((await _rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(2))).Deposits[0].Uid > 71);
    }

    [Fact]
    public async Task When_a_swap_was_interrupted_then_the_next_start_ends_it_and_an_unfinished_rebuild_is_thrown_away()
    {
        await GivenMailAsync();
        Picture before = await PictureAsync();
        await _rig.CloseAsync();
        string folder = Path.GetDirectoryName(Index)!;
        // A rebuild that was not finished: the old index counts.
        await File.WriteAllTextAsync(Path.Combine(folder, "index.db.new"), "half");
        await _rig.ReopenAsync();
        Assert.Equal(before.ToString(), (await PictureAsync()).ToString());
        await _rig.CloseAsync();
        // One that was finished and half put in place: the new one counts, whatever log the old one left.
        File.Copy(Index, Path.Combine(folder, "index.db.new"), overwrite: true);
        await File.WriteAllTextAsync(Index, "old");
        await File.WriteAllTextAsync(Index + "-wal", "log of the old one");
        await File.WriteAllTextAsync(Path.Combine(folder, "index.swap"), "");
        await _rig.ReopenAsync();
        Assert.Equal(before.ToString(), (await PictureAsync()).ToString());
        Assert.False(File.Exists(Path.Combine(folder, "index.swap")));
        await AssertWholeAsync();
    }
}
