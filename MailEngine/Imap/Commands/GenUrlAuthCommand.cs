using System.Text;
using MailEngine.Imap.Urls;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>GENURLAUTH: makes URLs with which others can read one message, or a part of it.</summary>
/// <remarks>RFC 4467 §7 and §5</remarks>
internal sealed record GenUrlAuthCommand(IReadOnlyList<string> Rumps, bool KnownMechanism) : ImapCommand
{
    const int MaxUrls = 100;

    // genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism) (RFC 4467 §9)
    public static GenUrlAuthCommand Parse(ref ImapReader r)
    {
        var rumps = new List<string>();
        bool known = true;
        do
        {
            r.Sp();
            rumps.Add(r.AstringText());
            r.Sp();
            known &= Ascii.EqualsIgnoreCase(r.Atom(), "INTERNAL"u8);
            if (rumps.Count > MaxUrls)
                r.Fail("Too many URLs");
        }
        while (!r.Failed && !r.AtEnd);
        return new(rumps, known);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (!KnownMechanism)
            return ImapReply.Bad("No such mechanism");
        var made = new List<string>();
        foreach (string rump in Rumps)
        {
            // His own mailbox only: the user of the URL is the one that is logged in. RFC 4467 §5
            if (!ImapUrl.TryParse(rump, out ImapUrl url) || url.Authorization is not { Token.Length: 0 }
                || await UrlTokens.OwnerAsync(session, url, ct) is not { } owner || owner.AccountId != session.AccountId
                || UrlContent.SectionOf(url, session.Limits.Depth) is null || !session.Writer.Names.TryRead(url.Mailbox!, out MailboxName name))
                return ImapReply.Bad($"[BADURL {ImapUrl.Printable(rump)}] Not a URL that you can authorize");
            if (await session.Store.OpenAsync(session.AccountId, name) is not { } box)
                return ImapReply.NoSuchMailbox;
            (StoreError error, string? key) = await session.Store.UrlKeyAsync(box);
            if (key is null)
                return ImapReply.No(error == StoreError.None ? StoreError.Unavailable : error);
            made.Add(UrlTokens.Authorize(url, key));
        }
        session.Writer.Write("* GENURLAUTH"u8);
        foreach (string url in made)
        {
            session.Writer.Write((byte)' ');
            session.Writer.WriteString(url);
        }
        session.Writer.Write("\r\n"u8);
        return ImapReply.Ok("GENURLAUTH completed");
    }
}
