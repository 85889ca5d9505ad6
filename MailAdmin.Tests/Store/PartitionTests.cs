using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;
using MailEngine.Store.Backup;
using MailEngine.Store.Partitions;

namespace MailAdmin.Tests.Store;

/// <summary>Several volumes: who lives where, what crosses from one to another, and what goes on when one is not there.</summary>
public sealed class PartitionTests
{
    const long Ann = 1, Bob = 2, Carol = 3;

    static async Task<StoreRig> OpenAsync(StoreOptions? options = null)
    {
        StoreRig rig = await StoreRig.OpenAsync((options ?? new StoreOptions { InlineBodyBytes = 20_000 }).With("b"));
        await rig.Store.GivenHomeAsync(Ann, "default");
        await rig.Store.GivenHomeAsync(Bob, "b");
        return rig;
    }

    static async Task<List<string>> SubjectsAsync(StoreRig rig, long account, string name = "INBOX")
    {
        Mailbox box = (await rig.Store.OpenAsync(account, MailboxName.Parse(name)))!;
        MailboxSnapshot now = box.Current;
        return [.. Enumerable.Range(0, now.Count).Select(i => rig.Store.Read(now, i).Split("Subject: ")[1].Split('\r')[0])];
    }

    [Fact]
    public async Task When_accounts_are_new_then_each_partition_gets_its_share_and_keeps_them()
    {
        var options = new StoreOptions();
        options.Partitions.Add(new PartitionOptions { Name = "default", Weight = 1 });
        options.Partitions.Add(new PartitionOptions { Name = "b", Weight = 3 });
        options.Partitions.Add(new PartitionOptions { Name = "closed", Closed = true });
        options.Partitions.Add(new PartitionOptions { Name = "tenant", Domains = { "tenant.test" } });
        await using StoreRig rig = await StoreRig.OpenAsync(options);
        rig.Store.DomainOf = id => ValueTask.FromResult<string?>(id % 10 == 0 ? "tenant.test" : "example.test");
        for (long account = 1; account <= 200; account++)
            await rig.Store.OpenAsync(account, MailboxName.Inbox);
        Dictionary<string, List<long>> homes = Enumerable.Range(1, 200).Select(n => (long)n).GroupBy(rig.Store.HomeOf).ToDictionary(g => g.Key, g => g.ToList());
        Assert.Equal(Enumerable.Range(1, 20).Select(n => 10L * n), homes["tenant"]);
        Assert.DoesNotContain("closed", homes.Keys);
        Assert.InRange(homes["b"].Count / (double)homes["default"].Count, 2, 4.5);

        await rig.ReopenAsync();
        foreach ((string name, List<long> accounts) in homes)
            Assert.All(accounts, account => Assert.Equal(name, rig.Store.HomeOf(account)));
    }

    [Fact]
    public async Task When_a_partition_is_added_then_accounts_that_were_there_stay_where_they_are()
    {
        var options = new StoreOptions();
        await using StoreRig rig = await StoreRig.OpenAsync(options);
        for (long account = 1; account <= 20; account++)
            await rig.DeliverAsync(StoreRig.Mail($"m{account}"), StoreRig.To(account));
        options.With("b");
        await rig.ReopenAsync();
        for (long account = 1; account <= 20; account++)
            Assert.Equal([$"m{account}"], await SubjectsAsync(rig, account));
        for (long account = 21; account <= 60; account++)
            await rig.Store.OpenAsync(account, MailboxName.Inbox);
        Assert.Contains("b", Enumerable.Range(21, 40).Select(n => rig.Store.HomeOf(n)));
        // Ids of mailboxes are never the same twice, whoever gave them.
        long[] ids = [.. Enumerable.Range(1, 60).SelectMany(n => rig.Store.MailboxesOf(n)).Select(info => info.Id)];
        Assert.Equal(60, ids.Distinct().Count());
        Assert.True((await rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_a_message_has_recipients_in_several_partitions_then_each_has_it_and_a_second_try_adds_nothing()
    {
        await using StoreRig rig = await OpenAsync();
        foreach (int size in new[] { 100, 60_000 })   // in memory, and in a file of its own
        {
            byte[] mail = StoreRig.Mail($"to-all-{size}", size);
            byte[] key(long account) => [.. Encoding.ASCII.GetBytes($"{size}-{account}".PadRight(32))];
            var queued = new QueueEntry
            {
                MessageKey = "k", ReversePath = "a@example.test", Recipient = EmailAddress.Parse("c@other.test"), QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow,
            };
            for (int turn = 0; turn < 2; turn++)
            {
                using Body body = rig.GivenBody(mail);
                AcceptOutcome outcome = await rig.Store.AcceptAsync(new Acceptance
                {
                    Body = body, Deposits = [StoreRig.To(Bob, prefix: "X: b\r\n", key: key(Bob)), StoreRig.To(Ann, key: key(Ann)), StoreRig.To(Carol, quota: 10)], Queue = turn == 0 ? [queued] : [],
                }, default);
                Assert.Equal(StoreError.None, outcome.Fault);
                StoreError expected = turn == 0 ? StoreError.None : StoreError.Duplicate;
                Assert.Equal([expected, expected, StoreError.OverQuota], outcome.Deposits.Select(d => d.Error));
                Assert.Equal(turn == 0 ? 1 : 0, outcome.QueueIds.Count);
            }
        }
        await rig.ReopenAsync();
        Assert.Equal(["to-all-100", "to-all-60000"], await SubjectsAsync(rig, Ann));
        Assert.Equal(["to-all-100", "to-all-60000"], await SubjectsAsync(rig, Bob));
        Assert.StartsWith("X: b\r\n", rig.Store.Read((await rig.Store.OpenAsync(Bob, MailboxName.Inbox))!.Current, 1), StringComparison.Ordinal);
        Assert.Equal(2, rig.Store.ReadQueue().Count);
        Assert.Equal(4, rig.Store.TotalUse().Messages);
        CheckReport report = await rig.Store.CheckAsync(null, default);
        Assert.True(report.IsWhole, string.Join('\n', report.Faults));
        Assert.Equal(4, report.Messages);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task When_messages_are_copied_to_another_partition_then_all_of_them_goes_along(bool move)
    {
        await using StoreRig rig = await OpenAsync();
        Mailbox from = await rig.GivenMailboxAsync(Ann, "Work");
        await rig.DeliverAsync(StoreRig.Mail("one"), StoreRig.To(Ann, "Work", prefix: "Return-Path: <>\r\n"));
        await rig.DeliverAsync(StoreRig.Mail("two", 60_000), StoreRig.To(Ann, "Work", prefix: "X-P: 2\r\n"));
        await rig.DeliverAsync(StoreRig.Mail("three"), StoreRig.To(Ann, "Work"));
        await rig.Store.StoreFlagsAsync(from, [1, 3], new FlagChange(FlagChangeMode.Add, MessageFlags.Flagged | MessageFlags.Seen, ["$Work"]));
        // A copy of a copy keeps its name: RFC 8474 §5.1.
        await rig.Store.CopyAsync(from, [1], from, 0);
        Mailbox to = await rig.GivenMailboxAsync(Bob, "Here");
        await rig.DeliverAsync(StoreRig.Mail("before"), StoreRig.To(Bob, "Here"));
        MailboxSnapshot before = from.Current;

        Assert.Equal(StoreError.OverQuota, (await rig.Store.CopyAsync(from, [1, 2], to, quotaBytes: 1000)).Error);
        CopyOutcome outcome = move ? await rig.Store.MoveAsync(from, [1, 2, 4, 9], to) : await rig.Store.CopyAsync(from, [1, 2, 4, 9], to, 0);

        Assert.Equal(StoreError.None, outcome.Error);
        Assert.Equal([1u, 2u, 4u], outcome.SourceUids);
        Assert.Equal([2u, 3u, 4u], outcome.TargetUids);
        Assert.Equal(move ? 1 : 4, from.Current.Count);
        for (int turn = 0; turn < 2; turn++)
        {
            MailboxSnapshot now = (await rig.Store.OpenAsync(Bob, MailboxName.Parse("Here")))!.Current;
            Assert.Equal(4, now.Count);
            for (int i = 0; i < 3; i++)
            {
                int source = before.IndexOf(outcome.SourceUids[i]);
                if (turn == 0)   // who still shows the old snapshot still reads from it
                    Assert.Equal(rig.Store.Read(before, source), rig.Store.Read(now, i + 1));
                Assert.Equal(before[source].Flags, now[i + 1].Flags);
                Assert.Equal(before.KeywordSets[before[source].KeywordSet], now.KeywordSets[now[i + 1].KeywordSet]);
                Assert.Equal(before[source].InternalDate, now[i + 1].InternalDate);
            }
            using (DetailsReader details = rig.Store.OpenDetails((await rig.Store.OpenAsync(Bob, MailboxName.Parse("Here")))!))
            {
                string Name(uint uid) => details.Seek(uid, compute: false) ? Encoding.ASCII.GetString(details.EmailId) : "no row";
                Assert.Equal(EmailId.Of(Ann, before.UidValidity, 1), Name(2));
                Assert.Equal(EmailId.Of(Ann, before.UidValidity, 2), Name(3));
                Assert.Equal(EmailId.Of(Ann, before.UidValidity, 1), Name(4));
            }
            CheckReport report = await rig.Store.CheckAsync(null, default);
            Assert.True(report.IsWhole, string.Join('\n', report.Faults));
            await rig.ReopenAsync();
        }
    }

    [Fact]
    public async Task When_a_message_is_replaced_across_partitions_then_one_goes_as_the_other_comes()
    {
        await using StoreRig rig = await OpenAsync();
        Mailbox drafts = await rig.GivenMailboxAsync(Ann, "Drafts", messages: 2), sent = await rig.GivenMailboxAsync(Bob, "Sent");
        using Body body = rig.GivenBody(StoreRig.Mail("final"));
        Assert.Equal(StoreError.None, (await rig.Store.ReplaceAsync(drafts, 1, sent, 0, new AppendItem { Body = body })).Error);
        Assert.Equal(StoreError.NoSuchMessage, (await rig.Store.ReplaceAsync(drafts, 1, sent, 0, new AppendItem { Body = body })).Error);
        Assert.Equal(["final"], await SubjectsAsync(rig, Bob, "Sent"));
        Assert.Equal(["Drafts-2"], await SubjectsAsync(rig, Ann, "Drafts"));
    }

    [Fact]
    public async Task When_a_mailbox_is_shared_then_it_is_found_and_used_across_partitions()
    {
        await using StoreRig rig = await OpenAsync();
        Mailbox box = await rig.GivenMailboxAsync(Bob, "Team", messages: 1);
        AclSubject ann = AclTests.Subject(Ann);
        Assert.Equal(StoreError.None, await rig.Store.SetAclAsync(box.Id, AclIdentifier.OfAccount(Ann), AclChangeMode.Replace, AclRights.All));
        MailboxInfo named = Assert.Single(rig.Store.NamedIn(ann));
        Assert.Equal((box.Id, Bob), (named.Id, named.AccountId));
        Mailbox view = (await rig.Store.OpenAsync(Bob, named.Name, ann))!;
        Assert.Equal(StoreError.None, await rig.Store.StoreFlagsAsync(view, [1], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, [])));
        Assert.Equal((0, 1), (view.Current.Unseen, box.Current.Unseen));
        // What she has seen goes with what she copies to herself.
        Mailbox inbox = (await rig.Store.OpenAsync(Ann, MailboxName.Inbox))!;
        Assert.Equal(StoreError.None, (await rig.Store.CopyAsync(view, [1], inbox, 0)).Error);
        Assert.Equal(MessageFlags.Seen, inbox.Current[0].Flags);
        // And the other way: \Seen is hers there, not the owner's.
        Assert.Equal(StoreError.None, (await rig.Store.CopyAsync(inbox, [1], view, 0)).Error);
        Assert.Equal((0, 2), (view.Current.Unseen, box.Current.Unseen));
        Assert.Equal(StoreError.None, await rig.Store.SetAnnotationsAsync(box.Id, Ann, [new Annotation("/private/comment", [1])]));
        Assert.Single(rig.Store.AnnotationsOf(box.Id, Ann));

        Assert.Equal(StoreError.None, await rig.Store.DeleteAccountAsync(Ann));
        Assert.Empty(rig.Store.NamedIn(ann));
        Assert.Empty(rig.Store.AnnotationsOf(box.Id, Ann));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task When_a_volume_is_not_mounted_then_its_accounts_wait_and_all_others_work_on(bool emptyFolder)
    {
        await using StoreRig rig = await OpenAsync();
        await rig.DeliverAsync(StoreRig.Mail("kept"), StoreRig.To(Bob), StoreRig.To(Ann));
        await rig.CloseAsync();
        string folder = Path.Combine(rig.Folder, "partitions", "b"), elsewhere = Path.Combine(rig.Folder, "elsewhere");
        Directory.Move(folder, elsewhere);
        if (emptyFolder)
            Directory.CreateDirectory(folder);   // the mount point
        await rig.ReopenAsync();

        await Assert.ThrowsAsync<PartitionMissingException>(() => rig.Store.OpenAsync(Bob, MailboxName.Inbox));
        await Assert.ThrowsAsync<PartitionMissingException>(() => rig.Store.ListAsync(Bob));
        AcceptOutcome outcome = await rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(Bob), StoreRig.To(Ann));
        Assert.Equal(StoreError.None, outcome.Fault);
        Assert.Equal([StoreError.Unavailable, StoreError.None], outcome.Deposits.Select(d => d.Error));
        Assert.Equal(StoreError.Unavailable, (await rig.DeliverAsync(StoreRig.Mail("new"), StoreRig.To(Bob))).Fault);
        Assert.Equal(StoreError.Unavailable, await rig.Store.CreateAsync(Bob, MailboxName.Parse("X")));
        Assert.Equal(["kept", "new"], await SubjectsAsync(rig, Ann));
        Assert.Contains("partition b is not there", Assert.Single((await rig.Store.CheckAsync(null, default)).Faults), StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(folder) ? Directory.GetFileSystemEntries(folder) : []);   // nothing was made in its place

        if (emptyFolder)
            Directory.Delete(folder);
        Directory.Move(elsewhere, folder);
        rig.Store.Partitions.OpenMissing();
        Assert.Equal(["kept"], await SubjectsAsync(rig, Bob));
        Assert.Equal(StoreError.None, (await rig.DeliverAsync(StoreRig.Mail("again"), StoreRig.To(Bob))).Fault);
        Assert.True((await rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_volumes_are_mounted_in_each_other_s_place_then_neither_is_taken_for_the_other()
    {
        StoreOptions options = new StoreOptions().With("b", "c");
        await using StoreRig rig = await StoreRig.OpenAsync(options);
        await rig.Store.GivenHomeAsync(Bob, "b");
        await rig.Store.GivenHomeAsync(Carol, "c");
        await rig.DeliverAsync(StoreRig.Mail("m"), StoreRig.To(Bob), StoreRig.To(Carol), StoreRig.To(Ann));
        await rig.CloseAsync();
        string b = Path.Combine(rig.Folder, "partitions", "b"), c = Path.Combine(rig.Folder, "partitions", "c");
        Directory.Move(b, b + "x");
        Directory.Move(c, b);
        Directory.Move(b + "x", c);
        await rig.ReopenAsync();
        await Assert.ThrowsAsync<PartitionMissingException>(() => rig.Store.ListAsync(Bob));
        Assert.Contains("holds partition c", rig.Store.Slot("b").Fault, StringComparison.Ordinal);
        Assert.Null(rig.Store.Slot("c").Open);
    }

    [Fact]
    public async Task When_the_settings_cannot_be_right_then_the_start_says_so_in_one_line()
    {
        StoreOptions options = new StoreOptions().With("b");
        await using StoreRig rig = await StoreRig.OpenAsync(options);
        await rig.Store.GivenHomeAsync(Bob, "b");
        await rig.DeliverAsync(StoreRig.Mail("m"), StoreRig.To(Bob));
        await rig.CloseAsync();

        options.Partitions.Clear();
        StoreOpenException gone = await Assert.ThrowsAsync<StoreOpenException>(rig.ReopenAsync);
        Assert.StartsWith("1 accounts live in partition b, which Mail:Store:Partitions does not name.", gone.Message, StringComparison.Ordinal);
        options.Partitions.Add(new PartitionOptions { Name = "other", Folder = Path.Combine(rig.Folder, "partitions", "b") });
        StoreOpenException renamed = await Assert.ThrowsAsync<StoreOpenException>(rig.ReopenAsync);
        Assert.Contains("holds partition b (1), and Mail:Store:Partitions calls it other", renamed.Message, StringComparison.Ordinal);
        options.Partitions.Clear();
        options.With("b").Partitions.Add(new PartitionOptions { Name = "far", Folder = Path.Combine(rig.Folder, "no-volume", "mail") });
        StoreOpenException unmounted = await Assert.ThrowsAsync<StoreOpenException>(rig.ReopenAsync);
        Assert.Contains("is not there. Is the volume mounted?", unmounted.Message, StringComparison.Ordinal);

        options.Partitions.RemoveAt(1);
        await rig.ReopenAsync();
        Assert.Equal(["m"], await SubjectsAsync(rig, Bob));
    }

    [Fact]
    public void When_settings_name_a_folder_or_a_partition_twice_then_the_check_says_so()
    {
        var options = new EngineOptions { DataPath = "/data" };
        options.Store.Partitions.Add(new PartitionOptions { Name = "a", Folder = "/v/a" });
        options.Store.Partitions.Add(new PartitionOptions { Name = "a", Folder = "/v/b/" });
        options.Store.Partitions.Add(new PartitionOptions { Name = "c", Folder = "/v/x/../a" });
        options.Store.Partitions.Add(new PartitionOptions { Name = "d", Folder = "/v/b/d", Weight = 0 });
        options.Store.Partitions.Add(new PartitionOptions { Name = "Not a name" });
        IReadOnlyList<string> errors = EngineOptionsCheck.Check(options);
        Assert.Contains(errors, e => e.StartsWith("Mail:Store:Partitions:1:Name is \"a\"", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("Mail:Store:Partitions:2:Folder is \"/v/x/../a\"", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("Mail:Store:Partitions:3:Weight is \"0\"", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Contains("not inside that of \"a\"", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("Mail:Store:Partitions:4:Name is \"Not a name\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_the_list_of_who_lives_where_is_lost_then_it_is_made_anew_from_the_partitions()
    {
        await using StoreRig rig = await OpenAsync();
        await rig.DeliverAsync(StoreRig.Mail("m"), StoreRig.To(Bob), StoreRig.To(Ann));
        await rig.CloseAsync();
        foreach (string suffix in new[] { "", "-wal", "-shm" })
            File.Delete(Path.Combine(rig.Folder, "partitions", "default", "index.db" + suffix));
        await MailEngine.Store.Repair.OfflineRepair.RunAsync(rig.Folder, rig.Options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, default);
        await rig.ReopenAsync();
        Assert.Equal(("default", "b"), (rig.Store.HomeOf(Ann), rig.Store.HomeOf(Bob)));
        Assert.Equal(["m"], await SubjectsAsync(rig, Bob));
        Assert.Equal(["m"], await SubjectsAsync(rig, Ann));
    }

    [Fact]
    public async Task When_that_list_is_lost_while_a_volume_is_not_there_then_its_mail_is_kept_whatever_comes()
    {
        await using StoreRig rig = await OpenAsync();
        await rig.DeliverAsync(StoreRig.Mail("m"), StoreRig.To(Bob), StoreRig.To(Ann));
        await rig.CloseAsync();
        string folder = Path.Combine(rig.Folder, "partitions", "b");
        Directory.Move(folder, folder + "-away");
        foreach (string suffix in new[] { "", "-wal", "-shm" })
            File.Delete(Path.Combine(rig.Folder, "partitions", "default", "index.db" + suffix));
        await MailEngine.Store.Repair.OfflineRepair.RunAsync(rig.Folder, rig.Options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, default);
        rig.Options.Partitions.Clear();   // nobody knows of it any more
        await rig.ReopenAsync();
        await rig.DeliverAsync(StoreRig.Mail("anew"), StoreRig.To(Bob));
        await rig.CloseAsync();
        Directory.Move(folder + "-away", folder);
        rig.Options.With("b");
        await rig.ReopenAsync();
        await rig.Store.PurgeAsync();
        Assert.Equal(1, rig.Store.Slot("b").Open!.Read(r => r.Account(Bob))!.Value.Messages);
        Assert.Equal(1, rig.Store.Default.Read(r => r.Account(Bob))!.Value.Messages);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task When_the_store_is_backed_up_then_every_partition_is_and_an_account_comes_back_from_its_own(bool elsewhere)
    {
        using var volume = new TempFolder();
        using var target = new TempFolder();
        var options = new StoreOptions { InlineBodyBytes = 20_000 };
        options.Partitions.Add(new PartitionOptions { Name = "b", Folder = elsewhere ? volume["b"] : "" });
        options.Partitions.Add(new PartitionOptions { Name = "c", Folder = elsewhere ? volume["c"] : "" });
        await using StoreRig rig = await StoreRig.OpenAsync(options);
        await rig.Store.GivenHomeAsync(Ann, "default");
        await rig.Store.GivenHomeAsync(Bob, "b");
        await rig.DeliverAsync(StoreRig.Mail("m1"), StoreRig.To(Bob), StoreRig.To(Ann));
        await rig.DeliverAsync(StoreRig.Mail("m2", 60_000), StoreRig.To(Bob));
        BackupReport report = await rig.Store.BackUpAsync(target.Path, default);
        Assert.Empty(report.Missing);
        Mailbox inbox = (await rig.Store.OpenAsync(Bob, MailboxName.Inbox))!;
        await rig.Store.StoreFlagsAsync(inbox, [1, 2], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await rig.Store.ExpungeAsync(inbox, null);
        Assert.Equal(2, (await rig.Store.RestoreAccountAsync(target.Path, Bob, default)).Messages);
        Assert.Equal(["m1", "m2"], await SubjectsAsync(rig, Bob));
        await rig.Store.GivenHomeAsync(Carol, "c");
        await rig.DeliverAsync(StoreRig.Mail("after"), StoreRig.To(Bob), StoreRig.To(Carol));

        await rig.CloseAsync();
        StoreRestore.Run(target.Path, rig.Folder, DateTimeOffset.UtcNow, default, options);
        await rig.ReopenAsync();
        Assert.Equal(["m1", "m2"], await SubjectsAsync(rig, Bob));
        Assert.Equal(["m1"], await SubjectsAsync(rig, Ann));
        Assert.Equal("b", rig.Store.HomeOf(Bob));
        Assert.True((await rig.Store.CheckAsync(null, default)).IsWhole);
        // What was there is kept, whether the backup knew it or not.
        Assert.Equal(3, Directory.GetFiles(elsewhere ? volume.Path : rig.Folder, "index.db", SearchOption.AllDirectories).Count(file => file.Contains("before-restore", StringComparison.Ordinal))
            + (elsewhere ? Directory.GetFiles(rig.Folder, "index.db", SearchOption.AllDirectories).Count(file => file.Contains("before-restore", StringComparison.Ordinal)) : 0));
    }

    [Fact]
    public async Task When_mail_is_expunged_then_every_partition_is_purged_and_compacted()
    {
        await using StoreRig rig = await OpenAsync(new StoreOptions { ExpungeRetention = TimeSpan.FromSeconds(-5), SegmentBytes = 100_000, CompactionPercent = 90, CompactionBytesPerSecond = int.MaxValue });
        foreach (long account in new[] { Ann, Bob })
        {
            Mailbox box = await rig.GivenMailboxAsync(account, "Trash");
            for (int i = 0; i < 10; i++)
                await rig.DeliverAsync(StoreRig.Mail($"m{i}", 30_000), StoreRig.To(account, "Trash"));
            await rig.Store.StoreFlagsAsync(box, [.. Enumerable.Range(1, 9).Select(n => (uint)n)], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
            await rig.Store.ExpungeAsync(box, null);
        }
        await rig.Store.PurgeAsync();
        await rig.Store.CompactAsync();
        foreach (long account in new[] { Ann, Bob })
        {
            Assert.Equal(["m9"], await SubjectsAsync(rig, account, "Trash"));
            Assert.True(rig.Store.Partitions.Of(account).Segments.Files().Sum(file => file.Length) < 150_000);
        }
    }
}
