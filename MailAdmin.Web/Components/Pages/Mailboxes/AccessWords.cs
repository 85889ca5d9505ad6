using MailEngine.Store;

namespace MailAdmin.Web.Components.Pages.Mailboxes;

/// <summary>Usual sets of rights, each with words of its own.</summary>
public enum AccessLevel
{
    Read,
    ReadAndAdd,
    Edit,
    Everything,
    /// <summary>Right by right.</summary>
    Chosen,
}

/// <summary>Access control lists in words.</summary>
static class AccessWords
{
    /// <summary>Every right, in the order of RFC 4314 §2.1.</summary>
    public static IReadOnlyList<AclRights> Each { get; } = [.. Enum.GetValues<AclRights>().Where(r => r is not (AclRights.None or AclRights.All))];

    /// <returns>None for <see cref="AccessLevel.Chosen"/>.</returns>
    public static AclRights RightsOf(AccessLevel level) => level switch
    {
        AccessLevel.Read => AclRights.Lookup | AclRights.Read | AclRights.Seen,
        AccessLevel.ReadAndAdd => RightsOf(AccessLevel.Read) | AclRights.Write | AclRights.Insert,
        AccessLevel.Edit => RightsOf(AccessLevel.ReadAndAdd) | AclRights.DeleteMessages | AclRights.Expunge,
        AccessLevel.Everything => AclRights.All,
        _ => AclRights.None,
    };

    public static AccessLevel LevelOf(AclRights rights) =>
        Enum.GetValues<AccessLevel>().Where(l => l != AccessLevel.Chosen && RightsOf(l) == rights).DefaultIfEmpty(AccessLevel.Chosen).First();
}
