using System.Net;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

public sealed class ServiceTests : IAsyncLifetime
{
    const string Password = ServicesRig.Password;
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync(withStore: true);

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    DomainService Domains => _rig.Get<DomainService>();
    AccountService Accounts => _rig.Get<AccountService>();
    AddressService Addresses => _rig.Get<AddressService>();

    Task<ServiceResult<long>> Create(string local, Action<AccountForm>? change = null)
    {
        var form = new AccountForm { DomainId = _rig.OwnDomain, LocalPart = local, Password = Password };
        change?.Invoke(form);
        return Accounts.CreateAsync(_rig.Super, form);
    }

    async Task UpdateDomain(Action<DomainForm> change)
    {
        DomainForm form = (await Domains.GetAsync(_rig.Super, _rig.OwnDomain)).Value!;
        change(form);
        ServiceResult result = await Domains.UpdateAsync(_rig.Super, _rig.OwnDomain, form);
        Assert.True(result.Ok, result.Text);
    }

    static void AssertField(ServiceResult result, string field)
    {
        Assert.Equal(Refusal.Invalid, result.Refusal);
        Assert.Contains(result.Errors, e => e.Field == field);
        Assert.All(result.Errors, e => Assert.NotEmpty(e.Message));
    }

    [Fact]
    public async Task When_an_account_is_made_then_it_can_log_in_receives_mail_and_has_its_folders()
    {
        ServiceResult<long> made = await Create("Dora.Müller");
        Assert.True(made.Ok, made.Text);
        AuthOutcome login = await _rig.Accounts.Authenticator.AuthenticateAsync("dora.müller@own.test", Password, MailServices.Imap, IPAddress.Loopback, default);
        Assert.Equal(made.Value, login.Account!.AccountId);
        Resolution r = await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("DORA.MÜLLER@own.test"), default);
        Assert.Equal(made.Value, r.Address!.Targets.Single().Account!.AccountId);
        IReadOnlyList<MailboxInfo> folders = await _rig.Store!.ListAsync(made.Value);
        Assert.Equal(["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"], folders.Select(f => f.Name.Value));
        Assert.Equal("\\Sent", folders.Single(f => f.Name.Value == "Sent").SpecialUse);
        Assert.All(folders, f => Assert.True(f.Subscribed || f.Name.IsInbox));
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Empty(await db.StoreTasks.ToListAsync());
        AuditEntry audit = await db.Audit.OrderByDescending(a => a.Id).FirstAsync();
        Assert.Equal(("account.create", "Dora.Müller@own.test", (long?)_rig.Superuser), (audit.Action, audit.Object, audit.ActorId));
        Assert.DoesNotContain(Password, audit.After, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_an_account_is_removed_then_log_in_addresses_and_mail_go_and_the_id_stays_dead()
    {
        long id = (await Create("dora")).Value;
        long alias = (await Addresses.CreateAsync(_rig.Super, new AddressForm { DomainId = _rig.OwnDomain, LocalPart = "d", Targets = ["dora@own.test"] })).Value;
        Mailbox inbox = (await _rig.Store!.OpenAsync(id, MailboxName.Inbox))!;
        using (BodyWriter writer = _rig.Store.NewBody())
        {
            writer.Write("Subject: x\r\n\r\nbody\r\n"u8);
            using Body body = writer.Complete();
            await _rig.Store.AppendAsync(inbox, 0, [new AppendItem { Body = body }]);
        }
        Assert.Equal(1, (await Accounts.ListAsync(_rig.Super, new AccountQuery(new PageRequest(Filter: "dora")))).Value!.Items.Single().Messages);

        ServiceResult gone = await Accounts.DeleteAsync(_rig.Super, id);
        Assert.True(gone.Ok, gone.Text);
        Assert.Equal(Refusal.NotFound, (await Addresses.GetAsync(_rig.Super, alias)).Refusal);
        Assert.Equal(AuthFailure.Invalid, (await _rig.Accounts.Authenticator.AuthenticateAsync("dora@own.test", Password, MailServices.Imap, null, default)).Failure);
        Assert.Equal(0, (await _rig.Store.UseAsync(id)).Messages);
        // Twice: mail that was on its way when the account went is removed a quarter of an hour later.
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Equal(1, await db.StoreTasks.CountAsync());
        _rig.Accounts.Hands.Advance(TimeSpan.FromMinutes(16));
        await _rig.Get<StoreTaskRunner>().RunAsync();
        Assert.Equal(0, await db.StoreTasks.CountAsync());
        Assert.True((await Create("dora")).Value > id);
    }

    [Theory]
    [InlineData("", nameof(AccountForm.LocalPart))]
    [InlineData("*", nameof(AccountForm.LocalPart))]
    [InlineData("a b", nameof(AccountForm.LocalPart))]
    [InlineData("a@b", nameof(AccountForm.LocalPart))]
    [InlineData("\"quoted\"", nameof(AccountForm.LocalPart))]
    [InlineData(".dot", nameof(AccountForm.LocalPart))]
    [InlineData("ann", nameof(AccountForm.LocalPart))]
    [InlineData("ANN", nameof(AccountForm.LocalPart))]
    [InlineData("sales", nameof(AccountForm.LocalPart))]
    public async Task When_a_local_part_cannot_be_had_then_its_field_says_so(string local, string field) => AssertField(await Create(local), field);

    [Fact]
    public async Task When_a_password_is_weak_then_its_field_says_so() =>
        AssertField(await Create("dora", f => f.Password = "short"), nameof(AccountForm.Password));

    [Fact]
    public async Task When_the_domains_limits_are_reached_then_the_next_one_is_refused()
    {
        await UpdateDomain(f => (f.DefaultQuotaBytes, f.MaxQuotaBytes, f.TotalQuotaBytes, f.MaxAccounts) = (1000, 2000, 5000, 6));
        AssertField(await Create("dora", f => f.QuotaBytes = 2001), nameof(AccountForm.QuotaBytes));
        AssertField(await Create("dora", f => f.QuotaBytes = 0), nameof(AccountForm.QuotaBytes));
        AssertField(await Create("dora", f => f.QuotaBytes = -1), nameof(AccountForm.QuotaBytes));
        Assert.True((await Create("dora", f => f.QuotaBytes = 1500)).Ok);   // 3 x 1000 + 1500
        AssertField(await Create("emil", f => f.QuotaBytes = 501), nameof(AccountForm.QuotaBytes));
        Assert.True((await Create("emil", f => f.QuotaBytes = 500)).Ok);
        AssertField(await Accounts.UpdateAsync(_rig.Super, _rig.OwnUser, new AccountForm { QuotaBytes = 1001 }), nameof(AccountForm.QuotaBytes));
        Assert.True((await Accounts.UpdateAsync(_rig.Super, _rig.OwnUser, new AccountForm { QuotaBytes = 990 })).Ok);
        Assert.True((await Create("fred", f => f.QuotaBytes = 10)).Ok);
        await Accounts.UpdateAsync(_rig.Super, _rig.OwnUser, new AccountForm { QuotaBytes = 980 });
        AssertField(await Create("gina", f => f.QuotaBytes = 5), "");
        DomainForm form = (await Domains.GetAsync(_rig.Super, _rig.OwnDomain)).Value!;
        form.MaxAccounts = 2;
        AssertField(await Domains.UpdateAsync(_rig.Super, _rig.OwnDomain, form), nameof(DomainForm.MaxAccounts));
    }

    [Fact]
    public async Task When_many_ask_for_the_last_place_at_once_then_one_gets_it()
    {
        await UpdateDomain(f => f.MaxAccounts = 4);
        ServiceResult<long>[] results = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Create($"new{i}")));
        Assert.Equal(1, results.Count(r => r.Ok));
        results = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Addresses.CreateAsync(
            _rig.Super, new AddressForm { DomainId = _rig.OwnDomain, LocalPart = "same", Targets = ["x@example.org"] })));
        Assert.Equal(1, results.Count(r => r.Ok));
        Assert.All(results.Where(r => !r.Ok), r => AssertField(r, nameof(AddressForm.LocalPart)));
    }

    [Fact]
    public async Task When_a_master_edits_his_domain_then_limits_stay_and_the_rest_changes()
    {
        await UpdateDomain(f => (f.DefaultQuotaBytes, f.MaxQuotaBytes, f.MaxAccounts) = (1000, 2000, 10));
        DomainForm form = (await Domains.GetAsync(_rig.Master, _rig.OwnDomain)).Value!;
        (form.DefaultQuotaBytes, form.MaxQuotaBytes, form.MaxAccounts, form.Enabled, form.SubaddressSeparator) = (1500, 9999, 0, false, "-");
        Assert.True((await Domains.UpdateAsync(_rig.Master, _rig.OwnDomain, form)).Ok);
        form = (await Domains.GetAsync(_rig.Master, _rig.OwnDomain)).Value!;
        Assert.Equal((1500, 2000, 10, true, "-"), (form.DefaultQuotaBytes, form.MaxQuotaBytes, form.MaxAccounts, form.Enabled, form.SubaddressSeparator));
        form.DefaultQuotaBytes = 3000;
        AssertField(await Domains.UpdateAsync(_rig.Master, _rig.OwnDomain, form), nameof(DomainForm.DefaultQuotaBytes));
    }

    [Fact]
    public async Task When_two_edit_the_same_thing_then_the_second_is_told()
    {
        AccountForm one = (await Accounts.GetAsync(_rig.Super, _rig.OwnUser)).Value!;
        AccountForm two = (await Accounts.GetAsync(_rig.Master, _rig.OwnUser)).Value!;
        (one.DisplayName, two.DisplayName) = ("One", "Two");
        Assert.True((await Accounts.UpdateAsync(_rig.Super, _rig.OwnUser, one)).Ok);
        Assert.Equal(Refusal.Conflict, (await Accounts.UpdateAsync(_rig.Master, _rig.OwnUser, two)).Refusal);
        Assert.Equal("One", (await Accounts.GetAsync(_rig.Super, _rig.OwnUser)).Value!.DisplayName);

        AddressForm a = (await Addresses.GetAsync(_rig.Super, _rig.OwnAlias)).Value!;
        AddressForm b = (await Addresses.GetAsync(_rig.Super, _rig.OwnAlias)).Value!;
        Assert.True((await Addresses.UpdateAsync(_rig.Super, _rig.OwnAlias, a)).Ok);
        Assert.Equal(Refusal.Conflict, (await Addresses.UpdateAsync(_rig.Super, _rig.OwnAlias, b)).Refusal);
    }

    [Fact]
    public async Task When_a_domain_is_made_then_postmaster_and_abuse_come_with_its_first_account()
    {
        ServiceResult<long> made = await Domains.CreateAsync(_rig.Super, new DomainForm { Name = "Bücher.Test." });
        Assert.True(made.Ok, made.Text);
        DomainForm form = (await Domains.GetAsync(_rig.Super, made.Value)).Value!;
        Assert.Equal("bücher.test", form.Name);
        long first = (await Accounts.CreateAsync(_rig.Super, new AccountForm { DomainId = made.Value, LocalPart = "ann", Password = Password })).Value;
        foreach (string role in new[] { "postmaster", "abuse" })
        {
            Resolution r = await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse($"{role}@bücher.test"), default);
            Assert.Equal(first, r.Address!.Targets.Single().Account!.AccountId);
        }
        long postmaster = (await Addresses.ListAsync(_rig.Super, new AddressQuery(new PageRequest(Filter: "postmaster"), made.Value))).Value!.Items.Single().Id;
        AssertField(await Addresses.DeleteAsync(_rig.Super, postmaster), "");
        ServiceResult<long> own = await Accounts.CreateAsync(_rig.Super, new AccountForm { DomainId = made.Value, LocalPart = "postmaster", Password = Password });
        Assert.True(own.Ok, own.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nodots")]
    [InlineData("a b.test")]
    [InlineData("own.test")]
    [InlineData("-x.test")]
    public async Task When_a_domain_name_is_wrong_then_its_field_says_so(string name) =>
        AssertField(await Domains.CreateAsync(_rig.Super, new DomainForm { Name = name }), nameof(DomainForm.Name));

    [Fact]
    public async Task When_a_domain_form_is_wrong_then_each_field_says_so()
    {
        ServiceResult<long> result = await Domains.CreateAsync(_rig.Super, new DomainForm
        {
            Name = "new.test", MaxAccounts = -1, MaxQuotaBytes = 5, DefaultQuotaBytes = 6, SubaddressSeparator = "abc", LoginScheme = LoginScheme.PrefixCounter,
            LoginPrefix = "Web Æ", StandardFolders = "Sent=\\Send\nINBOX", Kind = DomainKind.Relay, RelayHost = "host:99999",
        });
        Assert.Equal(["DefaultQuotaBytes", "LoginPrefix", "MaxAccounts", "RelayHost", "StandardFolders", "SubaddressSeparator"],
            result.Errors.Select(e => e.Field).Distinct().Order());
        AssertField(await Domains.CreateAsync(_rig.Super, new DomainForm { Name = "new.test", Kind = DomainKind.AliasOf, AliasOf = "missing.test" }), "AliasOf");
        Assert.True((await Domains.CreateAsync(_rig.Super, new DomainForm { Name = "new.test", Kind = DomainKind.AliasOf, AliasOf = "own.test" })).Ok);
        AssertField(await Domains.DeleteAsync(_rig.Super, _rig.OwnDomain, withAccounts: true), "");
    }

    [Fact]
    public async Task When_several_things_are_wrong_with_an_account_then_all_are_said_at_once()
    {
        ServiceResult<long> result = await Accounts.CreateAsync(_rig.Super, new AccountForm
        {
            DomainId = _rig.OwnDomain, LocalPart = "a b@c", Password = "short", DisplayName = new string('x', 201), QuotaBytes = -1,
        });
        Assert.Equal(["DisplayName", "LocalPart", "Password", "QuotaBytes"], result.Errors.Select(e => e.Field).Distinct().Order());
        Assert.Equal("Use at least 10 characters.", result.Errors.Single(e => e.Field == "Password").Message);

        ServiceResult<long> super = await _rig.Get<GrantService>().AddSuperuserAsync(
            _rig.Super, new SuperuserForm { Login = "a@b", Password = "short", DisplayName = "two\nlines" });
        Assert.Equal(["DisplayName", "Login", "Password"], super.Errors.Select(e => e.Field).Order());

        ServiceResult<long> address = await _rig.Get<AddressService>().CreateAsync(
            _rig.Super, new AddressForm { DomainId = _rig.OwnDomain, LocalPart = "a b@c", Targets = ["no address", "x@example.org"] });
        Assert.Equal(["LocalPart", "Targets"], address.Errors.Select(e => e.Field).Order());

        ServiceResult own = await _rig.Get<PasswordService>().ChangeOwnAsync(
            ServicesRig.As(_rig.OwnUser), new OwnPasswordForm { Current = "not this one", New = "short", Repeat = "other" });
        Assert.Equal(["Current", "New", "Repeat"], own.Errors.Select(e => e.Field).Order());
    }

    [Fact]
    public async Task When_a_domain_is_removed_then_its_accounts_must_be_named_with_it()
    {
        AssertField(await Domains.DeleteAsync(_rig.Super, _rig.OwnDomain, withAccounts: false), "");
        ServiceResult gone = await Domains.DeleteAsync(_rig.Super, _rig.OwnDomain, withAccounts: true);
        Assert.True(gone.Ok, gone.Text);
        Assert.Null((await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("ann@own.test"), default)).Domain);
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Equal(4, await db.StoreTasks.CountAsync());
        Assert.False(await db.Grants.AnyAsync(g => g.AccountId == _rig.OwnMaster));
    }

    [Fact]
    public async Task When_log_in_names_are_counted_then_no_number_is_given_twice()
    {
        await UpdateDomain(f => (f.LoginScheme, f.LoginPrefix) = (LoginScheme.PrefixCounter, "web"));
        long first = (await Create("dora")).Value;
        Assert.Equal("web0001", (await Accounts.GetAsync(_rig.Super, first)).Value!.Login);
        await Accounts.DeleteAsync(_rig.Super, first);
        Assert.Equal("web0002", (await Accounts.GetAsync(_rig.Super, (await Create("dora")).Value)).Value!.Login);
        Assert.NotNull(await _rig.Accounts.Directory.FindLoginAsync("dora@own.test", default));
    }

    [Fact]
    public async Task When_log_in_names_are_free_then_they_are_unique_and_no_address_of_somebody_else()
    {
        await UpdateDomain(f => f.LoginScheme = LoginScheme.Free);
        Assert.True((await Create("dora", f => f.Login = "Dora")).Ok);
        AssertField(await Create("emil", f => f.Login = "DORA"), nameof(AccountForm.Login));
        AssertField(await Create("emil", f => f.Login = "ann@own.test"), nameof(AccountForm.Login));
        Assert.True((await Create("emil", f => f.Login = "emil@own.test")).Ok);
    }

    [Fact]
    public async Task When_an_address_is_made_then_targets_are_accounts_by_name_or_addresses_anywhere()
    {
        ServiceResult<long> list = await Addresses.CreateAsync(_rig.Super, new AddressForm
        {
            DomainId = _rig.OwnDomain, LocalPart = "team", Targets = ["ann@own.test", "Ann@OWN.test", "chief", "out@example.org", " "],
        });
        Assert.True(list.Ok, list.Text);
        AddressForm form = (await Addresses.GetAsync(_rig.Super, list.Value)).Value!;
        Assert.Equal(["ann@own.test", "chief", "out@example.org"], form.Targets.Order());
        // A master sees what a superuser put there, and may keep it.
        form = (await Addresses.GetAsync(_rig.Master, list.Value)).Value!;
        form.Targets.Add("bob@own.test");
        Assert.True((await Addresses.UpdateAsync(_rig.Master, list.Value, form)).Ok);
        Resolution r = await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("team@own.test"), default);
        Assert.Equal(4, r.Address!.Targets.Count);
        Assert.Equal(3, r.Address.Targets.Count(t => t.Account is not null));
        foreach (string bad in new[] { "no such name", "team@own.test", "*@own.test", "@" })
            AssertField(await Addresses.UpdateAsync(_rig.Super, list.Value, new AddressForm { Targets = [bad] }), nameof(AddressForm.Targets));
        AssertField(await Addresses.UpdateAsync(_rig.Super, list.Value, new AddressForm()), nameof(AddressForm.Targets));
        Assert.True((await Addresses.CreateAsync(_rig.Super, new AddressForm { DomainId = _rig.OwnDomain, LocalPart = "*", Targets = ["ann@own.test"] })).Ok);
    }

    [Fact]
    public async Task When_it_is_an_accounts_own_address_then_it_stays()
    {
        long primary = (await Addresses.ListAsync(_rig.Super, new AddressQuery(new PageRequest(Filter: "ann@own")))).Value!.Items.Single(a => a.IsPrimary).Id;
        AssertField(await Addresses.DeleteAsync(_rig.Super, primary), "");
    }

    [Fact]
    public async Task When_it_is_the_last_superuser_then_nothing_takes_him_away()
    {
        var grants = _rig.Get<GrantService>();
        long chief = await _rig.GrantOfAsync(_rig.Superuser);
        AssertField(await grants.TakeAsync(_rig.Super, chief), "");
        AssertField(await Accounts.DeleteAsync(_rig.Super, _rig.Superuser), "");
        AssertField(await Accounts.UpdateAsync(_rig.Super, _rig.Superuser, new AccountForm { State = AccountState.Suspended }), "State");
        AssertField(await Accounts.UpdateAsync(_rig.Super, _rig.Superuser, new AccountForm { Services = MailServices.Imap }), "State");
        AssertField(await grants.GiveAsync(_rig.Super, SuperuserGrant(_rig.Superuser, _rig.Accounts.Clock.GetUtcNow().AddDays(1))), "");
        // One whose role ends by itself does not count.
        Assert.True((await grants.GiveAsync(_rig.Super, SuperuserGrant(_rig.OwnUser, _rig.Accounts.Clock.GetUtcNow().AddDays(1)))).Ok);
        AssertField(await grants.TakeAsync(_rig.Super, chief), "");
        long ann = (await grants.GiveAsync(_rig.Super, SuperuserGrant(_rig.OwnUser))).Value;
        Assert.True((await grants.TakeAsync(_rig.Super, chief)).Ok);
        // Nor does a domain that is switched off, which takes him along, or one that is removed.
        AssertField(await Domains.UpdateAsync(ServicesRig.As(_rig.OwnUser), _rig.OwnDomain, new DomainForm { Name = "own.test", Enabled = false }), "");
        AssertField(await Domains.DeleteAsync(ServicesRig.As(_rig.OwnUser), _rig.OwnDomain, withAccounts: true), "");
        // Two who take each other's right at the same moment: one of them stays.
        long bob = (await grants.GiveAsync(ServicesRig.As(_rig.OwnUser), SuperuserGrant(_rig.SecondUser))).Value;
        ServiceResult[] both = await Task.WhenAll(
            grants.TakeAsync(ServicesRig.As(_rig.OwnUser), bob),
            grants.TakeAsync(ServicesRig.As(_rig.SecondUser), ann));
        Assert.Equal(1, both.Count(r => r.Ok));
    }

    static GrantForm SuperuserGrant(long accountId, DateTimeOffset? endsAt = null) => new() { AccountId = accountId, SetId = PermissionSet.Superuser, EndsAt = endsAt };

    [Fact]
    public async Task When_a_password_changes_then_the_old_one_and_the_sessions_end()
    {
        AccountEntry before = (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", Password, MailServices.Imap, null, default)).Account!;
        var passwords = _rig.Get<PasswordService>();
        Actor ann = ServicesRig.As(_rig.OwnUser);
        AssertField(await passwords.ChangeOwnAsync(ann, new OwnPasswordForm { Current = "wrong", New = "lagoon trombone 9", Repeat = "lagoon trombone 9" }), "Current");
        AssertField(await passwords.ChangeOwnAsync(ann, new OwnPasswordForm { Current = Password, New = "lagoon trombone 9", Repeat = "other" }), "Repeat");
        AssertField(await passwords.ChangeOwnAsync(ann, new OwnPasswordForm { Current = Password, New = "short", Repeat = "short" }), "New");
        Assert.True((await passwords.ChangeOwnAsync(ann, new OwnPasswordForm { Current = Password, New = "lagoon trombone 9", Repeat = "lagoon trombone 9" })).Ok);
        Assert.False(await _rig.Accounts.Authenticator.MayContinueAsync(before, MailServices.Imap, default));
        Assert.Equal(AuthFailure.Invalid, (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", Password, MailServices.Imap, null, default)).Failure);
        Assert.Equal(AuthFailure.None, (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", "lagoon trombone 9", MailServices.Imap, null, default)).Failure);
    }

    [Fact]
    public async Task When_somebody_signs_in_to_the_panel_then_the_principal_lasts_as_long_as_the_stamp()
    {
        var signIn = _rig.Get<PanelSignIn>();
        var user = (await signIn.OpenAsync(_rig.OwnMaster, "192.0.2.7", "a browser"))!;
        Assert.Equal(_rig.OwnMaster, Actor.Of(user, "").AccountId);
        Assert.True(await signIn.IsStillValidAsync(user));
        await _rig.Get<GrantService>().TakeAsync(_rig.Super, await _rig.GrantOfAsync(_rig.OwnMaster));
        Assert.False(await signIn.IsStillValidAsync(user));
        await Accounts.UpdateAsync(_rig.Super, _rig.OwnMaster, new AccountForm { State = AccountState.Suspended });
        Assert.Null(await signIn.OpenAsync(_rig.OwnMaster, "192.0.2.7", "a browser"));
    }

    [Fact]
    public async Task When_a_list_is_paged_sorted_and_filtered_then_the_database_does_it()
    {
        for (int i = 0; i < 5; i++)
            await Create($"x{i}", f => f.DisplayName = $"Zoë {9 - i}");
        PageOf<AccountRow> page = (await Accounts.ListAsync(_rig.Super, new AccountQuery(new PageRequest(1, 2, "DisplayName", false, "ZOË"), _rig.OwnDomain))).Value!;
        Assert.Equal(5, page.Total);
        Assert.Equal(["Zoë 6", "Zoë 7"], page.Items.Select(a => a.DisplayName));
        page = (await Accounts.ListAsync(_rig.Super, new AccountQuery(new PageRequest(0, 1, "Login", true), _rig.OwnDomain))).Value!;
        Assert.Equal("x4@own.test", page.Items.Single().Login);
        Assert.True((await Accounts.ListAsync(_rig.Super, new AccountQuery(new PageRequest(Sort: "no such", Take: -5, Skip: -1)))).Ok);
        Assert.Equal(8, (await Domains.ListAsync(_rig.Super, new PageRequest(Sort: "Accounts", Descending: true))).Value!.Items[0].Accounts);
    }
}
