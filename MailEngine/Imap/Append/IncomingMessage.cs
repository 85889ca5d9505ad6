using System.Buffers;
using MailEngine.Store;

namespace MailEngine.Imap.Append;

/// <summary>A message on its way into the store, and what was seen in it while it passed.</summary>
internal sealed class IncomingMessage(BodyWriter writer) : IDisposable
{
    bool _inHeader = true;
    bool _lineIsEmpty = true;

    public long Length => writer.Length;

    /// <summary>An octet that no literal of IMAP4rev1 can hold. RFC 9051 §4.3.1</summary>
    public bool HasNul { get; private set; }

    /// <summary>Its header has 8-bit octets: what RFC 6532 calls an internationalized message, or mail older than that.</summary>
    public bool HasRawHeader { get; private set; }

    /// <exception cref="IOException">Disk full or broken.</exception>
    public void Write(in ReadOnlySequence<byte> octets)
    {
        foreach (ReadOnlyMemory<byte> piece in octets)
            Write(piece.Span);
    }

    /// <exception cref="IOException">Disk full or broken.</exception>
    public void Write(ReadOnlySpan<byte> octets)
    {
        HasNul = HasNul || octets.Contains((byte)0);
        if (_inHeader)
            LookAtHeader(octets);
        writer.Write(octets);
    }

    /// <exception cref="IOException">Disk full or broken.</exception>
    public Body Complete() => writer.Complete();

    public void Dispose() => writer.Dispose();

    void LookAtHeader(ReadOnlySpan<byte> octets)
    {
        foreach (byte b in octets)
        {
            if (b == (byte)'\n')
            {
                _inHeader = !_lineIsEmpty;
                if (!_inHeader)
                    return;
                _lineIsEmpty = true;
            }
            else if (b != (byte)'\r')
            {
                _lineIsEmpty = false;
                HasRawHeader |= b >= 0x80;
            }
        }
    }
}
