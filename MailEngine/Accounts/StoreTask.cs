using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>What the store has to do for an account.</summary>
public enum StoreTaskKind
{
    /// <summary>Make the standard folders.</summary>
    Provision = 0,
    /// <summary>Remove all mail of an account that is gone.</summary>
    Remove = 1,
    /// <summary>A domain has another name: access control lists that name the old one get the new one.</summary>
    RenameDomain = 2,
}

/// <summary>Work for the mail store that a change of accounts brings with it: written in the transaction of the change, done after it by the
/// process that has the store open, then deleted. So neither a crash nor a change from the command line leaves mail behind.</summary>
/// <remarks>Each may be done twice without harm. Account ids are never used again, so a late removal hits nobody else.</remarks>
public sealed class StoreTask
{
    public long Id { get; private set; }

    public required StoreTaskKind Kind { get; init; }

    /// <summary>No foreign key: a removed account has no row any more. 0: no account's.</summary>
    public long AccountId { get; set; }

    /// <summary>For <see cref="StoreTaskKind.Provision"/>: see <see cref="Domain.StandardFolders"/>. For <see cref="StoreTaskKind.RenameDomain"/>: the
    /// old name and the new one, a line each.</summary>
    public string Details { get; init; } = "";

    public required DateTimeOffset CreatedAt { get; init; }

    internal sealed class Configuration : IEntityTypeConfiguration<StoreTask>
    {
        public void Configure(EntityTypeBuilder<StoreTask> builder)
        {
            builder.ToTable("store_task");
            builder.Property(t => t.Details).HasMaxLength(4000);
        }
    }
}
