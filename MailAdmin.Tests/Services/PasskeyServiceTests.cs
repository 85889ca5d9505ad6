using System.Text.Json.Nodes;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Passkeys against a device made of software: what is good, and everything that is not.</summary>
public sealed class PasskeyServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    PasskeyService Passkeys => _rig.Get<PasskeyService>();
    Actor Ann => ServicesRig.As(_rig.OwnUser);
    HttpContext Http => _rig.GivenRequest();

    async Task<SoftAuthenticator> GivenPasskeyAsync(Actor actor, string name = "telephone")
    {
        var device = new SoftAuthenticator();
        ServiceResult added = await _rig.GivenPasskeyAsync(actor, device, name);
        Assert.True(added.Ok, added.Text);
        return device;
    }

    async Task<long?> ShowAsync(SoftAuthenticator device, long? account = null, Func<string, string>? change = null)
    {
        PasskeyQuestion question = await Passkeys.AskAsync(account, Http, default);
        device.Counter++;
        string answer = device.Get(question.Options);
        return await Passkeys.CheckAsync(account, question.Ticket, change?.Invoke(answer) ?? answer, Http, default);
    }

    [Fact]
    public async Task When_a_passkey_is_shown_then_it_says_whose_it_is_and_each_answer_counts_once()
    {
        using SoftAuthenticator device = await GivenPasskeyAsync(Ann);
        PasskeyRow row = Assert.Single((await Passkeys.ListAsync(Ann, null)).Value!);
        Assert.Equal("telephone", row.Name);
        Assert.Equal(("passkey.add", "account " + _rig.OwnUser), ((await _rig.LastEntryAsync()).Action, (await _rig.LastEntryAsync()).Actor));
        Assert.Equal(_rig.OwnUser, await ShowAsync(device));
        Assert.Equal(_rig.OwnUser, await ShowAsync(device, _rig.OwnUser));
        Assert.Null(await ShowAsync(device, _rig.SecondUser));

        PasskeyQuestion question = await Passkeys.AskAsync(null, Http, default);
        device.Counter++;
        string answer = device.Get(question.Options);
        Assert.Equal(_rig.OwnUser, await Passkeys.CheckAsync(null, question.Ticket, answer, Http, default));
        Assert.Null(await Passkeys.CheckAsync(null, question.Ticket, answer, Http, default));
        PasskeyQuestion late = await Passkeys.AskAsync(null, Http, default);
        Assert.Null(await Passkeys.CheckAsync(null, late.Ticket, answer, Http, default));   // to another question
        Assert.Null(await Passkeys.CheckAsync(_rig.OwnUser, (await Passkeys.AskAsync(null, Http, default)).Ticket, answer, Http, default));

        Assert.True((await Passkeys.RenameAsync(Ann, row.Id, " old telephone ")).Ok);
        Assert.Equal("old telephone", Assert.Single((await Passkeys.ListAsync(Ann, null)).Value!).Name);
        Assert.Equal("passkey.rename", (await _rig.LastEntryAsync()).Action);
        Assert.Equal(_rig.OwnUser, await ShowAsync(device));   // it is the same key
        Assert.Equal("Name", Assert.Single((await Passkeys.RenameAsync(Ann, row.Id, "a\nb")).Errors).Field);
        Assert.Equal(Refusal.NotFound, (await Passkeys.RenameAsync(_rig.Super, row.Id, "mine")).Refusal);

        Assert.True((await Passkeys.RemoveAsync(Ann, null, row.Id)).Ok);
        Assert.Null(await ShowAsync(device));
        Assert.Equal(Refusal.NotFound, (await Passkeys.RemoveAsync(Ann, null, row.Id)).Refusal);
    }

    [Fact]
    public async Task When_an_answer_is_not_what_was_asked_for_then_it_opens_nothing()
    {
        using SoftAuthenticator device = await GivenPasskeyAsync(Ann);
        using SoftAuthenticator other = await GivenPasskeyAsync(ServicesRig.As(_rig.SecondUser));
        Assert.NotNull(await ShowAsync(device));

        device.VerifiesUser = false;   // found on the table
        Assert.Null(await ShowAsync(device));
        device.VerifiesUser = true;
        // Asked by another site, which passes our question on.
        using var elsewhere = new SoftAuthenticator("https://mail.own.test.evil.example") { CredentialId = device.CredentialId, UserHandle = device.UserHandle, Counter = 50 };
        Assert.Null(await ShowAsync(elsewhere));
        using var otherParty = new SoftAuthenticator("https://mail.own.test", "evil.example") { CredentialId = device.CredentialId, UserHandle = device.UserHandle, Counter = 50 };
        Assert.Null(await ShowAsync(otherParty));
        using var forged = new SoftAuthenticator { CredentialId = device.CredentialId, UserHandle = device.UserHandle, Counter = 50 };   // another key
        Assert.Null(await ShowAsync(forged));
        string handle = other.UserHandle;
        other.UserHandle = device.UserHandle;   // one's own key, and somebody else's name
        Assert.Null(await ShowAsync(other));
        other.UserHandle = handle;
        foreach (string field in (string[])["clientDataJSON", "authenticatorData", "signature"])
        {
            Assert.Null(await ShowAsync(device, change: answer => Changed(answer, field, v => v[..^4])));
            Assert.Null(await ShowAsync(device, change: answer => Changed(answer, field, v => (v[0] == 'A' ? 'B' : 'A') + v[1..])));
            Assert.Null(await ShowAsync(device, change: answer => Changed(answer, field, _ => "")));
        }
        foreach (string wrong in (string[])["", "{", "null", "[]", "{}", "{\"id\":5}", new string('[', 5000), new string('x', PasskeyService.MostCharacters + 1)])
            Assert.Null(await ShowAsync(device, change: _ => wrong));
        uint counter = device.Counter;
        device.Counter = 0;   // a copy of the device that is behind
        Assert.Null(await ShowAsync(device));
        device.Counter = counter;
        Assert.Equal(_rig.OwnUser, await ShowAsync(device));
        Assert.Equal(_rig.SecondUser, await ShowAsync(other));
    }

    static string Changed(string answer, string field, Func<string, string> change)
    {
        JsonNode node = JsonNode.Parse(answer)!;
        JsonNode response = node["response"]!;
        response[field] = change(response[field]!.GetValue<string>());
        return node.ToJsonString();
    }

    [Fact]
    public async Task When_a_passkey_is_added_then_the_password_is_asked_for_and_the_question_was_ones_own()
    {
        using var device = new SoftAuthenticator();
        PasskeyQuestion question = (await Passkeys.AskNewAsync(Ann, Http)).Value!;
        string made = device.Create(question.Options);
        PasskeyForm Form(string name = "telephone", string password = ServicesRig.Password, string? ticket = null) =>
            new() { Name = name, Password = password, Ticket = ticket ?? question.Ticket, Credential = made };
        Assert.Equal("Password", Assert.Single((await Passkeys.AddAsync(Ann, Form(password: "not this one"), Http)).Errors).Field);
        Assert.Equal("Name", Assert.Single((await Passkeys.AddAsync(Ann, Form(name: " "), Http)).Errors).Field);
        Assert.False((await Passkeys.AddAsync(ServicesRig.As(_rig.SecondUser), Form(), Http)).Ok);
        Assert.False((await Passkeys.AddAsync(Ann, Form(ticket: "x"), Http)).Ok);
        using var unverified = new SoftAuthenticator { VerifiesUser = false };
        Assert.False((await _rig.GivenPasskeyAsync(Ann, unverified, "x")).Ok);
        using var elsewhere = new SoftAuthenticator("https://evil.example");
        Assert.False((await _rig.GivenPasskeyAsync(Ann, elsewhere, "x")).Ok);
        Assert.Empty((await Passkeys.ListAsync(Ann, null)).Value!);
        Assert.True((await Passkeys.AddAsync(Ann, Form(), Http)).Ok);
        Assert.False((await Passkeys.AddAsync(Ann, Form(), Http)).Ok);
        // One device key belongs to one account.
        using var same = new SoftAuthenticator { CredentialId = device.CredentialId };
        Assert.False((await _rig.GivenPasskeyAsync(ServicesRig.As(_rig.SecondUser), same, "x")).Ok);

        PasskeyQuestion late = (await Passkeys.AskNewAsync(Ann, Http)).Value!;
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Equal(_rig.OwnUser, (await db.UserPasskeys.SingleAsync()).UserId);
        Assert.NotEqual(question.Ticket, late.Ticket);
    }

    [Fact]
    public async Task When_the_account_is_suspended_or_gone_then_its_passkey_opens_no_session()
    {
        using SoftAuthenticator device = await GivenPasskeyAsync(Ann);
        Assert.True((await _rig.Get<AccountService>().UpdateAsync(_rig.Super, _rig.OwnUser, new AccountForm { State = AccountState.Suspended })).Ok);
        PasskeyQuestion question = await Passkeys.AskAsync(null, Http, default);
        device.Counter++;
        SignInOutcome outcome = await _rig.Get<PanelSignIn>().SignInWithPasskeyAsync(Http, question.Ticket, device.Get(question.Options), default);
        Assert.False(outcome.Ok);
        Assert.True((await _rig.Get<AccountService>().DeleteAsync(_rig.Super, _rig.OwnUser)).Ok);
        Assert.Null(await ShowAsync(device));
    }
}
