using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;

namespace MailEngine.Imap.Access;

/// <summary>Quota roots: one for each account, named as administrators name its INBOX, and one for each domain's own mailboxes.
/// RFC 9208 §3.2</summary>
internal static class QuotaRoots
{
    const string SharedPrefix = "shared@";

    public static async ValueTask<string?> NameAsync(ImapSession session, long owner, CancellationToken ct)
    {
        if (owner < 0)
        {
            Rights admin = await session.Access.AdminAsync(ct);
            if ((await session.Access.SubjectAsync(ct)).Account.Domain is { IsEmpty: false } mine
                && await session.Services.Directory.FindDomainAsync(mine, ct) is { } own && MailStore.SharedTree(own.DomainId) == owner)
                return SharedPrefix + mine.Value;
            return (await session.Services.Administration.DomainsOfAsync(admin, ct)).Where(d => MailStore.SharedTree(d.Id) == owner)
                .Select(d => SharedPrefix + d.Name).FirstOrDefault();
        }
        return await session.Services.Directory.FindAccountAsync(owner, ct) is { } account && AdminNames.Of(account, MailboxName.Inbox) is { } name ? name.Value : null;
    }

    /// <summary>Whose root it is; null: no root that the user may ask for or, as an administrator, set.</summary>
    public static async ValueTask<MailboxPlace?> FindAsync(ImapSession session, string root, CancellationToken ct)
    {
        if (root.StartsWith(SharedPrefix, StringComparison.Ordinal))
        {
            return DomainName.TryParse(root[SharedPrefix.Length..], out DomainName domain)
                && await session.Services.Directory.FindDomainAsync(domain, ct) is { } entry && (await session.Access.AdminAsync(ct)).May(Permissions.Mailboxes, entry.DomainId)
                ? new MailboxPlace(MailStore.SharedTree(entry.DomainId), default, Administered: true)
                : null;
        }
        if (!MailboxName.TryParse(root, out MailboxName name))
            return null;
        if (await session.Access.AdminAsync(ct) is var admin && admin.MayAnywhere(Permissions.Mailboxes)
            && await AdminNames.PlaceOfAsync(session.Services, admin, name, ct) is { } place && (place.IsShared || place.Name.IsInbox))
            return place;
        return root == await NameAsync(session, session.AccountId, ct) ? new MailboxPlace(session.AccountId, MailboxName.Inbox) : null;
    }

    /// <summary>The untagged response: resources that have a limit. RFC 9208 §4.2.1</summary>
    public static async ValueTask WriteAsync(ImapSession session, string root, long owner, CancellationToken ct)
    {
        AccountUse use = await session.Store.UseAsync(owner);
        AccountLimits limits = session.Store.LimitsOf(owner);
        long quota = owner < 0 ? limits.Bytes ?? 0 : (await session.Services.Directory.FindAccountAsync(owner, ct))?.QuotaBytes ?? 0;
        var resources = new List<string>();
        if (quota > 0)
            resources.Add($"STORAGE {(use.Bytes + 1023) / 1024} {quota / 1024}");   // units of 1024 octets: RFC 9208 §5.1
        if (limits.Messages is { } messages)
            resources.Add($"MESSAGE {use.Messages} {messages}");
        if (limits.Mailboxes is { } mailboxes)
            resources.Add($"MAILBOX {session.Store.MailboxesOf(owner).Count} {mailboxes}");
        session.Writer.Write("* QUOTA "u8);
        session.Writer.WriteString(root);
        session.Writer.WriteAscii($" ({string.Join(' ', resources)})\r\n");
    }
}
