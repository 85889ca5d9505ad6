using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>What a one-time link is good for. The numbers are stored.</summary>
public enum LinkPurpose
{
    /// <summary>The user of a new account picks its first password.</summary>
    Invitation = 0,
    /// <summary>A user who has forgotten his password picks another one.</summary>
    NewPassword = 1,
    /// <summary>Proves that a recovery address is read by the account's owner.</summary>
    RecoveryAddress = 2,
}

/// <summary>A link that was mailed or shown once. Whoever has it may do one thing to one account, once, until its end.</summary>
public sealed class OneTimeLink
{
    public long Id { get; private set; }

    public required long AccountId { get; init; }

    public required LinkPurpose Purpose { get; init; }

    /// <summary>SHA-256, hex, of the 256 random bits that the link carries.</summary>
    public required string TokenHash { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset EndsAt { get; init; }

    /// <summary>Security stamp the account must still have; empty: any. So a link for a new password dies with every change of the password.</summary>
    public string Stamp { get; init; } = "";

    /// <summary>Where it was mailed to; of <see cref="LinkPurpose.RecoveryAddress"/> the address that it proves. Empty: it was only shown.</summary>
    public string SentTo { get; init; } = "";

    public static string NewToken() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>Null: nothing that a link could carry.</summary>
    public static string? HashOf(string? token) =>
        token is { Length: 43 } ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token))) : null;

    internal sealed class Configuration : IEntityTypeConfiguration<OneTimeLink>
    {
        public void Configure(EntityTypeBuilder<OneTimeLink> builder)
        {
            builder.ToTable("one_time_link");
            builder.Property(l => l.TokenHash).HasMaxLength(64);
            builder.Property(l => l.Stamp).HasMaxLength(64);
            builder.Property(l => l.SentTo).HasMaxLength(Account.MaxLogin);
            builder.HasIndex(l => l.TokenHash).IsUnique();
            builder.HasIndex(l => l.AccountId);
            builder.HasIndex(l => l.EndsAt);
            builder.HasOne<Account>().WithMany().HasForeignKey(l => l.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
