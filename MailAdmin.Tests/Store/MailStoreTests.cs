using System.Security.Cryptography;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

public sealed class MailStoreTests : IAsyncLifetime
{
    StoreRig _rig = null!;

    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public async Task When_a_message_is_delivered_then_its_bytes_come_back_as_prefix_and_body()
    {
        byte[] mail = StoreRig.Mail("one", 5000);
        AcceptOutcome outcome = await _rig.DeliverAsync(mail, StoreRig.To(7, prefix: "Delivered-To: a@example.test\r\n"), StoreRig.To(8, prefix: "Delivered-To: b@example.test\r\n"));
        Assert.All(outcome.Deposits, d => Assert.Equal((StoreError.None, 1u), (d.Error, d.Uid)));
        await _rig.ReopenAsync();
        foreach ((long account, string name) in new[] { (7L, "a"), (8L, "b") })
        {
            Mailbox box = (await _rig.Store.OpenAsync(account, MailboxName.Inbox))!;
            Assert.Equal(1, box.Current.Count);
            Assert.Equal($"Delivered-To: {name}@example.test\r\n" + Encoding.ASCII.GetString(mail), Encoding.ASCII.GetString(_rig.Read(box.Current[0])));
            Assert.Equal(new AccountUse(1, box.Current[0].Size), await _rig.Store.UseAsync(account));
        }
        Mailbox a = (await _rig.Store.OpenAsync(7, MailboxName.Inbox))!, b = (await _rig.Store.OpenAsync(8, MailboxName.Inbox))!;
        Assert.Equal((a.Current[0].BodySegment, a.Current[0].BodyOffset), (b.Current[0].BodySegment, b.Current[0].BodyOffset));   // stored once
    }

    [Theory, InlineData(1 << 20), InlineData((1 << 20) + 1), InlineData(5_000_000)]
    public async Task When_a_body_is_large_then_it_is_a_segment_of_its_own_and_whole(int bytes)
    {
        byte[] mail = StoreRig.Mail("large", bytes);
        await _rig.DeliverAsync(mail, StoreRig.To(1));
        await _rig.ReopenAsync();
        Mailbox box = (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        Assert.True(mail.AsSpan().SequenceEqual(_rig.Read(box.Current[0])));
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_a_large_body_is_dropped_then_its_file_is_gone()
    {
        int before = Directory.GetFiles(Path.Combine(_rig.Folder, "partitions/default/segments")).Length;
        using (Body body = _rig.GivenBody(StoreRig.Mail("large", 3_000_000)))
            Assert.Equal(before + 1, Directory.GetFiles(Path.Combine(_rig.Folder, "partitions/default/segments")).Length);
        Assert.Equal(before, Directory.GetFiles(Path.Combine(_rig.Folder, "partitions/default/segments")).Length);
    }

    [Fact]
    public async Task When_the_index_is_of_version_1_then_it_is_brought_up_and_all_is_there()
    {
        await _rig.DeliverAsync(StoreRig.Mail("old"), StoreRig.To(1));
        await _rig.CloseAsync();
        using (var db = new MailEngine.Io.SqliteDatabase(Path.Combine(_rig.Folder, "partitions/default/index.db"), MailEngine.Io.SqliteOpen.Create))
            db.Execute("ALTER TABLE message DROP COLUMN email_id; DROP TABLE seen; DROP INDEX acl_identifier; DROP INDEX expunged_modseq; DROP TABLE annotation; DROP TABLE quota; DROP TABLE url_key; ALTER TABLE segment DROP COLUMN closed; ALTER TABLE delivered DROP COLUMN account; DROP TABLE placement; DROP TABLE answered; DROP TABLE partition; PRAGMA user_version=1");
        await _rig.ReopenAsync();
        Mailbox box = (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!, copies = await _rig.GivenMailboxAsync(1, "Copies");
        Assert.Equal(StoreError.None, (await _rig.Store.CopyAsync(box, [1], copies, 0)).Error);
        using DetailsReader details = _rig.Store.OpenDetails(copies);
        Assert.True(details.Seek(1));
        Assert.Equal($"1-{box.Current.UidValidity:x}-1", Encoding.ASCII.GetString(details.EmailId));
        Assert.Equal("old@example.test", Encoding.ASCII.GetString(details.ThreadRoot));
    }

    [Fact]
    public async Task When_the_quota_is_full_then_only_that_recipient_is_refused()
    {
        byte[] mail = StoreRig.Mail("q", 1000);
        AcceptOutcome outcome = await _rig.DeliverAsync(mail, StoreRig.To(1, quota: 500), StoreRig.To(2, quota: 5000), StoreRig.To(3, "Nowhere"));
        Assert.Equal([StoreError.OverQuota, StoreError.None, StoreError.NoSuchMailbox], outcome.Deposits.Select(d => d.Error));
        Assert.Equal(default, await _rig.Store.UseAsync(1));
    }

    [Fact]
    public async Task When_the_same_delivery_comes_again_then_there_is_one_copy()
    {
        byte[] key = SHA256.HashData([1, 2, 3]);
        await _rig.DeliverAsync(StoreRig.Mail("d"), StoreRig.To(1, key: key));
        await _rig.ReopenAsync();
        AcceptOutcome again = await _rig.DeliverAsync(StoreRig.Mail("d"), StoreRig.To(1, key: key));
        Assert.Equal(StoreError.Duplicate, again.Deposits[0].Error);
        Assert.Equal(1, (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!.Current.Count);
    }

    [Fact]
    public async Task When_flags_change_then_counters_and_difference_follow()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 130);
        MailboxSnapshot told = box.Current;
        Assert.Equal(StoreError.None, await _rig.Store.StoreFlagsAsync(box, [3, 70, 130, 4000], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen | MessageFlags.Deleted, ["$Work", "b"])));
        SnapshotDifference difference = SnapshotDifference.Of(told, box.Current);
        Assert.Equal([3, 70, 130], difference.Changed);
        Assert.Equal(127, box.Current.Unseen);
        Assert.Equal(["$Work", "b"], box.Current.KeywordSets[box.Current[2].KeywordSet]);
        await _rig.Store.StoreFlagsAsync(box, [70], new FlagChange(FlagChangeMode.Remove, MessageFlags.Seen, ["$WORK"]));
        Assert.Equal(["b"], box.Current.KeywordSets[box.Current[69].KeywordSet]);

        told = box.Current;
        await _rig.Store.ExpungeAsync(box, [3, 4, 130]);
        difference = SnapshotDifference.Of(told, box.Current);
        Assert.Equal([3, 130], difference.Expunged);
        Assert.Equal([3u, 130u], difference.ExpungedUids);
        Assert.Equal(128, box.Current.Count);
        await _rig.ReopenAsync();
        box = (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        Assert.Equal(128, box.Current.Count);
        Assert.Equal(MessageFlags.Deleted, box.Current[box.Current.IndexOf(70)].Flags);
        Assert.Equal(131u, box.Current.UidNext);
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_messages_are_copied_and_moved_then_no_byte_is_copied_and_uids_pair_up()
    {
        Mailbox inbox = await _rig.GivenMailboxAsync(1, "INBOX", messages: 5), work = await _rig.GivenMailboxAsync(1, "Work/2026", messages: 1);
        CopyOutcome copied = await _rig.Store.CopyAsync(inbox, [5, 2, 99], work, 0);
        Assert.Equal([2u, 5u], copied.SourceUids);
        Assert.Equal([2u, 3u], copied.TargetUids);
        CopyOutcome moved = await _rig.Store.MoveAsync(inbox, [1, 3], work);
        Assert.Equal([4u, 5u], moved.TargetUids);
        Assert.Equal(3, inbox.Current.Count);
        Assert.Equal(5, work.Current.Count);
        Assert.Equal(_rig.Read(inbox.Current[0]), _rig.Read(work.Current[1]));
        using DetailsReader details = _rig.Store.OpenDetails(work);
        Assert.True(details.Seek(2));
        Assert.Equal("INBOX-2@example.test", details.MessageId);
        Assert.True(details.Seek(5));
        Assert.Contains("INBOX-3", Encoding.UTF8.GetString(details.Envelope), StringComparison.Ordinal);
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_a_mailbox_is_renamed_then_those_below_follow_and_open_ones_hear_of_it()
    {
        Mailbox below = await _rig.GivenMailboxAsync(1, "A/B/C", messages: 1);
        Assert.Equal(StoreError.NotAllowed, await _rig.Store.RenameAsync(1, MailboxName.Parse("A"), MailboxName.Parse("A/X")));
        Assert.Equal(StoreError.None, await _rig.Store.RenameAsync(1, MailboxName.Parse("A"), MailboxName.Parse("Z/Y")));
        Assert.Equal("Z/Y/B/C", below.Name.Value);
        Assert.Equal(["INBOX", "Z", "Z/Y", "Z/Y/B", "Z/Y/B/C"], (await _rig.Store.ListAsync(1)).Select(m => m.Name.Value));
        Assert.Equal(StoreError.HasChildren, await _rig.Store.DeleteAsync(1, MailboxName.Parse("Z")));
        Assert.Equal(StoreError.None, await _rig.Store.DeleteAsync(1, MailboxName.Parse("Z/Y/B/C")));
        Assert.True(below.IsDeleted);
        Assert.Equal(StoreError.NoSuchMailbox, (await _rig.Store.AppendAsync(below, 0, [])).Error);
        uint before = below.Current.UidValidity;
        await _rig.Store.CreateAsync(1, MailboxName.Parse("Z/Y/B/C"));
        Assert.True((await _rig.Store.OpenAsync(1, MailboxName.Parse("Z/Y/B/C")))!.Current.UidValidity > before);
    }

    [Fact]
    public async Task When_INBOX_is_renamed_then_its_messages_move_and_it_stays()
    {
        Mailbox inbox = await _rig.GivenMailboxAsync(1, "INBOX", messages: 3);
        Assert.Equal(StoreError.None, await _rig.Store.RenameAsync(1, MailboxName.Inbox, MailboxName.Parse("Old")));
        Assert.Equal(0, inbox.Current.Count);
        Assert.Equal(3, (await _rig.Store.OpenAsync(1, MailboxName.Parse("Old")))!.Current.Count);
    }

    /// <summary>What waits here is done by whoever it belongs to, who is busy: a page's circuit.</summary>
    sealed class BusyContext : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
        }
    }

    [Fact]
    public async Task When_a_page_reads_while_rows_wait_that_could_not_be_written_then_it_does_not_wait_for_itself()
    {
        await _rig.GivenMailboxAsync(1, "INBOX");
        int faults = 0;
        _rig.Store.Default.StepReached = step =>
        {
            if (step == CommitStep.RowsWritten && Interlocked.Increment(ref faults) == 1)
                throw new MailEngine.Io.SqliteException(10, "disk I/O error");
        };
        await _rig.DeliverAsync(StoreRig.Mail("one"), StoreRig.To(1));
        var read = new TaskCompletionSource<AccountUse>();
        var page = new Thread(() =>
        {
            SynchronizationContext.SetSynchronizationContext(new BusyContext());
            read.SetResult(_rig.Store.TotalUse());
        });
        page.IsBackground = true;
        page.Start();
        Assert.Equal(1, (await read.Task.WaitAsync(TimeSpan.FromSeconds(60))).Messages);
        Assert.Equal(2, faults);   // once in vain, once by the reader's wish
    }

    [Fact]
    public async Task When_a_session_waits_then_a_delivery_wakes_it_with_the_new_snapshot()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 1);
        MailboxSnapshot told = box.Current;
        Task changed = box.ChangedSince(told);
        Assert.False(changed.IsCompleted);
        await _rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(1));
        await changed.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(1, SnapshotDifference.Of(told, box.Current).Added);
    }

    [Fact]
    public async Task When_messages_are_recent_then_one_session_gets_them()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 3);
        Assert.Equal(1u, await _rig.Store.ClaimRecentAsync(box));
        Assert.Equal(4u, await _rig.Store.ClaimRecentAsync(box));
    }

    [Fact]
    public async Task When_mail_is_queued_then_the_rows_and_bytes_are_there_after_a_restart()
    {
        byte[] mail = StoreRig.Mail("out");
        using (Body body = _rig.GivenBody(mail))
        {
            var entry = new QueueEntry
            {
                MessageKey = "K1", ReversePath = "ann@example.test", Recipient = MailEngine.Addresses.EmailAddress.Parse("x@other.test"),
                QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow,
            };
            AcceptOutcome outcome = await _rig.Store.AcceptAsync(new Acceptance { Body = body, Queue = [entry, entry with { MessageKey = "K2" }] }, default);
            Assert.Equal([1, 2], outcome.QueueIds);
        }
        await _rig.ReopenAsync();
        QueueEntry row = _rig.Store.ReadQueue()[0];
        using (MessageReader reader = _rig.Store.OpenBody(row.Body))
        {
            byte[] bytes = new byte[reader.Length];
            reader.Read(0, bytes);
            Assert.Equal(mail, bytes);
        }
        await _rig.Store.UpdateQueueAsync([row with { Attempts = 1, LastReply = "450 later" }], [2]);
        row = Assert.Single(_rig.Store.ReadQueue());
        Assert.Equal((1, "450 later"), (row.Attempts, row.LastReply));
    }

    [Fact]
    public async Task When_details_are_asked_at_random_then_each_is_the_right_one_even_when_its_row_is_lost()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 40);
        using (var db = new MailEngine.Io.SqliteDatabase(Path.Combine(_rig.Folder, "partitions/default/index.db"), MailEngine.Io.SqliteOpen.ReadWrite))
            db.Execute("DELETE FROM message WHERE (id & 0xffffffff) IN (1, 7, 40)");
        using DetailsReader details = _rig.Store.OpenDetails(box);
        foreach (uint uid in new uint[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 40, 39, 1, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 7, 40 })
        {
            Assert.True(details.Seek(uid));
            Assert.Equal($"INBOX-{uid}@example.test", details.MessageId);
        }
        Assert.False(details.Seek(41));
    }

    [Fact]
    public async Task When_retention_has_passed_then_expunged_rows_and_deleted_mailboxes_go()
    {
        _rig.Options.ExpungeRetention = TimeSpan.FromSeconds(-5);
        Mailbox box = await _rig.GivenMailboxAsync(1, "Old", messages: 3);
        await _rig.Store.StoreFlagsAsync(box, [1], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await _rig.Store.ExpungeAsync(box, null);
        Assert.Equal(1, Count("SELECT count(*) FROM expunged"));
        await _rig.Store.PurgeAsync();
        Assert.Equal(0, Count("SELECT count(*) FROM expunged"));
        Assert.Equal(2, Count("SELECT count(*) FROM message"));
        await _rig.Store.DeleteAsync(1, box.Name);
        await _rig.Store.PurgeAsync();
        Assert.Equal(0, Count("SELECT count(*) FROM message"));
        Assert.Equal(default, await _rig.Store.UseAsync(1));

        long Count(string sql)
        {
            using var db = new MailEngine.Io.SqliteDatabase(Path.Combine(_rig.Folder, "partitions/default/index.db"), MailEngine.Io.SqliteOpen.ReadOnly);
            return db.ReadNumber(sql) ?? 0;
        }
    }

    [Fact]
    public async Task When_a_large_mailbox_is_opened_while_it_changes_then_what_is_opened_is_one_moment_of_it()
    {
        const int messages = 9000;
        Mailbox box = await _rig.GivenMailboxAsync(1, "Large");
        for (int i = 0; i < messages; i += 1000)
        {
            using Body body = _rig.GivenBody(StoreRig.Mail("m"));
            await _rig.Store.AppendAsync(box, 0, [.. Enumerable.Repeat(new AppendItem { Body = body }, 1000)]);
        }
        for (int round = 0; round < 5; round++)
        {
            await _rig.ReopenAsync();
            Task deliveries = Task.Run(async () =>
            {
                for (int i = 0; i < 40; i++)
                    await _rig.DeliverAsync(StoreRig.Mail("n"), StoreRig.To(1, "Large"));
            });
            box = (await _rig.Store.OpenAsync(1, MailboxName.Parse("Large")))!;
            MailboxSnapshot opened = box.Current;
            Assert.Equal(opened.Counters.Count, opened.Count);
            Assert.Equal(opened.UidNext - 1, opened[opened.Count - 1].Uid);
            await deliveries;
            Assert.Equal(messages + ((round + 1) * 40), box.Current.Count);
        }
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_many_write_at_once_then_every_message_is_there_once_and_counters_agree()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async task =>
        {
            for (int i = 0; i < 100; i++)
                await _rig.DeliverAsync(StoreRig.Mail($"m{task}-{i}"), StoreRig.To(1 + (i % 3)));
        }));
        long total = 0;
        for (long account = 1; account <= 3; account++)
        {
            Mailbox box = (await _rig.Store.OpenAsync(account, MailboxName.Inbox))!;
            total += box.Current.Count;
            Assert.Equal((uint)box.Current.Count + 1, box.Current.UidNext);
        }
        Assert.Equal(800, total);
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
    }
}
