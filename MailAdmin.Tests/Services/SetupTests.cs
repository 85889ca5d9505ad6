using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

public sealed class SetupTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync()
    {
        _rig = await ServicesRig.OpenAsync();
        await _rig.Accounts.Database.WriteQuietlyAsync(async db =>   // as no service could: the last superuser goes with the rest
        {
            await db.Accounts.ExecuteDeleteAsync();
            await db.Addresses.ExecuteDeleteAsync();
            await db.Domains.ExecuteDeleteAsync();
        });
    }

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    SetupService Setup => _rig.Get<SetupService>();

    static SetupForm Form(string token, string login = "ann@example.test", string domain = "example.test") => new()
    {
        Token = token, Login = login, Password = ServicesRig.Password, Repeat = ServicesRig.Password, Hostname = "mail.example.test", Domain = domain,
    };

    [Fact]
    public async Task When_the_first_visitor_completes_set_up_then_he_is_superuser_with_domain_and_mailbox_and_the_token_is_dead()
    {
        Assert.True(await Setup.IsNeededAsync());
        string old = await Setup.NewTokenAsync();
        string token = await Setup.NewTokenAsync();
        Assert.False(await Setup.IsTokenValidAsync(old));
        Assert.True(await Setup.IsTokenValidAsync(token));
        ServiceResult<long> done = await Setup.CompleteAsync(Form(token), "192.0.2.1");
        Assert.True(done.Ok, done.Text);
        Assert.False(await Setup.IsNeededAsync());
        Assert.False(await Setup.IsTokenValidAsync(token));
        Assert.Equal("Token", (await Setup.CompleteAsync(Form(token), "192.0.2.1")).Errors.Single().Field);
        Rights rights = await _rig.Get<Access>().RightsAsync(ServicesRig.As(done.Value));
        Assert.True(rights.IsSuperuser);
        Assert.Equal("mail.example.test", await _rig.Get<HostSettings>().HostnameAsync());
        foreach (string local in new[] { "ann", "postmaster", "abuse" })
            Assert.NotNull((await _rig.Accounts.Directory.ResolveAsync(EmailAddress.Parse($"{local}@example.test"), default)).Address);
    }

    [Fact]
    public async Task When_the_superuser_shall_have_no_mailbox_then_a_plain_name_will_do()
    {
        ServiceResult<long> done = await Setup.CompleteAsync(Form(await Setup.NewTokenAsync(), "chief"), "");
        Assert.True(done.Ok, done.Text);
        AccountEntry chief = (await _rig.Accounts.Directory.FindLoginAsync("chief", default))!;
        Assert.False(chief.HasMailbox);
        Assert.True((await Setup.CompleteAsync(Form(await Setup.NewTokenAsync(), "x"), "")).Errors.Any());
    }

    [Theory]
    [InlineData("ann@other.test", "example.test", "Login")]
    [InlineData("ann@example.test", "", "Login")]
    [InlineData("a", "example.test", "Login")]
    [InlineData("chief", "no dots", "Domain")]
    public async Task When_the_form_is_wrong_then_nothing_is_made_and_the_token_lives(string login, string domain, string field)
    {
        string token = await Setup.NewTokenAsync();
        ServiceResult<long> result = await Setup.CompleteAsync(Form(token, login, domain), "");
        Assert.Contains(result.Errors, e => e.Field == field);
        Assert.True(await Setup.IsTokenValidAsync(token));
        Assert.True(await Setup.IsNeededAsync());
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.False(await db.Accounts.AnyAsync() || await db.Domains.AnyAsync());
    }

    [Fact]
    public async Task When_everything_is_wrong_then_everything_is_said_at_once()
    {
        SetupForm form = Form(await Setup.NewTokenAsync(), "a b@no dots", "no dots");
        (form.Password, form.Repeat, form.Hostname) = ("short", "other", "local");
        ServiceResult<long> result = await Setup.CompleteAsync(form, "");
        Assert.Equal(["Domain", "Hostname", "Login", "Password", "Repeat"], result.Errors.Select(e => e.Field).Distinct().Order());
    }

    [Fact]
    public async Task When_two_use_the_link_at_once_then_one_gets_through()
    {
        string token = await Setup.NewTokenAsync();
        ServiceResult<long>[] both = await Task.WhenAll(
            Setup.CompleteAsync(Form(token, "one"), ""), Setup.CompleteAsync(Form(token, "two", "two.test"), ""));
        Assert.Equal(1, both.Count(r => r.Ok));
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Equal(1, await db.Accounts.CountAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("guess")]
    public async Task When_the_token_is_wrong_then_nobody_gets_in(string token)
    {
        await Setup.NewTokenAsync();
        Assert.False(await Setup.IsTokenValidAsync(token));
        Assert.Equal("Token", (await Setup.CompleteAsync(Form(token), "")).Errors.Single().Field);
    }
}
