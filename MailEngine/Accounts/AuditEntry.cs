using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>Who changed what, when, from where. Written in the transaction of the change; never changed afterwards.</summary>
/// <remarks>Holds names, not foreign keys, so that it outlives what it speaks of. Never holds a password or its hash.</remarks>
public sealed class AuditEntry
{
    /// <summary>Given by <see cref="AuditChain"/>: one more than the entry before.</summary>
    public long Id { get; internal set; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>Null: nobody who was logged in (set-up, command line, a failed log-in).</summary>
    public long? ActorId { get; init; }

    /// <summary>Log-in name, or "cli:root", "set-up", "engine".</summary>
    public required string Actor { get; init; }

    /// <summary>Roles by which he could; empty: none was needed.</summary>
    public string Role { get; init; } = "";

    /// <summary>For example <c>account.create</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to, for people: an address, a domain name.</summary>
    public required string Object { get; init; }

    /// <summary>The account it happened to, by whatever name: what its owner may read. Null: to none, or written before entries had it.</summary>
    public long? AccountId { get; init; }

    /// <summary>The domain it belongs to: what its masters may read. Null: superusers only.</summary>
    public long? DomainId { get; init; }

    /// <summary>The changed fields as JSON; empty: there was nothing before.</summary>
    public string Before { get; init; } = "";

    /// <summary>The changed fields as JSON; empty: there is nothing any more.</summary>
    public string After { get; init; } = "";

    /// <summary>In the words of who did it; empty: none was given.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The entry whose change this one took back.</summary>
    public long? RevertsId { get; init; }

    /// <summary>SHA-256, hex; see <see cref="AuditChain"/>.</summary>
    public string Hash { get; internal set; } = "";

    /// <summary>Network address of the client; empty: this machine.</summary>
    public string Client { get; init; } = "";

    internal sealed class Configuration : IEntityTypeConfiguration<AuditEntry>
    {
        public void Configure(EntityTypeBuilder<AuditEntry> builder)
        {
            builder.ToTable("audit");
            builder.Property(a => a.Id).ValueGeneratedNever();
            builder.Property(a => a.Role).HasMaxLength(200);
            builder.Property(a => a.Reason).HasMaxLength(400);
            builder.Property(a => a.Hash).HasMaxLength(64);
            builder.Property(a => a.Actor).HasMaxLength(Account.MaxLogin);
            builder.Property(a => a.Action).HasMaxLength(40);
            builder.Property(a => a.Object).HasMaxLength(400);
            builder.Property(a => a.Client).HasMaxLength(64);
            builder.HasIndex(a => a.RevertsId);
            // For "what happened in my account"; entries from before they had a number are found by names.
            builder.HasIndex(a => a.AccountId);
            builder.HasIndex(a => a.ActorId);
            builder.HasIndex(a => a.Object).HasFilter("\"AccountId\" IS NULL");
            builder.HasIndex(a => a.Time);
            builder.HasIndex(a => new { a.DomainId, a.Time });
        }
    }
}
