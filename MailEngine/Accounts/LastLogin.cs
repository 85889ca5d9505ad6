using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>When an account last logged in to one service, and from where. Written in batches, a few seconds late.</summary>
public sealed class LastLogin
{
    public required long AccountId { get; init; }

    /// <summary>Exactly one.</summary>
    public required MailServices Service { get; init; }

    public required DateTimeOffset At { get; set; }

    /// <summary>Text form as <c>LoginNetwork</c> makes it: an IPv4 address, or the first 64 bits of an IPv6 one.</summary>
    public required string Network { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<LastLogin>
    {
        public void Configure(EntityTypeBuilder<LastLogin> builder)
        {
            builder.ToTable("last_login");
            builder.HasKey(l => new { l.AccountId, l.Service });
            builder.Property(l => l.Network).HasMaxLength(48);
            builder.HasOne<Account>().WithMany().HasForeignKey(l => l.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
