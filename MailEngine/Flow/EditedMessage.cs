using System.Buffers;
using MailEngine.Mime;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>A message as a script has changed it: with another header, or with another text too. RFC 5293 §7, RFC 5703 §5</summary>
static class EditedMessage
{
    const int PieceBytes = 64 << 10;

    /// <exception cref="IOException">The message cannot be read, or the copy not be written.</exception>
    public static Body Write(MailStore store, Body body, SieveAction action)
    {
        using BodyWriter writer = store.NewBody();
        CopyTo(writer, body, action);
        return writer.Complete();
    }

    public static void CopyTo(BodyWriter writer, Body body, SieveAction action)
    {
        long at = 0;
        if (action.Header is { } header)
        {
            writer.Write(header);
            writer.Write("\r\n"u8);
            var layout = new List<MimePart>();
            at = new MimeLayout(body.Summary.Layout).TryRead(layout) && layout.Count > 0 ? layout[0].BodyStart : body.Length;
        }
        foreach (MessagePiece piece in action.Text ?? [new MessagePiece(default, at, body.Length - at)])
        {
            if (piece.New.IsEmpty)
                Copy(writer, body, piece.From, piece.From + piece.Length);
            else
                writer.Write(piece.New.Span);
        }
    }

    static void Copy(BodyWriter writer, Body body, long at, long end)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            for (int count; at < end && (count = body.Read(at, block.AsSpan(0, (int)Math.Min(block.Length, end - at)))) > 0; at += count)
                writer.Write(block.AsSpan(0, count));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
