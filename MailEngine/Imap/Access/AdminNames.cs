using System.Globalization;
using System.Runtime.CompilerServices;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;

namespace MailEngine.Imap.Access;

/// <summary>Mailbox names as administrators write them, those of Cyrus with its unix separator and virtual domains:
/// <c>user/ann@example.org</c> is ann's INBOX, <c>user/ann/Work@example.org</c> her mailbox Work; for an administrator without a mailbox of
/// his own, <c>Team/Plans@example.org</c> is a mailbox of the domain.</summary>
internal static class AdminNames
{
    public const string Users = "user";

    /// <summary>Where a name leads; null: nowhere that this administrator could know of.</summary>
    public static async ValueTask<MailboxPlace?> PlaceOfAsync(ImapServices services, Rights rights, MailboxName shown, CancellationToken ct)
    {
        if (Namespaces.Below(shown.Value, Users) is not { Length: > 0 } path)
            return await SharedPlaceAsync(services, rights, shown.Value, ct);
        // The domain stands at the end of the whole name: "ann/Work@example.org" is Work of ann@example.org.
        int at = path.LastIndexOf('@');
        return at > 0 && await UserPlaceAsync(services, rights, path[..at], path[at..], ct) is { } place
            ? place
            : await UserPlaceAsync(services, rights, path, "", ct);
    }

    /// <summary>The account that a name stands for, there or not: <c>user/ann@example.org</c>. Null: the name is another.</summary>
    public static (string LocalPart, DomainName Domain)? AccountOf(MailboxName shown)
    {
        if (Namespaces.Below(shown.Value, Users) is not { Length: > 0 } level || level.Contains('/', StringComparison.Ordinal))
            return null;
        int at = level.LastIndexOf('@');
        return at > 0 && DomainName.TryParse(level[(at + 1)..], out DomainName domain) ? (level[..at], domain) : null;
    }

    /// <summary>The name of a mailbox of a user.</summary>
    public static MailboxName? Of(AccountEntry account, MailboxName name) => Of(Namespaces.LevelOf(account), name);

    /// <summary>The name of a mailbox to an administrator without one of his own; null: he does not manage whose it is.</summary>
    /// <param name="owner">Account, or a domain's tree.</param>
    public static async ValueTask<MailboxName?> OfAsync(ImapServices services, Rights rights, long owner, MailboxName name, CancellationToken ct)
    {
        if (owner < 0)
        {
            return (await services.Administration.DomainsOfAsync(rights, ct)).FirstOrDefault(d => MailStore.SharedTree(d.Id) == owner) is { Name: { } domain }
                && MailboxName.TryParse($"{name}@{domain}", out MailboxName shown) ? shown : null;
        }
        return await services.Directory.FindAccountAsync(owner, ct) is { } account && Of(account, name) is { } wanted
            && await PlaceOfAsync(services, rights, wanted, ct) is { } place && place.Owner == owner ? wanted : null;
    }

    static MailboxName? Of(string level, MailboxName name)
    {
        (string user, string domain) = Split(level);
        return MailboxName.TryParse($"{Users}/{user}{(name.IsInbox ? "" : "/" + name)}{domain}", out MailboxName shown) ? shown : null;
    }

    static (string User, string Domain) Split(string level) => level.LastIndexOf('@') is var at and > 0 ? (level[..at], level[at..]) : (level, "");

    /// <summary>What log-in names begin with whose mailboxes a pattern of LIST can match. Null: none can.</summary>
    /// <param name="pattern">With the separator that is used inside.</param>
    public static string? LoginsOf(string pattern)
    {
        const string below = Users + "/";
        int wildcard = pattern.AsSpan().IndexOfAny('*', '%');
        string literal = wildcard < 0 ? pattern : pattern[..wildcard];
        if (!literal.StartsWith(below, StringComparison.Ordinal))
            return (wildcard >= 0 || literal == Users) && below.StartsWith(literal, StringComparison.Ordinal) ? "" : null;
        // Either the whole level, "ann/Work" for every ann@..., or its beginning.
        string level = literal[below.Length..].Split('/')[0];
        return level.StartsWith('#') ? "" : level;   // by number: Namespaces.LevelOf
    }

    /// <summary>Everything that an administrator may manage: users by log-in name, those together that differ in their domain alone, so that
    /// the levels above their mailboxes come once; then domains. A page of accounts is in memory at a time.</summary>
    /// <param name="logins">What log-in names begin with; null: no users are wanted.</param>
    public static async IAsyncEnumerable<List<AdministeredMailbox>> ListAsync(
        ImapSession session, Rights rights, string? logins, [EnumeratorCancellation] CancellationToken ct)
    {
        const int pageSize = 500;
        AccountAdministration administration = session.Services.Administration;
        var group = new List<AdministeredMailbox>();
        string user = "", last = "";
        for (bool more = logins is not null; more;)
        {
            IReadOnlyList<(long Id, string Login)> page = await administration.AccountsOfAsync(rights, logins!, last, pageSize, ct);
            more = page.Count == pageSize;
            foreach ((long id, string login) in page)
            {
                string level = Namespaces.LevelOf(id, last = login);
                if (Split(level).User != user && group.Count > 0)
                {
                    yield return group;
                    group = [];
                }
                user = Split(level).User;
                foreach (MailboxInfo info in session.Store.MailboxesOf(id))
                {
                    if (Of(level, info.Name) is { } shown)
                        group.Add(new AdministeredMailbox(shown, info, id == session.AccountId));
                }
            }
        }
        if (group.Count > 0)
            yield return group;
        if (session.Account!.HasMailbox)
            yield break;   // he sees his domain's mailboxes as everybody does
        foreach ((long id, string domain) in await administration.DomainsOfAsync(rights, ct))
        {
            group = [];
            foreach (MailboxInfo info in session.Store.MailboxesOf(MailStore.SharedTree(id)))
            {
                if (MailboxName.TryParse($"{info.Name}@{domain}", out MailboxName shown))
                    group.Add(new AdministeredMailbox(shown, info, IsOwn: false));
            }
            yield return group;
        }
    }

    static async ValueTask<MailboxPlace?> UserPlaceAsync(ImapServices services, Rights rights, string path, string domain, CancellationToken ct)
    {
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        string level = (slash < 0 ? path : path[..slash]) + domain;
        MailboxName name = MailboxName.Inbox;
        if (slash >= 0 && (!MailboxName.TryParse(path[(slash + 1)..], out name) || name.IsInbox))
            return null;
        AccountEntry? owner = level.StartsWith('#') && long.TryParse(level.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out long id)
            ? await services.Directory.FindAccountAsync(id, ct)
            : await services.Directory.FindLoginAsync(level, ct);
        if (owner is not { HasMailbox: true } || Namespaces.LevelOf(owner) != level
            || !rights.May(Permissions.Mailboxes, await DomainIdAsync(services, owner.Domain, ct)) || !await services.Administration.MayTouchAsync(rights, owner.AccountId, ct))
            return null;
        return new MailboxPlace(owner.AccountId, name, Administered: true);
    }

    static async ValueTask<MailboxPlace?> SharedPlaceAsync(ImapServices services, Rights rights, string text, CancellationToken ct)
    {
        int at = text.LastIndexOf('@');
        return at > 0 && DomainName.TryParse(text[(at + 1)..], out DomainName domain) && await DomainIdAsync(services, domain, ct) is { } id && rights.May(Permissions.Mailboxes, id)
            && MailboxName.TryParse(text[..at], out MailboxName name) && !name.IsInbox && !name.IsBelow(MailboxName.Inbox)
            ? new MailboxPlace(MailStore.SharedTree(id), name, Administered: true)
            : null;
    }

    static async ValueTask<long?> DomainIdAsync(ImapServices services, DomainName name, CancellationToken ct) =>
        name.IsEmpty ? null : (await services.Directory.FindDomainAsync(name, ct))?.DomainId;
}

/// <summary>A mailbox under its administrator's name.</summary>
internal readonly record struct AdministeredMailbox(MailboxName Shown, MailboxInfo Info, bool IsOwn);
