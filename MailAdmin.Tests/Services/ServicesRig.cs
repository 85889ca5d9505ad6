using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Dns;
using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Services;

/// <summary>The services over real accounts and, when asked for, a real store. Two domains: own.test with its master and two users, other.test
/// with its master and one user; and a superuser without a mailbox.</summary>
public sealed class ServicesRig : IAsyncDisposable
{
    public const string Password = "correct horse 7 stairs";
    static readonly Lazy<Task<string>> s_template = new(MakeTemplateAsync);

    readonly ServiceProvider _provider;

    ServicesRig(AccountsRig accounts, MailStore? store, bool withQueue)
    {
        Accounts = accounts;
        Store = store;
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(new EngineOptions { DataPath = accounts.Folder, Passwords = { Iterations = 1000 } });
        services.AddSingleton(accounts.Clock);
        services.AddSingleton(accounts.Database);
        services.AddSingleton(accounts.Directory);
        services.AddSingleton(accounts.Hashes);
        services.AddSingleton(accounts.Authenticator);
        if (store is not null)
            services.AddSingleton(store);
        if (store is not null && withQueue)
        {
            services.AddSingleton(_ => new TraceLog(accounts.Folder, accounts.Clock, NullLogger<TraceLog>.Instance));
            services.AddSingleton(provider =>
            {
                EngineOptions options = provider.GetRequiredService<EngineOptions>();
                TraceLog trace = provider.GetRequiredService<TraceLog>();
                var router = new Router(accounts.Directory, options);
                var delivery = new Delivery(store, trace, accounts.Clock, NullLogger<Delivery>.Instance);
                return new QueueScheduler(store, router, delivery, new Resolver(options.Dns, accounts.Clock), trace, new ServerName("mail.own.test"), options,
                    accounts.Clock, NullLogger<QueueScheduler>.Instance);
            });
            services.AddSingleton(provider =>
            {
                var router = new Router(accounts.Directory, provider.GetRequiredService<EngineOptions>());
                var delivery = new Delivery(store, provider.GetRequiredService<TraceLog>(), accounts.Clock, NullLogger<Delivery>.Instance);
                return new SystemMail(router, delivery, store, provider.GetRequiredService<ServerName>(), accounts.Clock);
            });
            services.AddSingleton(provider => new QueueControl(provider.GetRequiredService<QueueScheduler>(), store, provider.GetRequiredService<TraceLog>(), accounts.Clock));
        }
        services.AddSingleton(new ServerName("mail.own.test"));
        services.AddSingleton(new SessionRegistry(new EngineOptions()));
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddAdminServices();
        services.AddPanelSignIn();
        _provider = services.BuildServiceProvider();
    }

    public AccountsRig Accounts { get; }
    public MailStore? Store { get; }
    public IServiceProvider Provider => _provider;
    public EngineOptions Options => Get<EngineOptions>();

    public long OwnDomain { get; private set; }
    public long OtherDomain { get; private set; }
    public long Superuser { get; private set; }
    public long OwnMaster { get; private set; }
    public long OtherMaster { get; private set; }
    public long OwnUser { get; private set; }
    public long SecondUser { get; private set; }
    public long OtherUser { get; private set; }
    public long OwnAlias { get; private set; }

    public T Get<T>() where T : notnull => _provider.GetRequiredService<T>();

    public static Actor As(long accountId) => Actor.Account(accountId, $"account {accountId}", "192.0.2.7");

    public Actor Super => As(Superuser);
    public Actor Master => As(OwnMaster);
    public static Actor Nobody { get; } = Actor.Of(new System.Security.Claims.ClaimsPrincipal(), "192.0.2.7");
    public static Actor Root { get; } = Actor.Cli("root");

    public async Task<long> InboxOfAsync(long account) => (await Store!.OpenAsync(account, MailboxName.Inbox))!.Id;

    /// <summary>A mailbox of own.test; its id.</summary>
    public async Task<long> GivenSharedMailboxAsync(string name)
    {
        Assert.Equal(StoreError.None, await Store!.CreateAsync(MailStore.SharedTree(OwnDomain), MailboxName.Parse(name)));
        return Store.Find(MailStore.SharedTree(OwnDomain), MailboxName.Parse(name))!.Id;
    }

    public static async Task<ServicesRig> OpenAsync(bool withStore = false, bool withQueue = false, StoreOptions? options = null)
    {
        string folder = Directory.CreateTempSubdirectory("services-").FullName;
        foreach (string file in Directory.GetFiles(await s_template.Value))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        AccountsRig accounts = await AccountsRig.OpenAsync(folder: folder);
        MailStore? store = withStore
            ? await MailStore.OpenAsync(folder, options ?? new StoreOptions(), accounts.Clock, NullLogger<MailStore>.Instance)
            : null;
        var rig = new ServicesRig(accounts, store, withQueue);
        await using AccountsContext db = accounts.Database.NewContext();
        Dictionary<string, long> ids = await db.Accounts.ToDictionaryAsync(a => a.UserName!, a => a.Id);
        rig.OwnDomain = await db.Domains.Where(d => d.Name == "own.test").Select(d => d.Id).SingleAsync();
        rig.OtherDomain = await db.Domains.Where(d => d.Name == "other.test").Select(d => d.Id).SingleAsync();
        rig.OwnAlias = await db.Addresses.Where(a => a.LocalPart == "sales").Select(a => a.Id).SingleAsync();
        (rig.Superuser, rig.OwnMaster, rig.OtherMaster) = (ids["chief"], ids["master@own.test"], ids["master@other.test"]);
        (rig.OwnUser, rig.SecondUser, rig.OtherUser) = (ids["ann@own.test"], ids["bob@own.test"], ids["cid@other.test"]);
        return rig;
    }

    static async Task<string> MakeTemplateAsync()
    {
        string folder = Directory.CreateTempSubdirectory("services-template-").FullName;
        await using AccountsRig rig = await AccountsRig.OpenAsync(folder: Path.Combine(folder, "work"));
        long own = await rig.GivenDomainAsync("own.test");
        long other = await rig.GivenDomainAsync("other.test");
        long master = await rig.GivenAccountAsync("master@own.test", Password);
        long otherMaster = await rig.GivenAccountAsync("master@other.test", Password);
        long ann = await rig.GivenAccountAsync("ann@own.test", Password);
        await rig.GivenAccountAsync("bob@own.test", Password);
        await rig.GivenAccountAsync("cid@other.test", Password);
        await rig.GivenAddressAsync(own, "sales", ann, "sales@example.org");
        await rig.WriteAsync(async db =>
        {
            var chief = new Account { Services = MailServices.Panel, PasswordHash = rig.Hashes.Make(Password), SecurityStamp = "s" };
            chief.SetLogin("chief");
            db.Accounts.Add(chief);
            await db.SaveChangesAsync();
            db.Grants.AddRange(
                new Grant { AccountId = chief.Id, SetId = PermissionSet.Superuser }, new Grant { AccountId = master, DomainId = own, SetId = PermissionSet.Master },
                new Grant { AccountId = otherMaster, DomainId = other, SetId = PermissionSet.Master });
            await db.SaveChangesAsync();
            return 0;
        });
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        await using (AccountsContext db = rig.Database.NewContext())
            await db.Database.ExecuteSqlAsync($"VACUUM INTO {Path.Combine(folder, "accounts.db")}");
        return folder;
    }

    /// <summary>Gives a role past the services.</summary>
    public Task<long> GivenGrantAsync(long accountId, long setId, long? domainId = null, DateTimeOffset? endsAt = null) => Accounts.WriteAsync(async db =>
    {
        var grant = new Grant { AccountId = accountId, SetId = setId, DomainId = domainId, EndsAt = endsAt };
        db.Grants.Add(grant);
        await db.SaveChangesAsync();
        return grant.Id;
    });

    /// <summary>A permission set of its own.</summary>
    public Task<long> GivenSetAsync(string name, Permissions permissions) => Accounts.WriteAsync(async db =>
    {
        var set = new PermissionSet { Name = name, Permissions = permissions };
        db.PermissionSets.Add(set);
        await db.SaveChangesAsync();
        return set.Id;
    });

    /// <summary>An app password; its secret.</summary>
    public async Task<string> GivenAppPasswordAsync(long accountId, MailServices services = AppPassword.Possible, DateTimeOffset? endsAt = null)
    {
        ServiceResult<string> made = await Get<AppPasswordService>().CreateAsync(As(accountId), new AppPasswordForm { Name = "telephone", Services = services, EndsAt = endsAt, Password = Password });
        Assert.True(made.Ok, made.Text);
        return made.Value!;
    }

    public Task<long> GivenAppPasswordIdAsync(long accountId) => Accounts.WriteAsync(async db =>
    {
        var app = new AppPassword { AccountId = accountId, Name = "telephone", Hash = AppPassword.HashOf(AppPassword.NewSecret())!, Services = MailServices.Imap };
        db.AppPasswords.Add(app);
        await db.SaveChangesAsync();
        return app.Id;
    });

    /// <summary>Turns the second factor of whoever acts on, as he would.</summary>
    public async Task<ServiceResult<IReadOnlyList<string>>> GivenSecondFactorAsync(Actor actor)
    {
        var service = Get<SecondFactorService>();
        ServiceResult<SecondFactorSetup> setup = await service.StartAsync(actor);
        if (!setup.Ok)
            return new ServiceResult.Refused(setup.Refusal, setup.Errors);
        string code = Totp.CodeAt(KeyIn(setup.Value!.Uri), Totp.StepAt(Accounts.Clock.GetUtcNow()));
        return await service.ConfirmAsync(actor, new SecondFactorForm { Ticket = setup.Value.Ticket, Code = code, Password = Password });
    }

    /// <summary>A request to the panel, as it is opened by the server's name.</summary>
    public HttpContext GivenRequest()
    {
        var http = new DefaultHttpContext { RequestServices = _provider };
        (http.Request.Scheme, http.Request.Host) = ("https", new HostString("mail.own.test"));
        return http;
    }

    /// <summary>Adds a passkey for whoever acts, as his browser would.</summary>
    internal async Task<ServiceResult> GivenPasskeyAsync(Actor actor, SoftAuthenticator device, string name)
    {
        ServiceResult<PasskeyQuestion> question = await Get<PasskeyService>().AskNewAsync(actor, GivenRequest());
        return !question.Ok ? question : await Get<PasskeyService>().AddAsync(
            actor, new PasskeyForm { Name = name, Password = Password, Ticket = question.Value!.Ticket, Credential = device.Create(question.Value.Options) }, GivenRequest());
    }

    internal async Task GivenPasskeyOfOwnUserAsync()
    {
        using var device = new SoftAuthenticator();
        Assert.True((await GivenPasskeyAsync(As(OwnUser), device, "telephone")).Ok);
    }

    /// <summary>As an account is before its user has followed the invitation.</summary>
    public Task GivenNoPasswordAsync(long accountId) => Accounts.WriteAsync(db => db.Accounts.Where(a => a.Id == accountId)
        .ExecuteUpdateAsync(s => s.SetProperty(a => a.PasswordHash, (string?)null)));

    /// <summary>The key of an otpauth address.</summary>
    public static byte[] KeyIn(string uri)
    {
        string text = uri.Split("secret=")[1].Split('&')[0];
        var key = new List<byte>();
        int held = 0, bits = 0;
        foreach (char c in text)
        {
            held = (held << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal);
            bits += 5;
            if (bits < 8)
                continue;
            bits -= 8;
            key.Add((byte)(held >> bits));
            held &= (1 << bits) - 1;
        }
        return [.. key];
    }

    /// <summary>A session of the panel; its id.</summary>
    public async Task<string> GivenSessionAsync(long accountId)
    {
        await Get<PanelSessions>().OpenAsync(accountId, "192.0.2.9", "a browser", default);
        await using AccountsContext db = Accounts.Database.NewContext();
        return (await db.PanelSessions.Where(s => s.AccountId == accountId).MaxAsync(s => s.Id)).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Key of a session of whoever acts; of nobody a key that is none.</summary>
    public async Task<string> KeyOfAsync(Actor actor) =>
        actor.AccountId is { } id ? await Get<PanelSessions>().OpenAsync(id, "192.0.2.9", "a browser", default) : "none";

    public async Task<AuditEntry> LastEntryAsync()
    {
        await using AccountsContext db = Accounts.Database.NewContext();
        return await db.Audit.AsNoTracking().OrderByDescending(a => a.Id).FirstAsync();
    }

    public async Task<long> GrantOfAsync(long accountId)
    {
        await using AccountsContext db = Accounts.Database.NewContext();
        return await db.Grants.Where(g => g.AccountId == accountId).Select(g => g.Id).SingleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _provider.DisposeAsync();
        if (Store is not null)
            await Store.DisposeAsync();
        await Accounts.DisposeAsync();
    }
}
