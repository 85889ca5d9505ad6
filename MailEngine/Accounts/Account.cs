using System.Text;
using MailEngine.Addresses;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>Someone who can log in, to mail and to the panel alike, and usually owns a mailbox.</summary>
/// <remarks>What it may administer is in its <see cref="Grant"/>s. <see cref="IdentityUser{TKey}.UserName"/> is the log-in name in canonical
/// form, and <see cref="IdentityUser{TKey}.NormalizedUserName"/> the same. <see cref="IdentityUser{TKey}.SecurityStamp"/> is new after every
/// change that must end sessions; <see cref="IdentityUser{TKey}.ConcurrencyStamp"/> after every change an administrator makes.</remarks>
public sealed class Account : IdentityUser<long>
{
    /// <summary>Longest log-in name, characters: that of an address. RFC 5321 §4.5.3.1</summary>
    public const int MaxLogin = 320;

    /// <summary>Null: a superuser without a mailbox.</summary>
    public long? DomainId { get; set; }

    public string DisplayName { get; set; } = "";

    /// <summary>Null: the domain's default; 0: no limit. Octets.</summary>
    public long? QuotaBytes { get; set; }

    public AccountState State { get; set; }

    /// <summary>When a suspended account is active again by itself; null: not before somebody says so.</summary>
    public DateTimeOffset? SuspendedUntil { get; set; }

    public MailServices Services { get; set; } = MailServices.All;

    public bool HasMailbox { get; set; }

    /// <summary>Outgoing mail that carries the log-in name is rewritten to it; null: none.</summary>
    public long? PrimaryAddressId { get; set; }

    /// <summary>Where a link for a new password is mailed to; empty: nowhere. Its owner has shown that he reads it, or an administrator wrote it.</summary>
    public string RecoveryAddress { get; set; } = "";

    /// <summary>Log-in name and display name in lower case, a line each: what lists are searched and, by log-in name, sorted by.</summary>
    public string SearchText { get; set; } = "";

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Written in batches, a few seconds late.</summary>
    public DateTimeOffset? LastLoginAt { get; set; }

    public Address? PrimaryAddress { get; set; }

    /// <summary>The form in which log-in names are stored and looked up: an address as <see cref="EmailAddress.Canonical"/>, anything else in
    /// lower case and NFC. Null: no log-in name at all (too long, control characters, broken Unicode).</summary>
    public static string? CanonicalLogin(string? name)
    {
        if (string.IsNullOrEmpty(name) || name.Length > MaxLogin)
            return null;
        foreach (char c in name)
        {
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
                return null;
        }
        if (name.Contains('@', StringComparison.Ordinal) && EmailAddress.TryParse(name, out EmailAddress address))
            return address.Canonical;
        try
        {
            return name.Normalize(NormalizationForm.FormC).ToLowerInvariant();
        }
        catch (ArgumentException)   // unpaired surrogates
        {
            return null;
        }
    }

    /// <summary>Sets the log-in name, which must be canonical already.</summary>
    public void SetLogin(string canonical)
    {
        UserName = canonical;
        NormalizedUserName = canonical;
        RefreshSearchText();
    }

    public void RefreshSearchText() => SearchText = $"{UserName}\n{DisplayName.ToLowerInvariant()}";

    internal sealed class Configuration : IEntityTypeConfiguration<Account>
    {
        public void Configure(EntityTypeBuilder<Account> builder)
        {
            builder.ToTable("account");
            builder.Property(a => a.UserName).HasMaxLength(MaxLogin);
            builder.Property(a => a.NormalizedUserName).HasMaxLength(MaxLogin);
            builder.Property(a => a.PasswordHash).HasMaxLength(400);
            builder.Property(a => a.DisplayName).HasMaxLength(200);
            builder.Property(a => a.RecoveryAddress).HasMaxLength(MaxLogin);
            builder.Property(a => a.SearchText).HasMaxLength(MaxLogin + 201);
            builder.HasIndex(a => new { a.DomainId, a.NormalizedUserName });   // lists of one domain, sorted
            // For each order of a list all that a search looks at: no row of the table is read for what is not shown. bench/PanelBench
            builder.HasIndex(a => new { a.SearchText, a.DomainId, a.State });
            builder.HasIndex(a => new { a.DisplayName, a.SearchText, a.DomainId, a.State });
            builder.HasIndex(a => new { a.LastLoginAt, a.SearchText, a.DomainId, a.State });
            builder.HasIndex(a => new { a.State, a.SearchText, a.DomainId });
            builder.HasIndex(a => a.SuspendedUntil);
            builder.HasOne<Domain>().WithMany().HasForeignKey(a => a.DomainId).OnDelete(DeleteBehavior.Restrict);
            builder.HasOne(a => a.PrimaryAddress).WithMany().HasForeignKey(a => a.PrimaryAddressId).OnDelete(DeleteBehavior.SetNull);
        }
    }
}
