using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>What a script is for, beside an account's own ones, of which one is active. The numbers are stored.</summary>
public enum ScriptPlace
{
    /// <summary>An account's own; of a domain or the server: only run when another one includes it. RFC 6609 §3.2</summary>
    None = 0,
    /// <summary>Of a domain or the server: runs before the accounts' own.</summary>
    Before = 1,
    /// <summary>Of a domain or the server: runs after the accounts' own.</summary>
    After = 2,
    /// <summary>Of an account, at most one: what the panel wrote. It has no name, so that no client can name it.</summary>
    Panel = 3,
    /// <summary>Of a domain or the server: copied to accounts when they are made.</summary>
    Copied = 4,
    /// <summary>The same, and the copy is active.</summary>
    CopiedActive = 5,
    /// <summary>Of an account, at most one: the answer that its owner set in the panel's form. <see cref="VacationScript"/></summary>
    Vacation = 6,
}

/// <summary>Whose a script is: an account's, a domain's, or (neither) the server's.</summary>
public readonly record struct ScriptOwner
{
    public long? AccountId { get; private init; }

    public long? DomainId { get; private init; }

    public static ScriptOwner Server => default;

    public bool IsAccount => AccountId is not null;

    public static ScriptOwner Account(long id) => new() { AccountId = id };

    public static ScriptOwner Domain(long id) => new() { DomainId = id };

#pragma warning disable CA2225 // Account is the named alternative.
    public static implicit operator ScriptOwner(long accountId) => Account(accountId);
#pragma warning restore CA2225
}

/// <summary>A Sieve script by its name, of an account, a domain or the server; the text stands in its versions. At most one of an account is active. RFC 5804 §1.4</summary>
public sealed class SieveScript
{
    /// <summary>Characters of a name, of which some are two of ours. RFC 5804 §1.6 asks for 128 at least.</summary>
    public const int MaxName = 128;

    /// <summary>Versions of a script that are kept, the newest.</summary>
    public const int KeptVersions = 20;

    public long Id { get; private set; }

    /// <summary>Null: it is no account's.</summary>
    public long? AccountId { get; init; }

    /// <summary>Null: it is no domain's. Without both it is the server's.</summary>
    public long? DomainId { get; init; }

    public ScriptPlace Place { get; set; }

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
        name is { Length: > 0 and <= 2 * MaxName } && name.EnumerateRunes().Count() <= MaxName && name.EnumerateRunes().All(rune => rune != Rune.ReplacementChar && !Rune.IsControl(rune) && rune.Value is not (0x2028 or 0x2029));

    internal sealed class Configuration : IEntityTypeConfiguration<SieveScript>
    {
        public void Configure(EntityTypeBuilder<SieveScript> builder)
        {
            builder.ToTable("sieve_script");
            builder.Property(s => s.Name).HasMaxLength(MaxName);
            builder.HasIndex(s => new { s.AccountId, s.Name }).IsUnique();
            builder.HasIndex(s => new { s.DomainId, s.Name }).IsUnique();   // names of the server's own are looked at by ScriptRows alone
            builder.HasOne<Domain>().WithMany().HasForeignKey(s => s.DomainId).OnDelete(DeleteBehavior.Cascade);
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

/// <summary>A version of a script as the engine sees it; its text is asked of <see cref="SieveScripts"/>, and compiled once.</summary>
public readonly record struct ActiveScript(long ScriptId, long Version);

/// <summary>One of the scripts that decide about an account's mail, one after the other.</summary>
/// <param name="Label">Whose it is, for people; empty: the account's own.</param>
public sealed record FilterScript(ActiveScript Script, string Label)
{
    /// <summary><see cref="ScriptPlace.None"/>: the account's active one.</summary>
    public ScriptPlace Place { get; init; }

    /// <summary>Of a domain: which one.</summary>
    public long? DomainId { get; init; }

    /// <summary>Of a domain's or the server's.</summary>
    public string Name { get; init; } = "";

    /// <summary>Of a domain or the server.</summary>
    public bool IsShared => Place is ScriptPlace.Before or ScriptPlace.After;

    /// <summary>Its turn: docs/filters.md.</summary>
    public int Turn => TurnOf(Place, DomainId);

    public static int TurnOf(ScriptPlace place, long? domainId) => place switch
    {
        ScriptPlace.Before => domainId is null ? 0 : 1,
        ScriptPlace.Vacation => 2,
        ScriptPlace.Panel => 3,
        ScriptPlace.After => domainId is null ? 6 : 5,
        _ => 4,
    };
}
