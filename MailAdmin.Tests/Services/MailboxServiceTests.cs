using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Store;
using MailEngine.Store.Partitions;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Access control lists, shared mailboxes and limits, as the panel sets them.</summary>
public sealed class MailboxServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync(withStore: true);

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    MailboxService Mailboxes => _rig.Get<MailboxService>();
    MailStore Store => _rig.Store!;
    Actor Ann => ServicesRig.As(_rig.OwnUser);
    MailTree AnnsTree => MailTree.OfAccount(_rig.OwnUser);

    async Task<AclSubject> SubjectAsync(long account) => AclSubject.Of((await _rig.Accounts.Directory.FindAccountAsync(account, default))!);

    async Task<Acl> AclAsync(long mailbox) => Store.MailboxesOf((await Store.ListAsync(_rig.OwnUser)).Any(m => m.Id == mailbox) ? _rig.OwnUser : MailStore.SharedTree(_rig.OwnDomain))
        .Single(m => m.Id == mailbox).Acl;

    async Task<List<AuditEntry>> AuditAsync(string action)
    {
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        return await db.Audit.Where(a => a.Action == action).OrderBy(a => a.Id).ToListAsync();
    }

    static void AssertField(ServiceResult result, string field)
    {
        Assert.Equal(Refusal.Invalid, result.Refusal);
        Assert.Equal(field, Assert.Single(result.Errors).Field);
    }

    [Fact]
    public async Task When_an_owner_gives_changes_and_takes_rights_then_they_hold_and_the_audit_tells_each()
    {
        long inbox = await _rig.InboxOfAsync(_rig.OwnUser);
        AclSubject bob = await SubjectAsync(_rig.SecondUser);
        AclRights read = AclRights.Lookup | AclRights.Read;
        Assert.True((await Mailboxes.GrantAsync(Ann, MailTree.Own, inbox, new AccessForm { Who = " Bob@own.test ", Rights = read })).Ok);
        Assert.Equal(read, (await AclAsync(inbox)).RightsOf(bob));
        Assert.True((await Mailboxes.GrantAsync(Ann, MailTree.Own, inbox, new AccessForm { Who = "bob@own.test", Rights = AclRights.Lookup })).Ok);
        Assert.Equal(AclRights.Lookup, (await AclAsync(inbox)).RightsOf(bob));
        MailboxAccess shown = (await Mailboxes.GetAsync(Ann, MailTree.Own, inbox)).Value!;
        Assert.Equal([("ann@own.test", true), ("bob@own.test", false)], shown.Access.Select(e => (e.Name, e.IsOwner)));
        Assert.Equal(1, shown.Mailbox.SharedWith);
        Assert.True((await Mailboxes.RevokeAsync(Ann, MailTree.Own, inbox, shown.Access[1].Identifier)).Ok);
        Assert.Equal(AclRights.None, (await AclAsync(inbox)).RightsOf(bob));
        Assert.Equal(Refusal.Conflict, (await Mailboxes.RevokeAsync(Ann, MailTree.Own, inbox, shown.Access[1].Identifier)).Refusal);

        List<AuditEntry> audit = await AuditAsync("mailbox.acl");
        Assert.Equal(3, audit.Count);
        Assert.All(audit, entry => Assert.Equal(("INBOX (ann@own.test)", _rig.OwnDomain, _rig.OwnUser), (entry.Object, entry.DomainId, entry.ActorId)));
        Assert.Empty(audit[0].Before);
        Assert.Contains("\"rights\":\"lr\"", audit[0].After, StringComparison.Ordinal);
        Assert.Contains("\"rights\":\"lr\"", audit[1].Before, StringComparison.Ordinal);
        Assert.Contains("bob@own.test", audit[2].Before, StringComparison.Ordinal);
        Assert.Empty(audit[2].After);
    }

    [Theory]
    [InlineData(AccessKind.Account, "bob@own.test", false, null)]
    [InlineData(AccessKind.Account, "bob@own.test", true, null)]
    [InlineData(AccessKind.DomainAccounts, "own.test", false, "$@own.test")]
    [InlineData(AccessKind.Address, "sales@own.test", true, "-$sales@own.test")]
    [InlineData(AccessKind.Everybody, "", false, "anyone")]
    public async Task When_an_entry_is_shown_then_sending_it_back_changes_that_entry(AccessKind kind, string who, bool takesAway, string? stored)
    {
        long inbox = await _rig.InboxOfAsync(_rig.OwnUser);
        Assert.True((await Mailboxes.GrantAsync(Ann, AnnsTree, inbox, new AccessForm { Kind = kind, Who = who, TakesAway = takesAway, Rights = AclRights.Read })).Ok);
        AccessRow row = (await Mailboxes.GetAsync(Ann, AnnsTree, inbox)).Value!.Access[1];
        Assert.Equal((kind, who, takesAway, AclRights.Read), (row.Kind, row.Name, row.TakesAway, row.Rights));
        Assert.Equal(stored ?? (takesAway ? "-" : "") + AclIdentifier.OfAccount(_rig.SecondUser), row.Identifier);

        Assert.True((await Mailboxes.GrantAsync(Ann, AnnsTree, inbox, new AccessForm { Kind = row.Kind, Who = row.Name, TakesAway = row.TakesAway, Rights = AclRights.All })).Ok);
        Assert.Equal(AclRights.All, Assert.Single((await AclAsync(inbox)).Entries).Rights);
    }

    [Theory]
    [InlineData(AccessKind.Account, "nobody@own.test")]
    [InlineData(AccessKind.Account, "")]
    [InlineData(AccessKind.Account, "anyone")]
    [InlineData(AccessKind.Account, "-bob@own.test")]
    [InlineData(AccessKind.Account, "$@own.test")]
    [InlineData(AccessKind.Account, "#1")]
    [InlineData(AccessKind.Account, "ann@own.test")]
    [InlineData(AccessKind.DomainAccounts, "elsewhere.test")]
    [InlineData(AccessKind.DomainAccounts, "")]
    [InlineData(AccessKind.Address, "x@elsewhere.test")]
    [InlineData(AccessKind.Address, "@own.test")]
    public async Task When_nobody_is_meant_or_another_than_chosen_then_it_is_refused_and_not_audited(AccessKind kind, string who)
    {
        long inbox = await _rig.InboxOfAsync(_rig.OwnUser);
        AssertField(await Mailboxes.GrantAsync(Ann, AnnsTree, inbox, new AccessForm { Kind = kind, Who = who, Rights = AclRights.Read }), "Who");
        Assert.Empty((await AclAsync(inbox)).Entries);
        Assert.Empty(await AuditAsync("mailbox.acl"));
    }

    [Fact]
    public async Task When_no_right_or_an_unknown_one_is_chosen_then_it_is_refused()
    {
        long inbox = await _rig.InboxOfAsync(_rig.OwnUser);
        AssertField(await Mailboxes.GrantAsync(Ann, AnnsTree, inbox, new AccessForm { Who = "bob@own.test" }), "Rights");
        AssertField(await Mailboxes.GrantAsync(Ann, AnnsTree, inbox, new AccessForm { Who = "bob@own.test", Rights = (AclRights)(1 << 20) }), "Rights");
    }

    [Fact]
    public async Task When_a_mailbox_of_somebody_else_is_named_by_its_number_then_it_is_not_there()
    {
        long bobs = await _rig.InboxOfAsync(_rig.SecondUser);
        Assert.Equal(Refusal.NotFound, (await Mailboxes.GetAsync(Ann, MailTree.Own, bobs)).Refusal);
        Assert.Equal(Refusal.NotFound, (await Mailboxes.GrantAsync(Ann, MailTree.Own, bobs, new AccessForm { Kind = AccessKind.Everybody, Rights = AclRights.All })).Refusal);
        Assert.Equal(Refusal.NotFound, (await Mailboxes.DeleteAsync(_rig.Master, _rig.OwnDomain, bobs)).Refusal);
    }

    [Fact]
    public async Task When_an_account_has_rights_beyond_the_masters_then_he_does_not_even_see_its_mailboxes()
    {
        long inbox = await _rig.InboxOfAsync(_rig.OwnUser);
        await _rig.GivenGrantAsync(_rig.OwnUser, PermissionSet.Superuser);
        Assert.Equal(Refusal.NotFound, (await Mailboxes.ListAsync(_rig.Master, AnnsTree, new PageRequest())).Refusal);
        Assert.Equal(Refusal.NotFound, (await Mailboxes.GrantAsync(_rig.Master, AnnsTree, inbox, new AccessForm { Who = "master@own.test", Rights = AclRights.Read })).Refusal);
        Assert.Equal(Refusal.NotFound, (await Mailboxes.SetLimitsAsync(_rig.Master, AnnsTree, new MailLimitsForm())).Refusal);
        Assert.True((await Mailboxes.ListAsync(Ann, AnnsTree, new PageRequest())).Ok);
    }

    [Fact]
    public async Task When_the_list_names_an_account_with_the_number_of_the_domain_then_it_is_shown_all_the_same()
    {
        long box = await _rig.GivenSharedMailboxAsync("Team");
        string taken = "-" + AclIdentifier.OfAccount(_rig.OwnDomain);   // what the tree of the domain is numbered
        await Store.SetAclAsync(box, taken, AclChangeMode.Replace, AclRights.Read);
        MailboxAccess shown = (await Mailboxes.GetAsync(_rig.Master, MailTree.OfDomain(_rig.OwnDomain), box)).Value!;
        Assert.Equal(taken, Assert.Single(shown.Access).Identifier);
        Assert.Equal(1, shown.Mailbox.SharedWith);
    }

    [Fact]
    public async Task When_a_shared_mailbox_is_made_then_the_accounts_of_the_domain_may_what_was_said()
    {
        var form = new SharedMailboxForm { Name = "Sales/Offers", Everyone = AclRights.Lookup | AclRights.Read };
        ServiceResult<long> made = await Mailboxes.CreateAsync(_rig.Master, _rig.OwnDomain, form);
        Assert.True(made.Ok, made.Text);
        Acl acl = Store.Find(MailStore.SharedTree(_rig.OwnDomain), MailboxName.Parse("Sales/Offers"))!.Acl;
        Assert.Equal(form.Everyone, acl.RightsOf(await SubjectAsync(_rig.SecondUser)));
        Assert.Equal(AclRights.None, acl.RightsOf(await SubjectAsync(_rig.OtherUser)));
        AssertField(await Mailboxes.CreateAsync(_rig.Master, _rig.OwnDomain, form), "Name");
        foreach (string name in new[] { "", "inbox", "INBOX/x", "a*", "/a", "a//b" })
            AssertField(await Mailboxes.CreateAsync(_rig.Master, _rig.OwnDomain, new SharedMailboxForm { Name = name }), "Name");

        long above = Store.Find(MailStore.SharedTree(_rig.OwnDomain), MailboxName.Parse("Sales"))!.Id;
        Assert.Equal(Refusal.Invalid, (await Mailboxes.DeleteAsync(_rig.Master, _rig.OwnDomain, above)).Refusal);
        Assert.True((await Mailboxes.DeleteAsync(_rig.Master, _rig.OwnDomain, made.Value)).Ok);
        Assert.True((await Mailboxes.DeleteAsync(_rig.Master, _rig.OwnDomain, above)).Ok);
        Assert.Empty(Store.MailboxesOf(MailStore.SharedTree(_rig.OwnDomain)));
        Assert.Equal(["Sales/Offers (own.test)", "Sales (own.test)"], (await AuditAsync("mailbox.delete")).Select(e => e.Object));
    }

    [Fact]
    public async Task When_limits_are_set_then_the_store_holds_to_them_and_the_audit_has_what_changed()
    {
        Assert.True((await Mailboxes.SetLimitsAsync(_rig.Master, AnnsTree, new MailLimitsForm { MaxMessages = 5, MaxMailboxes = 1, MaxBytes = 1 })).Ok);
        Assert.Equal(new AccountLimits(null, 5, 1), Store.LimitsOf(_rig.OwnUser));   // octets are the account's own
        Assert.Equal(StoreError.OverQuota, await Store.CreateAsync(_rig.OwnUser, MailboxName.Parse("One/Two")));
        MailLimits shown = (await Mailboxes.LimitsAsync(Ann, MailTree.Own)).Value!;
        Assert.Equal((5L, 1L, false), (shown.MaxMessages!.Value, shown.MaxMailboxes!.Value, shown.MayChange));
        Assert.True((await Mailboxes.SetLimitsAsync(_rig.Master, AnnsTree, new MailLimitsForm { MaxMessages = 5, MaxMailboxes = 1 })).Ok);
        Assert.Single(await AuditAsync("mailbox.quota"));
        AssertField(await Mailboxes.SetLimitsAsync(_rig.Master, AnnsTree, new MailLimitsForm { MaxMessages = -1 }), "MaxMessages");
        AssertField(await Mailboxes.SetLimitsAsync(_rig.Master, AnnsTree, new MailLimitsForm { MaxMailboxes = -1 }), "MaxMailboxes");

        MailTree shared = MailTree.OfDomain(_rig.OwnDomain);
        AssertField(await Mailboxes.SetLimitsAsync(_rig.Master, shared, new MailLimitsForm { MaxBytes = -1 }), "MaxBytes");
        Assert.True((await Mailboxes.SetLimitsAsync(_rig.Master, shared, new MailLimitsForm { MaxBytes = 1000, MaxMailboxes = 1 })).Ok);
        Assert.Equal(new AccountLimits(1000, null, 1), Store.LimitsOf(MailStore.SharedTree(_rig.OwnDomain)));
        Assert.True((await Mailboxes.CreateAsync(_rig.Master, _rig.OwnDomain, new SharedMailboxForm { Name = "One" })).Ok);
        Assert.Equal(Refusal.Invalid, (await Mailboxes.CreateAsync(_rig.Master, _rig.OwnDomain, new SharedMailboxForm { Name = "Two" })).Refusal);
        Assert.Equal(Refusal.NotFound, (await Mailboxes.LimitsAsync(ServicesRig.As(_rig.OtherMaster), shared)).Refusal);
    }

    [Fact]
    public async Task When_mailboxes_are_listed_then_the_inbox_is_first_and_the_list_is_paged_sorted_and_filtered()
    {
        await _rig.InboxOfAsync(_rig.OwnUser);
        foreach (string name in new[] { "Work", "archive", "Zebra" })
            await Store.CreateAsync(_rig.OwnUser, MailboxName.Parse(name));
        PageOf<MailboxListRow> all = (await Mailboxes.ListAsync(Ann, MailTree.Own, new PageRequest())).Value!;
        Assert.Equal(["INBOX", "archive", "Work", "Zebra"], all.Items.Select(m => m.Name));
        PageOf<MailboxListRow> some = (await Mailboxes.ListAsync(Ann, MailTree.Own, new PageRequest(Skip: 1, Take: 1, Filter: "R"))).Value!;
        Assert.Equal(("Work", 3), (Assert.Single(some.Items).Name, some.Total));
        Assert.Equal(Refusal.NotFound, (await Mailboxes.ListAsync(_rig.Super, MailTree.Own, new PageRequest())).Refusal);   // has no mailbox
    }

    [Fact]
    public async Task When_the_volume_of_an_account_is_not_there_then_that_is_said_and_nothing_is_changed_or_audited()
    {
        await _rig.DisposeAsync();
        _rig = await ServicesRig.OpenAsync(withStore: true, options: new StoreOptions().With("b"));
        await Store.GivenHomeAsync(_rig.OwnUser, "b");
        long inbox = await _rig.InboxOfAsync(_rig.OwnUser);
        PartitionSlot slot = Store.Slot("b");
        Partition partition = slot.Open!;
        slot.Open = null;
        ServiceResult[] results =
        [
            await Mailboxes.ListAsync(Ann, AnnsTree, new PageRequest()),
            await Mailboxes.GetAsync(Ann, AnnsTree, inbox),
            await Mailboxes.LimitsAsync(Ann, AnnsTree),
            await Mailboxes.GrantAsync(Ann, AnnsTree, inbox, new AccessForm { Kind = AccessKind.Everybody, Rights = AclRights.Read }),
            await Mailboxes.SetLimitsAsync(_rig.Super, AnnsTree, new MailLimitsForm { MaxMessages = 1 }),
            await _rig.Get<DeletedMailService>().MailboxesAsync(Ann, _rig.OwnUser),
            await _rig.Get<DeletedMailService>().ListAsync(Ann, _rig.OwnUser, new PageRequest()),
        ];
        slot.Open = partition;
        Assert.All(results, result => Assert.Equal(Refusal.Unavailable, result.Refusal));
        Assert.Empty((await AclAsync(inbox)).Entries);
        Assert.Empty(await AuditAsync("mailbox.acl"));
    }

    [Fact]
    public async Task When_a_form_names_no_domain_then_the_field_says_so_and_the_others_are_looked_at_too()
    {
        ServiceResult<long> account = await _rig.Get<AccountService>().CreateAsync(_rig.Super, new AccountForm { Password = "short", QuotaBytes = -1 });
        Assert.Equal(["DomainId", "LocalPart", "Password", "QuotaBytes"], account.Errors.Select(e => e.Field).Order());
        ServiceResult<long> address = await _rig.Get<AddressService>().CreateAsync(_rig.Super, new AddressForm());
        Assert.Equal(["DomainId", "LocalPart", "Targets"], address.Errors.Select(e => e.Field).Order());
    }
}
