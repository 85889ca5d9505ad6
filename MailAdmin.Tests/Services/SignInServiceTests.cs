using System.Security.Claims;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>What it takes to get in: second factor, app passwords, sessions, and the way into a user's place.</summary>
public sealed class SignInServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    Actor Ann => ServicesRig.As(_rig.OwnUser);
    SecondFactorService SecondFactors => _rig.Get<SecondFactorService>();
    PanelSignIn SignIn => _rig.Get<PanelSignIn>();
    DateTimeOffset Now => _rig.Accounts.Clock.GetUtcNow();

    async Task<AuthFailure> LogInAsync(string password, MailServices service = MailServices.Imap) =>
        (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", password, service, System.Net.IPAddress.Parse("198.51.100.7"), default)).Failure;

    async Task<byte[]> KeyAsync()
    {
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        return await db.SecondFactors.Where(f => f.AccountId == _rig.OwnUser).Select(f => f.Key).SingleAsync();
    }

    [Fact]
    public async Task When_the_second_factor_is_on_then_each_code_is_good_once_and_a_recovery_code_too()
    {
        IReadOnlyList<string> codes = (await _rig.GivenSecondFactorAsync(Ann)).Value!;
        byte[] key = await KeyAsync();
        Assert.Equal(10, codes.Distinct().Count());
        // The one that turned it on is used up; so is each after it.
        Assert.False(await SecondFactors.VerifyAsync(_rig.OwnUser, Totp.CodeAt(key, Totp.StepAt(Now)), null, default));
        string next = Totp.CodeAt(key, Totp.StepAt(Now) + 1);
        Assert.True(await SecondFactors.VerifyAsync(_rig.OwnUser, next, null, default));
        Assert.False(await SecondFactors.VerifyAsync(_rig.OwnUser, next, null, default));
        Assert.True(await SecondFactors.VerifyAsync(_rig.OwnUser, codes[3].ToUpperInvariant().Replace('-', ' '), null, default));
        Assert.False(await SecondFactors.VerifyAsync(_rig.OwnUser, codes[3], null, default));
        Assert.Equal(9, (await SecondFactors.StatusAsync(Ann)).Value!.CodesLeft);
        Assert.False(await SecondFactors.VerifyAsync(_rig.OtherUser, codes[4], null, default));
    }

    [Fact]
    public async Task When_codes_are_guessed_then_soon_none_is_looked_at_and_nobody_else_notices()
    {
        await _rig.GivenSecondFactorAsync(Ann);
        byte[] key = await KeyAsync();
        for (int i = 0; i < 20; i++)
            Assert.False(await SecondFactors.VerifyAsync(_rig.OwnUser, "000000", null, default));
        Assert.False(await SecondFactors.VerifyAsync(_rig.OwnUser, Totp.CodeAt(key, Totp.StepAt(Now) + 1), null, default));
        _rig.Accounts.Hands.Advance(TimeSpan.FromMinutes(61));
        Assert.True(await SecondFactors.VerifyAsync(_rig.OwnUser, Totp.CodeAt(key, Totp.StepAt(Now)), null, default));
    }

    [Fact]
    public async Task When_the_second_factor_is_on_then_mail_programs_need_an_app_password_and_open_sessions_end()
    {
        Assert.Equal(AuthFailure.None, await LogInAsync(ServicesRig.Password));
        AccountEntry before = (await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!;
        ClaimsPrincipal browser = (await SignIn.OpenAsync(_rig.OwnUser, "192.0.2.7", ""))!;
        Assert.True((await _rig.GivenSecondFactorAsync(Ann)).Ok);
        Assert.False(await _rig.Accounts.Authenticator.MayContinueAsync(before, MailServices.Imap, default));
        Assert.False(await SignIn.IsStillValidAsync(browser));
        Assert.Equal(AuthFailure.Invalid, await LogInAsync(ServicesRig.Password));
        Assert.Equal(AuthFailure.None, await LogInAsync(ServicesRig.Password, MailServices.Panel));
        Assert.Equal(AuthFailure.None, await LogInAsync(await _rig.GivenAppPasswordAsync(_rig.OwnUser)));
        Assert.True((await SecondFactors.TurnOffAsync(Ann, ServicesRig.Password)).Ok);
        Assert.Equal(AuthFailure.None, await LogInAsync(ServicesRig.Password));
    }

    [Fact]
    public async Task When_the_password_is_not_given_again_then_nothing_about_signing_in_changes()
    {
        SecondFactorSetup setup = (await SecondFactors.StartAsync(Ann)).Value!;
        string code = Totp.CodeAt(ServicesRig.KeyIn(setup.Uri), Totp.StepAt(Now));
        ServiceResult wrong = await SecondFactors.ConfirmAsync(Ann, new SecondFactorForm { Ticket = setup.Ticket, Code = code, Password = "not this one" });
        Assert.Equal("Password", Assert.Single(wrong.Errors).Field);
        wrong = await SecondFactors.ConfirmAsync(Ann, new SecondFactorForm { Ticket = setup.Ticket, Code = "123", Password = ServicesRig.Password });
        Assert.Equal("Code", Assert.Single(wrong.Errors).Field);
        // A ticket is good for the one it was made for.
        Assert.False((await SecondFactors.ConfirmAsync(_rig.Master, new SecondFactorForm { Ticket = setup.Ticket, Code = code, Password = ServicesRig.Password })).Ok);
        Assert.Equal(setup.KeyText, (await SecondFactors.StartAsync(Ann, setup.Ticket)).Value!.KeyText);
        Assert.False((await _rig.Get<AppPasswordService>().CreateAsync(Ann, new AppPasswordForm { Name = "x", Password = "not this one" })).Ok);
        Assert.False((await SecondFactors.StatusAsync(Ann)).Value!.IsOn);
    }

    [Fact]
    public async Task When_an_app_password_is_used_then_it_is_good_for_its_protocols_until_its_day_and_no_longer_than_it_is_there()
    {
        string secret = await _rig.GivenAppPasswordAsync(_rig.OwnUser, MailServices.Imap, Now.AddDays(2));
        Assert.Equal(AuthFailure.None, await LogInAsync(secret));
        Assert.Equal(AuthFailure.None, await LogInAsync(secret.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant()));
        Assert.Equal(AuthFailure.Invalid, await LogInAsync(secret, MailServices.Sending));
        Assert.Equal(AuthFailure.Invalid, await LogInAsync(secret, MailServices.Panel));
        AccountEntry session = (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", secret, MailServices.Imap, System.Net.IPAddress.Parse("203.0.113.9"), default)).Account!;
        Assert.True(await _rig.Accounts.Authenticator.MayContinueAsync(session, MailServices.Imap, default));
        await _rig.Accounts.Authenticator.FlushAsync();
        AppPasswordRow row = Assert.Single((await _rig.Get<AppPasswordService>().ListAsync(Ann, null)).Value!);
        Assert.Equal((Now, "203.0.113.9"), (row.LastUsedAt, row.LastNetwork));
        _rig.Accounts.Hands.Advance(TimeSpan.FromDays(2));
        Assert.Equal(AuthFailure.Invalid, await LogInAsync(secret));
        Assert.False(await _rig.Accounts.Authenticator.MayContinueAsync(session, MailServices.Imap, default));

        string other = await _rig.GivenAppPasswordAsync(_rig.OwnUser);
        session = (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", other, MailServices.Imap, null, default)).Account!;
        long id = (await _rig.Get<AppPasswordService>().ListAsync(Ann, null)).Value!.Single(a => a.EndsAt is null).Id;
        Assert.True((await _rig.Get<AppPasswordService>().RemoveAsync(Ann, null, id)).Ok);
        Assert.False(await _rig.Accounts.Authenticator.MayContinueAsync(session, MailServices.Imap, default));
        Assert.Equal(AuthFailure.Invalid, await LogInAsync(other));
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.DoesNotContain(await db.Audit.Select(a => a.Before + a.After).ToListAsync(), text => text.Contains(secret, StringComparison.Ordinal) || text.Contains(AppPassword.HashOf(secret)!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_others_have_guessed_until_the_name_is_shut_then_an_app_password_still_gets_in()
    {
        string secret = await _rig.GivenAppPasswordAsync(_rig.OwnUser);
        for (int i = 0; i < 30; i++)
            await LogInAsync($"guess number {i}");
        Assert.Equal(AuthFailure.Throttled, await LogInAsync(ServicesRig.Password));
        Assert.Equal(AuthFailure.None, await LogInAsync(secret));
    }

    [Fact]
    public async Task When_a_session_is_ended_then_its_cookie_is_worth_nothing_and_the_others_go_on()
    {
        ClaimsPrincipal here = (await SignIn.OpenAsync(_rig.OwnUser, "192.0.2.7", "Here\r\n<b>"))!;
        ClaimsPrincipal there = (await SignIn.OpenAsync(_rig.OwnUser, "192.0.2.8", "There"))!;
        var service = _rig.Get<SessionService>();
        IReadOnlyList<SessionRow> rows = (await service.ListAsync(Ann, null)).Value!;
        Assert.Equal(["There", "Here<b>"], rows.Select(r => r.Agent));
        Assert.True((await service.EndAsync(Ann, null, rows[0].Id)).Ok);
        Assert.False(await SignIn.IsStillValidAsync(there));
        Assert.True(await SignIn.IsStillValidAsync(here));
        Assert.Equal(Refusal.NotFound, (await service.EndAsync(ServicesRig.As(_rig.SecondUser), null, rows[1].Id)).Refusal);
        _rig.Accounts.Hands.Advance(TimeSpan.FromHours(13));
        Assert.False(await SignIn.IsStillValidAsync(here));
        // No cookie is made without a session of its own.
        var forged = new ClaimsPrincipal(new ClaimsIdentity(here.Claims.Where(c => c.Type != "session"), "x"));
        Assert.False(await SignIn.IsStillValidAsync(forged));
    }

    [Fact]
    public async Task When_an_administrator_goes_into_a_users_place_then_it_is_short_on_record_and_the_user_sees_it()
    {
        string chiefKey = await _rig.KeyOfAsync(_rig.Super);
        var logInAs = _rig.Get<LogInAsService>();
        Assert.Equal(Refusal.Invalid, (await logInAs.StartAsync(_rig.Super, _rig.OwnUser, " ", chiefKey, "")).Refusal);
        string key = (await logInAs.StartAsync(_rig.Super, _rig.OwnUser, "She cannot find her filter.", chiefKey, "")).Value!;
        PanelSessionEntry session = (await _rig.Get<PanelSessions>().FindAsync(key, default))!;
        Assert.Equal((_rig.OwnUser, _rig.Superuser, "chief", Now + PanelSessions.InPlace), (session.AccountId, session.OpenedBy, session.OpenedByLogin, session.EndsAt));
        OwnEvent visit = (await _rig.Get<OwnHistoryService>().ListAsync(Ann, new PageRequest())).Value!.Items[0];
        Assert.Equal(("session.as", $"account {_rig.Superuser}", "She cannot find her filter."), (visit.Action, visit.Actor, visit.Reason));
        Assert.Contains((await _rig.Get<SessionService>().ListAsync(Ann, null)).Value!, s => s.OpenedBy == "chief");

        // What he does there carries both names; from there he goes nowhere else.
        var principal = new ClaimsPrincipal(new ClaimsIdentity(
        [
            new(ClaimTypes.NameIdentifier, $"{_rig.OwnUser}"), new(ClaimTypes.Name, "ann@own.test"), new("session", key), new("in-place", $"{_rig.Superuser}"),
            new("in-place-name", "chief"), new("reason", session.Reason), new("stamp", (await _rig.Accounts.Directory.FindAccountAsync(_rig.OwnUser, default))!.SecurityStamp),
        ], "x"));
        Actor there = Actor.Of(principal, "192.0.2.7");
        Assert.True(await SignIn.IsStillValidAsync(principal));
        Assert.Equal(("chief as ann@own.test", _rig.Superuser, "She cannot find her filter."), (there.Name, there.AdministratorId, there.Reason));
        Assert.False((await logInAs.StartAsync(there, _rig.SecondUser, "Once there, why not.", key, "")).Ok);
        Assert.Equal(Refusal.Forbidden, (await _rig.Get<DomainService>().ListAsync(there, new PageRequest())).Refusal);
        Assert.False((await _rig.Get<AppPasswordService>().CreateAsync(there, new AppPasswordForm { Name = "x" })).Ok);

        // It ends by itself, and with his right to be there.
        await _rig.GivenGrantAsync(_rig.SecondUser, PermissionSet.Superuser);
        await _rig.Get<GrantService>().TakeAsync(ServicesRig.As(_rig.SecondUser), await _rig.GrantOfAsync(_rig.Superuser));
        Assert.False(await SignIn.IsStillValidAsync(principal));
        await _rig.GivenGrantAsync(_rig.Superuser, PermissionSet.Superuser);
        Assert.True(await SignIn.IsStillValidAsync(principal));
        _rig.Accounts.Hands.Advance(TimeSpan.FromMinutes(31));
        Assert.False(await SignIn.IsStillValidAsync(principal));
    }

    [Fact]
    public async Task When_who_has_stolen_the_password_guesses_codes_from_everywhere_then_he_is_shut_out_and_the_owner_is_not()
    {
        await _rig.GivenSecondFactorAsync(Ann);
        byte[] key = await KeyAsync();
        System.Net.IPAddress home = System.Net.IPAddress.Parse("192.0.2.7");
        _rig.Accounts.Authenticator.Note(_rig.OwnUser, MailServices.Panel, home);
        // The password alone does not make a network the owner's.
        for (int i = 0; i < 40; i++)
        {
            System.Net.IPAddress there = System.Net.IPAddress.Parse($"203.0.113.{i + 1}");
            Assert.Equal(AuthFailure.None, (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", ServicesRig.Password, MailServices.Panel, there, default)).Failure);
            Assert.False(await SecondFactors.VerifyAsync(_rig.OwnUser, "000000", there, default));
            Assert.False(await _rig.Accounts.Authenticator.IsKnownAsync(_rig.OwnUser, there, default));
        }
        string code = Totp.CodeAt(key, Totp.StepAt(Now) + 1);
        Assert.False(await SecondFactors.VerifyAsync(_rig.OwnUser, code, System.Net.IPAddress.Parse("203.0.113.99"), default));
        Assert.True(await SecondFactors.VerifyAsync(_rig.OwnUser, code, home, default));
    }

    [Theory]
    [InlineData("nobody@own.test")]
    [InlineData("nobody@nowhere.test")]
    [InlineData("ann@own.test")]
    [InlineData("bob@own.test")]        // has a second factor
    [InlineData("master@own.test")]     // has no password
    [InlineData("cid@other.test")]      // is suspended
    [InlineData("sales@own.test")]
    public async Task When_somebody_has_not_the_password_then_neither_words_nor_work_tell_what_is_there(string name)
    {
        await _rig.GivenSecondFactorAsync(ServicesRig.As(_rig.SecondUser));
        await _rig.GivenNoPasswordAsync(_rig.OwnMaster);
        Assert.True((await _rig.Get<AccountService>().UpdateAsync(_rig.Super, _rig.OtherUser, new AccountForm { State = AccountState.Suspended })).Ok);
        _rig.Accounts.Hashes.Verify(null, "the hash that stands in for those who have none is made");
        long before = _rig.Accounts.Hashes.Verified;
        Microsoft.AspNetCore.Http.HttpContext http = _rig.GivenRequest();
        SignInOutcome outcome = await SignIn.SignInAsync(http, name, "some password or other", remember: false);
        Assert.Equal(new SignInOutcome(false, MailAdmin.Web.Resources.Texts.Of("SignIn.Wrong")), outcome);
        Assert.Equal(0, http.Response.Headers.SetCookie.Count);
        Assert.Equal(1, _rig.Accounts.Hashes.Verified - before);
    }
}
