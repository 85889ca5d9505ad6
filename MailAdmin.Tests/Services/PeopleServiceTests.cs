using System.Net;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Sasl;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Names, many accounts, suspensions with an end, catch-alls, vacation, preferences, and what users do for themselves.</summary>
public sealed class PeopleServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync(withStore: true);

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    T Get<T>() where T : notnull => _rig.Get<T>();

    Actor Ann => ServicesRig.As(_rig.OwnUser);

    static void AssertField(ServiceResult result, string field)
    {
        Assert.Equal(Refusal.Invalid, result.Refusal);
        Assert.Contains(result.Errors, e => e.Field == field);
        Assert.All(result.Errors, e => Assert.Contains(' ', e.Message));   // a text, not its key
    }

    static void AssertOk(ServiceResult result) => Assert.True(result.Ok, result.Text);

    async Task<List<AuditEntry>> AuditAsync(string action)
    {
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        return await db.Audit.Where(e => e.Action == action).ToListAsync();
    }

    async Task ChangeDomainAsync(Action<DomainForm> change)
    {
        DomainForm form = (await Get<DomainService>().GetAsync(_rig.Super, _rig.OwnDomain)).Value!;
        change(form);
        AssertOk(await Get<DomainService>().UpdateAsync(_rig.Super, _rig.OwnDomain, form));
    }

    [Fact]
    public async Task When_a_domain_is_renamed_then_log_ins_mail_and_lists_go_by_the_new_name_and_the_old_one_still_leads_there()
    {
        await _rig.Store!.ProvisionAsync(_rig.SecondUser, []);
        long inbox = await _rig.InboxOfAsync(_rig.SecondUser);
        await _rig.Store.SetAclAsync(inbox, "$@own.test", AclChangeMode.Replace, AclRights.Read);
        AssertField(await Get<DomainNameService>().RenameAsync(_rig.Super, _rig.OwnDomain, new DomainNameForm { Name = "other.test" }), "Name");
        AssertField(await Get<DomainNameService>().RenameAsync(_rig.Super, _rig.OwnDomain, new DomainNameForm { Name = "nodots" }), "Name");

        AssertOk(await Get<DomainNameService>().RenameAsync(_rig.Super, _rig.OwnDomain, new DomainNameForm { Name = "Bücher.test" }));

        Assert.Equal("bücher.test", (await Get<DomainService>().GetAsync(_rig.Master, _rig.OwnDomain)).Value!.Name);
        AuthOutcome login = await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", ServicesRig.Password, MailServices.Imap, IPAddress.Loopback, default);
        Assert.Equal("ann@xn--bcher-kva.test", login.Account!.Login);
        Assert.Equal("$@xn--bcher-kva.test", Assert.Single((await _rig.Store.OpenAsync(_rig.SecondUser, MailboxName.Inbox))!.Acl.Entries).Identifier);
        Assert.Equal("own.test", Assert.Single(await AuditAsync("domain.rename")).Object);
        // And back: the other name and the name change places.
        AssertOk(await Get<DomainNameService>().RenameAsync(_rig.Super, _rig.OwnDomain, new DomainNameForm { Name = "own.test", KeepOld = false }));
        Assert.Null((await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("ann@bücher.test"), default)).Domain);
    }

    [Fact]
    public async Task When_a_domain_is_to_go_then_all_that_goes_with_it_is_said_before_and_gone_after()
    {
        await _rig.Accounts.GivenAddressAsync(_rig.OtherDomain, "list", "ann@own.test", "x@example.org");
        await _rig.Accounts.GivenAddressAsync(_rig.OtherDomain, "direct", _rig.OwnUser);
        await _rig.Accounts.GivenAddressAsync(_rig.OtherDomain, "only", "bob@own.test");
        await _rig.Accounts.GivenAddressAsync(_rig.OtherDomain, "none", "bob@bown.test");
        await _rig.GivenSharedMailboxAsync("Team");
        using (BodyWriter writer = _rig.Store!.NewBody())
        {
            writer.Write("Subject: x\r\n\r\nhello\r\n"u8);
            using Body body = writer.Complete();
            await _rig.Store.ProvisionAsync(_rig.OwnUser, []);
            await _rig.Store.AppendAsync((await _rig.Store.OpenAsync(_rig.OwnUser, MailboxName.Inbox))!, 0, [new AppendItem { Body = body }]);
        }

        DomainLosses losses = (await Get<DomainNameService>().LossesAsync(_rig.Super, _rig.OwnDomain)).Value!;

        Assert.Equal((3, 3, 1, 1L), (losses.Accounts, losses.ForwardCount, losses.SharedMailboxes, losses.Messages));
        Assert.Equal(["direct@other.test", "list@other.test", "only@other.test"], losses.Forwards);
        Assert.Equal("Subject: x\r\n\r\nhello\r\n".Length, losses.Bytes);
        AssertOk(await Get<DomainService>().DeleteAsync(_rig.Super, _rig.OwnDomain, withAccounts: true));
        Resolution list = await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("list@other.test"), default);
        Assert.Equal("x@example.org", Assert.Single(list.Address!.Targets).Outside.ToString());
        Assert.Null((await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("only@other.test"), default)).Address);
        Assert.NotNull((await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("none@other.test"), default)).Address);
    }

    [Fact]
    public async Task When_an_account_is_renamed_then_its_mail_stays_and_the_old_address_still_arrives()
    {
        await _rig.Store!.ProvisionAsync(_rig.OwnUser, []);
        long inbox = await _rig.InboxOfAsync(_rig.OwnUser);
        AssertField(await Get<AccountNameService>().RenameAsync(_rig.Master, _rig.OwnUser, new AccountNameForm { LocalPart = "bob" }), "LocalPart");
        AssertOk(await Get<AccountNameService>().RenameAsync(_rig.Master, _rig.OwnUser, new AccountNameForm { LocalPart = "anna" }));
        Assert.Equal(inbox, await _rig.InboxOfAsync(_rig.OwnUser));
        AccountForm form = (await Get<AccountService>().GetAsync(_rig.Master, _rig.OwnUser)).Value!;
        Assert.Equal(("anna@own.test", "anna@own.test"), (form.Login, form.Primary));
        Assert.Equal(_rig.OwnUser, (await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("ann@own.test"), default)).Address!.Targets[0].Account!.AccountId);
        Assert.Contains("anna@own.test", Assert.Single(await AuditAsync("account.rename")).After);
    }

    [Fact]
    public async Task When_many_accounts_are_made_then_each_can_log_in_with_the_password_that_is_shown_and_bad_lines_are_named()
    {
        var form = new ManyAccountsForm { DomainId = _rig.OwnDomain, Lines = "dora, \"Dora\" Example\n\neve@own.test;Eve;correct horse 7 stairs\nann, taken\nwith space, x\n", QuotaBytes = 1 << 20 };

        ManyAccounts many = (await Get<ManyAccountsService>().CreateAsync(_rig.Master, form)).Value!;

        Assert.Equal(["dora@own.test", "eve@own.test"], many.Made.Select(m => m.Address));
        Assert.Equal(2, many.Errors.Count);
        Assert.Equal("", many.Made[1].Password);
        foreach ((string address, string password) in new[] { ("dora@own.test", many.Made[0].Password), ("eve@own.test", "correct horse 7 stairs") })
            Assert.NotNull((await _rig.Accounts.Authenticator.AuthenticateAsync(address, password, MailServices.Imap, IPAddress.Loopback, default)).Account);
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Equal("\"Dora\" Example", (await db.Accounts.SingleAsync(a => a.UserName == "dora@own.test")).DisplayName);
        AssertField(await Get<ManyAccountsService>().CreateAsync(_rig.Master, new ManyAccountsForm { DomainId = _rig.OwnDomain, Lines = " \n" }), "Lines");
        AssertField(await Get<ManyAccountsService>().CreateAsync(_rig.Master, new ManyAccountsForm { DomainId = _rig.OwnDomain, Lines = string.Join('\n', Enumerable.Range(0, 501)) }), "Lines");
    }

    async Task UpdateAsync(Action<AccountForm> change)
    {
        AccountForm form = (await Get<AccountService>().GetAsync(_rig.Master, _rig.OwnUser)).Value!;
        change(form);
        AssertOk(await Get<AccountService>().UpdateAsync(_rig.Master, _rig.OwnUser, form));
    }

    [Fact]
    public async Task When_a_suspension_has_an_end_then_the_account_works_again_from_then_on()
    {
        var period = TimeSpan.FromHours(1);
        DateTimeOffset end = _rig.Accounts.Clock.GetUtcNow() + period;
        await UpdateAsync(f => (f.State, f.SuspendedUntil) = (AccountState.Suspended, end));
        Assert.Equal(end, await Get<SuspensionEnds>().RunAsync());
        _rig.Accounts.Hands.Advance(period - TimeSpan.FromSeconds(1));
        await Get<SuspensionEnds>().RunAsync();
        Assert.Equal(AccountState.Suspended, (await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!.State);
        _rig.Accounts.Hands.Advance(TimeSpan.FromSeconds(1));
        await Get<SuspensionEnds>().RunAsync();
        Assert.Equal(AccountState.Active, (await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!.State);
        Assert.Equal("engine", Assert.Single(await AuditAsync("account.resume")).Actor);
        Assert.Null(await Get<SuspensionEnds>().RunAsync());
        AccountForm form = (await Get<AccountService>().GetAsync(_rig.Master, _rig.OwnUser)).Value!;
        (form.State, form.SuspendedUntil) = (AccountState.Suspended, end);
        AssertField(await Get<AccountService>().UpdateAsync(_rig.Master, _rig.OwnUser, form), "SuspendedUntil");
    }

    [Fact]
    public async Task When_one_service_is_switched_off_then_the_others_go_on_where_they_are()
    {
        AccountEntry before = (await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!;
        await UpdateAsync(f => f.Services &= ~(MailServices.Pop3 | MailServices.Receiving));
        Assert.True(await _rig.Accounts.Authenticator.MayContinueAsync(before, MailServices.Imap, default));
        Assert.True(await _rig.Accounts.Authenticator.MayContinueAsync(before, MailServices.Sending, default));
        Assert.False(await _rig.Accounts.Authenticator.MayContinueAsync(before, MailServices.Pop3, default));
        Assert.False((await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!.MayReceive);
    }

    [Fact]
    public async Task When_somebody_logs_in_then_it_is_noted_by_service()
    {
        await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", ServicesRig.Password, MailServices.Imap, IPAddress.Parse("192.0.2.1"), default);
        _rig.Accounts.Hands.Advance(TimeSpan.FromSeconds(2));
        await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", ServicesRig.Password, MailServices.Sending, IPAddress.Parse("192.0.2.2"), default);
        await _rig.Accounts.Authenticator.FlushAsync();
        IReadOnlyList<OwnLogin> logins = (await Get<OwnHistoryService>().LoginsAsync(Ann)).Value!;
        Assert.Equal([(MailServices.Sending, "192.0.2.2"), (MailServices.Imap, "192.0.2.1")], logins.Select(l => (l.Service, l.Network)));
        Assert.Equal(logins, (await Get<AccountService>().GetAsync(_rig.Master, _rig.OwnUser)).Value!.LastLogins);
    }

    [Fact]
    public async Task When_a_domain_has_a_catch_all_then_another_takes_its_place_only_on_purpose()
    {
        var form = new AddressForm { DomainId = _rig.OwnDomain, LocalPart = "*", Targets = ["ann@own.test"] };
        AssertOk(await Get<AddressService>().CreateAsync(_rig.Master, form));
        form.Targets = ["bob@own.test"];
        ServiceResult refused = await Get<AddressService>().CreateAsync(_rig.Master, form);
        AssertField(refused, nameof(AddressForm.ReplaceCatchAll));
        Assert.Contains("ann@own.test", refused.Text);
        form.ReplaceCatchAll = true;
        AssertOk(await Get<AddressService>().CreateAsync(_rig.Master, form));
        Resolution r = await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("nobody@own.test"), default);
        Assert.Equal(_rig.SecondUser, r.Address!.Targets.Single().Account!.AccountId);
        Assert.Contains("ann@own.test", Assert.Single(await AuditAsync("address.replace")).Before);
    }

    [Fact]   // RFC 2142 §5
    public async Task When_somebody_wants_postmaster_or_abuse_gone_or_silent_then_they_stay()
    {
        await _rig.Accounts.WriteAsync(async db =>
        {
            await RoleAddresses.EnsureAsync(db, _rig.OwnDomain, _rig.OwnMaster, _rig.Accounts.Clock.GetUtcNow(), default);
            await db.SaveChangesAsync();
        });
        foreach (string role in RoleAddresses.Names)
        {
            long id = (await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse($"{role}@own.test"), default)).Address!.AddressId;
            Assert.Equal(Refusal.Invalid, (await Get<AddressService>().DeleteAsync(_rig.Master, id)).Refusal);
            AddressForm form = (await Get<AddressService>().GetAsync(_rig.Master, id)).Value!;
            form.Enabled = false;
            AssertField(await Get<AddressService>().UpdateAsync(_rig.Master, id, form), "Enabled");
        }
    }

    [Fact]
    public async Task When_a_domain_has_no_free_addresses_then_its_accounts_have_none_elsewhere()
    {
        var form = new AddressForm { DomainId = _rig.OtherDomain, LocalPart = "annie", Targets = ["ann@own.test"] };
        await ChangeDomainAsync(f => f.FreeAddresses = false);
        AssertField(await Get<AddressService>().CreateAsync(_rig.Super, form), "Targets");
        await ChangeDomainAsync(f => f.FreeAddresses = true);
        AssertOk(await Get<AddressService>().CreateAsync(_rig.Super, form));
    }

    [Fact]
    public async Task When_log_in_names_are_local_dot_domain_then_new_accounts_have_them_and_addresses_do_too()
    {
        await ChangeDomainAsync(f => f.LoginScheme = LoginScheme.LocalDotDomain);
        ServiceResult<long> made = await Get<AccountService>().CreateAsync(_rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = "dora", Password = ServicesRig.Password });
        AssertOk(made);
        Assert.Equal("dora.own.test", (await _rig.Accounts.Directory.FindAccountAsync(made.Value, default))!.Login);
        Assert.Equal(made.Value, (await _rig.Accounts.Directory.FindLoginAsync("dora@own.test", default))!.AccountId);
    }

    async Task<string> VacationScriptAsync()
    {
        FilterScript script = Assert.Single((await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!.Scripts);
        Assert.Equal(ScriptPlace.Vacation, script.Place);
        return System.Text.Encoding.UTF8.GetString(Get<SieveScripts>().Read(script.Script)!);
    }

    static string Handle(string script) => System.Text.RegularExpressions.Regex.Match(script, "[0-9A-F-]{36}").Value;

    [Fact]
    public async Task When_somebody_sets_his_vacation_then_the_engine_has_it_and_the_audit_does_not_hold_its_words()
    {
        var form = new VacationForm { Enabled = true, From = new DateOnly(2026, 3, 1), Until = new DateOnly(2026, 3, 2), Text = "secret place", Subject = "away", IntervalDays = 3 };
        AssertOk(await Get<VacationService>().SetAsync(Ann, null, form));
        string first = await VacationScriptAsync();
        Assert.Equal("""
            # MailAdmin vacation
            # The panel writes this from its form; a change made here is lost when the form is saved.
            require ["date", "relational", "vacation"];
            if allof (currentdate :zone "+0000" :value "ge" "iso8601" "2026-03-01T00:00:00Z",
                      currentdate :zone "+0000" :value "lt" "iso8601" "2026-03-03T00:00:00Z")
            {
                vacation :days 3 :handle "MailAdmin vacation * :subject "away"
            "secret place";
            }

            """.ReplaceLineEndings("\r\n"), System.Text.RegularExpressions.Regex.Replace(first, "vacation [0-9A-F-]{36}\"", "vacation *"));
        Assert.Empty((await Get<ScriptService>().ListAsync(Ann, _rig.OwnUser)).Value!);   // no script of his own is touched, and none is shown
        Assert.DoesNotContain("secret", Assert.Single(await AuditAsync("vacation.set")).After);
        form.IntervalDays = 5;
        AssertOk(await Get<VacationService>().SetAsync(_rig.Master, _rig.OwnUser, form));
        Assert.Equal(first.Replace(":days 3", ":days 5", StringComparison.Ordinal), await VacationScriptAsync());
        form.Text = "another";
        AssertOk(await Get<VacationService>().SetAsync(Ann, null, form));
        Assert.NotEqual(Handle(first), Handle(await VacationScriptAsync()));
        form.Enabled = false;
        AssertOk(await Get<VacationService>().SetAsync(Ann, null, form));
        Assert.Empty((await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!.Scripts);

        foreach ((string field, Action<VacationForm> change) in new (string, Action<VacationForm>)[]
        {
            ("Text", f => f.Text = " "), ("Text", f => f.Text = "a\0b"), ("Subject", f => f.Subject = "a\r\nBcc: x"), ("IntervalDays", f => f.IntervalDays = 0),
            ("IntervalDays", f => f.IntervalDays = 91), ("Until", f => f.Until = new DateOnly(2026, 2, 1)), ("From", f => f.From = new DateOnly(1, 1, 1)),
        })
        {
            var bad = new VacationForm { Enabled = true, From = new DateOnly(2026, 3, 1), Text = "x" };
            change(bad);
            AssertField(await Get<VacationService>().SetAsync(Ann, null, bad), field);
        }
        AssertField(await Get<VacationService>().SetAsync(_rig.Super, null, new VacationForm()), "");
    }

    [Fact]
    public async Task When_a_user_forwards_his_mail_then_it_goes_there_with_or_without_a_copy_as_far_as_his_domain_lets_him()
    {
        async Task<IEnumerable<string>> TargetsAsync() => (await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse("ann@own.test"), default)).Address!.Targets
            .Select(t => t.Account?.Login ?? t.Outside.ToString()).Order();
        AssertOk(await Get<OwnMailService>().SetForwardAsync(Ann, new ForwardForm { Targets = ["me@example.org", " Me@Example.ORG"], KeepCopy = true }));
        Assert.Equal(["Me@example.org", "ann@own.test", "me@example.org"], (await TargetsAsync()).Order(StringComparer.Ordinal));
        AssertOk(await Get<OwnMailService>().SetForwardAsync(Ann, new ForwardForm { Targets = ["me@example.org"], KeepCopy = false }));
        Assert.Equal(["me@example.org"], await TargetsAsync());
        AssertOk(await Get<OwnMailService>().SetForwardAsync(Ann, new ForwardForm { KeepCopy = false }));   // to nobody: then it is kept
        Assert.Equal(["ann@own.test"], await TargetsAsync());
        AssertField(await Get<OwnMailService>().SetForwardAsync(Ann, new ForwardForm { Targets = ["ann@own.test"] }), "Targets");
        AssertField(await Get<OwnMailService>().SetForwardAsync(Ann, new ForwardForm { Targets = ["no address"] }), "Targets");
        AssertField(await Get<OwnMailService>().SetForwardAsync(Ann, new ForwardForm { Targets = [.. Enumerable.Range(0, 11).Select(i => $"x{i}@example.org")] }), "Targets");
        await ChangeDomainAsync(f => f.UsersMayForward = false);
        AssertField(await Get<OwnMailService>().SetForwardAsync(Ann, new ForwardForm { Targets = ["me@example.org"] }), "");
        Assert.False((await Get<OwnMailService>().ForwardAsync(Ann)).Value!.IsAllowed);
    }

    [Fact]
    public async Task When_a_domain_lets_its_users_have_aliases_then_they_make_and_remove_their_own_and_no_others()
    {
        var mail = Get<OwnMailService>();
        AssertField(await mail.AddAddressAsync(Ann, "nick"), "");
        await ChangeDomainAsync(f => f.MaxOwnAliases = 2);
        long nick = (await mail.AddAddressAsync(Ann, "Nick")).Value;
        foreach (string bad in (string[])["postmaster", "admin", "bob", "nick", "a b", "*"])
            AssertField(await mail.AddAddressAsync(Ann, bad), "LocalPart");
        AssertOk(await mail.AddAddressAsync(Ann, "second"));
        AssertField(await mail.AddAddressAsync(Ann, "third"), "");
        OwnAddresses own = (await mail.AddressesAsync(Ann)).Value!;
        Assert.Equal(0, own.Left);
        Assert.Equal(["Nick@own.test", "second@own.test"], own.Rows.Where(r => r.IsOwn).Select(r => r.Address));
        Assert.Equal(Refusal.NotFound, (await mail.RemoveAddressAsync(ServicesRig.As(_rig.SecondUser), nick)).Refusal);
        Assert.Equal(Refusal.NotFound, (await mail.RemoveAddressAsync(Ann, _rig.OwnAlias)).Refusal);
        AssertOk(await mail.RemoveAddressAsync(Ann, nick));
        // Parallel requests do not go beyond the limit.
        ServiceResult<long>[] made = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => mail.AddAddressAsync(Ann, $"many{i}")));
        Assert.Single(made, r => r.Ok);
    }

    [Fact]
    public async Task When_somebody_looks_what_happened_then_he_sees_what_others_did_to_his_account_and_nothing_else()
    {
        await UpdateAsync(f => f.DisplayName = "Ann by the master");
        await Get<PasswordService>().ResetAsync(_rig.Master, _rig.SecondUser, new NewPasswordForm { New = "lagoon trombone 9", Repeat = "lagoon trombone 9" });
        AssertOk(await Get<VacationService>().SetAsync(Ann, null, new VacationForm { Text = "x" }));
        PageOf<OwnEvent> events = (await Get<OwnHistoryService>().ListAsync(Ann, new PageRequest())).Value!;
        Assert.Equal([("vacation.set", ""), ("account.update", $"account {_rig.OwnMaster}")], events.Items.Select(e => (e.Action, e.Actor)));
    }

    [Fact]
    public async Task When_an_account_gets_another_name_then_what_happened_in_it_goes_with_it_and_not_to_who_has_the_old_one()
    {
        await Get<PasswordService>().ResetAsync(_rig.Master.Because("She forgot it."), _rig.OwnUser, new NewPasswordForm { New = "lagoon trombone 9", Repeat = "lagoon trombone 9" });
        await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", "no password of hers", MailServices.Imap, IPAddress.Loopback, default);
        await _rig.Accounts.Authenticator.FlushAsync();
        // Of the time before entries had a number of the account: found by the name it has.
        await using (AccountsContext db = _rig.Accounts.Database.NewContext())
            await db.Database.ExecuteSqlAsync($"UPDATE audit SET AccountId = NULL, Object = 'anna@own.test' WHERE Action = 'login.failed'");
        AssertOk(await Get<AccountNameService>().RenameAsync(_rig.Master, _rig.OwnUser, new AccountNameForm { LocalPart = "anna", KeepOld = false }));
        await Get<AccountService>().CreateAsync(_rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = "ann", Password = ServicesRig.Password });

        PageOf<OwnEvent> events = (await Get<OwnHistoryService>().ListAsync(Ann, new PageRequest())).Value!;

        Assert.Equal(["account.rename", "login.failed", "password.reset"], events.Items.Select(e => e.Action));
        Assert.Equal("She forgot it.", events.Items[2].Reason);
    }

    [Fact]
    public async Task When_somebody_elsewhere_sets_his_vacation_then_its_days_are_his_and_everybody_reads_the_same()
    {
        TimeZoneInfo kathmandu = LocalDays.ZoneOf("Asia/Kathmandu")!;
        var form = new VacationForm { Enabled = true, From = new DateOnly(2026, 3, 1), Until = new DateOnly(2026, 3, 2), Text = "away" };
        AssertOk(await Get<VacationService>().SetAsync(Ann.In(kathmandu), null, form));
        string script = await VacationScriptAsync();
        Assert.Contains("\"ge\" \"iso8601\" \"2026-02-28T18:15:00Z\"", script);
        Assert.Contains("\"lt\" \"iso8601\" \"2026-03-02T18:15:00Z\"", script);
        VacationForm seen = (await Get<VacationService>().GetAsync(_rig.Master, _rig.OwnUser)).Value!;
        Assert.Equal((form.From, form.Until), (seen.From, seen.Until));
    }

    [Fact]
    public async Task When_one_box_is_searched_then_domains_accounts_and_addresses_are_found_as_far_as_one_may_see()
    {
        Hits hits = (await Get<SearchService>().FindAsync(_rig.Super, "own.T")).Value!;
        Assert.Equal((1, 3), (hits.DomainCount, hits.AccountCount));
        hits = (await Get<SearchService>().FindAsync(_rig.Super, "sales@o")).Value!;
        Assert.Equal("sales@own.test", Assert.Single(hits.Addresses).Text);
        Assert.Contains("ann@own.test", hits.Addresses[0].Detail);
        Assert.True((await Get<SearchService>().FindAsync(ServicesRig.As(_rig.OtherMaster), "own")).Value!.IsEmpty);
        Assert.True((await Get<SearchService>().FindAsync(_rig.Super, "%")).Value!.IsEmpty);
        Assert.True((await Get<SearchService>().FindAsync(_rig.Super, " ")).Value!.IsEmpty);
    }

    [Fact]
    public async Task When_preferences_are_set_then_they_are_there_at_once_and_only_for_oneself()
    {
        var service = Get<PreferencesService>();
        Assert.Equal(Preferences.UsualRowsPerPage, (await service.GetAsync(Ann)).RowsPerPage);
        AssertOk(await service.SetAsync(Ann, new PreferencesForm { Language = "en", RowsPerPage = 50, Scheme = ColourScheme.Dark, WarnPercent = 70 }));
        PreferencesForm now = await service.GetAsync(Ann);
        Assert.Equal(("en", 50, ColourScheme.Dark, 70), (now.Language, now.RowsPerPage, now.Scheme, now.WarnPercent));
        Assert.Equal(Preferences.UsualRowsPerPage, (await service.GetAsync(_rig.Master)).RowsPerPage);
        foreach ((string field, PreferencesForm bad) in new (string, PreferencesForm)[]
        {
            ("Language", new() { Language = "xx" }), ("RowsPerPage", new() { RowsPerPage = 9 }), ("Scheme", new() { Scheme = (ColourScheme)9 }), ("WarnPercent", new() { WarnPercent = 0 }),
            ("TimeZone", new() { TimeZone = "Nowhere/Atlantis" }),
        })
            AssertField(await service.SetAsync(Ann, bad), field);
    }
}
