using System.Text;
using MailEngine.Mime;

namespace MailEngine.Store.TextSearch;

/// <summary>Collects the text of a message for the index, up to a limit.</summary>
internal sealed class TextCollector(int maxBytes) : ITextSink, IDisposable
{
    readonly ByteBuffer _text = new(16 << 10);

    /// <summary>UTF-8. NUL, at which the tokenizer would stop, is another control character.</summary>
    public ReadOnlySpan<byte> Text => _text.Written;

    /// <summary>There is more: the message stays a candidate of every search.</summary>
    public bool IsCut { get; private set; }

    public bool Take(ReadOnlySpan<char> folded)
    {
        int room = (maxBytes - _text.Length) / 3;   // no character of UTF-16 takes more octets
        IsCut = folded.Length > room;
        if (IsCut)
            folded = folded[..Math.Max(room, 0)];
        Span<byte> to = _text.GetSpan(3 * folded.Length);
        int length = Encoding.UTF8.GetBytes(folded, to);
        to[..length].Replace((byte)0, (byte)1);
        _text.Advance(length);
        return !IsCut;
    }

    /// <summary>So that no three characters go across.</summary>
    public void EndRun() => _text.Write((byte)'\n');

    public void Clear()
    {
        _text.Clear();
        IsCut = false;
    }

    public void Dispose() => _text.Dispose();
}
