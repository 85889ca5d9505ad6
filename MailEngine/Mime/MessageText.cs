using System.Buffers;
using System.Text;

namespace MailEngine.Mime;

/// <summary>Takes the folded text of a message as <see cref="MessageText"/> finds it.</summary>
internal interface ITextSink
{
    /// <summary>The next characters of a run, folded by <see cref="UnicodeCasemap"/>. False: no more is wanted.</summary>
    bool Take(ReadOnlySpan<char> folded);

    /// <summary>A field or part ends: no text goes across.</summary>
    void EndRun();
}

/// <summary>The text of a message as SEARCH sees it: fields with encoded words decoded, text parts with transfer encoding undone, charset
/// decoded and markup taken out, all folded. What the text index is fed with and what candidates are verified by, so both agree.</summary>
/// <remarks>RFC 9051 §6.4.4 (BODY, TEXT), RFC 5255 §4.6. A part is read in pieces: memory does not follow the size of the message.</remarks>
internal sealed class MessageText : IDisposable
{
    const int Piece = 32 << 10;

    /// <summary>Fields of a header are looked at up to here, octets; the rest of a larger one is left out (attack case A8).</summary>
    public const int MaxHeader = 4 << 20;

    readonly byte[] _raw = ArrayPool<byte>.Shared.Rent(Piece);
    readonly byte[] _decoded = ArrayPool<byte>.Shared.Rent(Piece + 16);
    char[] _chars = ArrayPool<char>.Shared.Rent(2 * Piece);
    char[] _folded = ArrayPool<char>.Shared.Rent(2 * Piece);
    readonly ByteBuffer _header = new(2048);

    /// <summary>Reads octets of a message from an offset on.</summary>
    public delegate int ReadAt(long offset, Span<byte> to);

    /// <summary>All fields of a header block, names included. False: the sink had enough.</summary>
    public bool Fields(ReadOnlySpan<byte> header, ITextSink sink)
    {
        var fields = new HeaderFieldReader(header);
        while (fields.MoveNext())
        {
            int length = UnicodeCasemap.Fold(EncodedWord.Decode(fields.Current.Raw), ref _folded, 0);
            if (!sink.Take(_folded.AsSpan(0, length)))
                return false;
            sink.EndRun();
        }
        return true;
    }

    /// <summary>All text parts, the headers of messages inside, and what was not told apart (limits of parts and depth) as it stands. False: the sink had enough.</summary>
    /// <param name="parts">Of the layout.</param>
    /// <param name="bodyStart">Where the layout counts from: behind the prefix.</param>
    /// <exception cref="IOException">The bytes are lost.</exception>
    public bool Parts(ReadAt read, List<MimePart> parts, long bodyStart, ITextSink sink)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            MimePart part = parts[i];
            bool innerRoot = part.Parent >= 0 && parts[part.Parent].Kind == MimePartKind.Message;
            bool isText = part.IsText || part.Opaque;
            if (!isText && !innerRoot)
                continue;
            int length = Math.Min(part.BodyStart - part.HeaderStart, MaxHeader);
            _header.Clear();
            if (length > 0)
                _header.Advance(read(bodyStart + part.HeaderStart, _header.GetSpan(length)[..length]));
            if (innerRoot && !Fields(_header.Written, sink))
                return false;
            if (isText && !Part(read, bodyStart + part.BodyStart, part, sink))
                return false;
        }
        return true;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_raw);
        ArrayPool<byte>.Shared.Return(_decoded);
        ArrayPool<char>.Shared.Return(_chars);
        ArrayPool<char>.Shared.Return(_folded);
        _header.Dispose();
    }

    bool Part(ReadAt read, long start, in MimePart part, ITextSink sink)
    {
        ReadOnlySpan<byte> type = HeaderFieldReader.Find(_header.Written, "Content-Type"u8).Value;
        bool isHtml = type.Length >= 9 && Ascii.EqualsIgnoreCase(type[..9], "text/html"u8);
        Encoding charset = CharsetOf(type);
        var markup = new MarkupText();
        var transfer = new TransferDecoder(part.Encoding);
        Decoder decoder = charset.GetDecoder();
        for (long done = 0; done < part.BodyLength;)
        {
            int count = read(start + done, _raw.AsSpan(0, (int)Math.Min(Piece, part.BodyLength - done)));
            if (count == 0)
                break;
            done += count;
            bool last = done >= part.BodyLength;
            int length = transfer.Decode(_raw.AsSpan(0, count), _decoded);
            if (last)
                length += transfer.Finish(_decoded.AsSpan(length));
            int room = charset.GetMaxCharCount(length);
            if (_chars.Length < room)
            {
                ArrayPool<char>.Shared.Return(_chars);
                _chars = ArrayPool<char>.Shared.Rent(room);
            }
            int chars = decoder.GetChars(_decoded.AsSpan(0, length), _chars, flush: last);
            int folded = isHtml
                ? UnicodeCasemap.Fold(markup.Take(_chars.AsSpan(0, chars), last), ref _folded, 0)
                : UnicodeCasemap.Fold(_chars.AsSpan(0, chars), ref _folded, 0);
            if (!sink.Take(_folded.AsSpan(0, folded)))
                return false;
        }
        sink.EndRun();
        return true;
    }

    static Encoding CharsetOf(ReadOnlySpan<byte> contentType)
    {
        using var scratch = new ByteBuffer(64);
        return Charsets.Find(ParameterReader.Find(contentType, "charset"u8, scratch));
    }
}
