using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>What can be written to: a local part in a domain, and where mail for it goes. Mailbox addresses, aliases, forwards, lists and
/// catch-alls are all this one thing.</summary>
public sealed class Address
{
    /// <summary>The local part of a catch-all.</summary>
    public const string CatchAll = "*";

    public long Id { get; private set; }

    public required long DomainId { get; init; }

    /// <summary>Lower case, NFC, without detail (RFC 5233 §4); <see cref="CatchAll"/> takes what no other address of the domain takes.</summary>
    public required string LocalPart { get; init; }

    /// <summary>Local part as the administrator wrote it.</summary>
    public required string DisplayLocal { get; init; }

    public bool Enabled { get; set; } = true;

    /// <summary>True for postmaster and abuse as made with the domain: not counted against its limit. RFC 2142 §5</summary>
    public bool IsRole { get; init; }

    /// <summary>The account whose user gave it to himself, and may take it back; null: an administrator made it.</summary>
    public long? MadeById { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public Guid Version { get; set; } = Guid.NewGuid();

    public ICollection<Target> Targets { get; } = new List<Target>();

    public bool IsCatchAll => LocalPart == CatchAll;

    internal sealed class Configuration : IEntityTypeConfiguration<Address>
    {
        public void Configure(EntityTypeBuilder<Address> builder)
        {
            builder.ToTable("address");
            builder.Property(a => a.LocalPart).HasMaxLength(64);   // octets: RFC 5321 §4.5.3.1.1
            builder.Property(a => a.DisplayLocal).HasMaxLength(64);
            builder.Property(a => a.Version).IsConcurrencyToken();
            builder.Ignore(a => a.IsCatchAll);
            builder.HasIndex(a => new { a.DomainId, a.LocalPart }).IsUnique();   // the router's one look-up
            builder.HasIndex(a => new { a.LocalPart, a.DomainId });              // lists over all domains, sorted
            builder.HasIndex(a => a.MadeById);
            builder.HasOne<Domain>().WithMany().HasForeignKey(a => a.DomainId).OnDelete(DeleteBehavior.Restrict);
            builder.HasOne<Account>().WithMany().HasForeignKey(a => a.MadeById).OnDelete(DeleteBehavior.SetNull);
        }
    }
}

/// <summary>One place an <see cref="Address"/> leads to: an account here, or any address.</summary>
public sealed class Target
{
    public long Id { get; private set; }

    public long AddressId { get; set; }

    /// <summary>Null when <see cref="Outside"/> is set.</summary>
    public long? AccountId { get; set; }

    /// <summary>An address elsewhere, or another one here, in wire form; null when <see cref="AccountId"/> is set.</summary>
    public string? Outside { get; init; }

    public Account? Account { get; init; }

    internal sealed class Configuration : IEntityTypeConfiguration<Target>
    {
        public void Configure(EntityTypeBuilder<Target> builder)
        {
            builder.ToTable("target");
            builder.Property(t => t.Outside).HasMaxLength(Accounts.Account.MaxLogin);
            builder.HasIndex(t => new { t.AddressId, t.AccountId }).IsUnique();
            builder.HasIndex(t => new { t.AddressId, t.Outside }).IsUnique();
            builder.HasIndex(t => t.AccountId);
            builder.HasIndex(t => t.Outside);   // who forwards to a domain that goes
            builder.HasOne<Address>().WithMany(a => a.Targets).HasForeignKey(t => t.AddressId).OnDelete(DeleteBehavior.Cascade);
            builder.HasOne(t => t.Account).WithMany().HasForeignKey(t => t.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
