using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>A password for one program on one device: made by us, good for some protocols, until a day, and never for the panel.</summary>
/// <remarks>A hundred random bits: a plain SHA-256 keeps them, and a guess is hopeless, so it needs neither a slow hash nor the throttle.</remarks>
public sealed class AppPassword
{
    /// <summary>What an app password can be good for.</summary>
    public const MailServices Possible = MailServices.All & ~(MailServices.Panel | MailServices.Receiving);

    const string Alphabet = "abcdefghijkmnpqrstuvwxyz23456789";   // 32, without what looks alike: l o 0 1
    const int Letters = 20;

    public long Id { get; private set; }

    public required long AccountId { get; init; }

    /// <summary>What the user calls it: "telephone".</summary>
    public required string Name { get; init; }

    /// <summary>See <see cref="HashOf"/>.</summary>
    public required string Hash { get; init; }

    public required MailServices Services { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null: until it is removed.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    /// <summary>Written in batches, a few seconds late.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>Network it was last used from.</summary>
    public string LastNetwork { get; set; } = "";

    /// <summary>A new one, in groups of five: <c>abcde-fghij-kmnpq-rstuv</c>.</summary>
    public static string NewSecret()
    {
        string letters = RandomNumberGenerator.GetString(Alphabet, Letters);
        return string.Join('-', letters.Chunk(5).Select(group => new string(group)));
    }

    /// <summary>Hex SHA-256 of the letters, however they are grouped. Null: cannot be one of ours.</summary>
    public static string? HashOf(string secret)
    {
        if (secret.Length is < Letters or > Letters * 2)
            return null;
        var letters = new StringBuilder(Letters);
        foreach (char c in secret)
        {
            if (c is '-' or ' ')
                continue;
            char lower = char.ToLowerInvariant(c);
            if (!Alphabet.Contains(lower, StringComparison.Ordinal) || letters.Length == Letters)
                return null;
            letters.Append(lower);
        }
        return letters.Length == Letters ? Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(letters.ToString()))) : null;
    }

    internal sealed class Configuration : IEntityTypeConfiguration<AppPassword>
    {
        public void Configure(EntityTypeBuilder<AppPassword> builder)
        {
            builder.ToTable("app_password");
            builder.Property(p => p.Name).HasMaxLength(60);
            builder.Property(p => p.Hash).HasMaxLength(64);
            builder.Property(p => p.LastNetwork).HasMaxLength(48);
            builder.HasIndex(p => p.AccountId);
            builder.HasOne<Account>().WithMany().HasForeignKey(p => p.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}

/// <summary>An app password as the engine sees it.</summary>
public sealed record AppPasswordEntry(long Id, string Hash, MailServices Services, DateTimeOffset? EndsAt);
