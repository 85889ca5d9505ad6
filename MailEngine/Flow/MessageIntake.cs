using System.Buffers;
using System.Security.Cryptography;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Takes the bytes of one message as they arrive and writes them to the store's body: trace field first, then header, then text.</summary>
/// <remarks>
/// The header section is held back until it is whole (at most <see cref="MostHeaderBytes"/>), because hops are counted in it and, on
/// submission, fields are added to it. The rest is passed through. The fingerprint covers what the client sent, without our
/// own Received field, so a second try of the same message has the same one.
/// </remarks>
sealed class MessageIntake(BodyWriter body, ReadOnlyMemory<byte> received, SubmissionFixes? fixes) : IDisposable
{
    /// <summary>A header section longer than this is passed on as it is. Larger than any real one; attack case A8.</summary>
    public const int MostHeaderBytes = 256 << 10;

    readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    ArrayBufferWriter<byte>? _header;
    bool _inText;

    /// <summary>Bytes of the client, dot-stuffing off.</summary>
    public long ContentLength { get; private set; }

    /// <summary>Received fields in the header, ours not counted. RFC 5321 §6.3</summary>
    public int Hops { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        ContentLength += bytes.Length;
        _hash.AppendData(bytes);
        if (_inText)
        {
            body.Write(bytes);
            return;
        }
        // A small message comes in one piece: then nothing is copied.
        if (_header is null && EndOfHeader(bytes) is var end and >= 0)
        {
            WriteHeader(bytes[..end]);
            body.Write(bytes[end..]);
            return;
        }
        _header ??= new ArrayBufferWriter<byte>(Math.Max(4096, bytes.Length));
        int before = _header.WrittenCount;
        _header.Write(bytes);
        // The blank line may lie across the seam.
        int from = Math.Max(0, before - 3);
        end = EndOfHeader(_header.WrittenSpan[from..], atStart: from == 0);
        if (end >= 0)
            Split(from + end);
        else if (_header.WrittenCount > MostHeaderBytes)
            Split(_header.WrittenCount);
    }

    /// <summary>Call once, when all bytes are in.</summary>
    /// <returns>The finished body; the caller disposes it.</returns>
    public Body Complete()
    {
        if (!_inText)
            WriteHeader(_header is null ? default : _header.WrittenSpan);
        return body.Complete();
    }

    /// <summary>SHA-256 of the client's bytes; once, after <see cref="Complete"/>.</summary>
    public byte[] Fingerprint() => _hash.GetHashAndReset();

    void Split(int end)
    {
        ReadOnlySpan<byte> all = _header!.WrittenSpan;
        WriteHeader(all[..end]);
        body.Write(all[end..]);
        _header = null;
    }

    void WriteHeader(ReadOnlySpan<byte> header)
    {
        _inText = true;
        body.Write(received.Span);
        var fields = new HeaderFields(header);
        int end = 0;
        while (fields.MoveNext() && fields.IsField)
        {
            end += fields.Field.Length;
            if ((fields.Field[0] | 0x20) == 'r' && fields.Is("received"u8))
                Hops++;
        }
        ReadOnlySpan<byte> proper = header[..end];
        if (fixes is null)
            body.Write(proper);
        else
            fixes.Write(proper, body);
        // Text without a header, as people type it: the text begins at the first line that is no field. Postfix does the same.
        if (end < header.Length)
        {
            body.Write("\r\n"u8);
            body.Write(header[end..]);
        }
    }

    /// <summary>Length of the header section, its blank line not counted in; -1: not whole yet. RFC 5322 §2.1</summary>
    static int EndOfHeader(ReadOnlySpan<byte> bytes, bool atStart = true)
    {
        if (atStart && bytes.StartsWith("\r\n"u8))
            return 0;
        int blank = bytes.IndexOf("\r\n\r\n"u8);
        return blank < 0 ? -1 : blank + 2;
    }

    public void Dispose()
    {
        _hash.Dispose();
        body.Dispose();
    }
}
