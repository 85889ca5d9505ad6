using System.Buffers.Text;
using System.Text;

namespace MailEngine.Mime;

/// <summary>Encoded words: how headers carry other characters than ASCII. RFC 2047, with the language of RFC 2231 §5</summary>
internal static class EncodedWord
{
    /// <summary>Longest header value that is decoded, octets; the rest of a longer one is left out (attack case A8).</summary>
    const int MaxValue = 64 << 10;

    /// <summary>Decodes a header value for people and for searching: unfolded, encoded words replaced, white space between two
    /// adjacent ones dropped (RFC 2047 §6.2). Raw 8-bit text is taken as UTF-8, or else as windows-1252.</summary>
    /// <remarks>Words are looked for everywhere, inside quoted strings too, as mail programs do (differs from RFC 2047 §5).
    /// Bytes of adjacent words in one charset are joined before decoding: many senders cut characters in two.</remarks>
    public static string Decode(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        if (value.Length > MaxValue)
            value = value[..MaxValue];
        if (value.IndexOf("=?"u8) < 0 && value.IndexOfAny((byte)'\r', (byte)'\n', (byte)0) < 0)
            return Charsets.Guess(value);
        using var line = new ByteBuffer(Math.Max(value.Length, 16));
        Folding.Unfold(value, line);
        return DecodeLine(line.Written);
    }

    static string DecodeLine(ReadOnlySpan<byte> line)
    {
        if (line.IndexOf("=?"u8) < 0)
            return Charsets.Guess(line);
        var text = new StringBuilder(line.Length);
        using var pending = new ByteBuffer(256);
        ReadOnlySpan<byte> charset = default;
        int plain = 0, at = 0;
        bool afterWord = false;
        while (at < line.Length)
        {
            int found = line[at..].IndexOf("=?"u8);
            if (found < 0)
                break;
            at += found;
            if (!TrySplit(line[at..], out Word word))
            {
                at += 2;
                continue;
            }
            ReadOnlySpan<byte> between = line[plain..at];
            bool adjacent = afterWord && between.Trim(" \t"u8).IsEmpty;
            if (!adjacent || !Ascii.EqualsIgnoreCase(charset, word.Charset))
                Flush(pending, charset, text);
            if (!adjacent)
                text.Append(Charsets.Guess(between));
            charset = word.Charset;
            if (word.IsBase64)
                DecodeB(word.Text, pending);
            else
                DecodeQ(word.Text, pending);
            afterWord = true;
            at += word.Length;
            plain = at;
        }
        Flush(pending, charset, text);
        text.Append(Charsets.Guess(line[plain..]));
        return text.ToString();
    }

    readonly ref struct Word
    {
        public required ReadOnlySpan<byte> Charset { get; init; }
        public required ReadOnlySpan<byte> Text { get; init; }
        public required bool IsBase64 { get; init; }
        public required int Length { get; init; }
    }

    /// <summary>"=?" charset ["*" language] "?" ("B" / "Q") "?" text "?=". RFC 2047 §2. No white space inside except spaces in
    /// Q text, which broken senders leave; a word is at most 75 long there, 2048 here.</summary>
    static bool TrySplit(ReadOnlySpan<byte> line, out Word word)
    {
        word = default;
        if (line.Length > 2048)
            line = line[..2048];
        ReadOnlySpan<byte> rest = line[2..];
        int charset = rest.IndexOfAny("? \t"u8);
        if (charset <= 0 || rest[charset] != (byte)'?' || rest.Length < charset + 4 || rest[charset + 2] != (byte)'?')
            return false;
        int encoding = rest[charset + 1] | 0x20;
        if (encoding is not ('b' or 'q'))
            return false;
        ReadOnlySpan<byte> text = rest[(charset + 3)..];
        int end = text.IndexOf("?="u8);
        if (end < 0)
            return false;
        int star = rest[..charset].IndexOf((byte)'*');
        word = new Word
        {
            Charset = rest[..(star > 0 ? star : charset)],
            Text = text[..end],
            IsBase64 = encoding == 'b',
            Length = 2 + charset + 3 + end + 2,
        };
        return true;
    }

    static void Flush(ByteBuffer pending, ReadOnlySpan<byte> charset, StringBuilder text)
    {
        if (pending.Length == 0)
            return;
        string decoded = Charsets.Find(charset).GetString(pending.Written);
        foreach (char c in decoded)
            text.Append(c is '\r' or '\n' or '\0' ? ' ' : c);
        pending.Clear();
    }

    static void DecodeQ(ReadOnlySpan<byte> text, ByteBuffer to)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == (byte)'_')
                to.Write((byte)' ');
            else if (text[i] == (byte)'=' && i + 2 < text.Length && Hex.TryByte(text[i + 1], text[i + 2], out byte value))
            {
                to.Write(value);
                i += 2;
            }
            else
                to.Write(text[i]);
        }
    }

    static void DecodeB(ReadOnlySpan<byte> text, ByteBuffer to)
    {
        var decoder = new TransferDecoder(TransferEncoding.Base64);
        Span<byte> target = to.GetSpan(TransferDecoder.MaxDecoded(text.Length));
        to.Advance(decoder.Decode(text, target));
    }

    /// <summary>Appends text as a header value that is ASCII only: as it stands, or as encoded words of at most 75 octets joined
    /// by folded lines. RFC 2047 §2 and §5</summary>
    public static void Encode(string text, ByteBuffer to)
    {
        if (Ascii.IsValid(text) && text.AsSpan().IndexOfAnyInRange('\0', '\u001F') < 0 && !text.Contains("=?", StringComparison.Ordinal))
        {
            Span<byte> ascii = to.GetSpan(Math.Max(text.Length, 1));
            to.Advance(Encoding.ASCII.GetBytes(text, ascii));
            return;
        }
        const int PerWord = 45;   // octets that become 60 characters; 12 more for =?utf-8?B? and ?=
        Span<byte> bytes = stackalloc byte[PerWord + 4];
        Span<byte> base64 = stackalloc byte[64];
        int held = 0;
        bool first = true;
        foreach (Rune rune in text.EnumerateRunes())
        {
            Rune safe = rune.Value is '\r' or '\n' or 0 ? new Rune(' ') : rune;
            if (held + safe.Utf8SequenceLength > PerWord)
                Flush(bytes[..held], base64);
            held += safe.EncodeToUtf8(bytes[held..]);
        }
        if (held > 0)
            Flush(bytes[..held], base64);

        void Flush(ReadOnlySpan<byte> word, Span<byte> encoded)
        {
            if (!first)
                to.Write("\r\n "u8);
            first = false;
            held = 0;
            to.Write("=?utf-8?B?"u8);
            Base64.EncodeToUtf8(word, encoded, out _, out int written);
            to.Write(encoded[..written]);
            to.Write("?="u8);
        }
    }
}

/// <summary>Hexadecimal digits.</summary>
internal static class Hex
{
    public static bool TryByte(byte high, byte low, out byte value)
    {
        int h = Digit(high), l = Digit(low);
        value = (byte)((h << 4) | (l & 15));
        return h >= 0 && l >= 0;
    }

    static int Digit(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
        _ => -1,
    };
}
