using System.Text;

namespace MailEngine.Imap.Commands;

/// <summary>COMPRESS DEFLATE: everything after the tagged answer is compressed, both ways.</summary>
/// <remarks>RFC 4978 §3. TLS never compresses here (RFC 9051 §11.1), so no other layer can be in the way.</remarks>
internal sealed record CompressCommand(bool IsDeflate) : ImapCommand
{
    // compress = "COMPRESS" SP algorithm (RFC 4978 §5)
    public static CompressCommand Parse(ref ImapReader r)
    {
        r.Sp();
        return new(Ascii.EqualsIgnoreCase(r.Atom(), "DEFLATE"u8));
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (!IsDeflate)
            return ImapReply.Bad("No such algorithm");
        if (session.Connection.IsCompressed)
            return ImapReply.Bad("[COMPRESSIONACTIVE] Compression is on already");
        // The last octets in the clear. What the client sent behind the command is the begin of its compressed stream.
        session.Writer.WriteAscii($"{session.CurrentTag} OK DEFLATE active\r\n");
        await session.Writer.FlushAsync(session.Limits, ct);
        session.Connection.Compress();
        return ImapReply.Nothing;
    }
}
