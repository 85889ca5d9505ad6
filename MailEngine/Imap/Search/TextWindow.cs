using System.Buffers;

namespace MailEngine.Imap.Search;

/// <summary>Text that comes in pieces: the end of one is kept in front of the next, so that text across a cut is found.</summary>
internal sealed class TextWindow : IDisposable
{
    char[] _chars = ArrayPool<char>.Shared.Rent(64 << 10);
    int _kept;

    /// <summary>Nothing is kept of what came before.</summary>
    public void Clear() => _kept = 0;

    /// <summary>A piece with what was kept in front of it; good until <see cref="Keep"/>.</summary>
    public ReadOnlySpan<char> Add(ReadOnlySpan<char> piece)
    {
        if (_chars.Length - _kept < piece.Length)
        {
            char[] larger = ArrayPool<char>.Shared.Rent(_kept + piece.Length);
            _chars.AsSpan(0, _kept).CopyTo(larger);
            ArrayPool<char>.Shared.Return(_chars);
            _chars = larger;
        }
        piece.CopyTo(_chars.AsSpan(_kept));
        return _chars.AsSpan(0, _kept + piece.Length);
    }

    /// <summary>Keeps the end of what <see cref="Add"/> gave, for text that begins in it.</summary>
    /// <param name="length">Characters of the longest text looked for.</param>
    public void Keep(ReadOnlySpan<char> text, int length)
    {
        _kept = Math.Min(text.Length, Math.Max(length - 1, 0));
        text[^_kept..].CopyTo(_chars);
    }

    public void Dispose() => ArrayPool<char>.Shared.Return(_chars);
}
