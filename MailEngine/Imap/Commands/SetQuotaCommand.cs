using System.Text;
using MailEngine.Accounts;
using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SETQUOTA: an administrator sets the limits of a quota root; resources that he does not name have none after it.</summary>
/// <remarks>RFC 9208 §4.1.3. STORAGE of an account is its quota in the panel, under the rules of its domain; without STORAGE it has the
/// domain's default. Limits are exact, so none is rounded.</remarks>
/// <param name="Storage">Units of 1024 octets.</param>
internal sealed record SetQuotaCommand(string Root, long? Storage, long? Messages, long? Mailboxes, bool IsKnown) : ImapCommand
{
    // setquota = "SETQUOTA" SP quota-root-name SP "(" [setquota-resource *(SP setquota-resource)] ")" (RFC 9208 §7)
    public static SetQuotaCommand Parse(ref ImapReader r)
    {
        r.Sp();
        string root = r.AstringText();
        r.Sp();
        r.Take((byte)'(');
        long? storage = null, messages = null, mailboxes = null;
        bool known = true;
        while (!r.Failed)
        {
            // cyradm 3.6 writes "(STORAGE 1024MAILBOX 5 MESSAGE 50 )": spaces are taken where they stand, and a limit ends with its digits.
            r.TryTake((byte)' ');
            if (r.TryTake((byte)')'))
                break;
            string resource = Encoding.ASCII.GetString(r.Atom()).ToUpperInvariant();
            r.Sp();
            long limit = r.Number64();
            switch (resource)
            {
                case "STORAGE":
                    storage = limit;
                    break;
                case "MESSAGE":
                    messages = limit;
                    break;
                case "MAILBOX":
                    mailboxes = limit;
                    break;
                default:
                    known = false;
                    break;
            }
        }
        if (storage > long.MaxValue / 1024)
            r.Fail("Number too large");
        return new(root, storage, messages, mailboxes, known);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (await QuotaRoots.FindAsync(session, Root, ct) is not { } place)
            return ImapReply.No("[NONEXISTENT] No such quota root");
        if (!place.Administered)
            return ImapReply.NoPermission;
        if (!IsKnown)
            return ImapReply.No("[CANNOT] Only STORAGE, MESSAGE and MAILBOX can be limited");
        // RFC 9208 §3.1.2: 0 prohibits any use. For us 0 octets mean no limit, so one octet stands for it.
        long? bytes = Storage is { } units ? Math.Max(units * 1024, 1) : null;
        var limits = new AccountLimits(place.IsShared ? bytes : null, Messages, Mailboxes);
        if (!place.IsShared && await SetAccountAsync(session, place.Owner, bytes, ct) is { } refusal)
            return refusal;
        AccountLimits before = session.Store.LimitsOf(place.Owner);
        if (limits != before)
        {
            if (!await session.Access.RecordAsync(place, "mailbox.quota", MailboxName.TryParse(Root, out MailboxName name) ? name : default, limits, ct, before))
                return ImapReply.NoPermission;
            StoreError error = await session.Store.SetLimitsAsync(place.Owner, limits);
            if (error != StoreError.None)
                return ImapReply.No(error);
        }
        await QuotaRoots.WriteAsync(session, Root, place.Owner, ct);
        return ImapReply.Ok("SETQUOTA completed");
    }

    static async ValueTask<ImapReply?> SetAccountAsync(ImapSession session, long accountId, long? bytes, CancellationToken ct) =>
        await session.Services.Administration.SetQuotaAsync(session.Access.Actor, accountId, bytes, ct) switch
        {
            QuotaRefusal.None => null,
            null => ImapReply.NoPermission,
            QuotaRefusal.Unlimited => ImapReply.No("[CANNOT] Accounts of this domain must have a limit"),
            QuotaRefusal.AboveLargest => ImapReply.No("[LIMIT] More than an account of this domain may have"),
            QuotaRefusal.AboveTotal => ImapReply.No("[LIMIT] More than the domain has left"),
            _ => ImapReply.No("[CANNOT] Not a limit"),
        };
}
