using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>The second factor of an account: the key that it shares with a program of its owner. There exactly when
/// <see cref="Microsoft.AspNetCore.Identity.IdentityUser{TKey}.TwoFactorEnabled"/> is set.</summary>
public sealed class SecondFactor
{
    public required long AccountId { get; init; }

    /// <summary>See <see cref="Totp"/>.</summary>
    public required byte[] Key { get; init; }

    public required DateTimeOffset Since { get; init; }

    /// <summary>Step of the last code that was taken: none is taken twice.</summary>
    public long LastStep { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<SecondFactor>
    {
        public void Configure(EntityTypeBuilder<SecondFactor> builder)
        {
            builder.ToTable("second_factor");
            builder.HasKey(f => f.AccountId);
            builder.Property(f => f.AccountId).ValueGeneratedNever();
            builder.Property(f => f.Key).HasMaxLength(64);
            builder.HasOne<Account>().WithOne().HasForeignKey<SecondFactor>(f => f.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}

/// <summary>A code for when the second factor is lost: good once.</summary>
public sealed class RecoveryCode
{
    public long Id { get; private set; }

    public required long AccountId { get; init; }

    /// <summary>As of an app password, whose form it has.</summary>
    public required string Hash { get; init; }

    internal sealed class Configuration : IEntityTypeConfiguration<RecoveryCode>
    {
        public void Configure(EntityTypeBuilder<RecoveryCode> builder)
        {
            builder.ToTable("recovery_code");
            builder.Property(c => c.Hash).HasMaxLength(64);
            builder.HasIndex(c => c.AccountId);
            builder.HasOne<Account>().WithMany().HasForeignKey(c => c.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
