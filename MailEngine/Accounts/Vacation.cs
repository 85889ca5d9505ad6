using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>What senders are told while the owner of an account is away. One row an account, set by him or by an administrator.</summary>
/// <remarks>A form of its own, so that a Sieve script which somebody wrote is never touched. The values are those of the vacation action
/// (RFC 5230 §4), and a script is written of them: whoever changes a row writes that too (<see cref="ScriptRows.SetVacationAsync"/>).</remarks>
public sealed class Vacation
{
    /// <summary>Longest text, characters: what fits on a few pages.</summary>
    public const int MaxText = 20_000;

    public const int MaxSubject = 200;

    /// <summary>Longest time before a sender is told again, days. RFC 5230 §4.1 asks for 30 at least.</summary>
    public const int MaxIntervalDays = 90;

    /// <summary>RFC 5230 §4.1</summary>
    public const int UsualIntervalDays = 7;

    public required long AccountId { get; init; }

    public bool Enabled { get; set; }

    /// <summary>Where the days below begin and end; of the tz database.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <summary>First moment; null: at once.</summary>
    public DateTimeOffset? From { get; set; }

    /// <summary>First moment at which nothing is answered any more; null: until it is switched off.</summary>
    public DateTimeOffset? Until { get; set; }

    /// <summary>Empty: "Auto: " and that of the message. RFC 5230 §4.3</summary>
    public string Subject { get; set; } = "";

    public string Text { get; set; } = "";

    /// <summary>A sender is told once in so many days.</summary>
    public int IntervalDays { get; set; } = UsualIntervalDays;

    /// <summary>True: only those are told whom the owner has written to, and people of his own domain.</summary>
    public bool KnownSendersOnly { get; set; }

    /// <summary>Names this answer: senders who had an older one are told again. RFC 5230 §4.2</summary>
    public Guid Handle { get; set; } = Guid.NewGuid();

    public DateTimeOffset ChangedAt { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<Vacation>
    {
        public void Configure(EntityTypeBuilder<Vacation> builder)
        {
            builder.ToTable("vacation");
            builder.HasKey(v => v.AccountId);
            builder.Property(v => v.AccountId).ValueGeneratedNever();
            builder.Property(v => v.TimeZone).HasMaxLength(64);
            builder.Property(v => v.Subject).HasMaxLength(MaxSubject);
            builder.Property(v => v.Text).HasMaxLength(MaxText);
            builder.HasOne<Account>().WithOne().HasForeignKey<Vacation>(v => v.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
