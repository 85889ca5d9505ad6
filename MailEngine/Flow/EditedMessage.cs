using System.Buffers;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>A message with the header that a script gave it; the rest is as it came. RFC 5293 §7</summary>
static class EditedMessage
{
    const int PieceBytes = 64 << 10;

    /// <exception cref="IOException">The message cannot be read, or the copy not be written.</exception>
    public static Body Write(MailStore store, Body body, byte[] header)
    {
        using BodyWriter writer = store.NewBody();
        CopyTo(writer, body, header);
        return writer.Complete();
    }

    /// <param name="header">Without the empty line; null: as it came.</param>
    public static void CopyTo(BodyWriter writer, Body body, byte[]? header)
    {
        long at = 0;
        if (header is not null)
        {
            writer.Write(header);
            writer.Write("\r\n"u8);
            var layout = new List<MimePart>();
            at = new MimeLayout(body.Summary.Layout).TryRead(layout) && layout.Count > 0 ? layout[0].BodyStart : body.Length;
        }
        byte[] block = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            for (int count; (count = body.Read(at, block)) > 0; at += count)
                writer.Write(block.AsSpan(0, count));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
