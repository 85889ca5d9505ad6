using MailAdmin.Tests.Rig;
using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Store;
using MailEngine.Store.Repair;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Store;

/// <summary>What the store remembers of expunged messages: exact, or known not to be. RFC 7162 §5.3</summary>
public sealed class ExpungedSinceTests : IAsyncLifetime
{
    StoreRig _rig = null!;

    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    string Index => Path.Combine(_rig.Folder, "partitions/default/index.db");

    async Task<Mailbox> InboxAsync() => (await _rig.Store.OpenAsync(1, MailboxName.Inbox))!;

    async Task ExpungeAsync(Mailbox box, params uint[] uids)
    {
        await _rig.Store.StoreFlagsAsync(box, uids, new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        Assert.Equal(StoreError.None, await _rig.Store.ExpungeAsync(box, null));
    }

    [Fact]
    public async Task When_messages_went_then_those_after_a_mod_sequence_are_found_by_the_index_and_no_others()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 9), other = await _rig.GivenMailboxAsync(1, "Other", messages: 2);
        await ExpungeAsync(box, 8, 2);
        ulong first = box.Current.HighestModSeq;
        await ExpungeAsync(other, 1);
        await ExpungeAsync(box, 9, 1, 5);
        foreach ((ulong since, uint[] expected) in new[] { (0UL, new uint[] { 1, 2, 5, 8, 9 }), (first - 1, [1, 2, 5, 8, 9]), (first, [1, 5, 9]), (box.Current.HighestModSeq, []) })
        {
            ExpungedSince found = _rig.Store.ExpungedSince(box, since);
            Assert.Equal(expected, found.Uids);
            Assert.True(found.IsWhole);
        }
        await _rig.CloseAsync();
        using var db = new SqliteDatabase(Index, SqliteOpen.ReadOnly);
        using SqliteStatement plan = db.Prepare("EXPLAIN QUERY PLAN SELECT id FROM expunged WHERE id >> 32 = 1 AND modseq > 2");
        Assert.True(plan.Step());
        Assert.StartsWith("SEARCH expunged USING COVERING INDEX expunged_modseq (<expr>=? AND modseq>?)", plan.Text(3), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_uids_were_left_out_then_older_clients_are_told_that_all_of_them_are_gone()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 2);
        ulong before = box.Current.HighestModSeq;
        using Body body = _rig.GivenBody(StoreRig.Mail("from elsewhere"));
        Assert.Equal([10u], (await _rig.Store.AppendAsync(box, 0, [new AppendItem { Body = body, Uid = 10 }])).Uids);
        Assert.False(_rig.Store.ExpungedSince(box, before - 1).IsWhole);
        ulong then = box.Current.HighestModSeq;
        Assert.True(_rig.Store.ExpungedSince(box, then).IsWhole);
        await _rig.Store.RaiseUidNextAsync(box, 20);
        Assert.False(_rig.Store.ExpungedSince(box, then - 1).IsWhole);
        await _rig.ReopenAsync();
        Assert.False(_rig.Store.ExpungedSince(await InboxAsync(), then - 1).IsWhole);
    }

    [Fact]
    public async Task When_an_older_index_is_opened_then_what_it_had_forgotten_stays_forgotten()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 4), whole = await _rig.GivenMailboxAsync(1, "Whole", messages: 2);
        await ExpungeAsync(box, 1, 2);
        await ExpungeAsync(whole, 1);
        await _rig.CloseAsync();
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))
            db.Execute($"DROP INDEX expunged_modseq; DROP TABLE answered; DELETE FROM expunged WHERE id={IndexSchema.Key(box.Id, 1)}; PRAGMA user_version=7");
        await _rig.ReopenAsync();
        Assert.False(_rig.Store.ExpungedSince(await InboxAsync(), 1).IsWhole);
        Assert.Equal([1u], _rig.Store.ExpungedSince((await _rig.Store.OpenAsync(1, MailboxName.Parse("Whole")))!, 1).Uids);
        Assert.True(_rig.Store.ExpungedSince((await _rig.Store.OpenAsync(1, MailboxName.Parse("Whole")))!, 1).IsWhole);
    }

    [Fact]
    public async Task When_the_index_is_made_anew_then_nobody_believes_that_it_knows_what_went()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 4);
        await ExpungeAsync(box, 2);
        ulong before = box.Current.HighestModSeq;
        await RepairAnewAsync();
        Assert.False(_rig.Store.ExpungedSince(await InboxAsync(), before - 1).IsWhole);
    }

    async Task RepairAnewAsync()
    {
        await _rig.CloseAsync();
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Index)!, "index.db*"))
            File.Delete(file);
        await OfflineRepair.RunAsync(_rig.Folder, _rig.Options, TimeProvider.System, NullLogger.Instance, default, _rig.Limits);
        await _rig.ReopenAsync();
    }

    async Task<string> EmailIdsAsync(string name)
    {
        await _rig.Store.StatusAsync(1, MailboxName.Parse(name));   // writes the rows that wait
        Mailbox box = (await _rig.Store.OpenAsync(1, MailboxName.Parse(name)))!;
        using DetailsReader details = _rig.Store.OpenDetails(box);
        return string.Join(' ', Enumerable.Range(0, box.Current.Count).Select(i =>
        {
            uint uid = box.Current[i].Uid;
            Assert.True(details.Seek(uid));
            return details.EmailId.Length > 0 ? System.Text.Encoding.ASCII.GetString(details.EmailId) : EmailId.Of(1, box.Current.UidValidity, uid);
        }));
    }

    [Fact]
    public async Task When_rows_of_messages_are_made_anew_then_copies_keep_the_name_of_the_first()   // RFC 8474 §5.1
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 5), there = await _rig.GivenMailboxAsync(1, "There", messages: 1);
        await _rig.Store.CopyAsync(box, [1, 3], there, 0);
        await _rig.Store.MoveAsync(box, [4], there);
        await _rig.Store.CopyAsync(there, [2, 4], box, 0);
        (string inbox, string other) = (await EmailIdsAsync("INBOX"), await EmailIdsAsync("There"));
        Assert.Equal(6, inbox.Split(' ').Concat(other.Split(' ')).Distinct().Count());
        await _rig.CloseAsync();
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))
            db.Execute($"DELETE FROM message WHERE id IN ({IndexSchema.Key(there.Id, 2)}, {IndexSchema.Key(box.Id, 3)}, {IndexSchema.Key(box.Id, 7)})");
        await _rig.ReopenAsync();
        await _rig.Store.RepairAsync(1, default);
        Assert.Equal((inbox, other), (await EmailIdsAsync("INBOX"), await EmailIdsAsync("There")));
        await RepairAnewAsync();
        Assert.Equal((inbox, other), (await EmailIdsAsync("INBOX"), await EmailIdsAsync("There")));
    }

    [Fact]
    public async Task When_a_damaged_index_is_rebuilt_then_url_keys_that_can_be_read_are_kept()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 400);
        (_, string? key) = await _rig.Store.UrlKeyAsync(box);
        await _rig.CloseAsync();
        long page;
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))
        {
            db.Checkpoint();
            page = db.ReadNumber("SELECT rootpage FROM sqlite_schema WHERE name='message'") ?? 0;
        }
        using (FileStream file = File.OpenWrite(Index))
        {
            file.Position = (page - 1) * 4096;
            file.Write(new byte[4096]);
        }
        RepairReport report = await OfflineRepair.RunAsync(_rig.Folder, _rig.Options, TimeProvider.System, NullLogger.Instance, default);
        Assert.Contains(report.Done, done => done.Contains("a new one was made", StringComparison.Ordinal));
        await _rig.ReopenAsync();
        Assert.Equal(key, _rig.Store.FindUrlKey(await InboxAsync()));
    }

    [Fact]
    public async Task When_rows_are_made_at_start_or_by_repair_then_the_limits_set_hold_as_at_the_deposit()
    {
        string parts = string.Concat(Enumerable.Range(0, 20).Select(i => $"--b\r\n\r\npart {i}\r\n"));
        byte[] mail = System.Text.Encoding.ASCII.GetBytes($"Subject: many\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
        _rig.Limits.MimeParts = 7;
        await _rig.ReopenAsync();
        await _rig.DeliverAsync(mail, StoreRig.To(1));
        int expected = await PartsAsync();
        Assert.InRange(expected, 2, 8);
        await _rig.CloseAsync();
        using (var db = new SqliteDatabase(Index, SqliteOpen.ReadWrite))   // as it was before the rows of the delivery
            db.Execute("UPDATE segment SET bytes=0; DELETE FROM message; DELETE FROM chunk; DELETE FROM delivered; UPDATE mailbox SET uidnext=1, messages=0, unseen=0, bytes=0, next_chunk=0; UPDATE account SET messages=0, bytes=0");
        await _rig.ReopenAsync();
        Assert.Equal(expected, await PartsAsync());
        await RepairAnewAsync();
        Assert.Equal(expected, await PartsAsync());

        async Task<int> PartsAsync()
        {
            await _rig.Store.StatusAsync(1, MailboxName.Inbox);   // writes the rows that wait
            using DetailsReader details = _rig.Store.OpenDetails(await InboxAsync());
            Assert.True(details.Seek(1, compute: false));
            var found = new List<MimePart>();
            Assert.True(new MimeLayout(details.Layout).TryRead(found));
            return found.Count;
        }
    }
}
