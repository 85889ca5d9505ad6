using System.Net;
using System.Security.Claims;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>One-time links: the way back in for who has forgotten his password, and the first password by invitation. Cid of other.test reads
/// the mail that goes to Ann's recovery address.</summary>
public sealed class RecoveryServiceTests : IAsyncLifetime
{
    const string New = "lagoon trombone 9";

    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync(withStore: true, withQueue: true);

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    RecoveryService Recovery => _rig.Get<RecoveryService>();
    Actor Ann => ServicesRig.As(_rig.OwnUser);
    static NewPasswordForm Wanted(string password = New) => new() { New = password, Repeat = password };

    async Task<AuthFailure> LogInAsync(string password) =>
        (await _rig.Accounts.Authenticator.AuthenticateAsync("ann@own.test", password, MailServices.Panel, IPAddress.Parse("198.51.100.7"), default)).Failure;

    async Task GivenAddressAsync() => Assert.True((await Recovery.SetForAsync(_rig.Super, _rig.OwnUser, "cid@other.test")).Ok);

    /// <summary>Asks, and takes the token out of the mail.</summary>
    async Task<string> GivenLinkAsync(int mails = 1)
    {
        await Recovery.MailLinkAsync("ann@own.test", "192.0.2.7", default);
        return InboxSteps.TokenIn((await _rig.Store!.InboxAsync(_rig.OtherUser, mails))[mails - 1]);
    }

    async Task<int> MailsAsync() => (await _rig.Store!.InboxAsync(_rig.OtherUser, 0)).Count;

    [Fact]
    public async Task When_a_password_is_forgotten_then_the_mailed_link_sets_another_once_and_all_sessions_end()
    {
        await GivenAddressAsync();
        ClaimsPrincipal browser = (await _rig.Get<PanelSignIn>().OpenAsync(_rig.OwnUser, "192.0.2.7", ""))!;
        string token = await GivenLinkAsync();
        string mail = (await _rig.Store!.InboxAsync(_rig.OtherUser, 1))[0];
        foreach (string expected in (string[])["Return-Path: <>", "To: <cid@other.test>", "Auto-Submitted: auto-generated", "https://mail.own.test:8443/login/link?token="])
            Assert.Contains(expected, mail.Replace(Environment.MachineName, "mail.own.test", StringComparison.Ordinal), StringComparison.Ordinal);

        Assert.Equal((LinkPurpose.NewPassword, "ann@own.test"), (await Recovery.FindAsync(token)) is { } facts ? (facts.Purpose, facts.Login) : default);
        Assert.Equal("New", Assert.Single((await Recovery.SetPasswordAsync(token, Wanted("short"), "192.0.2.7")).Errors).Field);
        Assert.Equal("Repeat", Assert.Single((await Recovery.SetPasswordAsync(token, new NewPasswordForm { New = New, Repeat = New + "x" }, "192.0.2.7")).Errors).Field);
        Assert.Equal(AuthFailure.None, await LogInAsync(ServicesRig.Password));
        Assert.True((await Recovery.SetPasswordAsync(token, Wanted(), "192.0.2.7")).Ok);

        Assert.Equal(AuthFailure.None, await LogInAsync(New));
        Assert.Equal(AuthFailure.Invalid, await LogInAsync(ServicesRig.Password));
        Assert.False(await _rig.Get<PanelSignIn>().IsStillValidAsync(browser));
        Assert.Empty((await _rig.Get<SessionService>().ListAsync(Ann, null)).Value!);
        Assert.Equal(Refusal.Invalid, (await Recovery.SetPasswordAsync(token, Wanted("another lagoon 8"), "192.0.2.7")).Refusal);
        AuditEntry entry = await _rig.LastEntryAsync();
        Assert.Equal(("password.recover", "ann@own.test", _rig.OwnUser, "192.0.2.7", _rig.OwnDomain), (entry.Action, entry.Actor, entry.ActorId, entry.Client, entry.DomainId));
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.DoesNotContain(await db.Audit.Select(a => a.Before + a.After + a.Object).ToListAsync(), text => text.Contains(token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_a_link_has_aged_or_the_password_was_changed_or_the_account_is_suspended_then_it_is_void()
    {
        await GivenAddressAsync();
        string late = await GivenLinkAsync();
        _rig.Accounts.Hands.Advance(_rig.Options.Links.PasswordTime);
        Assert.Null(await Recovery.FindAsync(late));
        Assert.False((await Recovery.SetPasswordAsync(late, Wanted(), "")).Ok);

        string overtaken = await GivenLinkAsync(2);
        Assert.True((await _rig.Get<PasswordService>().ResetAsync(_rig.Super, _rig.OwnUser, Wanted("quite another 7"))).Ok);
        Assert.False((await Recovery.SetPasswordAsync(overtaken, Wanted(), "")).Ok);

        string rerouted = await GivenLinkAsync(3);
        Assert.True((await Recovery.SetForAsync(_rig.Super, _rig.OwnUser, "")).Ok);   // she does not own that address any more
        Assert.False((await Recovery.SetPasswordAsync(rerouted, Wanted(), "")).Ok);
        await GivenAddressAsync();

        string off = await GivenLinkAsync(5);   // the fourth mail told that the address was no longer hers
        Assert.True((await _rig.Get<AccountService>().UpdateAsync(_rig.Super, _rig.OwnUser, new AccountForm { State = AccountState.Suspended })).Ok);
        Assert.Null(await Recovery.FindAsync(off));
        await Recovery.MailLinkAsync("ann@own.test", "192.0.2.7", default);
        Assert.Equal(5, await MailsAsync());
        foreach (string none in (string[])["", "x", new string('A', 43), new string('A', 5000), late + "A"])
            Assert.Null(await Recovery.FindAsync(none));
    }

    [Fact]
    public async Task When_others_ask_for_links_all_day_then_few_are_mailed_and_those_stay_good()
    {
        await GivenAddressAsync();
        string first = await GivenLinkAsync();
        for (int i = 0; i < 10; i++)
            await Recovery.MailLinkAsync("ann@own.test", "203.0.113.9", default);
        Assert.Equal(_rig.Options.Links.MailsPerAccount, await MailsAsync());
        Assert.NotNull(await Recovery.FindAsync(first));
        _rig.Accounts.Hands.Advance(TimeSpan.FromMinutes(61));
        await Recovery.MailLinkAsync("ann@own.test", "203.0.113.9", default);
        Assert.Equal(_rig.Options.Links.MailsPerAccount + 1, await MailsAsync());
    }

    [Fact]
    public async Task When_links_are_asked_for_then_the_answer_comes_before_any_name_is_looked_up_and_a_network_may_ask_so_often()
    {
        await GivenAddressAsync();
        var requests = _rig.Get<PasswordRequests>();
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        // Nothing works off the requests here, so whatever an answer depended on would have to come from elsewhere.
        var network = IPAddress.Parse("198.51.100.7");
        for (int i = 0; i < _rig.Options.Links.AsksPerNetwork; i++)
            Assert.True(requests.Ask(i % 2 == 0 ? "ann@own.test" : $"nobody{i}@own.test", network));
        Assert.False(requests.Ask("ann@own.test", network));
        Assert.False(requests.Ask("nobody@own.test", network));
        Assert.True(requests.Ask("ann@own.test", IPAddress.Parse("198.51.100.8")));
        Assert.True(requests.Ask(new string('a', 100_000), IPAddress.Parse("198.51.100.8")));
        Assert.Equal(0, await db.OneTimeLinks.CountAsync());
        _rig.Accounts.Hands.Advance(TimeSpan.FromMinutes(61));
        Assert.True(requests.Ask("ann@own.test", network));

        // Who has no such address, is not there, or may not use the panel, is mailed nothing.
        await Recovery.MailLinkAsync("bob@own.test", "192.0.2.7", default);
        await Recovery.MailLinkAsync("nobody@own.test", "192.0.2.7", default);
        Assert.Equal(0, await MailsAsync());
    }

    [Fact]
    public async Task When_the_owner_names_a_recovery_address_then_it_counts_once_the_mail_there_was_answered()
    {
        async Task<RecoveryStatus> StatusAsync() => (await Recovery.StatusAsync(Ann)).Value!;
        Task<ServiceResult> SetAsync(string address, string password = ServicesRig.Password) => Recovery.SetOwnAsync(Ann, new RecoveryForm { Address = address, Password = password });

        Assert.Equal("Password", Assert.Single((await SetAsync("cid@other.test", "not this one")).Errors).Field);
        foreach (string wrong in (string[])["no address", "ann@own.test", "ANN@Own.Test", "ann+folder@own.test", "sales@own.test"])
            Assert.Equal("Address", Assert.Single((await SetAsync(wrong)).Errors).Field);
        Assert.Equal(new RecoveryStatus("", "", true, null), await StatusAsync());

        Assert.True((await SetAsync("cid@other.test")).Ok);
        Assert.Equal(new RecoveryStatus("", "cid@other.test", true, null), await StatusAsync());
        await Recovery.MailLinkAsync("ann@own.test", "192.0.2.7", default);
        string token = InboxSteps.TokenIn(Assert.Single(await _rig.Store!.InboxAsync(_rig.OtherUser, 1)));
        // It proves an address, and nothing else.
        Assert.False((await Recovery.SetPasswordAsync(token, Wanted(), "")).Ok);
        Assert.True((await Recovery.ConfirmAddressAsync(token, "192.0.2.9")).Ok);
        Assert.Equal(new RecoveryStatus("cid@other.test", "", true, null), await StatusAsync());
        Assert.Equal("recovery.set", (await _rig.LastEntryAsync()).Action);
        Assert.False((await Recovery.ConfirmAddressAsync(token, "")).Ok);
        Assert.False((await Recovery.ConfirmAddressAsync(await GivenLinkAsync(2), "")).Ok);

        Assert.True((await SetAsync("")).Ok);
        Assert.Equal(new RecoveryStatus("", "", true, null), await StatusAsync());
    }

    [Fact]
    public async Task When_the_recovery_address_changes_then_who_reads_the_one_before_is_told_once_and_without_the_new_one()
    {
        await GivenAddressAsync();
        Assert.Equal(0, await MailsAsync());   // there was none before
        await GivenAddressAsync();
        Assert.Equal(0, await MailsAsync());   // it is the same
        Assert.True((await Recovery.SetForAsync(_rig.Super, _rig.OwnUser, "master@other.test")).Ok);
        string mail = Assert.Single(await _rig.Store!.InboxAsync(_rig.OtherUser, 1));
        foreach (string expected in (string[])["To: <cid@other.test>", "Subject: The recovery address of ann@own.test was changed", "Auto-Submitted: auto-generated"])
            Assert.Contains(expected, mail, StringComparison.Ordinal);
        Assert.DoesNotContain("master@other.test", mail, StringComparison.Ordinal);
        Assert.DoesNotContain("token=", mail, StringComparison.Ordinal);
        Assert.Equal(Refusal.NotFound, (await Recovery.SetForAsync(ServicesRig.As(_rig.OtherMaster), _rig.OwnUser, "")).Refusal);
        Assert.Empty(await _rig.Store!.InboxAsync(_rig.OtherMaster, 0));
    }

    [Fact]
    public async Task When_two_use_one_link_at_the_same_time_then_one_of_them_sets_the_password()
    {
        await GivenAddressAsync();
        string token = await GivenLinkAsync();
        string[] passwords = [.. Enumerable.Range(0, 8).Select(i => $"lagoon trombone {i}")];
        ServiceResult[] results = await Task.WhenAll(passwords.Select(p => Recovery.SetPasswordAsync(token, Wanted(p), "")));
        Assert.Single(results, r => r.Ok);
        Assert.Equal(AuthFailure.None, await LogInAsync(passwords[Array.FindIndex(results, r => r.Ok)]));
    }

    [Fact]
    public async Task When_the_second_factor_is_on_then_a_new_password_by_mail_does_not_do_away_with_it()
    {
        await GivenAddressAsync();
        await _rig.GivenSecondFactorAsync(Ann);
        Assert.True((await Recovery.SetPasswordAsync(await GivenLinkAsync(), Wanted(), "")).Ok);
        Assert.True((await _rig.Get<SecondFactorService>().StatusAsync(Ann)).Value!.IsOn);
    }

    [Fact]
    public async Task When_an_account_is_made_by_invitation_then_only_its_user_ever_knows_the_password()
    {
        var accounts = _rig.Get<AccountService>();
        var invitations = _rig.Get<InvitationService>();
        Assert.Equal("RecoveryAddress", Assert.Single((await accounts.CreateAsync(
            _rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = "new", Invite = true, RecoveryAddress = "new@own.test" })).Errors).Field);
        long id = (await accounts.CreateAsync(_rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = "new", Invite = true, RecoveryAddress = "cid@other.test" })).Value;
        Assert.NotEqual(0, id);
        Assert.False((await Recovery.StatusAsync(_rig.Master, id)).Value!.HasPassword);
        Invitation first = (await invitations.InviteAsync(_rig.Master, id, mail: false)).Value!;
        Invitation second = (await invitations.InviteAsync(_rig.Master, id, mail: true)).Value!;
        Assert.Equal(("", "cid@other.test"), (first.MailedTo, second.MailedTo));
        string token = InboxSteps.TokenIn(second.Link);
        Assert.Equal(token, InboxSteps.TokenIn(Assert.Single(await _rig.Store!.InboxAsync(_rig.OtherUser, 1))));
        Assert.Null(await Recovery.FindAsync(InboxSteps.TokenIn(first.Link)));
        Assert.Equal(second.EndsAt, (await Recovery.StatusAsync(_rig.Master, id)).Value!.InvitedUntil);

        // A role that is given meanwhile does not undo it.
        await _rig.Get<GrantService>().GiveAsync(_rig.Super, new GrantForm { AccountId = id, DomainId = _rig.OwnDomain, SetId = PermissionSet.Helpdesk });
        Assert.True((await Recovery.SetPasswordAsync(token, Wanted(), "192.0.2.9")).Ok);
        Assert.Equal("invitation.use", (await _rig.LastEntryAsync()).Action);
        Assert.Equal(AuthFailure.None, (await _rig.Accounts.Authenticator.AuthenticateAsync("new@own.test", New, MailServices.Imap, null, default)).Failure);
        Assert.Equal(Refusal.Invalid, (await invitations.InviteAsync(_rig.Super, id, mail: false)).Refusal);

        // One who set a password himself has done away with the invitation.
        long other = (await accounts.CreateAsync(_rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = "other", Invite = true })).Value;
        Assert.Equal(Refusal.Invalid, (await invitations.InviteAsync(_rig.Master, other, mail: true)).Refusal);
        string open = InboxSteps.TokenIn((await invitations.InviteAsync(_rig.Master, other, mail: false)).Value!.Link);
        Assert.True((await _rig.Get<PasswordService>().ResetAsync(_rig.Master, other, Wanted())).Ok);
        Assert.Null(await Recovery.FindAsync(open));
    }
}
