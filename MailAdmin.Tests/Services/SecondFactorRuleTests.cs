using System.Net;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Sasl;

namespace MailAdmin.Tests.Services;

/// <summary>A second factor that a domain or a role asks for: told before, enforced after.</summary>
public sealed class SecondFactorRuleTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    Actor Ann => ServicesRig.As(_rig.OwnUser);
    DateTimeOffset Now => _rig.Accounts.Clock.GetUtcNow();
    DateTimeOffset Soon => Now + TimeSpan.FromDays(1);

    async Task<AuthFailure> LogInAsync(string password = ServicesRig.Password, MailServices service = MailServices.Imap) =>
        (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", password, service, IPAddress.Parse("198.51.100.7"), default)).Failure;

    async Task<ServiceResult> GivenDomainRuleAsync(Actor actor, DateTimeOffset? from)
    {
        DomainForm form = (await _rig.Get<DomainService>().GetAsync(actor, _rig.OwnDomain)).Value!;
        form.SecondFactorFrom = from;
        return await _rig.Get<DomainService>().UpdateAsync(actor, _rig.OwnDomain, form);
    }

    async Task<SecondFactorStatus> StatusAsync(Actor actor) => (await _rig.Get<SecondFactorService>().StatusAsync(actor)).Value!;

    [Fact]
    public async Task When_the_grace_period_of_a_domain_is_over_then_nothing_works_but_setting_it_up()
    {
        string app = await _rig.GivenAppPasswordAsync(_rig.OwnUser);
        Assert.True((await GivenDomainRuleAsync(_rig.Master, Soon)).Ok);
        AuditEntry entry = await _rig.LastEntryAsync();
        Assert.Equal("domain.update", entry.Action);
        Assert.Contains("SecondFactorFrom", entry.After, StringComparison.Ordinal);

        // Until then he is told.
        Assert.Equal((Soon, false), ((await StatusAsync(Ann)).NeededFrom, (await StatusAsync(Ann)).IsNeeded));
        Assert.True((await _rig.Get<VacationService>().GetAsync(Ann, null)).Ok);
        Assert.Equal(AuthFailure.None, await LogInAsync());
        AccountEntry mail = (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", ServicesRig.Password, MailServices.Imap, null, default)).Account!;
        AccountEntry byApp = (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", app, MailServices.Imap, null, default)).Account!;
        System.Security.Claims.ClaimsPrincipal browser = (await _rig.Get<PanelSignIn>().OpenAsync(_rig.OwnUser, "192.0.2.7", ""))!;
        DateTimeOffset due = Soon;
        _rig.Accounts.Hands.Advance(TimeSpan.FromDays(1) - TimeSpan.FromMinutes(1));
        Assert.Equal(AuthFailure.None, await LogInAsync());

        _rig.Accounts.Hands.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(due, Now);
        Assert.Equal((due, true), ((await StatusAsync(Ann)).NeededFrom, (await StatusAsync(Ann)).IsNeeded));
        Assert.False((await _rig.Get<VacationService>().GetAsync(Ann, null)).Ok);
        Assert.Equal(Refusal.Forbidden, (await _rig.Get<OwnHistoryService>().ListAsync(Ann, new PageRequest())).Refusal);
        Assert.Equal(Refusal.Forbidden, (await _rig.Get<PasswordService>().ChangeOwnAsync(
            Ann, new OwnPasswordForm { Current = ServicesRig.Password, New = "lagoon trombone 9", Repeat = "lagoon trombone 9" })).Refusal);
        Assert.False((await _rig.Get<AppPasswordService>().CreateAsync(Ann, new AppPasswordForm { Name = "x", Password = ServicesRig.Password })).Ok);
        Assert.False((await _rig.Get<RecoveryService>().SetOwnAsync(Ann, new RecoveryForm { Password = ServicesRig.Password })).Ok);
        // The password opens no mail program any more, not one that is open either; app passwords do.
        Assert.Equal(AuthFailure.Invalid, await LogInAsync());
        Assert.False(await _rig.Accounts.Authenticator.MayContinueAsync(mail, MailServices.Imap, default));
        Assert.Equal(AuthFailure.None, await LogInAsync(app));
        Assert.True(await _rig.Accounts.Authenticator.MayContinueAsync(byApp, MailServices.Imap, default));
        Assert.Equal(AuthFailure.None, await LogInAsync(service: MailServices.Panel));

        Assert.True((await _rig.GivenSecondFactorAsync(Ann)).Ok);
        Assert.True((await _rig.Get<VacationService>().GetAsync(Ann, null)).Ok);
        Assert.Equal(new SecondFactorStatus(true, Now, 10), await StatusAsync(Ann));
        // Turned off again it is needed again at once.
        Assert.True((await _rig.Get<SecondFactorService>().TurnOffAsync(Ann, ServicesRig.Password)).Ok);
        Assert.False((await _rig.Get<VacationService>().GetAsync(Ann, null)).Ok);
        // Others of the domain are meant too, those of other domains are not.
        Assert.False((await _rig.Get<VacationService>().GetAsync(ServicesRig.As(_rig.SecondUser), null)).Ok);
        Assert.True((await _rig.Get<VacationService>().GetAsync(ServicesRig.As(_rig.OtherUser), null)).Ok);
    }

    [Fact]
    public async Task When_a_role_asks_for_a_second_factor_then_it_is_worth_nothing_without_one_and_asks_no_longer_than_it_lasts()
    {
        var sets = _rig.Get<PermissionSetService>();
        long master = await _rig.GrantOfAsync(_rig.OwnMaster);
        Assert.True((await sets.RequireSecondFactorAsync(_rig.Super, PermissionSet.Master, Now)).Ok);
        AuditEntry entry = await _rig.LastEntryAsync();
        Assert.Equal(("role.secondfactor", "Domain master"), (entry.Action, entry.Object));
        Assert.Equal(Refusal.Forbidden, (await _rig.Get<DomainService>().ListAsync(_rig.Master, new PageRequest())).Refusal);
        Assert.False((await _rig.Get<AccountService>().UpdateAsync(_rig.Master, _rig.OwnUser, new AccountForm { DisplayName = "x" })).Ok);
        Assert.True((await StatusAsync(_rig.Master)).IsNeeded);
        Assert.True((await _rig.Get<VacationService>().GetAsync(Ann, null)).Ok);   // who has no role is not meant

        Assert.True((await _rig.GivenSecondFactorAsync(_rig.Master)).Ok);
        Assert.True((await _rig.Get<DomainService>().ListAsync(_rig.Master, new PageRequest())).Ok);

        // A role with an end asks until then.
        await _rig.GivenGrantAsync(_rig.OwnUser, PermissionSet.Master, _rig.OtherDomain, Now + TimeSpan.FromDays(1));
        Assert.False((await _rig.Get<VacationService>().GetAsync(Ann, null)).Ok);
        Assert.Equal(AuthFailure.Invalid, await LogInAsync());
        _rig.Accounts.Hands.Advance(TimeSpan.FromDays(1));
        Assert.True((await _rig.Get<VacationService>().GetAsync(Ann, null)).Ok);
        Assert.Equal(AuthFailure.None, await LogInAsync());
        Assert.True((await sets.RequireSecondFactorAsync(_rig.Super, PermissionSet.Master, null)).Ok);
        Assert.Null((await sets.GetAsync(_rig.Super, PermissionSet.Master)).Value!.SecondFactorFrom);
        Assert.NotEqual(0, master);
    }

    [Fact]
    public async Task When_the_server_asks_a_domain_for_it_then_its_master_may_ask_for_more_and_not_for_less()
    {
        Assert.True((await GivenDomainRuleAsync(_rig.Super, Soon)).Ok);
        Assert.Equal("SecondFactorFrom", Assert.Single((await GivenDomainRuleAsync(_rig.Master, null)).Errors).Field);
        Assert.Equal("SecondFactorFrom", Assert.Single((await GivenDomainRuleAsync(_rig.Master, Soon + TimeSpan.FromHours(1))).Errors).Field);
        Assert.True((await GivenDomainRuleAsync(_rig.Master, Soon - TimeSpan.FromHours(1))).Ok);
        Assert.True((await GivenDomainRuleAsync(_rig.Super, null)).Ok);
        // What was changed can be taken back like any other setting of a domain.
        Assert.True((await _rig.Get<RevertService>().RevertAsync(_rig.Super, (await _rig.LastEntryAsync()).Id)).Ok);
        Assert.Equal(Soon - TimeSpan.FromHours(1), (await _rig.Get<DomainService>().GetAsync(_rig.Super, _rig.OwnDomain)).Value!.SecondFactorFrom);
    }

    [Fact]
    public async Task When_an_administrator_is_in_a_users_place_then_it_is_his_own_second_factor_that_counts()
    {
        Assert.True((await GivenDomainRuleAsync(_rig.Super, Now)).Ok);
        string key = (await _rig.Get<LogInAsService>().StartAsync(_rig.Super, _rig.OwnUser, "She cannot get in.", await _rig.KeyOfAsync(_rig.Super), "")).Value!;
        var principal = new System.Security.Claims.ClaimsPrincipal(new System.Security.Claims.ClaimsIdentity(
        [
            new(System.Security.Claims.ClaimTypes.NameIdentifier, $"{_rig.OwnUser}"), new("session", key), new("in-place", $"{_rig.Superuser}"), new("in-place-name", "chief"),
            new("stamp", (await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!.SecurityStamp),
        ], "x"));
        Actor there = Actor.Of(principal, "192.0.2.7");
        Assert.True((await _rig.Get<VacationService>().GetAsync(there, null)).Ok);
        Assert.True(await _rig.Get<PanelSignIn>().IsStillValidAsync(principal));
        await _rig.Get<PermissionSetService>().RequireSecondFactorAsync(_rig.Super, PermissionSet.Superuser, Now);
        Assert.False(await _rig.Get<PanelSignIn>().IsStillValidAsync(principal));
    }
}
