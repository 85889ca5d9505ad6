using System.Buffers;
using MailEngine.Imap.Fetch;
using MailEngine.Mime;

namespace MailEngine.Imap.Search;

/// <summary>Looks for text in the parts of a message.</summary>
/// <remarks>Text comes in pieces; the end of one is kept in front of the next, so text across a cut is found.</remarks>
internal sealed class TextFinder : ITextSink, IDisposable
{
    readonly MessageText _text = new();
    char[] _window = ArrayPool<char>.Shared.Rent(64 << 10);
    int _kept;
    string _wanted = "";
    bool _found;

    /// <summary>True when a text part, or the header of a message inside, holds the text. RFC 9051 §6.4.4 (BODY)</summary>
    /// <param name="wanted">Folded (RFC 5051).</param>
    /// <exception cref="IOException">The bytes are lost.</exception>
    public bool InBody(StoredMessage message, string wanted)
    {
        if (wanted.Length == 0)
            return true;
        Start(wanted);
        _text.Parts(message.Read, message.Parts, message.Entry.PrefixLength, this);
        return _found;
    }

    /// <summary>True when a field of the block holds the text, encoded words decoded.</summary>
    public bool InHeader(ReadOnlySpan<byte> header, string wanted)
    {
        if (wanted.Length == 0)
            return true;
        Start(wanted);
        _text.Fields(header, this);
        return _found;
    }

    /// <summary>Gives all text of the body to a sink.</summary>
    public void FeedBody(StoredMessage message, ITextSink sink) => _text.Parts(message.Read, message.Parts, message.Entry.PrefixLength, sink);

    public bool FeedHeader(ReadOnlySpan<byte> header, ITextSink sink) => _text.Fields(header, sink);

    public static bool Holds(ReadOnlySpan<char> text, string wanted) => UnicodeCasemap.Fold(text).Contains(wanted, StringComparison.Ordinal);

    public bool Take(ReadOnlySpan<char> folded)
    {
        if (_window.Length - _kept < folded.Length)
        {
            char[] larger = ArrayPool<char>.Shared.Rent(_kept + folded.Length);
            _window.AsSpan(0, _kept).CopyTo(larger);
            ArrayPool<char>.Shared.Return(_window);
            _window = larger;
        }
        folded.CopyTo(_window.AsSpan(_kept));
        int count = _kept + folded.Length;
        _found = _window.AsSpan(0, count).IndexOf(_wanted) >= 0;
        _kept = Math.Min(count, _wanted.Length - 1);
        _window.AsSpan(count - _kept, _kept).CopyTo(_window);
        return !_found;
    }

    public void EndRun() => _kept = 0;

    public void Dispose()
    {
        _text.Dispose();
        ArrayPool<char>.Shared.Return(_window);
    }

    void Start(string wanted)
    {
        _wanted = wanted;
        _kept = 0;
        _found = false;
    }
}
