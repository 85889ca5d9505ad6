using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>What a grant allows inside its scope.</summary>
[Flags]
public enum Permissions
{
    None = 0,
    /// <summary>Accounts: see, create, change, delete, reset passwords.</summary>
    Accounts = 1,
    /// <summary>Addresses that are not an account's primary one.</summary>
    Addresses = 2,
    /// <summary>The domain's own settings, as far as a master may change them.</summary>
    Domain = 4,
    All = Accounts | Addresses | Domain,
}

/// <summary>Makes an account an administrator: of the server (a superuser) or of one domain (a domain master).</summary>
public sealed class Grant
{
    public long Id { get; private set; }

    public required long AccountId { get; init; }

    /// <summary>Null: the whole server.</summary>
    public long? DomainId { get; init; }

    public Permissions Permissions { get; set; } = Permissions.All;

    public DateTimeOffset GrantedAt { get; init; }

    /// <summary>Null: until it is taken back.</summary>
    public DateTimeOffset? EndsAt { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<Grant>
    {
        public void Configure(EntityTypeBuilder<Grant> builder)
        {
            builder.ToTable("grant");
            builder.HasIndex(g => new { g.AccountId, g.DomainId }).IsUnique();
            builder.HasIndex(g => g.DomainId);
            builder.HasOne<Account>().WithMany().HasForeignKey(g => g.AccountId).OnDelete(DeleteBehavior.Cascade);
            builder.HasOne<Domain>().WithMany().HasForeignKey(g => g.DomainId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
