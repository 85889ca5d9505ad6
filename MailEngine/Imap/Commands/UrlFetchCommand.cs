using MailEngine.Imap.Urls;

namespace MailEngine.Imap.Commands;

/// <summary>URLFETCH: the octets that authorized URLs name; NIL for a URL that is worth nothing, whatever the reason.</summary>
/// <remarks>RFC 4467 §7 and §8. \Seen is not set, the mailbox selected stays so.</remarks>
internal sealed record UrlFetchCommand(IReadOnlyList<string> Urls) : ImapCommand
{
    const int MaxUrls = 100;
    const int Piece = 64 << 10;

    // urlfetch = "URLFETCH" 1*(SP url-full) (RFC 4467 §9)
    public static UrlFetchCommand Parse(ref ImapReader r)
    {
        var urls = new List<string>();
        do
        {
            r.Sp();
            urls.Add(r.AstringText());
            if (urls.Count > MaxUrls)
                r.Fail("Too many URLs");
        }
        while (!r.Failed && !r.AtEnd);
        return new(urls);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        ImapWriter w = session.Writer;
        w.Write("* URLFETCH"u8);
        foreach (string url in Urls)
        {
            w.Write((byte)' ');
            w.WriteString(url);
            w.Write((byte)' ');
            using UrlContent? content = await FindAsync(session, url, ct);
            if (content is null)
                w.Write("NIL"u8);
            else
                await WriteAsync(session, content, ct);
        }
        w.Write("\r\n"u8);
        return ImapReply.Ok("URLFETCH completed");
    }

    static async ValueTask<UrlContent?> FindAsync(ImapSession session, string url, CancellationToken ct)
    {
        UrlContent? content = null;
        try
        {
            content = await UrlTokens.FindAsync(session, url, ct);
            // Its first octets are read before its length is announced: a message whose bytes are lost gets NIL, not a cut connection.
            content?.Read(0, new byte[Math.Min(content.Length, Piece)]);
            return content;
        }
        catch (IOException)
        {
            content?.Dispose();
            return null;
        }
    }

    static async ValueTask WriteAsync(ImapSession session, UrlContent content, CancellationToken ct)
    {
        ImapWriter w = session.Writer;
        w.Write((byte)'{');
        w.WriteNumber(content.Length);
        w.Write("}\r\n"u8);
        for (long at = 0; at < content.Length;)
        {
            int count = (int)Math.Min(Piece, content.Length - at);
            content.Read(at, w.Reserve(count)[..count]);   // throws: the octets announced cannot be sent, the connection ends
            w.Advance(count);
            at += count;
            await session.FlushIfFullAsync(ct);
        }
    }
}
