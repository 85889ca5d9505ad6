using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>A Sieve script of an account, by its name; the text stands in its versions. At most one of an account is active. RFC 5804 §1.4</summary>
public sealed class SieveScript
{
    /// <summary>Characters of a name. RFC 5804 §1.6 asks for 128 at least.</summary>
    public const int MaxName = 128;

    /// <summary>Versions of a script that are kept, the newest.</summary>
    public const int KeptVersions = 20;

    public long Id { get; private set; }

    public required long AccountId { get; init; }

    /// <summary>See <see cref="IsName"/>.</summary>
    public required string Name { get; set; }

    public bool IsActive { get; set; }

    /// <summary>The version that counts; grows with every change of the text.</summary>
    public long Version { get; set; }

    /// <summary>Octets of that version.</summary>
    public int Bytes { get; set; }

    public DateTimeOffset ChangedAt { get; set; }

    /// <summary>A name is Unicode text without control characters and separators of lines. RFC 5804 §1.6</summary>
    public static bool IsName([NotNullWhen(true)] string? name) =>
        name is { Length: > 0 and <= MaxName } && name.EnumerateRunes().All(rune => rune != Rune.ReplacementChar && !Rune.IsControl(rune) && rune.Value is not (0x2028 or 0x2029));

    internal sealed class Configuration : IEntityTypeConfiguration<SieveScript>
    {
        public void Configure(EntityTypeBuilder<SieveScript> builder)
        {
            builder.ToTable("sieve_script");
            builder.Property(s => s.Name).HasMaxLength(MaxName);
            builder.HasIndex(s => new { s.AccountId, s.Name }).IsUnique();
            builder.HasOne<Account>().WithMany().HasForeignKey(s => s.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}

/// <summary>The text of a script as it was stored once; never changed.</summary>
public sealed class SieveScriptVersion
{
    public required long ScriptId { get; init; }

    public required long Version { get; init; }

    /// <summary>UTF-8, as it was sent. RFC 5228 §2.1</summary>
    public required byte[] Content { get; init; }

    public required DateTimeOffset SavedAt { get; init; }

    internal sealed class Configuration : IEntityTypeConfiguration<SieveScriptVersion>
    {
        public void Configure(EntityTypeBuilder<SieveScriptVersion> builder)
        {
            builder.ToTable("sieve_script_version");
            builder.HasKey(v => new { v.ScriptId, v.Version });
            builder.HasOne<SieveScript>().WithMany().HasForeignKey(v => v.ScriptId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}

/// <summary>The active script of an account as the engine sees it; its text is asked of <see cref="SieveScripts"/>, and compiled once a version.</summary>
public readonly record struct ActiveScript(long ScriptId, long Version);
