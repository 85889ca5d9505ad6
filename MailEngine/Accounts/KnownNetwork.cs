using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>A network an account has logged in from: guesses of others never shut its owner out there.</summary>
public sealed class KnownNetwork
{
    public required long AccountId { get; init; }

    /// <summary>Text form as <c>LoginNetwork</c> makes it: an IPv4 address, or the first 64 bits of an IPv6 one.</summary>
    public required string Network { get; init; }

    public DateTimeOffset LastSeen { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<KnownNetwork>
    {
        public void Configure(EntityTypeBuilder<KnownNetwork> builder)
        {
            builder.ToTable("known_network");
            builder.HasKey(n => new { n.AccountId, n.Network });
            builder.Property(n => n.Network).HasMaxLength(48);
            builder.HasOne<Account>().WithMany().HasForeignKey(n => n.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
