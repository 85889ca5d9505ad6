using System.Net.Sockets;
using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailAdmin.Web;
using MailAdmin.Web.Services;
using MailEngine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Panel;

/// <summary>The whole server on free ports with a data folder of its own.</summary>
public sealed class PanelServer : IAsyncDisposable
{
    readonly TempFolder _folder;
    readonly EngineServices _engine;
    readonly WebApplication _app;

    PanelServer(TempFolder folder, EngineServices engine, WebApplication app)
    {
        _folder = folder;
        _engine = engine;
        _app = app;
        Home = app.Services.GetRequiredService<PanelEndpoints>().Local!;
    }

    /// <summary>Address of the panel.</summary>
    public Uri Home { get; }

    public Uri HomeTls => Get<PanelEndpoints>().LocalTls!;

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    public static async Task<PanelServer> StartAsync()
    {
        var folder = new TempFolder();
        WebApplicationBuilder builder = MailAdmin.Web.Server.Builder([]);
        builder.Logging.ClearProviders();
        // On one address alone: of a free port of each, a browser that asks for localhost would ask the other one first, where somebody else may listen.
        var options = new EngineOptions { DataPath = folder.Path, Listen = ["127.0.0.1"], PanelPort = 0, PanelTlsPort = 0 };
        options.Listeners.Add(new ListenerOptions { Protocol = MailProtocol.Smtp, Port = 0 });
        options.Listeners.Add(new ListenerOptions { Protocol = MailProtocol.Imap, Port = 0 });
        options.Listeners.Add(new ListenerOptions { Protocol = MailProtocol.Pop3, Port = 0 });
        options.AllowPlaintextAuth = true;
        await AccountsRig.PrepareAsync(folder.Path);
        EngineServices engine = await EngineServices.OpenAsync(options, TimeProvider.System, NullLoggerFactory.Instance);
        WebApplication app = MailAdmin.Web.Server.Build(builder, engine, NullLoggerFactory.Instance);
        await MailAdmin.Web.Server.StartAsync(app);
        return new PanelServer(folder, engine, app);
    }

    /// <summary>A mail program, logged in.</summary>
    public async Task<WireScript> LogInAsync(string login)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", _engine.Listeners.PortOf(MailProtocol.Imap, implicitTls: false));
        var mail = new WireScript(client.GetStream());
        await mail.PlayAsync($"S: * OK *\nC: l LOGIN {login} \"{PanelRig.Password}\"\nS: l OK *");
        return mail;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _engine.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>A server that is set up, and a browser; shared by the tests of a class, which therefore each use domains of their own.</summary>
public sealed class PanelRig : IAsyncLifetime
{
    public const string Root = "root";
    public const string Password = "correct horse battery staple";

    Browser _browser = null!;
    Actor _root = null!;

    /// <summary>Who set the server up.</summary>
    public Actor Superuser => _root;

    public PanelServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Task<Browser> browser = Browser.StartAsync();
        Server = await PanelServer.StartAsync();
        var setup = Server.Get<SetupService>();
        var form = new SetupForm
        {
            Token = await setup.NewTokenAsync(default),
            Login = Root, Password = Password, Repeat = Password, Hostname = "mail.first.test", Domain = "first.test",
        };
        _root = Actor.Account(Id(await setup.CompleteAsync(form, "127.0.0.1", default)), Root, "127.0.0.1");
        _browser = await browser;
    }

    public Task<BrowserTab> OpenAsync(int width = 1280, bool dark = false, string? zone = null) => _browser.OpenAsync(Server.Home, width, dark, zone);

    /// <summary>The same by HTTPS.</summary>
    public Task<BrowserTab> OpenTlsAsync() => _browser.OpenAsync(Server.HomeTls);

    /// <summary>A tab in which <paramref name="login"/> is signed in.</summary>
    public async Task<BrowserTab> GivenSignedInAsync(string login = Root, int width = 1280, bool dark = false)
    {
        BrowserTab tab = await OpenAsync(width, dark);
        await tab.SignInAsync(login, Password);
        return tab;
    }

    public async Task<long> GivenDomainAsync(string name) => Id(await Server.Get<DomainService>().CreateAsync(_root, new DomainForm { Name = name }, default));

    public async Task<long> GivenAccountAsync(long domainId, string localPart) => Id(await Server.Get<AccountService>().CreateAsync(
        _root, new AccountForm { DomainId = domainId, LocalPart = localPart, Password = Password, DisplayName = "Somebody" }, default));

    public Task GivenMasterAsync(long accountId, long domainId) => GivenGrantAsync(accountId, MailEngine.Accounts.PermissionSet.Master, domainId);

    /// <param name="domainId">Null: on the server.</param>
    public async Task GivenGrantAsync(long accountId, long set, long? domainId)
    {
        ServiceResult made = await Server.Get<GrantService>().GiveAsync(_root, new GrantForm { AccountId = accountId, DomainId = domainId, SetId = set }, default);
        Assert.True(made.Ok, made.Text);
    }

    public async Task<long> GivenSetAsync(string name, MailEngine.Accounts.Permissions permissions) =>
        Id(await Server.Get<PermissionSetService>().CreateAsync(_root, new PermissionSetForm { Name = name, Permissions = permissions }, default));

    public async Task GivenAliasAsync(long domainId, string localPart, string target) => Id(await Server.Get<AddressService>().CreateAsync(
        _root, new AddressForm { DomainId = domainId, LocalPart = localPart, Targets = [target] }, default));

    /// <summary>A message in an INBOX, with what its delivery put before it.</summary>
    public async Task GivenMessageAsync(long accountId, string prefix, string message)
    {
        var store = Server.Get<MailEngine.Store.MailStore>();
        using MailEngine.Store.BodyWriter writer = store.NewBody();
        writer.Write(System.Text.Encoding.UTF8.GetBytes(message));
        using MailEngine.Store.Body body = writer.Complete();
        await store.AcceptAsync(new MailEngine.Store.Acceptance { Body = body, Deposits = [StoreRig.To(accountId, prefix: prefix)] }, default);
    }

    public async Task GivenSuspendedAsync(long accountId)
    {
        var accounts = Server.Get<AccountService>();
        AccountForm form = (await accounts.GetAsync(_root, accountId, default)).Value!;
        form.State = MailEngine.Accounts.AccountState.Suspended;
        ServiceResult done = await accounts.UpdateAsync(_root, accountId, form, default);
        Assert.True(done.Ok, done.Text);
    }

    static long Id(ServiceResult<long> result)
    {
        Assert.True(result.Ok, result.Text);
        return result.Value;
    }

    public async Task DisposeAsync()
    {
        await _browser.DisposeAsync();
        await Server.DisposeAsync();
    }
}
