using System.Collections.Frozen;
using System.Globalization;
using MailEngine.Accounts;

namespace MailEngine.Store;

/// <summary>One line of an access control list.</summary>
/// <param name="Identifier">As stored: see <see cref="AclIdentifier"/>.</param>
public readonly record struct AclEntry(string Identifier, AclRights Rights);

/// <summary>Whom an entry of an access control list is about, in the form in which it is stored.</summary>
/// <remarks>
/// An account by its number, so that a log-in name given a second time does not give its rights a second time; <c>anyone</c>: every account
/// of this server; <c>$team@example.org</c>: the accounts that this address leads to; <c>$@example.org</c>: the accounts of the domain.
/// A "-" before it takes rights away. RFC 4314 §2
/// </remarks>
public static class AclIdentifier
{
    public const string Anyone = "anyone";

    public static string OfAccount(long accountId) => accountId.ToString(CultureInfo.InvariantCulture);

    /// <summary>The account that an identifier without "-" names; null: it names a group or anyone.</summary>
    public static long? AccountOf(string identifier) =>
        long.TryParse(identifier, NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : null;
}

/// <summary>All identifiers that mean one account, at one moment.</summary>
public sealed class AclSubject
{
    AclSubject(AccountEntry account)
    {
        Account = account;
        IEnumerable<string> identifiers = account.Addresses.Select(address => "$" + address.Canonical)
            .Append(AclIdentifier.OfAccount(account.AccountId)).Append(AclIdentifier.Anyone);
        if (!account.Domain.IsEmpty)
            identifiers = identifiers.Append("$@" + account.Domain.Value);
        Identifiers = identifiers.ToFrozenSet(StringComparer.Ordinal);
    }

    public AccountEntry Account { get; }

    public FrozenSet<string> Identifiers { get; }

    public static AclSubject Of(AccountEntry account) => new(account);
}

/// <summary>The access control list of a mailbox: immutable, in the order of its identifiers. RFC 4314 §2</summary>
public sealed class Acl
{
    /// <summary>What an owner cannot lose, so that he can always get the rest back.</summary>
    public const AclRights OwnerAlways = AclRights.Lookup | AclRights.Administer;

    readonly AclEntry[] _entries;

    Acl(AclEntry[] entries) => _entries = entries;

    public static Acl Empty { get; } = new([]);

    public IReadOnlyList<AclEntry> Entries => _entries;

    /// <summary>What the owner may do: all, unless the list says less of him.</summary>
    public AclRights OwnerRights(long owner)
    {
        if (_entries.Length == 0)
            return AclRights.All;
        string id = AclIdentifier.OfAccount(owner);
        AclRights rights = AclRights.All;
        foreach (AclEntry entry in _entries)
        {
            if (entry.Identifier == id)
                rights = entry.Rights;
        }
        foreach (AclEntry entry in _entries)
        {
            if (entry.Identifier.StartsWith('-') && entry.Identifier.AsSpan(1).SequenceEqual(id))
                rights &= ~entry.Rights;
        }
        return rights | OwnerAlways;
    }

    /// <summary>What anybody else may do: all that is given to any of his identifiers, less all that is taken from any. RFC 4314 §2</summary>
    public AclRights RightsOf(AclSubject subject)
    {
        AclRights given = AclRights.None, taken = AclRights.None;
        foreach (AclEntry entry in _entries)
        {
            if (entry.Identifier.StartsWith('-'))
            {
                if (subject.Identifiers.Contains(entry.Identifier[1..]))
                    taken |= entry.Rights;
            }
            else if (subject.Identifiers.Contains(entry.Identifier))
                given |= entry.Rights;
        }
        return given & ~taken;
    }

    /// <summary>What <c>anyone</c> may do: all that a message which comes by SMTP can go by.</summary>
    public AclRights RightsOfAnyone => RightsAt(AclIdentifier.Anyone) & ~RightsAt("-" + AclIdentifier.Anyone);

    public AclRights RightsAt(string identifier) => Array.Find(_entries, entry => entry.Identifier == identifier).Rights;

    /// <summary>The list with another entry for an identifier; no rights: without one. A positive entry without rights is kept for
    /// <paramref name="keepEmpty"/> alone: there it says that the owner has none.</summary>
    public Acl With(string identifier, AclRights rights, bool keepEmpty = false)
    {
        IEnumerable<AclEntry> others = _entries.Where(entry => entry.Identifier != identifier);
        if (rights != AclRights.None || keepEmpty)
            others = others.Append(new AclEntry(identifier, rights));
        return new Acl([.. others.OrderBy(entry => entry.Identifier, StringComparer.Ordinal)]);
    }

    public Acl Without(string identifier) => With(identifier, AclRights.None);

    /// <summary>One line an entry: identifier, space, rights.</summary>
    internal static Acl Parse(string text)
    {
        if (text.Length == 0)
            return Empty;
        var entries = new List<AclEntry>();
        foreach (string line in text.Split('\n'))
        {
            int space = line.LastIndexOf(' ');
            if (space > 0 && AclText.TryParse(line.AsSpan(space + 1), out AclRights rights))
                entries.Add(new AclEntry(line[..space], rights));
        }
        return new Acl([.. entries.OrderBy(entry => entry.Identifier, StringComparer.Ordinal)]);
    }
}
