using MailEngine.Imap.Fetch;
using MailEngine.Imap.Urls;
using MailEngine.Mime;

namespace MailEngine.Imap.Commands;

/// <summary>One URL of URLFETCH, and how what it names is wanted.</summary>
/// <param name="Form">Null: as RFC 4467 has it, or with <paramref name="Structure"/> not at all.</param>
/// <param name="Structure">BODYPARTSTRUCTURE.</param>
internal sealed record UrlWish(string Url, SectionForm? Form, bool Structure)
{
    /// <summary>False: the answer has the form of RFC 4467.</summary>
    public bool IsExtended => Form is not null || Structure;
}

/// <summary>URLFETCH: the octets that authorized URLs name; NIL for a URL that is worth nothing, whatever the reason.</summary>
/// <remarks>RFC 4467 §7 and §8; with the encoding undone and with its structure: RFC 5524. \Seen is not set, the mailbox selected stays so.</remarks>
internal sealed record UrlFetchCommand(IReadOnlyList<UrlWish> Urls) : ImapCommand
{
    const int MaxUrls = 100;
    const int Piece = 64 << 10;

    // urlfetch = "URLFETCH" 1*(SP url-fetch-arg); url-fetch-arg = url-full / "(" url-full *(SP url-fetch-param) ")" (RFC 5524)
    public static UrlFetchCommand Parse(ref ImapReader r)
    {
        var urls = new List<UrlWish>();
        do
        {
            r.Sp();
            urls.Add(r.TryTake((byte)'(') ? Extended(ref r) : new UrlWish(r.AstringText(), null, false));
            if (urls.Count > MaxUrls)
                r.Fail("Too many URLs");
        }
        while (!r.Failed && !r.AtEnd);
        return new(urls);
    }

    // url-fetch-param = "BODY" / "BINARY" / "BODYPARTSTRUCTURE": each once, and BODY and BINARY not both
    static UrlWish Extended(ref ImapReader r)
    {
        var wish = new UrlWish(r.AstringText(), null, false);
        while (!r.Failed && r.TryTake((byte)' '))
        {
            if (r.TryWord("BODYPARTSTRUCTURE"u8) && !wish.Structure)
                wish = wish with { Structure = true };
            else if (r.TryWord("BODY"u8) && wish.Form is null)
                wish = wish with { Form = SectionForm.Octets };
            else if (r.TryWord("BINARY"u8) && wish.Form is null)
                wish = wish with { Form = SectionForm.Decoded };
            else
                r.Fail("Expected BODY or BINARY, and BODYPARTSTRUCTURE, each once");
        }
        r.Take((byte)')');
        return wish;
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        ImapWriter w = session.Writer;
        w.Write("* URLFETCH"u8);
        foreach (UrlWish wish in Urls)
        {
            w.Write((byte)' ');
            w.WriteString(wish.Url);
            w.Write((byte)' ');
            using UrlContent? content = await FindAsync(session, wish.Url, ct);
            if (content is null)
                w.Write("NIL"u8);
            else if (!wish.IsExtended)
                await WriteAsync(session, content, ct);
            else
                await WriteExtendedAsync(session, wish, content, ct);
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

    // url-metadata = 1*(SP "(" url-metadata-el ")") (RFC 5524)
    static async ValueTask WriteExtendedAsync(ImapSession session, UrlWish wish, UrlContent content, CancellationToken ct)
    {
        ImapWriter w = session.Writer;
        if (wish.Structure)
        {
            using var structure = new ByteBuffer(256);
            w.Write("(BODYPARTSTRUCTURE "u8);
            // It tells of the octets that are sent: with BINARY, of an encoding that changes nothing.
            if (content.TryWriteStructure(decoded: wish.Form == SectionForm.Decoded, structure))
                w.Write(structure.Written);
            else
                w.Write("NIL"u8);
            w.Write(wish.Form is null ? ")"u8 : ") "u8);
        }
        switch (wish.Form)
        {
            case SectionForm.Octets:
                w.Write("(BODY "u8);
                await WriteAsync(session, content, ct);
                w.Write((byte)')');
                break;
            case SectionForm.Decoded:
                w.Write("(BINARY "u8);
                await WriteDecodedAsync(session, content, ct);
                w.Write((byte)')');
                break;
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

    static async ValueTask WriteDecodedAsync(ImapSession session, UrlContent content, CancellationToken ct)
    {
        if (content.IsFields)
        {
            await WriteAsync(session, content, ct);
            return;
        }
        ImapWriter w = session.Writer;
        using DecodedSection? decoded = content.Decode();
        if (decoded is null)
        {
            w.Write("NIL"u8);   // the encoding is not known
            return;
        }
        (long length, bool hasNul) = decoded.Measure(content.Origin, content.Count);
        long start = Math.Min(content.Origin, length);
        w.WriteAscii($"{(hasNul ? "~" : "")}{{{Math.Min(content.Count, length - start)}}}\r\n");   // literal8: RFC 3516 §7
        decoded.Restart();
        long at = 0;
        for (ReadOnlyMemory<byte> piece; !(piece = decoded.Next()).IsEmpty; at += piece.Length)
        {
            w.Write(DecodedSection.Cut(piece, at, content.Origin, content.Count).Span);
            await session.FlushIfFullAsync(ct);
        }
    }
}
