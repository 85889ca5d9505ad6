using System.Text;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>Reads the arguments of one complete command: line, literals and all.</summary>
/// <remarks>
/// Keeps its first error and yields defaults after it, so a parser reads like its ABNF (RFC 9051 §9); whoever called looks at
/// <see cref="Error"/> once. Nothing here recurses. Spans handed out are views into the command, or copies where quoting had to go.
/// </remarks>
internal ref struct ImapReader(ReadOnlySpan<byte> command, int depth, NameForm? names = null)
{
    readonly ReadOnlySpan<byte> _command = command;
    readonly NameForm _names = names ?? NameForm.Usual;
    int _at;

    /// <summary>Null: all well so far. Text for the BAD answer, never bytes of the client's.</summary>
    public string? Error { get; private set; }

    /// <summary>The syntax was right, but a mailbox name was not one we can have: NO [CANNOT] instead of BAD.</summary>
    public bool HasBadName { get; private set; }

    /// <summary>All was right up to a literal whose octets are not there.</summary>
    public bool IsIncomplete { get; private set; }

    /// <summary>Most levels of parentheses (attack case A7).</summary>
    public readonly int Depth => depth;

    /// <summary>What "$" stands for; null: no search result can be saved in this state. RFC 5182 §2.1</summary>
    public SequenceSet? Saved { get; init; }

    /// <summary>A charset must not be named: all is UTF-8. RFC 6855 §3</summary>
    public bool NoCharset { get; init; }

    public readonly bool Failed => Error is not null;

    public readonly bool AtEnd => _at >= _command.Length || _command[_at] is (byte)'\r' or (byte)'\n';

    public void Fail(string error)
    {
        Error ??= error;
        _at = _command.Length;
    }

    public readonly byte Peek() => _at < _command.Length ? _command[_at] : (byte)0;

    public bool TryTake(byte b)
    {
        if (_at >= _command.Length || _command[_at] != b)
            return false;
        _at++;
        return true;
    }

    public void Take(byte b)
    {
        if (!TryTake(b))
            Fail($"Expected '{(char)b}'");
    }

    public void Sp() => Take((byte)' ');

    /// <summary>Passes over all but the line end: arguments whose meaning does not matter any more.</summary>
    public void SkipToEnd()
    {
        while (_at < _command.Length && !(_at >= _command.Length - 2 && AtEnd))
            _at++;
    }

    /// <summary>The line end, and nothing after it.</summary>
    public void End()
    {
        TryTake((byte)'\r');
        if (!TryTake((byte)'\n') || _at != _command.Length)
            Fail("Too many arguments");
    }

    /// <summary>True and moved on when the next word is <paramref name="word"/>, in any case.</summary>
    public bool TryWord(ReadOnlySpan<byte> word)
    {
        if (_command.Length - _at < word.Length || !Ascii.EqualsIgnoreCase(_command.Slice(_at, word.Length), word))
            return false;
        int next = _at + word.Length;
        if (next < _command.Length && IsAtomChar(_command[next]))
            return false;
        _at = next;
        return true;
    }

    /// <summary>True and moved on when <paramref name="text"/> comes next, in any case, whatever is behind it.</summary>
    public bool TryText(ReadOnlySpan<byte> text)
    {
        if (_command.Length - _at < text.Length || !Ascii.EqualsIgnoreCase(_command.Slice(_at, text.Length), text))
            return false;
        _at += text.Length;
        return true;
    }

    /// <summary>Tag of the command. RFC 9051 §9: astring-chars except "+". Empty: not one.</summary>
    public ReadOnlySpan<byte> Tag()
    {
        int start = _at;
        while (_at < _command.Length && (IsAtomChar(_command[_at]) || _command[_at] == (byte)']') && _command[_at] != (byte)'+')
            _at++;
        return _command[start.._at];
    }

    public ReadOnlySpan<byte> Atom()
    {
        int start = _at;
        while (_at < _command.Length && IsAtomChar(_command[_at]))
            _at++;
        if (_at == start)
            Fail("Expected an atom");
        return Failed ? default : _command[start.._at];
    }

    /// <summary>Letters, digits, dots and hyphens: the name of a data item or a key.</summary>
    public ReadOnlySpan<byte> Word()
    {
        int start = _at;
        while (_at < _command.Length && (_command[_at] is (byte)'.' or (byte)'-' || char.IsAsciiLetterOrDigit((char)_command[_at])))
            _at++;
        if (_at == start)
            Fail("Expected a word");
        return Failed ? default : _command[start.._at];
    }

    public uint Number()
    {
        long value = Number64();
        if (value > uint.MaxValue)
        {
            Fail("Number too large");
            return 0;
        }
        return (uint)value;
    }

    /// <summary>RFC 9051 §9 (nz-number)</summary>
    public uint NonZeroNumber()
    {
        uint value = Number();
        if (value == 0)
            Fail("Expected a number above 0");
        return value;
    }

    /// <summary>A mod-sequence, 0 included where that is one. RFC 7162 §7 (mod-sequence-valzer)</summary>
    public ulong ModSeq() => (ulong)Decimal(long.MaxValue);

    /// <summary>RFC 9051 §9 (number64); 18 digits are enough for sizes.</summary>
    public long Number64() => Decimal(999_999_999_999_999_999);

    long Decimal(long most)
    {
        int start = _at;
        long value = 0;
        while (_at < _command.Length && _command[_at] is >= (byte)'0' and <= (byte)'9')
        {
            int digit = _command[_at++] - '0';
            if (value > (most - digit) / 10)
            {
                Fail("Number too large");
                return 0;
            }
            value = value * 10 + digit;
        }
        if (_at == start)
            Fail("Expected a number");
        return Failed ? 0 : value;
    }

    /// <summary>atom / quoted / literal. RFC 9051 §9</summary>
    public ReadOnlySpan<byte> Astring()
    {
        byte first = Peek();
        if (first is (byte)'"' or (byte)'{')
            return String();
        int start = _at;
        while (_at < _command.Length && (IsAtomChar(_command[_at]) || _command[_at] == (byte)']'))
            _at++;
        if (_at == start)
            Fail("Expected a string");
        return Failed ? default : _command[start.._at];
    }

    /// <summary>quoted / literal. RFC 9051 §4.3</summary>
    public ReadOnlySpan<byte> String()
    {
        if (Peek() == (byte)'{')
            return Literal();
        if (!TryTake((byte)'"'))
        {
            Fail("Expected a string");
            return default;
        }
        ReadOnlySpan<byte> rest = _command[_at..];
        int end = rest.IndexOfAny("\"\\\r\n\0"u8);
        if (end >= 0 && rest[end] == (byte)'"')
        {
            _at += end + 1;
            return Quoted(rest[..end]);
        }
        return Quoted(EscapedString(rest));
    }

    /// <summary>8-bit octets of a quoted string are UTF-8, or it is none. RFC 6855 §3, RFC 9051 §9 (QUOTED-CHAR)</summary>
    ReadOnlySpan<byte> Quoted(ReadOnlySpan<byte> text)
    {
        if (System.Text.Unicode.Utf8.IsValid(text))
            return text;
        Fail("Not UTF-8");
        return default;
    }

    ReadOnlySpan<byte> EscapedString(ReadOnlySpan<byte> rest)
    {
        var plain = new byte[rest.Length];
        int length = 0;
        for (int i = 0; i < rest.Length; i++)
        {
            byte b = rest[i];
            if (b == (byte)'"')
            {
                _at += i + 1;
                return plain.AsSpan(0, length);
            }
            if (b == (byte)'\\')
            {
                if (++i >= rest.Length || rest[i] is not ((byte)'"' or (byte)'\\'))
                    break;
                b = rest[i];
            }
            else if (b is (byte)'\r' or (byte)'\n' or 0)
                break;
            plain[length++] = b;
        }
        Fail("Bad quoted string");
        return default;
    }

    /// <summary>"{" number ["+"] "}" CRLF octets; RFC 7888 §4 for the "+".</summary>
    ReadOnlySpan<byte> Literal(bool mayHaveNul = false)
    {
        long length = LiteralHeader();
        if (Failed)
            return default;
        if (length > _command.Length - _at)
        {
            IsIncomplete = !Failed;
            Fail("Literal is not complete");
            return default;
        }
        ReadOnlySpan<byte> octets = _command.Slice(_at, (int)length);
        _at += (int)length;
        if (!mayHaveNul && octets.Contains((byte)0))
            Fail("NUL in a literal");   // RFC 9051 §4.3
        return Failed ? default : octets;
    }

    long LiteralHeader() => LiteralHeader(out _);

    long LiteralHeader(out bool waits)
    {
        Take((byte)'{');
        long length = Number64();
        waits = !TryTake((byte)'+');
        Take((byte)'}');
        TryTake((byte)'\r');
        Take((byte)'\n');
        return length;
    }

    /// <summary>The message literal of APPEND: its length. Its octets are not part of the command given. "~{" is the same with NUL
    /// octets allowed (literal8, RFC 3516 §7); who reads them finds out.</summary>
    /// <param name="waits">The client waits for "+" before it sends them.</param>
    public long MessageLiteral(out bool waits)
    {
        TryTake((byte)'~');
        long length = LiteralHeader(out waits);
        if (_at != _command.Length)
            Fail("Expected a message");
        return Failed ? 0 : length;
    }

    /// <summary>"NIL" or a string.</summary>
    public string? Nstring() => TryWord("NIL"u8) ? null : Text(String());

    /// <summary>"NIL", a string, or a literal8, as octets: the value of an annotation. RFC 5464 §5 (value)</summary>
    public byte[]? NstringBytes() =>
        TryWord("NIL"u8) ? null : TryTake((byte)'~') ? Literal(mayHaveNul: true).ToArray() : String().ToArray();

    /// <summary>A mailbox, or the empty string for the server as a whole: null. RFC 5464 §4.1</summary>
    public MailboxName? MailboxOrServer()
    {
        if (_at + 1 < _command.Length && _command[_at] == (byte)'"' && _command[_at + 1] == (byte)'"')
        {
            _at += 2;
            return null;
        }
        return Mailbox();
    }

    /// <summary>UTF-8 text; other bytes fail.</summary>
    public string AstringText() => Text(Astring());

    string Text(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);
        Fail("Not UTF-8");
        return "";
    }

    public MailboxName SpMailbox()
    {
        Sp();
        return Mailbox();
    }

    /// <summary>RFC 9051 §9 (mailbox). A name that cannot exist here sets <see cref="HasBadName"/>.</summary>
    /// <param name="isNew">CREATE: one trailing separator only says that children will follow. RFC 9051 §6.3.4</param>
    public MailboxName Mailbox(bool isNew = false)
    {
        ReadOnlySpan<byte> bytes = Astring();
        if (Failed)
            return default;
        if (isNew && bytes.Length > 1 && bytes[^1] == (byte)_names.Separator)
            bytes = bytes[..^1];
        if (bytes.Length <= MailboxName.MaxBytes * 4 && _names.TryDecode(bytes, out string text) && _names.TryRead(text, out MailboxName name))
            return name;
        HasBadName = true;
        return MailboxName.Inbox;
    }

    /// <summary>Reference or pattern of LIST, decoded, with the separator of the listener. RFC 9051 §9 (list-mailbox)</summary>
    public string ListMailbox()
    {
        ReadOnlySpan<byte> bytes;
        if (Peek() is (byte)'"' or (byte)'{')
            bytes = String();
        else
        {
            int start = _at;
            while (_at < _command.Length && (IsAtomChar(_command[_at]) || _command[_at] is (byte)']' or (byte)'%' or (byte)'*'))
                _at++;
            bytes = _command[start.._at];
            if (bytes.IsEmpty)
                Fail("Expected a mailbox pattern");
        }
        if (bytes.Length > MailboxName.MaxBytes * 4)
            Fail("Pattern too long");
        if (Failed)
            return "";
        // A pattern that is not modified UTF-7 matches nothing, but is no syntax error.
        return _names.TryDecode(bytes, out string text) ? text : "\0";
    }

    /// <summary>RFC 9051 §9 (sequence-set)</summary>
    public SequenceSet SequenceSet()
    {
        if (TryTake((byte)'$'))
            return Saved ?? Imap.SequenceSet.OfUids([]);
        var set = new SequenceSet();
        do
        {
            uint from = SeqNumber();
            set.Add(from, TryTake((byte)':') ? SeqNumber() : from);
        }
        while (!Failed && TryTake((byte)','));
        return set;
    }

    /// <summary>RFC 9051 §9 (seq-number): a set of one.</summary>
    public SequenceSet OneMessage()
    {
        var set = new SequenceSet();
        uint number = SeqNumber();
        set.Add(number, number);
        return set;
    }

    uint SeqNumber() => TryTake((byte)'*') ? Imap.SequenceSet.Star : NonZeroNumber();

    /// <summary>"(" flags ")" or, where <paramref name="bare"/>, flags without parentheses (STORE). RFC 9051 §9 (flag-list)</summary>
    public (MessageFlags Flags, IReadOnlyList<string> Keywords) Flags(bool bare = false)
    {
        var flags = MessageFlags.None;
        List<string>? keywords = null;
        bool list = TryTake((byte)'(');
        if (!list && !bare)
            Fail("Expected a list of flags");
        if (list && TryTake((byte)')'))
            return (flags, []);
        do
        {
            if (TryTake((byte)'\\'))
                flags |= SystemFlag(Atom());
            else
            {
                string keyword = Encoding.ASCII.GetString(Atom());
                if (keyword.Length > 128)   // ours; RFC 9051 §2.3.2 leaves it open
                    Fail("Keyword too long");
                keywords ??= [];
                if (!keywords.Contains(keyword, StringComparer.OrdinalIgnoreCase))
                    keywords.Add(keyword);
                if (keywords.Count > 100)
                    Fail("Too many keywords");
            }
        }
        while (!Failed && TryTake((byte)' '));
        if (list)
            Take((byte)')');
        return (flags, keywords ?? (IReadOnlyList<string>)[]);
    }

    MessageFlags SystemFlag(ReadOnlySpan<byte> name)
    {
        if (Ascii.EqualsIgnoreCase(name, "Seen"u8))
            return MessageFlags.Seen;
        if (Ascii.EqualsIgnoreCase(name, "Answered"u8))
            return MessageFlags.Answered;
        if (Ascii.EqualsIgnoreCase(name, "Flagged"u8))
            return MessageFlags.Flagged;
        if (Ascii.EqualsIgnoreCase(name, "Deleted"u8))
            return MessageFlags.Deleted;
        if (Ascii.EqualsIgnoreCase(name, "Draft"u8))
            return MessageFlags.Draft;
        // \Recent cannot be changed by clients (RFC 3501 §2.3.2), but some send it along; it is left out.
        if (!Ascii.EqualsIgnoreCase(name, "Recent"u8))
            Fail("Unknown system flag");
        return MessageFlags.None;
    }

    /// <summary>DQUOTE day "-" month "-" year SP time SP zone DQUOTE. RFC 9051 §9 (date-time)</summary>
    public DateTimeOffset DateTime()
    {
        Take((byte)'"');
        TryTake((byte)' ');   // date-day-fixed
        (int year, int month, int day) = DayMonthYear();
        Sp();
        int hour = TwoDigits();
        Take((byte)':');
        int minute = TwoDigits();
        Take((byte)':');
        int second = TwoDigits();
        Sp();
        int sign = TryTake((byte)'-') ? -1 : 1;
        if (sign == 1)
            Take((byte)'+');
        int zone = TwoDigits() * 60;
        zone += TwoDigits();
        Take((byte)'"');
        if (hour > 23 || minute > 59 || second > 60 || zone > 14 * 60)
            Fail("Bad date");
        if (Failed)
            return default;
        try
        {
            return new DateTimeOffset(year, month, day, hour, minute, Math.Min(second, 59), TimeSpan.FromMinutes(sign * zone));
        }
        catch (ArgumentOutOfRangeException)   // first and last day of the calendar
        {
            Fail("Bad date");
            return default;
        }
    }

    /// <summary>day "-" month "-" year, quoted or not, as a day. RFC 9051 §9 (date)</summary>
    public DateOnly Date()
    {
        bool quoted = TryTake((byte)'"');
        (int year, int month, int day) = DayMonthYear();
        if (quoted)
            Take((byte)'"');
        return Failed ? default : new DateOnly(year, month, day);
    }

    (int Year, int Month, int Day) DayMonthYear()
    {
        uint day = Number();
        Take((byte)'-');
        int month = 0;
        if (_at + 3 > _command.Length || !MailDate.Month(_command.Slice(_at, 3), out month))
            Fail("Bad month");
        else
            _at += 3;
        Take((byte)'-');
        uint year = Number();
        if (!Failed && (year is < 1 or > 9998 || day < 1 || day > System.DateTime.DaysInMonth((int)year, month)))
            Fail("Bad date");
        return Failed ? default : ((int)year, month, (int)day);
    }

    int TwoDigits()
    {
        if (_at + 2 > _command.Length || _command[_at] is < (byte)'0' or > (byte)'9' || _command[_at + 1] is < (byte)'0' or > (byte)'9')
        {
            Fail("Expected two digits");
            return 0;
        }
        int value = (_command[_at] - '0') * 10 + _command[_at + 1] - '0';
        _at += 2;
        return value;
    }

    public static bool IsAtom(ReadOnlySpan<byte> text)
    {
        foreach (byte b in text)
        {
            if (!IsAtomChar(b))
                return false;
        }
        return !text.IsEmpty;
    }

    /// <summary>RFC 9051 §9 (ATOM-CHAR): printable ASCII except specials.</summary>
    static bool IsAtomChar(byte b) =>
        b is > 0x20 and < 0x7F and not ((byte)'(' or (byte)')' or (byte)'{' or (byte)'%' or (byte)'*' or (byte)'"' or (byte)'\\' or (byte)']');
}
