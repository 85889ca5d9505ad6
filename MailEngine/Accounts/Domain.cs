using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>How log-in names of new accounts are made.</summary>
public enum LoginScheme
{
    /// <summary>The primary address.</summary>
    FullAddress = 0,
    /// <summary><see cref="Domain.LoginPrefix"/> and a number that is never given twice: web0001.</summary>
    PrefixCounter = 1,
    /// <summary>The administrator writes it.</summary>
    Free = 2,
    /// <summary>Local part, a dot, domain: ann.example.org. For mail programs that take no @ in a name.</summary>
    LocalDotDomain = 3,
}

/// <summary>A mail domain and its limits. A limit of 0 means none.</summary>
public sealed class Domain
{
    /// <summary>Folders of a new account, one a line, <c>name=special use</c>. RFC 6154 §2</summary>
    public const string UsualFolders = "Drafts=\\Drafts\nSent=\\Sent\nJunk=\\Junk\nTrash=\\Trash\nArchive=\\Archive";

    public long Id { get; private set; }

    /// <summary>Lower-case A-labels: what is looked up and sent.</summary>
    public required string Name { get; init; }

    /// <summary>What people read: U-labels. RFC 5890 §2.3.2.1</summary>
    public required string DisplayName { get; set; }

    public DomainKind Kind { get; set; }

    /// <summary>False: no mail is taken for it and none of its accounts can log in.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Next hop of a <see cref="DomainKind.Relay"/> domain, host or host:port; empty: by MX.</summary>
    public string RelayHost { get; set; } = "";

    /// <summary>The domain that an <see cref="DomainKind.AliasOf"/> domain is another name of.</summary>
    public long? AliasOfId { get; set; }

    public int MaxAccounts { get; set; }

    /// <summary>Addresses beside the primary ones of accounts and the roles that RFC 2142 §5 asks for.</summary>
    public int MaxAddresses { get; set; }

    /// <summary>Quota of accounts that have none of their own, octets.</summary>
    public long DefaultQuotaBytes { get; set; }

    /// <summary>Largest quota one account may be given, octets.</summary>
    public long MaxQuotaBytes { get; set; }

    /// <summary>Most that the quotas of all accounts may add up to, octets.</summary>
    public long TotalQuotaBytes { get; set; }

    /// <summary>Largest message, octets.</summary>
    public long MessageBytes { get; set; }

    public LoginScheme LoginScheme { get; set; }

    public string LoginPrefix { get; set; } = "";

    /// <summary>Number last given by <see cref="LoginScheme.PrefixCounter"/>; only grows.</summary>
    public long LoginCounter { get; set; }

    /// <summary>Between user and detail; empty: off. RFC 5233 §4</summary>
    public string SubaddressSeparator { get; set; } = "+";

    /// <summary>See <see cref="UsualFolders"/>.</summary>
    public string StandardFolders { get; set; } = UsualFolders;

    /// <summary>True: its accounts may have addresses in other domains that whoever gives them administers.</summary>
    public bool FreeAddresses { get; set; } = true;

    /// <summary>True: users may have their mail sent on to addresses elsewhere.</summary>
    public bool UsersMayForward { get; set; } = true;

    /// <summary>Addresses in the domain that each user may give himself; 0: none.</summary>
    public int MaxOwnAliases { get; set; }

    /// <summary>Sieve scripts that each account may have; 0: as the server allows. See <see cref="ScriptLimits"/>.</summary>
    public int MaxScripts { get; set; }

    /// <summary>Largest Sieve script of an account, octets; 0: as the server allows.</summary>
    public int ScriptBytes { get; set; }

    /// <summary>From then on its accounts need a second factor: see <see cref="SecondFactorRule"/>. Null: none is asked for.</summary>
    public DateTimeOffset? SecondFactorFrom { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>New on every change: who saves an older one is told that somebody else was quicker.</summary>
    public Guid Version { get; set; } = Guid.NewGuid();

    /// <summary>Takes <see cref="StandardFolders"/> apart; lines without a name are left out.</summary>
    public static IReadOnlyList<(string Name, string SpecialUse)> ParseFolders(string text)
    {
        var folders = new List<(string, string)>();
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            string name = (equals < 0 ? line : line[..equals]).Trim();
            if (name.Length > 0)
                folders.Add((name, equals < 0 ? "" : line[(equals + 1)..].Trim()));
        }
        return folders;
    }

    internal sealed class Configuration : IEntityTypeConfiguration<Domain>
    {
        public void Configure(EntityTypeBuilder<Domain> builder)
        {
            builder.ToTable("domain");
            builder.Property(d => d.Name).HasMaxLength(253);   // octets: RFC 1035 §2.3.4
            builder.Property(d => d.DisplayName).HasMaxLength(253);
            builder.Property(d => d.RelayHost).HasMaxLength(260);
            builder.Property(d => d.LoginPrefix).HasMaxLength(32);
            builder.Property(d => d.SubaddressSeparator).HasMaxLength(4);
            builder.Property(d => d.StandardFolders).HasMaxLength(4000);
            builder.Property(d => d.Version).IsConcurrencyToken();
            builder.HasIndex(d => d.Name).IsUnique();
            builder.HasOne<Domain>().WithMany().HasForeignKey(d => d.AliasOfId).OnDelete(DeleteBehavior.Restrict);
        }
    }
}
