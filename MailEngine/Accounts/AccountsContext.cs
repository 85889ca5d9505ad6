using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Microsoft.Extensions.DependencyInjection;

namespace MailEngine.Accounts;

/// <summary>The accounts database. One context for one operation; <see cref="AccountsDatabase"/> makes them.</summary>
/// <remarks>Mappings stand beside their entities. A provider has a context and migrations of its own; nothing in the model is particular to one.</remarks>
public abstract class AccountsContext(DbContextOptions options) : IdentityUserContext<Account, long>(options)
{
    public DbSet<Domain> Domains => Set<Domain>();
    public DbSet<Address> Addresses => Set<Address>();
    public DbSet<Target> Targets => Set<Target>();
    public DbSet<Grant> Grants => Set<Grant>();
    public DbSet<PermissionSet> PermissionSets => Set<PermissionSet>();
    /// <summary>To read; <see cref="Record"/> writes.</summary>
    public IQueryable<AuditEntry> Audit => Set<AuditEntry>();
    public DbSet<PanelSession> PanelSessions => Set<PanelSession>();
    public DbSet<AppPassword> AppPasswords => Set<AppPassword>();
    public DbSet<SecondFactor> SecondFactors => Set<SecondFactor>();
    public DbSet<RecoveryCode> RecoveryCodes => Set<RecoveryCode>();
    public DbSet<OneTimeLink> OneTimeLinks => Set<OneTimeLink>();
    public DbSet<Setting> Settings => Set<Setting>();
    public DbSet<StoreTask> StoreTasks => Set<StoreTask>();
    public DbSet<KnownNetwork> KnownNetworks => Set<KnownNetwork>();
    public DbSet<LastLogin> LastLogins => Set<LastLogin>();
    public DbSet<Vacation> Vacations => Set<Vacation>();
    public DbSet<SieveScript> SieveScripts => Set<SieveScript>();
    public DbSet<SieveScriptVersion> SieveScriptVersions => Set<SieveScriptVersion>();
    public DbSet<AccountContact> Contacts => Set<AccountContact>();
    public DbSet<Preferences> Preferences => Set<Preferences>();
    public DbSet<ChangeStamp> ChangeStamps => Set<ChangeStamp>();

    /// <summary>All accounts; Identity calls them users.</summary>
    public DbSet<Account> Accounts => Users;

    AuditChain? _chain;

    /// <summary>Roles of whoever acts in this transaction, for the audit.</summary>
    public string ActingRole { get; set; } = "";

    /// <summary>The end of the audit; only in a write transaction.</summary>
    public AuditChain Chain => _chain ??= new AuditChain(this);

    internal Task SaveAuditHeadAsync(CancellationToken ct) => _chain?.SaveHeadAsync(ct) ?? Task.CompletedTask;

    /// <summary>Adds an entry to the audit; written with the next SaveChanges.</summary>
    public void Record(AuditEntry entry) => Set<AuditEntry>().Add(Chain.Append(entry));

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.ApplyConfigurationsFromAssembly(typeof(AccountsContext).Assembly);
        builder.Entity<IdentityUserClaim<long>>().ToTable("account_claim");
        builder.Entity<IdentityUserLogin<long>>().ToTable("account_login");
        builder.Entity<IdentityUserToken<long>>().ToTable("account_token");
        builder.Entity<IdentityUserPasskey<long>>().ToTable("account_passkey");
    }

    /// <summary>UTC as a number: every provider sorts and compares it, SQLite cannot do that with a DateTimeOffset.</summary>
    sealed class UnixMilliseconds() : ValueConverter<DateTimeOffset, long>(
        time => time.ToUnixTimeMilliseconds(), value => DateTimeOffset.FromUnixTimeMilliseconds(value));
}

/// <summary>The accounts database in SQLite.</summary>
public sealed class SqliteAccountsContext(DbContextOptions<SqliteAccountsContext> options) : AccountsContext(options)
{
    // Identity asks this provider which version of its tables to map; without one it takes version 1, which has no passkeys.
    static readonly ServiceProvider s_schema = new ServiceCollection()
        .Configure<IdentityOptions>(o => o.Stores.SchemaVersion = IdentitySchemaVersions.Version3)
        .BuildServiceProvider();

    /// <summary>The options that every user of the model must have, tools included.</summary>
    public static DbContextOptionsBuilder<SqliteAccountsContext> Options(string connectionString)
    {
        SqliteBootstrap.EnsureDone();
        return new DbContextOptionsBuilder<SqliteAccountsContext>()
            .UseSqlite(connectionString)
            .UseApplicationServiceProvider(s_schema);
    }
}
