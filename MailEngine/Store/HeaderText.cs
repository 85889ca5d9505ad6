using MailEngine.Mime;

namespace MailEngine.Store;

/// <summary>Fields of a header for people.</summary>
static class HeaderText
{
    const int MostCharacters = 200;

    /// <summary>Decoded, on one line, the beginning of a long one; empty: there is no such field.</summary>
    public static string Of(ReadOnlySpan<byte> header, ReadOnlySpan<byte> name)
    {
        HeaderField field = HeaderFieldReader.Find(header, name);
        if (field.Raw.IsEmpty)
            return "";
        string text = new([.. EncodedWord.Decode(field.Value).Select(c => char.IsControl(c) ? ' ' : c)]);
        return text.Length > MostCharacters ? text[..(char.IsHighSurrogate(text[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters)] : text;
    }
}
