using System.Globalization;
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
    public static async ValueTask<MailboxPlace?> PlaceOfAsync(ImapServices services, AdminRights rights, MailboxName shown, CancellationToken ct)
    {
        if (Namespaces.Below(shown.Value, Users) is not { Length: > 0 } path)
            return await SharedPlaceAsync(services, rights, shown.Value, ct);
        // The domain stands at the end of the whole name: "ann/Work@example.org" is Work of ann@example.org.
        int at = path.LastIndexOf('@');
        return at > 0 && await UserPlaceAsync(services, rights, path[..at], path[at..], ct) is { } place
            ? place
            : await UserPlaceAsync(services, rights, path, "", ct);
    }

    /// <summary>The name of a mailbox of a user.</summary>
    public static MailboxName? Of(AccountEntry account, MailboxName name)
    {
        string level = Namespaces.LevelOf(account);
        int at = level.LastIndexOf('@');
        (string user, string domain) = at > 0 ? (level[..at], level[at..]) : (level, "");
        return MailboxName.TryParse($"{Users}/{user}{(name.IsInbox ? "" : "/" + name)}{domain}", out MailboxName shown) ? shown : null;
    }

    /// <summary>Everything that an administrator may manage, by owner.</summary>
    public static async ValueTask<List<(MailboxName Shown, MailboxInfo Info, bool IsOwn)>> ListAsync(ImapSession session, AdminRights rights, CancellationToken ct)
    {
        var all = new List<(MailboxName, MailboxInfo, bool)>();
        foreach (long id in await session.Services.Administration.AccountsOfAsync(rights, ct))
        {
            if (await session.Services.Directory.FindAccountAsync(id, ct) is not { } account)
                continue;
            foreach (MailboxInfo info in session.Store.MailboxesOf(id))
            {
                if (Of(account, info.Name) is { } shown)
                    all.Add((shown, info, id == session.AccountId));
            }
        }
        if (session.Account!.HasMailbox)
            return all;   // he sees his domain's mailboxes as everybody does
        foreach ((long id, string domain) in await session.Services.Administration.DomainsOfAsync(rights, ct))
        {
            foreach (MailboxInfo info in session.Store.MailboxesOf(MailStore.SharedTree(id)))
            {
                if (MailboxName.TryParse($"{info.Name}@{domain}", out MailboxName shown))
                    all.Add((shown, info, false));
            }
        }
        return all;
    }

    static async ValueTask<MailboxPlace?> UserPlaceAsync(ImapServices services, AdminRights rights, string path, string domain, CancellationToken ct)
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
            || !rights.MayManage(await DomainIdAsync(services, owner.Domain, ct)) || !await services.Administration.MayTouchAsync(rights, owner.AccountId, ct))
            return null;
        return new MailboxPlace(owner.AccountId, name, Administered: true);
    }

    static async ValueTask<MailboxPlace?> SharedPlaceAsync(ImapServices services, AdminRights rights, string text, CancellationToken ct)
    {
        int at = text.LastIndexOf('@');
        return at > 0 && DomainName.TryParse(text[(at + 1)..], out DomainName domain) && await DomainIdAsync(services, domain, ct) is { } id && rights.MayManage(id)
            && MailboxName.TryParse(text[..at], out MailboxName name) && !name.IsInbox && !name.IsBelow(MailboxName.Inbox)
            ? new MailboxPlace(MailStore.SharedTree(id), name, Administered: true)
            : null;
    }

    static async ValueTask<long?> DomainIdAsync(ImapServices services, DomainName name, CancellationToken ct) =>
        name.IsEmpty ? null : (await services.Directory.FindDomainAsync(name, ct))?.DomainId;
}
