using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>Somebody in an account's address book, put there by its owner. Scripts ask for him by the list <c>:addrbook:default</c> (RFC 6134 §2.2), together with
/// those whom the account has written to.</summary>
public sealed class AccountContact
{
    /// <summary>Characters of a name: what a line of a list shows.</summary>
    public const int MaxName = 200;

    /// <summary>Characters of an address: RFC 5321 §4.5.3.1.3, with room for what the canonical form may add.</summary>
    public const int MaxAddress = 400;

    public long Id { get; private set; }

    public required long AccountId { get; init; }

    /// <summary><see cref="Addresses.EmailAddress.Canonical"/>: what look-ups ask for.</summary>
    public required string Address { get; init; }

    /// <summary>As its owner wrote it, for people.</summary>
    public required string Written { get; init; }

    /// <summary>Empty: none.</summary>
    public string Name { get; set; } = "";

    public required DateTimeOffset CreatedAt { get; init; }

    internal sealed class Configuration : IEntityTypeConfiguration<AccountContact>
    {
        public void Configure(EntityTypeBuilder<AccountContact> builder)
        {
            builder.ToTable("account_contact");
            builder.Property(c => c.Address).HasMaxLength(MaxAddress);
            builder.Property(c => c.Written).HasMaxLength(MaxAddress);
            builder.Property(c => c.Name).HasMaxLength(MaxName);
            builder.HasIndex(c => new { c.AccountId, c.Address }).IsUnique();   // the scripts' one look-up
            builder.HasOne<Account>().WithMany().HasForeignKey(c => c.AccountId).OnDelete(DeleteBehavior.Cascade);
        }
    }
}
