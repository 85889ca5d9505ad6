using System.Globalization;
using MailEngine.Accounts;
using MailEngine.Store;

namespace MailEngine.Imap.Access;

/// <summary>The one way from a name that a client wrote to a mailbox: finds whose it is and what the user may do there.</summary>
/// <remarks>
/// Names of one's own are those of one's tree in the store. "Other Users/…" and "Shared/…" lead to other trees, where the access control
/// lists decide (RFC 4314 §4). What is not in one's own tree is reached by no other way, so a command that opens mailboxes through here
/// cannot show more than it may. Who the user is (his addresses, his domain) is asked anew for every command, from memory.
/// </remarks>
internal sealed class MailboxAccess(ImapSession session)
{
    AclSubject? _subject;
    Rights? _admin;   // of _subject
    long _adminSince;

    AccountDirectory Directory => session.Services.Directory;

    /// <summary>The user, as the directory knows him now.</summary>
    public async ValueTask<AclSubject> SubjectAsync(CancellationToken ct)
    {
        AccountEntry now = await Directory.FindAccountAsync(session.AccountId, ct) ?? session.Account!;
        if (_subject is null || !ReferenceEquals(_subject.Account, now))
        {
            _subject = AclSubject.Of(now);
            _admin = null;   // grants may have changed with it
        }
        return _subject;
    }

    /// <summary>What the user may administer. What he does with it is checked again, on record, in <see cref="AccountAdministration"/>.</summary>
    public async ValueTask<Rights> AdminAsync(CancellationToken ct)
    {
        AclSubject subject = await SubjectAsync(ct);
        TimeProvider clock = session.Services.Clock;
        if (_admin is null || clock.GetElapsedTime(_adminSince) > TimeSpan.FromMinutes(1))   // grants can end by date
        {
            _admin = await session.Services.Administration.RightsAsync(subject.Account.AccountId, ct);
            _adminSince = clock.GetTimestamp();
        }
        return _admin;
    }

    /// <summary>Puts a change of an administrator on record before it is made. RFC 4314 has no such thing; the panel does.</summary>
    /// <param name="before">What was; null: nothing, or it is not on record.</param>
    /// <returns>False: he may not make it any more.</returns>
    public async ValueTask<bool> RecordAsync(MailboxPlace place, string action, MailboxName shown, object after, CancellationToken ct, object? before = null) =>
        !place.Administered || await session.Services.Administration.RecordAsync(
            Actor, action, shown.Value, place.IsShared ? null : place.Owner, place.IsShared ? -place.Owner : null, after, ct, before);

    /// <summary>The user, as audit entries name him.</summary>
    public Administrator Actor => new(session.AccountId, session.Account!.Login, session.Connection.Remote?.Address.ToString() ?? "");

    /// <summary>Opens a mailbox; <see cref="Visit.Box"/> is set when the user may read it or put something into it.</summary>
    public async ValueTask<Visit> OpenAsync(MailboxName shown, CancellationToken ct)
    {
        if (await PlaceOfAsync(shown, ct) is { Administered: false } mine && mine.Owner == session.AccountId)
        {
            Mailbox? own = await session.Store.OpenAsync(mine.Owner, mine.Name);
            return new Visit(mine, null, own, own?.Rights ?? AclRights.None);
        }
        Visit visit = await FindAsync(shown, ct);
        if (visit.Info is null || (visit.Rights & (AclRights.Read | AclRights.Insert)) == 0)
            return visit;
        MailboxPlace place = visit.Place!.Value;
        Mailbox? box = await session.Store.OpenAsync(place.Owner, place.Name, await SubjectAsync(ct));
        return box is null ? visit with { Info = null } : visit with { Box = box };
    }

    /// <summary>Looks a mailbox up without opening it.</summary>
    public async ValueTask<Visit> FindAsync(MailboxName shown, CancellationToken ct)
    {
        if (await PlaceOfAsync(shown, ct) is not { } place)
            return Visit.Nowhere;
        MailboxInfo? info = place.Owner == session.AccountId
            ? await session.Store.StatusAsync(place.Owner, place.Name)
            : session.Store.Find(place.Owner, place.Name);
        return new Visit(place, info, null, info is null ? AclRights.None : await RightsAsync(place, info.Acl, ct));
    }

    /// <summary>Looks up a mailbox whose access control list the user may change, and an identifier in the form that lists have; empty: there is
    /// nobody of that name. RFC 4314 §3</summary>
    public async ValueTask<(Visit Visit, string Stored, ImapReply? Refusal)> FindListAsync(MailboxName shown, string identifier, CancellationToken ct)
    {
        (bool isOne, string stored) = await AclIdentifierNames.ReadAsync(Directory, identifier, ct);
        if (!isOne)
            return (Visit.Nowhere, "", ImapReply.Bad("Not an identifier"));
        Visit visit = await FindAsync(shown, ct);
        return (visit, stored, visit.Refusal(AclRights.Administer));
    }

    async ValueTask<AclRights> RightsAsync(MailboxPlace place, Acl acl, CancellationToken ct) =>
        await RightsAsync(place.Owner, acl, ct) | (place.Administered ? MailboxPlace.AdministratorRights : AclRights.None);

    /// <summary>What the user may do in a mailbox of that owner with that list.</summary>
    public async ValueTask<AclRights> RightsAsync(long owner, Acl acl, CancellationToken ct) =>
        owner == session.AccountId ? acl.OwnerRights(owner) : acl.RightsOf(await SubjectAsync(ct));

    /// <summary>Figures as the user sees them: in a mailbox of others \Seen and \Recent are his own.</summary>
    public async ValueTask<MailboxInfo> AsSeenAsync(MailboxInfo info, CancellationToken ct)
    {
        if (info.AccountId == session.AccountId || await session.Store.OpenAsync(info.AccountId, info.Name, await SubjectAsync(ct)) is not { } box)
            return info;
        MailboxSnapshot now = box.Current;
        return info with { Unseen = now.Unseen, RecentFrom = now.Counters.RecentFrom };
    }

    /// <summary>May a mailbox be made at this place? The right "k" on the nearest one above it that is there. RFC 4314 §4 (CREATE)</summary>
    public async ValueTask<bool> MayCreateAsync(MailboxPlace place, CancellationToken ct)
    {
        for (MailboxName? above = place.Name.Parent; above is { } name; above = name.Parent)
        {
            if (session.Store.Find(place.Owner, name) is { } info)
                return (await RightsAsync(place, info.Acl, ct)).HasFlag(AclRights.Create);
        }
        if (place.Owner == session.AccountId || place.Administered)
            return true;
        // Above another user's top level stands his INBOX; above a domain's stands nothing, so that its administrators make the first ones.
        return !place.IsShared && session.Store.Find(place.Owner, MailboxName.Inbox) is { } inbox
            && (await RightsAsync(place.Owner, inbox.Acl, ct)).HasFlag(AclRights.Create);
    }

    /// <summary>Octets that the owner of a place may hold; 0: no limit. He pays for what others put there.</summary>
    public async ValueTask<Owner> OwnerAsync(MailboxPlace place, CancellationToken ct) =>
        new(place.Owner, place.IsShared ? 0 : (await Directory.FindAccountAsync(place.Owner, ct))?.QuotaBytes ?? 0);

    /// <summary>True while the selected mailbox may still be read: rights may have changed since it was selected. RFC 4314 §5.1.1</summary>
    public async ValueTask<bool> MayStillReadAsync(SelectedMailbox selected, CancellationToken ct)
    {
        if (selected.Box.Reader != 0)
            selected.Box.Subject = await SubjectAsync(ct);
        return selected.Box.Rights.HasFlag(AclRights.Read);
    }

    /// <summary>Where a name leads; null: nowhere, or nowhere that the user could know of.</summary>
    public async ValueTask<MailboxPlace?> PlaceOfAsync(MailboxName shown, CancellationToken ct)
    {
        AccountEntry me = (await SubjectAsync(ct)).Account;
        if ((Namespaces.Below(shown.Value, AdminNames.Users) is { Length: > 0 } || !me.HasMailbox) && await AdminAsync(ct) is var admin && admin.MayAnywhere(Permissions.Mailboxes))
            return await AdminNames.PlaceOfAsync(session.Services, admin, shown, ct);
        if (Namespaces.Below(shown.Value, Namespaces.OtherUsers) is { } user)
            return await PlaceOfUserAsync(user, ct);
        if (Namespaces.Below(shown.Value, Namespaces.Shared) is { } shared)
        {
            return MailboxName.TryParse(shared, out MailboxName name) && !IsInboxTree(name) && await SharedTreeAsync(me, ct) is { } tree
                ? new MailboxPlace(tree, name, (await AdminAsync(ct)).May(Permissions.Mailboxes, -tree))
                : null;
        }
        return me.HasMailbox ? new MailboxPlace(session.AccountId, shown) : null;
    }

    /// <summary>The name under which the user sees a mailbox of another tree; null: under none.</summary>
    public async ValueTask<MailboxName?> ShownAsync(long owner, MailboxName name, CancellationToken ct)
    {
        if (!(await SubjectAsync(ct)).Account.HasMailbox && await AdminAsync(ct) is var admin && admin.MayAnywhere(Permissions.Mailboxes))
            return await AdminNames.OfAsync(session.Services, admin, owner, name, ct);   // the one name that leads back to it: PlaceOfAsync
        string text;
        if (owner < 0)
        {
            if (owner != await SharedTreeAsync((await SubjectAsync(ct)).Account, ct))
                return null;
            text = $"{Namespaces.Shared}/{name}";
        }
        else if (await Directory.FindAccountAsync(owner, ct) is { HasMailbox: true } account)
        {
            text = $"{Namespaces.OtherUsers}/{Namespaces.LevelOf(account)}" + (name.IsInbox ? "" : "/" + name);
        }
        else
        {
            return null;
        }
        return MailboxName.TryParse(text, out MailboxName shown) ? shown : null;   // too long: it cannot be named
    }

    async ValueTask<long?> SharedTreeAsync(AccountEntry account, CancellationToken ct) =>
        !account.Domain.IsEmpty && await Directory.FindDomainAsync(account.Domain, ct) is { } domain ? MailStore.SharedTree(domain.DomainId) : null;

    async ValueTask<MailboxPlace?> PlaceOfUserAsync(string path, CancellationToken ct)
    {
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        string level = slash < 0 ? path : path[..slash];
        MailboxName name = MailboxName.Inbox;
        if (slash >= 0 && (!MailboxName.TryParse(path[(slash + 1)..], out name) || name.IsInbox))
            return null;
        AccountEntry? owner = level.StartsWith('#') && long.TryParse(level.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out long id)
            ? await Directory.FindAccountAsync(id, ct)
            : await Directory.FindLoginAsync(level, ct);
        // One name for one mailbox: neither an alias of the user nor one's own.
        return owner is { HasMailbox: true } && owner.AccountId != session.AccountId && Namespaces.LevelOf(owner) == level
            ? new MailboxPlace(owner.AccountId, name)
            : null;
    }

    static bool IsInboxTree(MailboxName name) => name.IsInbox || name.IsBelow(MailboxName.Inbox);
}
