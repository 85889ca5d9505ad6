using System.Buffers;
using System.Globalization;
using System.Text;

namespace MailEngine.Mime;

/// <summary>The comparator i;unicode-casemap: text in title case, taken apart to its last decomposition; compared octet by octet
/// after that. RFC 5051 §2, asked for by RFC 5255 §4.2</summary>
/// <remarks>Character by character, without putting combining marks into an order: so a text cut anywhere folds to the same pieces,
/// and a substring of a text folds to a substring of the folded text.</remarks>
internal static class UnicodeCasemap
{
    /// <summary>What each character of the Basic Multilingual Plane becomes, a page of 256 at a time, made when first asked for;
    /// null: itself.</summary>
    static readonly string?[]?[] s_pages = new string?[]?[256];

    /// <summary>Folds a whole text.</summary>
    public static string Fold(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return "";
        if (Ascii.IsValid(text))
            return string.Create(text.Length, text, static (to, from) => Ascii.ToUpper(from, to, out _));
        char[] to = ArrayPool<char>.Shared.Rent(2 * text.Length + 32);
        try
        {
            int length = Fold(text, ref to, 0);
            return new string(to, 0, length);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(to);
        }
    }

    /// <summary>Folds text to the end of what is in a rented buffer, which grows as needed.</summary>
    /// <param name="to">From the shared pool; replaced by a larger one when it is too small.</param>
    /// <param name="length">Characters in it already, which stay.</param>
    /// <returns>Characters in it now.</returns>
    public static int Fold(ReadOnlySpan<char> text, ref char[] to, int length)
    {
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAnyExceptInRange('\0', '\u007F');
            if (plain < 0)
                plain = text.Length;
            Reserve(ref to, length, plain + 32);
            Ascii.ToUpper(text[..plain], to.AsSpan(length), out _);
            length += plain;
            text = text[plain..];
            if (text.IsEmpty)
                break;
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int used) != OperationStatus.Done)
                rune = default;   // half of a surrogate pair: stays
            ReadOnlySpan<char> folded = rune == default ? text[..used] : rune.IsBmp ? Of(text[0]) ?? text[..1] : Outside(rune);
            Reserve(ref to, length, folded.Length);
            folded.CopyTo(to.AsSpan(length));
            length += folded.Length;
            text = text[used..];
        }
        return length;
    }

    /// <summary>Folds a header value or the like and appends it as UTF-8.</summary>
    /// <param name="text">ASCII or UTF-8; other bytes are guessed at as <see cref="Charsets.Guess"/> does.</param>
    public static void Fold(ReadOnlySpan<byte> text, ByteBuffer to)
    {
        if (Ascii.IsValid(text))
        {
            Ascii.ToUpper(text, to.GetSpan(text.Length), out int written);
            to.Advance(written);
            return;
        }
        FoldToUtf8(Charsets.Guess(text), to);
    }

    /// <summary>Folds text and appends it as UTF-8.</summary>
    public static void FoldToUtf8(ReadOnlySpan<char> text, ByteBuffer to)
    {
        string folded = Fold(text);
        to.Advance(Encoding.UTF8.GetBytes(folded, to.GetSpan(Encoding.UTF8.GetMaxByteCount(folded.Length))));
    }

    static string? Of(char c)
    {
        string?[] page = s_pages[c >> 8] ??= MakePage(c >> 8);
        return page[c & 0xFF];
    }

    static string?[] MakePage(int number)
    {
        var page = new string?[256];
        for (int low = 0; low < 256; low++)
        {
            char c = (char)(number << 8 | low);
            if (char.IsSurrogate(c))
                continue;
            string folded = Decompose(TitleCase(c).ToString());
            page[low] = folded.Length == 1 && folded[0] == c ? null : folded;
        }
        return page;
    }

    /// <summary>The titlecase property of one character. It is the upper case but for the digraphs, and Georgian has none.</summary>
    static char TitleCase(char c) => c switch
    {
        '\u0131' => 'I',
        '\u017F' => 'S',
        '\u0345' => '\u0399',
        >= '\u01C4' and <= '\u01C6' => '\u01C5',
        >= '\u01C7' and <= '\u01C9' => '\u01C8',
        >= '\u01CA' and <= '\u01CC' => '\u01CB',
        >= '\u01F1' and <= '\u01F3' => '\u01F2',
        >= '\u10D0' and <= '\u10FF' => c,
        _ => CultureInfo.InvariantCulture.TextInfo.ToUpper(c),
    };

    static ReadOnlySpan<char> Outside(Rune rune) => Decompose(Rune.ToUpperInvariant(rune).ToString());

    static string Decompose(string character)
    {
        try
        {
            return character.Normalize(NormalizationForm.FormKD);
        }
        catch (ArgumentException)   // not a character: U+FFFE and the like
        {
            return character;
        }
    }

    static void Reserve(ref char[] buffer, int length, int more)
    {
        if (buffer.Length - length >= more)
            return;
        char[] larger = ArrayPool<char>.Shared.Rent(Math.Max(2 * buffer.Length, length + more));
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<char>.Shared.Return(buffer);
        buffer = larger;
    }
}
