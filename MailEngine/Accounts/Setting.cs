using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>A setting made in the panel. What appsettings.json says wins over it.</summary>
public sealed class Setting
{
    /// <summary>The server's own name, given at set-up.</summary>
    public const string Hostname = "hostname";

    /// <summary>SHA-256 of the one-time set-up token, hex; absent: none is valid.</summary>
    public const string SetupToken = "setup.token";

    /// <summary>Number and hash of the last audit entry.</summary>
    public const string AuditHead = "audit.head";

    /// <summary>Key of the addresses that returned mail comes back to, base64.</summary>
    public const string SrsSecret = "srs.secret";

    public required string Key { get; init; }

    public required string Value { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<Setting>
    {
        public void Configure(EntityTypeBuilder<Setting> builder)
        {
            builder.ToTable("setting");
            builder.HasKey(s => s.Key);
            builder.Property(s => s.Key).HasMaxLength(100);
            builder.Property(s => s.Value).HasMaxLength(4000);
        }
    }
}

/// <summary>One row: a number that grows in every transaction that changes what the engine reads. Other processes poll it.</summary>
public sealed class ChangeStamp
{
    public required int Id { get; init; }

    public long Value { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<ChangeStamp>
    {
        public void Configure(EntityTypeBuilder<ChangeStamp> builder)
        {
            builder.ToTable("change_stamp");
            builder.Property(s => s.Id).ValueGeneratedNever();
            builder.HasData(new ChangeStamp { Id = 1, Value = 1 });
        }
    }
}
