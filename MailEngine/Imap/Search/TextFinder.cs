using MailEngine.Imap.Fetch;
using MailEngine.Mime;

namespace MailEngine.Imap.Search;

/// <summary>Looks for text in the parts of a message.</summary>
internal sealed class TextFinder : ITextSink, IDisposable
{
    readonly MessageText _text = new();
    readonly TextWindow _window = new();
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
        ReadOnlySpan<char> text = _window.Add(folded);
        _found = text.IndexOf(_wanted) >= 0;
        _window.Keep(text, _wanted.Length);
        return !_found;
    }

    public void EndRun() => _window.Clear();

    public void Dispose()
    {
        _text.Dispose();
        _window.Dispose();
    }

    void Start(string wanted)
    {
        _wanted = wanted;
        _window.Clear();
        _found = false;
    }
}
