using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Store;

/// <summary>Expunged mail comes back with flags and dates under a new UID, deleted mailboxes whole; when the time is over rows and right go.</summary>
public sealed class UndeleteTests : IAsyncLifetime
{
    StoreRig _rig = null!;

    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    MailStore Store => _rig.Store;

    async Task<Mailbox> InboxAsync() => (await Store.OpenAsync(1, MailboxName.Inbox))!;

    async Task GivenFlagsAsync(Mailbox box, uint uid, MessageFlags flags, params string[] keywords) =>
        Assert.Equal(StoreError.None, await Store.StoreFlagsAsync(box, [uid], new FlagChange(FlagChangeMode.Add, flags, keywords)));

    [Fact]
    public async Task When_expunged_messages_are_restored_then_flags_dates_and_bytes_are_as_they_were_and_the_uid_is_new()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 4);
        await GivenFlagsAsync(box, 2, MessageFlags.Seen | MessageFlags.Flagged, "$Work");
        MessageEntry was = box.Current[1];
        byte[] bytes = _rig.Read(was);
        await GivenFlagsAsync(box, 2, MessageFlags.Deleted);
        await GivenFlagsAsync(box, 3, MessageFlags.Deleted);
        await Store.ExpungeAsync(box, null);
        AccountUse use = await Store.UseAsync(1);

        (IReadOnlyList<DeletedMessage> page, int total) = Store.DeletedMessages(1, "", true, 0, 10);
        Assert.Equal(2, total);
        Assert.Equal(["INBOX-3", "INBOX-2"], page.Select(m => m.Subject));
        Assert.All(page, m => Assert.Equal("Ann <ann@example.test>", m.From));
        Assert.Equal("INBOX-2", Assert.Single(Store.DeletedMessages(1, "-2", true, 0, 10).Page).Subject);
        Assert.Equal(0, Store.DeletedMessages(1, "no such word", true, 0, 10).Total);
        Assert.Equal(0, Store.DeletedMessages(2, "", true, 0, 10).Total);

        Assert.Equal(new RestoreOutcome(StoreError.None, 0, null), await Store.RestoreMessagesAsync(2, [page[1].Id], 0));   // somebody else's
        Assert.Equal(new RestoreOutcome(StoreError.None, 1, null), await Store.RestoreMessagesAsync(1, [page[1].Id, page[1].Id, 77], 0));
        Assert.Equal(3, box.Current.Count);
        MessageEntry now = box.Current[2];
        Assert.Equal(5u, now.Uid);
        Assert.True(now.ModSeq > was.ModSeq);
        Assert.Equal((was.Flags, was.InternalDate, was.SentDate), (now.Flags, now.InternalDate, now.SentDate));
        Assert.Equal(["$Work"], box.Current.KeywordSets[now.KeywordSet]);
        Assert.Equal(bytes, _rig.Read(now));
        using (DetailsReader details = Store.OpenDetails(box))
        {
            Assert.True(details.Seek(5));
            Assert.Equal("INBOX-2@example.test", details.MessageId);
        }
        Assert.Equal(new AccountUse(use.Messages + 1, use.Bytes + now.Size), await Store.UseAsync(1));

        // Once is enough, also after a restart.
        await _rig.ReopenAsync();
        Assert.Equal(0, (await Store.RestoreMessagesAsync(1, [page[1].Id], 0)).Messages);
        Assert.Equal(page[0].Id, Assert.Single(Store.DeletedMessages(1, "", true, 0, 10).Page).Id);
        Assert.True((await Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_the_quota_is_too_small_then_nothing_comes_back()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 2);
        long id = await Store.GivenExpungedAsync(1, "large");
        DeletedMailbox gone = await Store.GivenDeletedMailboxAsync(1);
        Assert.Equal(StoreError.OverQuota, (await Store.RestoreMessagesAsync(1, [id], box.Current.Bytes + 10)).Error);
        Assert.Equal(StoreError.OverQuota, (await Store.RestoreMailboxAsync(1, gone.Id, box.Current.Bytes + 10)).Error);
        Assert.Equal(2, box.Current.Count);
        Assert.Equal(new AccountUse(2, box.Current.Bytes), await Store.UseAsync(1));
        Assert.Equal(1, (await Store.RestoreMessagesAsync(1, null, box.Current.Bytes * 3)).Messages);
    }

    [Fact]
    public async Task When_messages_were_moved_then_they_are_not_deleted_mail()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "INBOX", messages: 2), work = await _rig.GivenMailboxAsync(1, "Work");
        await Store.MoveAsync(box, [1, 2], work);
        Assert.Equal(0, Store.DeletedMessages(1, "", true, 0, 10).Total);
        Assert.Equal(0, (await Store.RestoreMessagesAsync(1, [box.Id << 32 | 1], 0)).Messages);
    }

    [Fact]
    public async Task When_a_deleted_mailbox_is_restored_then_its_messages_keep_their_uids_and_a_taken_name_is_not_taken_away()
    {
        Mailbox old = await _rig.GivenMailboxAsync(1, "Work/2026", messages: 70);
        long expunged = await Store.GivenExpungedAsync(1, "inside", "Work/2026");
        uint validity = old.Current.UidValidity;
        await Store.DeleteAsync(1, old.Name);
        Assert.True(old.IsDeleted);
        await Store.DeleteAsync(1, MailboxName.Parse("Work"));
        AccountUse without = await Store.UseAsync(1);
        await _rig.ReopenAsync();

        DeletedMailbox gone = Store.DeletedMailboxes(1).Single(m => m.Name.Value == "Work/2026");
        Assert.Equal((70, old.Current.Bytes), (gone.Messages, gone.Bytes));
        Assert.Equal(StoreError.NoSuchMailbox, (await Store.RestoreMailboxAsync(2, gone.Id, 0)).Error);
        RestoreOutcome[] twice = await Task.WhenAll(Store.RestoreMailboxAsync(1, gone.Id, 0), Store.RestoreMailboxAsync(1, gone.Id, 0));
        Assert.Single(twice, o => o == new RestoreOutcome(StoreError.None, 70, "Work/2026"));
        Assert.Single(twice, o => o.Error == StoreError.NoSuchMailbox);
        Mailbox back = (await Store.OpenAsync(1, gone.Name))!;
        Assert.Equal((70, validity, 72u), (back.Current.Count, back.Current.UidValidity, back.Current.UidNext));
        Assert.Equal(new AccountUse(without.Messages + 70, without.Bytes + gone.Bytes), await Store.UseAsync(1));
        Assert.NotNull(await Store.OpenAsync(1, MailboxName.Parse("Work")));   // the level above it
        Assert.Equal(1, (await Store.RestoreMessagesAsync(1, [expunged], 0)).Messages);
        Assert.Equal(71, back.Current.Count);

        await Store.DeleteAsync(1, gone.Name);
        await _rig.GivenMailboxAsync(1, "Work/2026", messages: 1);
        Assert.Equal("Work/2026 (restored)", (await Store.RestoreMailboxAsync(1, gone.Id, 0)).Mailbox);
        Assert.Equal(71, (await Store.OpenAsync(1, MailboxName.Parse("Work/2026 (restored)")))!.Current.Count);
        Assert.True((await Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_a_message_of_a_deleted_mailbox_is_restored_then_it_gets_a_mailbox_of_that_name()
    {
        await _rig.GivenMailboxAsync(1, "A/B");
        long id = await Store.GivenExpungedAsync(1, "inside", "A/B");
        await Store.DeleteAsync(1, MailboxName.Parse("A/B"));
        Assert.Equal(1, (await Store.RestoreMessagesAsync(1, [id], 0)).Messages);
        Mailbox made = (await Store.OpenAsync(1, MailboxName.Parse("A/B")))!;
        Assert.Equal((1, 1u), (made.Current.Count, made.Current[0].Uid));
        Assert.True((await Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_the_retention_time_is_over_then_nothing_comes_back_and_the_rows_are_gone_in_small_steps()
    {
        using var folder = new TempFolder();
        var clock = new ManualClock();
        await using MailStore store = await MailStore.OpenAsync(folder.Path, new StoreOptions(), clock, NullLogger<MailStore>.Instance);
        var ids = new List<long>();
        for (int i = 0; i < 3; i++)
            ids.Add(await store.GivenExpungedAsync(1, $"m{i}"));
        DeletedMailbox gone = await store.GivenDeletedMailboxAsync(1);
        clock.Advance(TimeSpan.FromDays(13));
        long late = await store.GivenExpungedAsync(1, "late");
        await store.PurgeAsync();
        Assert.Equal(4, store.DeletedMessages(1, "", true, 0, 10).Total);
        clock.Advance(TimeSpan.FromDays(2));
        Assert.Equal(1, store.DeletedMessages(1, "", true, 0, 10).Total);
        Assert.Empty(store.DeletedMailboxes(1));
        Assert.Equal(0, (await store.RestoreMessagesAsync(1, ids, 0)).Messages);
        Assert.Equal(StoreError.NoSuchMailbox, (await store.RestoreMailboxAsync(1, gone.Id, 0)).Error);
        await store.PurgeAsync();
        Assert.Equal(1, store.Default.Read(r => r.Database.ReadNumber("SELECT count(*) FROM expunged")));
        Assert.Equal(1, store.Default.Read(r => r.Database.ReadNumber("SELECT count(*) FROM message")));
        Assert.Equal(1, store.Default.Read(r => r.Database.ReadNumber("SELECT count(*) FROM mailbox")));
        Assert.Equal(1, (await store.RestoreMessagesAsync(1, [late], 0)).Messages);
        Assert.True((await store.CheckAsync(null, default)).IsWhole);
    }
}
