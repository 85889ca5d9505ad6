using System.Text;

namespace MailEngine.Mime;

/// <summary>The value of Content-Type or Content-Disposition: first the type, then parameters.</summary>
/// <remarks>RFC 2045 §5.1, RFC 2183 §2. Lenient: comments, folding, missing quotes (a value then goes up to the semicolon), spaces
/// around "=". At most <see cref="MaxParameters"/> (attack case A8: parameter flood).</remarks>
internal ref struct ParameterReader
{
    public const int MaxParameters = 100;

    readonly ReadOnlySpan<byte> _text;
    readonly ByteBuffer _scratch;
    int _at;
    int _count;

    /// <param name="value">The field value, folded as it stands.</param>
    /// <param name="scratch">Names and values are appended here, unquoted and unfolded.</param>
    public ParameterReader(ReadOnlySpan<byte> value, ByteBuffer scratch)
    {
        _text = value;
        _scratch = scratch;
        SkipSpace();
        int start = _at;
        while (_at < _text.Length && _text[_at] is > 0x20 and not ((byte)';' or (byte)'/' or (byte)'('))
            _at++;
        Type = _text[start.._at];
        SkipSpace();
        if (_at < _text.Length && _text[_at] == (byte)'/')
        {
            _at++;
            SkipSpace();
            start = _at;
            while (_at < _text.Length && _text[_at] is > 0x20 and not ((byte)';' or (byte)'('))
                _at++;
            Subtype = _text[start.._at];
        }
    }

    /// <summary>"text", "attachment"; empty when missing.</summary>
    public ReadOnlySpan<byte> Type { get; }

    /// <summary>"plain"; empty when missing.</summary>
    public ReadOnlySpan<byte> Subtype { get; }

    /// <summary>Where in the scratch buffer the parameter found last stands.</summary>
    public int NameStart { get; private set; }
    public int NameLength { get; private set; }
    public int ValueStart { get; private set; }
    public int ValueLength { get; private set; }

    public readonly ReadOnlySpan<byte> Name => _scratch.Slice(NameStart, NameLength);

    public readonly ReadOnlySpan<byte> Value => _scratch.Slice(ValueStart, ValueLength);

    public bool MoveNext()
    {
        if (_count >= MaxParameters)
            return false;
        while (true)
        {
            while (_at < _text.Length && _text[_at] != (byte)';')
                SkipOne();
            if (_at >= _text.Length)
                return false;
            _at++;
            SkipSpace();
            int start = _at;
            while (_at < _text.Length && _text[_at] is > 0x20 and not ((byte)'=' or (byte)';' or (byte)'(' or (byte)'"'))
                _at++;
            int length = _at - start;
            SkipSpace();
            if (length == 0 || _at >= _text.Length || _text[_at] != (byte)'=')
                continue;
            NameStart = _scratch.Length;
            NameLength = length;
            _scratch.Write(_text.Slice(start, length));
            _at++;
            SkipSpace();
            ValueStart = _scratch.Length;
            if (_at < _text.Length && _text[_at] == (byte)'"')
                FieldLexer.QuotedString(_text, ref _at, _scratch);
            else
                BareValue();
            ValueLength = _scratch.Length - ValueStart;
            _count++;
            return true;
        }
    }

    void BareValue()
    {
        int start = _at;
        while (_at < _text.Length && _text[_at] is not ((byte)';' or (byte)'('))
            _at++;
        Folding.Unfold(_text[start.._at].TrimEnd(" \t\r\n"u8), _scratch, ImapText.MaxString);
    }

    /// <summary>Past one character, quoted string or comment on the way to the next semicolon.</summary>
    void SkipOne()
    {
        if (_text[_at] == (byte)'(')
            SkipSpace();
        else if (_text[_at++] == (byte)'"')
        {
            while (_at < _text.Length && _text[_at] != (byte)'"')
                _at += _text[_at] == (byte)'\\' ? 2 : 1;
            _at = Math.Min(_at + 1, _text.Length);
        }
    }

    /// <summary>White space and comments. RFC 5322 §3.2.2</summary>
    void SkipSpace()
    {
        while (_at < _text.Length && (_text[_at] <= 0x20 || _text[_at] == (byte)'('))
        {
            if (_text[_at] == (byte)'(')
                FieldLexer.Comment(_text, ref _at);
            else
                _at++;
        }
    }

    /// <summary>Value of one parameter, appended to <paramref name="scratch"/>, continuations joined (RFC 2231 §3); charset and
    /// percent escapes are left as they stand. Empty when absent.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> fieldValue, ReadOnlySpan<byte> name, ByteBuffer scratch)
    {
        var all = new ParameterReader(fieldValue, scratch);
        int start = -1;
        using var joined = new ByteBuffer(128);
        while (all.MoveNext())
        {
            if (Ascii.EqualsIgnoreCase(all.Name, name))
                return all.Value;
            if (all.NameLength > name.Length && all.Name[name.Length] == (byte)'*' && Ascii.EqualsIgnoreCase(all.Name[..name.Length], name))
            {
                start = 0;
                joined.Write(all.Value);
            }
        }
        if (start < 0)
            return default;
        start = scratch.Length;
        scratch.Write(joined.Written);
        return scratch.From(start);
    }
}

/// <summary>Writes the parameters of a field as BODYSTRUCTURE has them: ("name" "value" ...) or NIL. RFC 9051 §7.5.2</summary>
internal static class ParameterWriter
{
    readonly record struct Found(int NameStart, int NameLength, int ValueStart, int ValueLength, int Section, bool Extended);

    /// <remarks>Continuations are joined (RFC 2231 §3). A value with charset and percent escapes keeps both and the "*" after its
    /// name (RFC 2231 §4). Differs from RFC 9051 §7.5.2, which would have it turned into raw UTF-8: all clients in use read the
    /// escaped form, as Dovecot sends it.</remarks>
    public static void Write(ref ParameterReader parameters, ByteBuffer scratch, ByteBuffer to)
    {
        int mark = scratch.Length;
        var found = new List<Found>();
        while (parameters.MoveNext())
        {
            (int length, int section, bool extended) = SplitName(parameters.Name);
            found.Add(new Found(parameters.NameStart, length, parameters.ValueStart, parameters.ValueLength, section, extended));
        }
        bool any = false;
        for (int i = 0; i < found.Count; i++)
        {
            Found p = found[i];
            if (p.Section > 0 || p.NameLength == 0)
                continue;   // a later piece; written with its first one
            to.Write(any ? " "u8 : "("u8);
            any = true;
            if (p.Section < 0)
            {
                WriteName(p, p.Extended, scratch, to);
                ImapText.WriteString(scratch.Slice(p.ValueStart, p.ValueLength), to);
            }
            else
                WriteJoined(found, p, scratch, to);
        }
        if (any)
            to.Write((byte)')');
        else
            ImapText.WriteNil(to);
        scratch.Truncate(mark);
    }

    static void WriteName(Found p, bool extended, ByteBuffer scratch, ByteBuffer to)
    {
        int start = scratch.Length;
        scratch.Write(scratch.Slice(p.NameStart, p.NameLength).ToArray());
        if (extended)
            scratch.Write((byte)'*');
        ImapText.WriteString(scratch.From(start), to);
        scratch.Truncate(start);
        to.Write((byte)' ');
    }

    static void WriteJoined(List<Found> found, Found first, ByteBuffer scratch, ByteBuffer to)
    {
        using var value = new ByteBuffer(256);
        bool extended = false;
        // At most 100 parameters, so that looking for each section among all of them is cheap.
        for (int section = 0; section < found.Count; section++)
        {
            int at = found.FindIndex(p => p.Section == section && SameName(p, first, scratch));
            if (at < 0)
                break;
            extended |= found[at].Extended;
        }
        for (int section = 0; section < found.Count; section++)
        {
            int at = found.FindIndex(p => p.Section == section && SameName(p, first, scratch));
            if (at < 0)
                break;
            ReadOnlySpan<byte> piece = scratch.Slice(found[at].ValueStart, found[at].ValueLength);
            if (!extended || found[at].Extended)
            {
                value.Write(piece);
                continue;
            }
            if (section == 0)
                value.Write("''"u8);   // no charset, no language
            foreach (byte b in piece)
            {
                if (b is (byte)'%' or (byte)'\'' or <= 0x20 or >= 0x7F)
                {
                    value.Write((byte)'%');
                    value.Write("0123456789ABCDEF"u8[b >> 4]);
                    value.Write("0123456789ABCDEF"u8[b & 15]);
                }
                else
                    value.Write(b);
            }
        }
        WriteName(first, extended, scratch, to);
        ImapText.WriteString(value.Written, to);
    }

    static bool SameName(Found a, Found b, ByteBuffer scratch) =>
        Ascii.EqualsIgnoreCase(scratch.Slice(a.NameStart, a.NameLength), scratch.Slice(b.NameStart, b.NameLength));

    /// <summary>"name", "name*", "name*1" or "name*1*". Section -1: not in pieces. RFC 2231 §3 and §4</summary>
    static (int Length, int Section, bool Extended) SplitName(ReadOnlySpan<byte> name)
    {
        bool extended = name[^1] == (byte)'*';
        ReadOnlySpan<byte> rest = extended ? name[..^1] : name;
        int star = rest.LastIndexOf((byte)'*');
        if (star <= 0)
            return (rest.Length, -1, extended);
        int section = 0;
        ReadOnlySpan<byte> digits = rest[(star + 1)..];
        if (digits.Length is 0 or > 3)
            return (name.Length, -1, false);
        foreach (byte b in digits)
        {
            if (b is < (byte)'0' or > (byte)'9')
                return (name.Length, -1, false);
            section = section * 10 + (b - '0');
        }
        return (star, section, extended);
    }
}
