using MailEngine.Imap.Access;

namespace MailEngine.Imap.Commands;

/// <summary>GETQUOTA: use and limits of a quota root: the user's own, or one that he administers.</summary>
/// <remarks>RFC 9208 §4.1.1</remarks>
internal sealed record GetQuotaCommand(string Root) : ImapCommand
{
    // getquota = "GETQUOTA" SP quota-root-name (RFC 9208 §7)
    public static GetQuotaCommand Parse(ref ImapReader r)
    {
        r.Sp();
        return new(r.AstringText());
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (await QuotaRoots.FindAsync(session, Root, ct) is not { } place)
            return ImapReply.No("[NONEXISTENT] No such quota root");
        await QuotaRoots.WriteAsync(session, Root, place.Owner, ct);
        return ImapReply.Ok("GETQUOTA completed");
    }
}
