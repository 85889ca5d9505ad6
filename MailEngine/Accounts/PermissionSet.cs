using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace MailEngine.Accounts;

/// <summary>Permissions under a name: a role. Four are built in and stay as they are; others are made in the panel.</summary>
public sealed class PermissionSet
{
    /// <summary>Everything. For the server alone.</summary>
    public const long Superuser = 1;
    /// <summary>Runs a domain within its limits.</summary>
    public const long Master = 2;
    /// <summary>Passwords and switches; no mail, no removal.</summary>
    public const long Helpdesk = 3;
    /// <summary>Reads everything, changes nothing.</summary>
    public const long Auditor = 4;

    const Permissions MasterMay = Permissions.See | Permissions.SeeMailboxes | Permissions.Audit | Permissions.Passwords | Permissions.Switches
        | Permissions.Accounts | Permissions.Delete | Permissions.Addresses | Permissions.Mailboxes | Permissions.Domain;

    public long Id { get; private set; }

    /// <summary>Built-in ones have names of their own in every language; this is the English one.</summary>
    public required string Name { get; set; }

    public required Permissions Permissions { get; set; }

    public bool IsBuiltIn { get; init; }

    /// <summary>From then on whoever has it needs a second factor: see <see cref="SecondFactorRule"/>. Null: none is asked for. Of built-in sets too.</summary>
    public DateTimeOffset? SecondFactorFrom { get; set; }

    /// <summary>New on every change: who saves an older one is told that somebody else was quicker.</summary>
    public Guid Version { get; set; } = Guid.NewGuid();

    internal sealed class Configuration : IEntityTypeConfiguration<PermissionSet>
    {
        public void Configure(EntityTypeBuilder<PermissionSet> builder)
        {
            builder.ToTable("permission_set");
            builder.Property(s => s.Name).HasMaxLength(60);
            builder.Property(s => s.Version).IsConcurrencyToken();
            builder.HasIndex(s => s.Name).IsUnique();
            builder.HasData(
                BuiltIn(Superuser, "Superuser", Permissions.All),
                BuiltIn(Master, "Domain master", MasterMay),
                BuiltIn(Helpdesk, "Helpdesk", Permissions.See | Permissions.Passwords | Permissions.Switches),
                BuiltIn(Auditor, "Auditor", Permissions.See | Permissions.SeeMailboxes | Permissions.Audit | Permissions.SeeServer));
        }

        static object BuiltIn(long id, string name, Permissions permissions) =>
            new { Id = id, Name = name, Permissions = permissions, IsBuiltIn = true, Version = Guid.Empty };
    }
}
