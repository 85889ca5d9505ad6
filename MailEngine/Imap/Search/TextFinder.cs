using System.Buffers;
using System.Text;
using MailEngine.Imap.Fetch;
using MailEngine.Mime;

namespace MailEngine.Imap.Search;

/// <summary>Looks for text in the parts of a message: transfer encodings undone, charsets decoded, compared by i;unicode-casemap.</summary>
/// <remarks>RFC 5255 §4.6. The text looked for is folded (<see cref="UnicodeCasemap"/>) already. A part is read in pieces; the end of one is kept in front of the next, so text across a cut is found. Memory does not
/// follow the size of the message.</remarks>
internal sealed class TextFinder : IDisposable
{
    const int Piece = 32 << 10;

    readonly byte[] _raw = ArrayPool<byte>.Shared.Rent(Piece);
    readonly byte[] _decoded = ArrayPool<byte>.Shared.Rent(Piece + 16);
    char[] _chars = ArrayPool<char>.Shared.Rent(2 * Piece);
    char[] _folded = ArrayPool<char>.Shared.Rent(2 * Piece);
    readonly ByteBuffer _header = new(2048);

    /// <summary>True when a text part, or the header of a message inside, holds <paramref name="text"/>. RFC 9051 §6.4.4 (BODY)</summary>
    /// <exception cref="IOException">The bytes are lost.</exception>
    public bool InBody(StoredMessage message, string text)
    {
        List<MimePart> parts = message.Parts;
        long prefix = message.Entry.PrefixLength;
        for (int i = 0; i < parts.Count; i++)
        {
            MimePart part = parts[i];
            bool innerRoot = part.Parent >= 0 && parts[part.Parent].Kind == MimePartKind.Message;
            if (!part.IsText && !innerRoot)
                continue;
            _header.Clear();
            message.ReadInto(new OctetRange(prefix + part.HeaderStart, part.BodyStart - part.HeaderStart), _header);
            if (innerRoot && InHeader(_header.Written, text))
                return true;
            if (part.IsText && InPart(message, new OctetRange(prefix + part.BodyStart, part.BodyLength), part.Encoding, CharsetOf(_header.Written), text))
                return true;
        }
        return false;
    }

    /// <summary>True when a field of the block holds the text, encoded words decoded.</summary>
    public static bool InHeader(ReadOnlySpan<byte> header, string text)
    {
        var fields = new HeaderFieldReader(header);
        while (fields.MoveNext())
        {
            if (Holds(EncodedWord.Decode(fields.Current.Raw), text))
                return true;
        }
        return false;
    }

    public static bool Holds(ReadOnlySpan<char> text, string wanted) => UnicodeCasemap.Fold(text).Contains(wanted, StringComparison.Ordinal);

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_raw);
        ArrayPool<byte>.Shared.Return(_decoded);
        ArrayPool<char>.Shared.Return(_chars);
        ArrayPool<char>.Shared.Return(_folded);
        _header.Dispose();
    }

    static Encoding CharsetOf(ReadOnlySpan<byte> header)
    {
        using var scratch = new ByteBuffer(64);
        ReadOnlySpan<byte> name = ParameterReader.Find(HeaderFieldReader.Find(header, "Content-Type"u8).Value, "charset"u8, scratch);
        return Charsets.Find(name);
    }

    bool InPart(StoredMessage message, OctetRange range, TransferEncoding encoding, Encoding charset, string text)
    {
        var transfer = new TransferDecoder(encoding);
        Decoder decoder = charset.GetDecoder();
        int kept = 0;
        for (long done = 0; done < range.Length;)
        {
            int wanted = (int)Math.Min(Piece, range.Length - done);
            int read = message.Read(range.Start + done, _raw.AsSpan(0, wanted));
            if (read == 0)
                break;
            done += read;
            int length = transfer.Decode(_raw.AsSpan(0, read), _decoded);
            if (done >= range.Length)
                length += transfer.Finish(_decoded.AsSpan(length));
            int room = charset.GetMaxCharCount(length);
            if (_chars.Length < room)
            {
                ArrayPool<char>.Shared.Return(_chars);
                _chars = ArrayPool<char>.Shared.Rent(room);
            }
            int count = decoder.GetChars(_decoded.AsSpan(0, length), _chars, flush: done >= range.Length);
            count = UnicodeCasemap.Fold(_chars.AsSpan(0, count), ref _folded, kept);
            if (_folded.AsSpan(0, count).IndexOf(text) >= 0)
                return true;
            kept = Math.Min(count, Math.Max(text.Length - 1, 0));
            _folded.AsSpan(count - kept, kept).CopyTo(_folded);
        }
        return false;
    }
}
