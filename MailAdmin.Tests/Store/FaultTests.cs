using System.Diagnostics;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Io;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

/// <summary>Disks that are full, files that are damaged: one clear line, nothing acknowledged lost, the rest works on (S5).</summary>
public sealed class FaultTests
{
    [Fact]
    public async Task When_the_disk_is_full_then_mail_is_put_off_and_what_was_acknowledged_stays()
    {
        using var mount = new TempFolder();
        Mount("-t", "tmpfs", "-o", "size=6m", "tmpfs", mount.Path);
        try
        {
            var kept = new List<string>();
            await using (StoreRig rig = await StoreRig.OpenAsync(new StoreOptions { ReserveBytes = 1 << 20 }, mount["data"]))
            {
                StoreError fault = StoreError.None;
                for (int i = 0; fault == StoreError.None && i < 200; i++)
                {
                    AcceptOutcome outcome = await rig.DeliverAsync(StoreRig.Mail($"m{i}", 60_000), StoreRig.To(1)).WaitAsync(TimeSpan.FromSeconds(60));
                    fault = outcome.Fault;
                    if (fault == StoreError.None)
                        kept.Add($"m{i}");
                }
                Assert.Equal(StoreError.Unavailable, fault);
                Assert.NotEmpty(kept);

                // Reading and the mail that is there go on.
                Mailbox box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
                Assert.Equal(kept.Count, box.Current.Count);
                Assert.True((await rig.Store.CheckAsync(null, default)).IsWhole);

                // So does deleting, which the space kept aside is for.
                Assert.Equal(StoreError.None, await rig.Store.StoreFlagsAsync(box, [box.Current[0].Uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, [])));
                Assert.Equal(StoreError.None, await rig.Store.ExpungeAsync(box, null));
                kept.RemoveAt(0);
                Assert.Equal(kept.Count, box.Current.Count);
            }
            // Space comes back: so does delivery, in the same store.
            await using (StoreRig rig = await StoreRig.OpenAsync(new StoreOptions { ReserveBytes = 1 << 20 }, mount["data"]))
            {
                Mailbox box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
                Assert.Equal(kept.Count, box.Current.Count);
                Mount("-o", "remount,size=12m", mount.Path);
                Assert.Equal(StoreError.None, (await rig.DeliverAsync(StoreRig.Mail("after", 60_000), StoreRig.To(1))).Fault);
                Assert.Equal(kept.Count + 1, box.Current.Count);
                Assert.True((await rig.Store.CheckAsync(null, default)).IsWhole);
            }
        }
        finally
        {
            Process.Start("umount", ["-l", mount.Path]).WaitForExit();
        }
    }

    [Fact]
    public async Task When_a_large_body_does_not_fit_on_the_disk_then_writing_it_fails_and_its_file_goes()
    {
        using var mount = new TempFolder();
        Mount("-t", "tmpfs", "-o", "size=6m", "tmpfs", mount.Path);
        try
        {
            await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions { ReserveBytes = 1 << 20 }, mount["data"]);
            Assert.Throws<IOException>(() => rig.GivenBody(StoreRig.Mail("large", 20_000_000)));
            Assert.Empty(Directory.GetFiles(mount["data/partitions/default/segments"]));
            Assert.Equal(StoreError.None, (await rig.DeliverAsync(StoreRig.Mail("small"), StoreRig.To(1))).Fault);
        }
        finally
        {
            Process.Start("umount", ["-l", mount.Path]).WaitForExit();
        }
    }

    static QueueEntry Queued() => new()
    {
        MessageKey = "K", ReversePath = "ann@example.test", Recipient = MailEngine.Addresses.EmailAddress.Parse("x@other.test"),
        QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow,
    };

    [Theory, InlineData(40), InlineData(2_000_000)]   // in the segment; in a file of its own
    public async Task When_a_commit_fails_whose_rows_are_in_the_log_all_the_same_then_what_they_name_is_there(int bytes)
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        await rig.GivenMailboxAsync(1, "INBOX", messages: 1);
        rig.Store.Default.Settle();
        rig.Store.Default.StepReached = step =>
        {
            if (step == CommitStep.Committed)
                throw new SqliteException(10, "disk I/O error");   // as when the frames were written and their sync fails
        };
        using (Body body = rig.GivenBody(StoreRig.Mail("doubtful", bytes)))
        {
            AcceptOutcome outcome = await rig.Store.AcceptAsync(new Acceptance { Body = body, Deposits = [StoreRig.To(1)], Queue = [Queued()] }, default);
            Assert.Equal(StoreError.Unavailable, outcome.Fault);
        }
        await rig.ReopenAsync();   // nothing was committed in between, as when the process is killed

        CheckReport check = await rig.Store.CheckAsync(null, default);
        Assert.True(check.IsWhole, string.Join('\n', check.Faults));
        Mailbox box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        Assert.Equal(2, box.Current.Count);
        Assert.Contains("doubtful", System.Text.Encoding.ASCII.GetString(rig.Read(box.Current[1])), StringComparison.Ordinal);
        Assert.Single(rig.Store.ReadQueue());
    }

    [Fact]
    public async Task When_a_change_of_rows_alone_fails_then_the_next_delivery_first_settles_that_it_does_not_hold()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        Mailbox box = await rig.GivenMailboxAsync(1, "Work", messages: 1);
        rig.Store.Default.Settle();
        var steps = new List<CommitStep>();
        bool isFaulty = true;
        rig.Store.Default.StepReached = step =>
        {
            lock (steps)
                steps.Add(step);
            if (step == CommitStep.RowsWritten && isFaulty)
                throw new SqliteException(10, "disk I/O error");
        };
        Assert.Equal(StoreError.Unavailable, await rig.Store.DeleteAsync(1, MailboxName.Parse("Work")));
        isFaulty = false;
        lock (steps)
            steps.Clear();
        await rig.DeliverAsync(StoreRig.Mail("next"), StoreRig.To(1, "Work"));
        lock (steps)
            Assert.Equal([CommitStep.RowsWritten, CommitStep.Committed], steps[..2]);   // before its own bytes
        Assert.Equal(2, box.Current.Count);
    }

    [Fact]
    public async Task When_a_large_message_was_not_kept_after_all_then_compaction_removes_its_file()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        await rig.GivenMailboxAsync(1, "INBOX", messages: 1);
        rig.Store.Default.Settle();
        bool isFaulty = true;
        rig.Store.Default.StepReached = step =>
        {
            if (step == CommitStep.RowsWritten && isFaulty)
                throw new SqliteException(10, "disk I/O error");
        };
        using (Body body = rig.GivenBody(StoreRig.Mail("large", 2_000_000)))
            Assert.Equal(StoreError.Unavailable, (await rig.Store.AcceptAsync(new Acceptance { Body = body, Queue = [Queued()] }, default)).Fault);
        isFaulty = false;
        await rig.DeliverAsync(StoreRig.Mail("next"), StoreRig.To(1));
        long Largest() => Directory.GetFiles(Path.Combine(rig.Folder, "partitions/default/segments")).Max(file => new FileInfo(file).Length);
        Assert.True(Largest() > 2_000_000, $"{Largest()}");
        await rig.Store.CompactAsync();
        Assert.True(Largest() < 2_000_000, $"{Largest()}");
        Assert.True((await rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Theory, InlineData(0, 100), InlineData(100, 4000)]
    public async Task When_the_index_is_damaged_then_opening_says_so_in_one_line_and_touches_nothing(int at, int bytes)
    {
        using var folder = new TempFolder();
        await using (StoreRig rig = await StoreRig.OpenAsync(folder: folder.Path))
            await rig.DeliverAsync(StoreRig.Mail("m"), StoreRig.To(1));
        string index = folder["partitions/default/index.db"];
        await using (FileStream file = File.OpenWrite(index))
        {
            file.Position = at;
            file.Write(new byte[bytes]);
        }
        byte[] damaged = await File.ReadAllBytesAsync(index);
        StoreOpenException fault = await Assert.ThrowsAsync<StoreOpenException>(() => StoreRig.OpenAsync(folder: folder.Path));
        Assert.Contains("index.db is damaged", fault.Message, StringComparison.Ordinal);
        Assert.Contains("run 'store repair'", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.Equal(damaged, await File.ReadAllBytesAsync(index));
    }

    [Fact]
    public async Task When_two_processes_want_one_store_then_the_second_is_told()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        StoreOpenException fault = await Assert.ThrowsAsync<StoreOpenException>(() => StoreRig.OpenAsync(folder: rig.Folder));
        Assert.Contains("in use by another process", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_segment_is_cut_short_then_only_its_lost_messages_suffer_and_the_check_names_them()
    {
        await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions { SegmentBytes = 4000 });
        Mailbox box = await rig.GivenMailboxAsync(1, "INBOX", messages: 30);
        MessageEntry last = box.Current[29];
        await rig.CloseAsync();
        string segment = Path.Combine(rig.Folder, "partitions/default/segments", last.BodySegment.ToString("D8", System.Globalization.CultureInfo.InvariantCulture));
        await using (FileStream file = File.OpenWrite(segment))
            file.SetLength(last.BodyOffset + 10);

        await rig.ReopenAsync();
        box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        Assert.Equal(30, box.Current.Count);
        Assert.NotEmpty(rig.Read(box.Current[0]));
        Assert.Throws<StorageException>(() => rig.Read(box.Current[29]));
        CheckReport report = await rig.Store.CheckAsync(null, default);
        Assert.Contains("message 30", Assert.Single(report.Faults), StringComparison.Ordinal);
        Assert.Equal(StoreError.None, (await rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(1))).Fault);
    }

    [Fact]
    public async Task When_a_bit_flips_then_the_check_names_the_message()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        for (int i = 0; i < 5; i++)
            await rig.DeliverAsync(StoreRig.Mail($"m{i}"), StoreRig.To(1, prefix: "Delivered-To: bob@example.test\r\n"));
        Mailbox box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        (uint segment, uint body, uint prefix) = (box.Current[2].BodySegment, box.Current[2].BodyOffset, box.Current[3].PrefixOffset);
        await rig.CloseAsync();
        await using (FileStream file = File.Open(Path.Combine(rig.Folder, "partitions/default/segments", segment.ToString("D8", System.Globalization.CultureInfo.InvariantCulture)), FileMode.Open))
        {
            foreach (uint at in new[] { body + 20, prefix + 3 })
            {
                file.Position = at;
                int old = file.ReadByte();
                file.Position = at;
                file.WriteByte((byte)(old ^ 4));
            }
        }
        await rig.ReopenAsync();
        CheckReport report = await rig.Store.CheckAsync(null, default);
        Assert.Equal(2, report.Faults.Count);
        Assert.Contains("message 3: the bytes are not those that were written", report.Faults[0], StringComparison.Ordinal);
        Assert.Contains("prefix of message 4", report.Faults[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_counters_drift_or_rows_are_lost_then_the_check_says_what_a_recount_gives()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        await rig.GivenMailboxAsync(1, "INBOX", messages: 3);
        await rig.CloseAsync();
        using (var db = new MailEngine.Io.SqliteDatabase(Path.Combine(rig.Folder, "partitions/default/index.db"), MailEngine.Io.SqliteOpen.ReadWrite))
            db.Execute("UPDATE mailbox SET unseen=9; UPDATE account SET bytes=1; DELETE FROM message WHERE id & 0xffffffff = 2");
        await rig.ReopenAsync();
        CheckReport report = await rig.Store.CheckAsync(null, default);
        Assert.Contains(report.Faults, f => f.Contains("9 unseen", StringComparison.Ordinal));
        Assert.Contains(report.Faults, f => f.Contains("account 1: the counters say 3 messages and 1 bytes", StringComparison.Ordinal));
        Assert.Contains(report.Faults, f => f.Contains("message 2 has no stored ENVELOPE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_one_mailbox_cannot_be_read_then_the_others_do_not_notice()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        await rig.GivenMailboxAsync(1, "INBOX", messages: 3);
        await rig.GivenMailboxAsync(2, "INBOX", messages: 3);
        await rig.CloseAsync();
        using (var db = new MailEngine.Io.SqliteDatabase(Path.Combine(rig.Folder, "partitions/default/index.db"), MailEngine.Io.SqliteOpen.ReadWrite))
            db.Execute("UPDATE chunk SET data=x'0102' WHERE account=1");
        await rig.ReopenAsync();
        AcceptOutcome[] outcomes = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => rig.DeliverAsync(StoreRig.Mail($"m{i}"), StoreRig.To(1 + (i % 2)))));
        Assert.All(outcomes.Where((_, i) => i % 2 == 0), o => Assert.Equal(StoreError.Unavailable, o.Fault));
        Assert.All(outcomes.Where((_, i) => i % 2 == 1), o => Assert.Equal(StoreError.None, o.Fault));
        Assert.Equal(13, (await rig.Store.OpenAsync(2, MailboxName.Inbox))!.Current.Count);
    }

    [Fact]
    public async Task When_another_program_looks_into_the_index_then_its_log_stays()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        await rig.GivenMailboxAsync(1, "INBOX", messages: 3);
        for (int i = 0; !rig.Store.Default.IsWarm; i++)
        {
            Assert.True(i < 1000, "the index is not read");
            await Task.Delay(10);
        }
        string index = Path.Combine(rig.Folder, "partitions/default/index.db");
        rig.Store.Default.Settle();
        // The last one who closes a database removes its log: it must not think it is the last. Locks do not bind within one process.
        Assert.Equal("3", (await Programs.MustAsync("sqlite3", index, "SELECT count(*) FROM message")).Trim());
        Assert.NotEqual(0, new FileInfo(index + "-wal").Length);
        await rig.DeliverAsync(StoreRig.Mail("later"), StoreRig.To(1));
        rig.Store.Default.Settle();
        Assert.Equal("4", (await Programs.MustAsync("sqlite3", index, "SELECT count(*) FROM message")).Trim());
    }

    static void Mount(params string[] arguments)
    {
        using Process mount = Process.Start("mount", arguments);
        mount.WaitForExit();
        Assert.Equal(0, mount.ExitCode);
    }
}
