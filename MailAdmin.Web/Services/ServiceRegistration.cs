using MailAdmin.Web.Http;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;

namespace MailAdmin.Web.Services;

/// <summary>Puts the services into the container.</summary>
public static class ServiceRegistration
{
    /// <summary>Needs as singletons: EngineOptions, TimeProvider, <see cref="AccountsDatabase"/>, <see cref="AccountDirectory"/>,
    /// <see cref="PasswordHashes"/>, Authenticator, and <see cref="MailStore"/> and <see cref="QueueControl"/> where this process has the store open.</summary>
    public static IServiceCollection AddAdminServices(this IServiceCollection services)
    {
        services.AddSingleton<Changes>();
        services.AddSingleton(p => new StoreTaskRunner(
            p.GetRequiredService<AccountsDatabase>(), p.GetService<MailStore>(), p.GetRequiredService<ILogger<StoreTaskRunner>>()));
        services.AddSingleton<IStoreDoor>(p => new LocalStoreDoor(
            p.GetService<MailStore>(), p.GetService<QueueControl>(), p.GetRequiredService<StoreTaskRunner>(), p.GetRequiredService<EngineOptions>().Limits, p.GetRequiredService<TimeProvider>(),
            p.GetService<SystemMail>()));
        services.AddSingleton<Access>();
        services.AddSingleton<DomainService>();
        services.AddSingleton<AccountService>();
        services.AddSingleton<AccountImport>();
        services.AddSingleton<AddressService>();
        services.AddSingleton<GrantService>();
        services.AddSingleton<PermissionSetService>();
        services.AddSingleton<PasswordService>();
        services.AddSingleton<OwnPasswordCheck>();
        services.AddSingleton<PanelAddress>();
        services.AddSingleton<RecoveryService>();
        services.AddSingleton<InvitationService>();
        services.AddSingleton<PasswordRequests>();
        services.AddHostedService(p => p.GetRequiredService<PasswordRequests>());
        services.AddSingleton<AppPasswordService>();
        services.AddSingleton<SecondFactorService>();
        services.AddSingleton<PasskeyService>();
        services.AddSingleton<LogInAsService>();
        services.AddSingleton(p => new SessionService(p.GetRequiredService<Changes>(), p.GetRequiredService<PanelSessions>(), p.GetService<SessionRegistry>()));
        services.AddSingleton<SetupService>();
        services.AddSingleton<AuditService>();
        services.AddSingleton<RevertService>();
        services.AddSingleton<TraceService>();
        services.AddSingleton<QueueService>();
        services.AddSingleton<QueueOrderService>();
        services.AddSingleton<DeletedMailService>();
        services.AddSingleton(p => new MailboxService(p.GetRequiredService<Changes>(), p.GetRequiredService<AccountDirectory>(), p.GetService<MailStore>()));
        services.AddSingleton<ExchangeService>();
        services.AddSingleton<PartitionService>();
        services.AddSingleton(p => new OverviewService(
            p.GetRequiredService<Changes>(), p.GetRequiredService<IStoreDoor>(), p.GetRequiredService<AccountDirectory>(), p.GetService<MailStore>(), p.GetService<QueueControl>()));
        services.AddSingleton<HostSettings>();
        services.AddSingleton(p => new DomainNameService(
            p.GetRequiredService<Changes>(), p.GetRequiredService<StoreTaskRunner>(), p.GetRequiredService<IStoreDoor>(), p.GetService<MailStore>()));
        services.AddSingleton<AccountNameService>();
        services.AddSingleton<ManyAccountsService>();
        services.AddSingleton(p => new FilterService(
            p.GetRequiredService<Changes>(), p.GetRequiredService<ScriptService>(), p.GetRequiredService<FilterTrials>(), p.GetRequiredService<AccountDirectory>(),
            p.GetRequiredService<EngineOptions>(), p.GetService<MailStore>()));
        services.AddSingleton(p => new FilterTrials(
            p.GetRequiredService<SieveScripts>(), p.GetRequiredService<AccountDirectory>(), p.GetService<MailStore>(), p.GetRequiredService<ServerName>(), p.GetRequiredService<EngineOptions>()));
        services.AddSingleton<VacationService>();
        services.AddSingleton<SieveScripts>();
        services.AddSingleton<ScriptService>();
        services.AddSingleton<ContactService>();
        services.AddSingleton<PreferencesService>();
        services.AddSingleton<OwnMailService>();
        services.AddSingleton<OwnHistoryService>();
        services.AddSingleton<SearchService>();
        services.AddSingleton<ClientSettings>();
        services.AddSingleton<SuspensionEnds>();
        services.AddHostedService(p => p.GetRequiredService<SuspensionEnds>());
        services.AddHostedService<StoreTaskService>();
        return services;
    }

    /// <summary>Cookie, policies, <see cref="PanelSignIn"/>.</summary>
    public static IServiceCollection AddPanelSignIn(this IServiceCollection services)
    {
        services.AddSingleton<PanelSessions>();
        services.AddSingleton<PanelSignIn>();
        services.AddHttpContextAccessor();
        services.AddOptions<CookieAuthenticationOptions>(PanelSignIn.Scheme).Configure<IHttpContextAccessor>((o, http) => o.Cookie = new SchemeCookie("mailadmin.session", http)
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,   // Strict would ask for the password after every link from a mail
            SecurePolicy = CookieSecurePolicy.SameAsRequest,
            IsEssential = true,
        });
        services.AddAuthentication(PanelSignIn.Scheme).AddCookie(PanelSignIn.Scheme, o =>
        {
            o.ExpireTimeSpan = TimeSpan.FromHours(12);
            o.SlidingExpiration = true;
            o.LoginPath = "/login";
            o.LogoutPath = "/logout";
            o.AccessDeniedPath = "/forbidden";
            o.Events.OnValidatePrincipal = PanelSignIn.ValidateAsync;
        });
        Policies.AddTo(services.AddAuthorizationBuilder());
        services.AddSingleton<IAuthorizationHandler, MayHandler>();
        return services;
    }
}
