using System.Text;
using System.Text.Json;
using MailAdmin.Tests.Cli;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>The record of changes: who reads what of it, that nobody can change it unseen, and taking changes back.</summary>
public sealed class AuditTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    AccountService Accounts => _rig.Get<AccountService>();
    AuditService Audit => _rig.Get<AuditService>();
    RevertService Revert => _rig.Get<RevertService>();

    async Task RenamedAsync(string name, Actor? actor = null)
    {
        ServiceResult done = await Accounts.UpdateAsync(actor ?? _rig.Super, _rig.OwnUser, new AccountForm { DisplayName = name });
        Assert.True(done.Ok, done.Text);
    }

    async Task<AuditCheck> CheckAsync()
    {
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        return await AuditChain.VerifyAsync(db, default);
    }

    async Task SqlAsync(FormattableString sql)
    {
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        await db.Database.ExecuteSqlAsync(sql);
    }

    [Fact]
    public async Task When_something_is_changed_then_the_entry_says_by_which_role_from_where_and_why()
    {
        await RenamedAsync("Ann", _rig.Master.Because("She married.\r\nForged: line"));
        AuditEntry entry = await _rig.LastEntryAsync();
        Assert.Equal(("Domain master", "192.0.2.7", "She married.  Forged: line"), (entry.Role, entry.Client, entry.Reason));
    }

    [Fact]
    public async Task When_many_write_at_once_then_the_chain_holds()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => RenamedAsync($"Ann {i}")));
        using var csv = new StringReader(string.Join('\n', Enumerable.Range(0, 30).Select(i => $"new{i}@own.test,correct horse 7 stairs").Prepend("address,password")));
        Assert.Equal(30, (await _rig.Get<AccountImport>().ImportAsync(_rig.Super, csv)).Value!.Imported);
        await RenamedAsync("Ann");
        AuditCheck check = await CheckAsync();
        Assert.Null(check.BrokenAt);
        Assert.Equal(71, check.Entries);
        Assert.StartsWith("71 ", check.Head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE audit SET After = replace(After, 'Ann 3', 'Ann X') WHERE Id = 4", 4)]
    [InlineData("UPDATE audit SET Actor = 'somebody' WHERE Id = 1", 1)]
    [InlineData("UPDATE audit SET Time = Time + 1 WHERE Id = 5", 5)]
    [InlineData("DELETE FROM audit WHERE Id = 3", 4)]
    [InlineData("DELETE FROM audit WHERE Id = 1", 2)]
    [InlineData("DELETE FROM audit WHERE Id > 4", 5)]
    [InlineData("DELETE FROM audit", 1)]
    [InlineData("UPDATE audit SET Hash = '' WHERE Id = 2", 2)]
    [InlineData("UPDATE audit SET AccountId = NULL WHERE Id = 3", 3)]
    [InlineData("UPDATE audit SET AccountId = AccountId + 1 WHERE Id = 6", 6)]
    public async Task When_somebody_changes_the_record_then_doctor_says_where(string sql, long at)
    {
        for (int i = 0; i < 6; i++)
            await RenamedAsync($"Ann {i}");
        Assert.Null((await CheckAsync()).BrokenAt);
#pragma warning disable EF1002 // constants of the test
        await using (AccountsContext db = _rig.Accounts.Database.NewContext())
            await db.Database.ExecuteSqlRawAsync(sql);
#pragma warning restore EF1002
        Assert.Equal(at, (await CheckAsync()).BrokenAt);
        (int? exit, string output, string errors) = await CommandLineTests.RunAsync(_rig.Accounts.Folder, "doctor --json", "");
        Assert.Equal(1, exit);
        Assert.Contains(JsonDocument.Parse(output).RootElement.EnumerateArray(), f =>
            f.GetProperty("what").GetString() == "audit" && f.GetProperty("verdict").GetString() == "fail" && f.GetProperty("text").GetString()!.Contains("removed", StringComparison.Ordinal));
        Assert.Empty(errors);
    }

    [Fact]
    public async Task When_entries_are_older_than_the_chain_then_the_next_start_chains_them()
    {
        for (int i = 0; i < 3; i++)
            await RenamedAsync($"Ann {i}");
        await SqlAsync($"UPDATE audit SET Hash = ''");
        await SqlAsync($"DELETE FROM setting WHERE Key = 'audit.head'");
        Assert.Equal(1, (await CheckAsync()).BrokenAt);
        await using (await AccountsDatabase.OpenAsync(_rig.Accounts.Folder, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<AccountsDatabase>.Instance))
            Assert.Null((await CheckAsync()).BrokenAt);
        await RenamedAsync("Ann");
        Assert.Equal((null, 4L), ((await CheckAsync()).BrokenAt, (await CheckAsync()).Entries));
    }

    [Fact]
    public async Task When_the_record_is_written_out_then_it_is_what_the_reader_may_see_and_no_cell_is_a_formula()
    {
        await RenamedAsync("=HYPERLINK(\"http://evil.test\")", _rig.Super.Because("@SUM(1)"));
        await Accounts.UpdateAsync(_rig.Super, _rig.OtherUser, new AccountForm { DisplayName = "Cid" });
        string[] lines = (await TextAsync(_rig.Master, new AuditQuery(new PageRequest()), AuditFormat.Csv)).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Equal("id,time,actor,role,from,action,object,before,after,reason,reverts", lines[0]);
        Assert.Contains(",'@SUM(1),", lines[1], StringComparison.Ordinal);
        Assert.Contains("\"{\"\"login\"\":\"\"ann@own.test\"\"", lines[1], StringComparison.Ordinal);
        using JsonDocument all = JsonDocument.Parse(await TextAsync(_rig.Super, new AuditQuery(new PageRequest()), AuditFormat.Json));
        Assert.Equal(["ann@own.test", "cid@other.test"], all.RootElement.EnumerateArray().Select(e => e.GetProperty("object").GetString()!));
        Assert.Equal("Cid", all.RootElement[1].GetProperty("after").GetProperty("DisplayName").GetString());
        Assert.Equal("[]\n", await TextAsync(_rig.Super, new AuditQuery(new PageRequest(), Action: "queue."), AuditFormat.Json));
        DateOnly today = DateOnly.FromDateTime(_rig.Accounts.Clock.GetUtcNow().UtcDateTime);
        Assert.Equal(2, (await Audit.ListAsync(_rig.Super, new AuditQuery(new PageRequest(), today, today))).Value!.Total);
        Assert.Equal(0, (await Audit.ListAsync(_rig.Super, new AuditQuery(new PageRequest(), today.AddDays(1)))).Value!.Total);
        Assert.Equal(Refusal.Forbidden, (await Audit.ListAsync(_rig.Master, new AuditQuery(new PageRequest(), DomainId: _rig.OtherDomain))).Refusal);
    }

    async Task<string> TextAsync(Actor actor, AuditQuery query, AuditFormat format)
    {
        using var stream = new MemoryStream();
        ServiceResult<long> done = await Audit.ExportAsync(actor, query, format, () => stream);
        Assert.True(done.Ok, done.Text);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    [Fact]
    public async Task When_a_change_is_taken_back_then_all_is_as_before_and_the_record_says_so()
    {
        await Accounts.UpdateAsync(_rig.Super, _rig.OwnUser, new AccountForm { DisplayName = "Ann", QuotaBytes = 5 << 20 });
        await Accounts.UpdateAsync(_rig.Super, _rig.OwnUser, new AccountForm { DisplayName = "Anna", State = AccountState.ReceiveOnly, Services = MailServices.Panel });
        AuditEntry change = await _rig.LastEntryAsync();
        ServiceResult done = await Revert.RevertAsync(_rig.Master.Because("wrong one"), change.Id);
        Assert.True(done.Ok, done.Text);
        AccountForm now = (await Accounts.GetAsync(_rig.Super, _rig.OwnUser)).Value!;
        Assert.Equal(("Ann", 5 << 20, AccountState.Active, MailServices.All), (now.DisplayName, now.QuotaBytes, now.State, now.Services));
        AuditEntry entry = await _rig.LastEntryAsync();
        Assert.Equal(("account.update", change.Id, "wrong one"), (entry.Action, entry.RevertsId, entry.Reason));
        Assert.Equal(entry.Id, (await Audit.ListAsync(_rig.Super, new AuditQuery(new PageRequest()))).Value!.Items.Single(e => e.Id == change.Id).RevertedBy);
        // A second time it is not there any more.
        Assert.Equal(Refusal.Invalid, (await Revert.RevertAsync(_rig.Master, change.Id)).Refusal);
    }

    [Fact]
    public async Task When_somebody_has_changed_it_since_then_it_is_not_taken_back()
    {
        await RenamedAsync("Ann");
        AuditEntry change = await _rig.LastEntryAsync();
        await RenamedAsync("Anna");
        ServiceResult done = await Revert.RevertAsync(_rig.Super, change.Id);
        Assert.Equal(Refusal.Invalid, done.Refusal);
        Assert.Equal("Anna", (await Accounts.GetAsync(_rig.Super, _rig.OwnUser)).Value!.DisplayName);
        Assert.Equal(Refusal.NotFound, (await Revert.RevertAsync(ServicesRig.As(_rig.OtherMaster), change.Id)).Refusal);
    }

    Task BackAsync(long? entry = null) => BackAsync(_rig, entry);

    static async Task BackAsync(ServicesRig rig, long? entry = null)
    {
        ServiceResult done = await rig.Get<RevertService>().RevertAsync(rig.Super, entry ?? (await rig.LastEntryAsync()).Id);
        Assert.True(done.Ok, done.Text);
    }

    [Fact]
    public async Task When_names_were_changed_then_they_come_back_with_all_that_hangs_on_them_and_nothing_is_left_of_the_others()
    {
        ServiceResult done = await _rig.Get<AccountNameService>().RenameAsync(_rig.Master, _rig.OwnUser, new AccountNameForm { LocalPart = "anna" });
        Assert.True(done.Ok, done.Text);
        long renamed = (await _rig.LastEntryAsync()).Id;
        await BackAsync();
        Assert.Equal(("ann@own.test", "ann@own.test"), ((await Accounts.GetAsync(_rig.Super, _rig.OwnUser)).Value is { } now) ? (now.Login, now.Primary) : default);
        Assert.Null((await _rig.Accounts.Directory.ResolveAsync(MailEngine.Addresses.EmailAddress.Parse("anna@own.test"), default)).Address);
        Assert.Equal(Refusal.Invalid, (await Revert.RevertAsync(_rig.Super, renamed)).Refusal);   // it has another name now than the change left

        done = await _rig.Get<DomainNameService>().RenameAsync(_rig.Super, _rig.OwnDomain, new DomainNameForm { Name = "bücher.test" });
        Assert.True(done.Ok, done.Text);
        AuditEntry domain = await _rig.LastEntryAsync();
        Assert.False((await Revert.RevertAsync(_rig.Master, domain.Id)).Ok);
        await BackAsync(domain.Id);
        Assert.Equal("own.test", (await _rig.Get<DomainService>().GetAsync(_rig.Super, _rig.OwnDomain)).Value!.Name);
        Assert.Null((await _rig.Accounts.Directory.ResolveAsync(MailEngine.Addresses.EmailAddress.Parse("ann@bücher.test"), default)).Domain);
        Assert.Equal("ann@own.test", (await Accounts.GetAsync(_rig.Super, _rig.OwnUser)).Value!.Login);
        Assert.Null((await CheckAsync()).BrokenAt);
    }

    [Fact]
    public async Task When_a_user_sent_his_mail_on_or_gave_an_address_up_then_that_can_be_taken_back()
    {
        var mail = _rig.Get<OwnMailService>();
        Actor ann = ServicesRig.As(_rig.OwnUser);
        DomainForm domain = (await _rig.Get<DomainService>().GetAsync(_rig.Super, _rig.OwnDomain)).Value!;
        (domain.UsersMayForward, domain.MaxOwnAliases) = (true, 2);
        Assert.True((await _rig.Get<DomainService>().UpdateAsync(_rig.Super, _rig.OwnDomain, domain)).Ok);
        Assert.True((await mail.SetForwardAsync(ann, new ForwardForm { Targets = ["one@example.org"], KeepCopy = true })).Ok);
        Assert.True((await mail.SetForwardAsync(ann, new ForwardForm { Targets = ["two@example.org"], KeepCopy = false })).Ok);
        long second = (await _rig.LastEntryAsync()).Id;
        await BackAsync();
        ForwardForm now = (await mail.ForwardAsync(ann)).Value!;
        Assert.Equal(("one@example.org", true), (Assert.Single(now.Targets), now.KeepCopy));
        Assert.Equal(Refusal.Invalid, (await Revert.RevertAsync(_rig.Super, second)).Refusal);   // it is another one now than the change left

        long alias = (await mail.AddAddressAsync(ann, "annie")).Value;
        Assert.True((await mail.RemoveAddressAsync(ann, alias)).Ok);
        await BackAsync();
        Assert.Contains((await mail.AddressesAsync(ann)).Value!.Rows, row => row is { Address: "annie@own.test", IsOwn: true });
    }

    [Fact]
    public async Task When_somebody_was_let_into_a_mailbox_or_put_out_of_it_then_that_can_be_taken_back()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore: true);
        await rig.Store!.ProvisionAsync(rig.OwnUser, []);
        long inbox = await rig.InboxOfAsync(rig.OwnUser);
        var mailboxes = rig.Get<MailboxService>();
        MailTree tree = MailTree.OfAccount(rig.OwnUser);
        async Task<AclRights?> OfBobAsync() => (await mailboxes.GetAsync(rig.Super, tree, inbox)).Value!.Access.FirstOrDefault(a => a.Name == "bob@own.test")?.Rights;
        async Task GrantAsync(AclRights rights)
        {
            ServiceResult given = await mailboxes.GrantAsync(rig.Master, tree, inbox, new AccessForm { Who = "bob@own.test", Rights = rights });
            Assert.True(given.Ok, given.Text);
        }

        await GrantAsync(AclRights.Lookup | AclRights.Read);
        long first = (await rig.LastEntryAsync()).Id;
        await GrantAsync(AclRights.All);
        await BackAsync(rig);
        Assert.Equal(AclRights.Lookup | AclRights.Read, await OfBobAsync());
        string identifier = (await mailboxes.GetAsync(rig.Super, tree, inbox)).Value!.Access.Single(a => a.Name == "bob@own.test").Identifier;
        Assert.True((await mailboxes.RevokeAsync(rig.Master, tree, inbox, identifier)).Ok);
        Assert.Equal(Refusal.Invalid, (await rig.Get<RevertService>().RevertAsync(rig.Super, first)).Refusal);   // he is out already
        await BackAsync(rig);
        Assert.Equal(AclRights.Lookup | AclRights.Read, await OfBobAsync());
        await BackAsync(rig, first);
        Assert.Null(await OfBobAsync());

        Assert.True((await mailboxes.SetLimitsAsync(rig.Master, tree, new MailLimitsForm { MaxMessages = 10 })).Ok);
        Assert.True((await mailboxes.SetLimitsAsync(rig.Master, tree, new MailLimitsForm { MaxMessages = 20, MaxMailboxes = 5 })).Ok);
        await BackAsync(rig);
        MailLimits limits = (await mailboxes.LimitsAsync(rig.Super, tree)).Value!;
        Assert.Equal((10L, null), (limits.MaxMessages, limits.MaxMailboxes));
    }

    [Fact]
    public async Task When_addresses_domains_and_roles_were_changed_then_each_can_be_taken_back()
    {
        var addresses = _rig.Get<AddressService>();
        async Task<AddressForm?> SalesAsync()
        {
            long id = (await addresses.ListAsync(_rig.Super, new AddressQuery(new PageRequest(Filter: "sales@own"), _rig.OwnDomain))).Value!.Items.Select(a => a.Id).FirstOrDefault();
            return (await addresses.GetAsync(_rig.Super, id)).Value;
        }

        await addresses.UpdateAsync(_rig.Super, _rig.OwnAlias, new AddressForm { Enabled = false, Targets = ["x@example.org"] });
        await BackAsync();
        Assert.Equal((true, "ann@own.test sales@example.org"), ((await SalesAsync())!.Enabled, string.Join(' ', (await SalesAsync())!.Targets)));
        await addresses.DeleteAsync(_rig.Super, _rig.OwnAlias);
        long deleted = (await _rig.LastEntryAsync()).Id;
        await BackAsync();
        Assert.Equal(2, (await SalesAsync())!.Targets.Count);
        await BackAsync();   // the creation of the line before
        Assert.Null(await SalesAsync());
        await BackAsync(deleted);
        Assert.NotNull(await SalesAsync());

        await _rig.Get<DomainService>().UpdateAsync(_rig.Super, _rig.OwnDomain, new DomainForm { Name = "own.test", MaxAccounts = 50, SubaddressSeparator = "-" });
        await BackAsync();
        DomainForm domain = (await _rig.Get<DomainService>().GetAsync(_rig.Super, _rig.OwnDomain)).Value!;
        Assert.Equal((0, "+"), (domain.MaxAccounts, domain.SubaddressSeparator));

        var grants = _rig.Get<GrantService>();
        DateTimeOffset end = _rig.Accounts.Clock.GetUtcNow().AddDays(3);
        long grant = (await grants.GiveAsync(_rig.Super, new GrantForm { AccountId = _rig.OwnUser, DomainId = _rig.OwnDomain, EndsAt = end })).Value;
        long given = (await _rig.LastEntryAsync()).Id;
        await grants.TakeAsync(_rig.Super, grant);
        await BackAsync();
        Assert.Equal(end, (await grants.ListAsync(_rig.Super)).Value!.Single(g => g.AccountId == _rig.OwnUser).EndsAt);
        await BackAsync(given);
        Assert.DoesNotContain((await grants.ListAsync(_rig.Super)).Value!, g => g.AccountId == _rig.OwnUser);

        var sets = _rig.Get<PermissionSetService>();
        long set = (await sets.CreateAsync(_rig.Super, new PermissionSetForm { Name = "Watch" })).Value;
        await sets.UpdateAsync(_rig.Super, set, new PermissionSetForm { Name = "Watch", Permissions = Permissions.See | Permissions.Audit });
        await BackAsync();
        Assert.Equal(Permissions.See, (await sets.GetAsync(_rig.Super, set)).Value!.Permissions);
        await sets.DeleteAsync(_rig.Super, set);
        await BackAsync();
        Assert.Contains((await sets.ListAsync(_rig.Super)).Value!, s => s.Name == "Watch");
        Assert.Null((await CheckAsync()).BrokenAt);
    }
}
