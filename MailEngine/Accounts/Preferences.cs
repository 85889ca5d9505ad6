using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>Light or dark.</summary>
public enum ColourScheme
{
    /// <summary>As the device says.</summary>
    Device = 0,
    Light = 1,
    Dark = 2,
}

/// <summary>How somebody wants the panel to be. One row an account; who has none has the defaults.</summary>
public sealed class Preferences
{
    public const int UsualRowsPerPage = 25;
    public const int UsualWarnPercent = 80;

    public required long AccountId { get; init; }

    /// <summary>A language that the panel has a file for, e.g. "de"; empty: as the browser says.</summary>
    public string Language { get; set; } = "";

    /// <summary>Of the tz database, e.g. "Europe/Berlin"; empty: as the browser says.</summary>
    public string TimeZone { get; set; } = "";

    public int RowsPerPage { get; set; } = UsualRowsPerPage;

    public ColourScheme Scheme { get; set; }

    /// <summary>From this much of its storage on an account is shown as nearly full.</summary>
    public int WarnPercent { get; set; } = UsualWarnPercent;

    internal sealed class Configuration : IEntityTypeConfiguration<Preferences>
    {
        public void Configure(EntityTypeBuilder<Preferences> builder)
        {
            builder.ToTable("preferences");
            builder.HasKey(p => p.AccountId);
            builder.Property(p => p.AccountId).ValueGeneratedNever();
            builder.Property(p => p.Language).HasMaxLength(16);
            builder.Property(p => p.TimeZone).HasMaxLength(64);
            builder.HasOne<Account>().WithOne().HasForeignKey<Preferences>(p => p.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
