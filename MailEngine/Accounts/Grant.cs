using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>Makes an account an administrator: a permission set, on the server or on one domain, for good or until a date.</summary>
public sealed class Grant
{
    public long Id { get; private set; }

    public required long AccountId { get; init; }

    /// <summary>Null: the whole server.</summary>
    public long? DomainId { get; init; }

    public required long SetId { get; init; }

    public DateTimeOffset GrantedAt { get; init; }

    /// <summary>Null: until it is taken back.</summary>
    public DateTimeOffset? EndsAt { get; set; }

    public PermissionSet? Set { get; private set; }

    internal sealed class Configuration : IEntityTypeConfiguration<Grant>
    {
        public void Configure(EntityTypeBuilder<Grant> builder)
        {
            builder.ToTable("grant");
            builder.HasIndex(g => new { g.AccountId, g.DomainId, g.SetId }).IsUnique();
            builder.HasIndex(g => g.DomainId);
            builder.HasOne<Account>().WithMany().HasForeignKey(g => g.AccountId).OnDelete(DeleteBehavior.Cascade);
            builder.HasOne<Domain>().WithMany().HasForeignKey(g => g.DomainId).OnDelete(DeleteBehavior.Cascade);
            builder.HasOne(g => g.Set).WithMany().HasForeignKey(g => g.SetId).OnDelete(DeleteBehavior.Restrict);
        }
    }
}
