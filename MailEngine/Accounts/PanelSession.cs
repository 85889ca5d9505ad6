using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>Somebody signed in to the panel on one browser. Without its row a cookie is worth nothing.</summary>
public sealed class PanelSession
{
    public long Id { get; private set; }

    public required long AccountId { get; init; }

    /// <summary>SHA-256, hex, of the random key that the cookie holds.</summary>
    public required string KeyHash { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>A few minutes late.</summary>
    public required DateTimeOffset LastSeenAt { get; set; }

    /// <summary>Network address it was opened from.</summary>
    public required string Client { get; init; }

    /// <summary>What the browser called itself.</summary>
    public string Agent { get; init; } = "";

    /// <summary>Ends then, used or not; null: when nobody has used it for long.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    /// <summary>The session of the administrator who is here in the account's place; null: it is the account's own.</summary>
    public long? OpenedFromId { get; init; }

    /// <summary>Why he is.</summary>
    public string Reason { get; init; } = "";

    internal sealed class Configuration : IEntityTypeConfiguration<PanelSession>
    {
        public void Configure(EntityTypeBuilder<PanelSession> builder)
        {
            builder.ToTable("panel_session");
            builder.Property(s => s.KeyHash).HasMaxLength(64);
            builder.Property(s => s.Client).HasMaxLength(64);
            builder.Property(s => s.Agent).HasMaxLength(200);
            builder.Property(s => s.Reason).HasMaxLength(400);
            builder.HasIndex(s => s.KeyHash).IsUnique();
            builder.HasIndex(s => s.AccountId);
            builder.HasIndex(s => s.LastSeenAt);
            builder.HasOne<Account>().WithMany().HasForeignKey(s => s.AccountId).OnDelete(DeleteBehavior.Cascade);
            builder.HasOne<PanelSession>().WithMany().HasForeignKey(s => s.OpenedFromId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
