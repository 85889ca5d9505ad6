using System.Buffers.Text;
using System.Text;

namespace MailEngine.ManageSieve;

/// <summary>Reads the words of one command. Keeps its first fault and gives defaults after it, so that a command reads like its grammar. RFC 5804 §4</summary>
internal ref struct CommandReader(ReadOnlySpan<byte> command)
{
    readonly ReadOnlySpan<byte> _all = command;
    int _at;

    /// <summary>Null: all was as it should be.</summary>
    public string? Fault { get; private set; }

    /// <summary>The name of the command, in capitals.</summary>
    public string Verb()
    {
        int start = _at;
        while (_at < _all.Length && _all[_at] is > 0x20 and < 0x7F and not ((byte)'"' or (byte)'{'))
            _at++;
        return Encoding.ASCII.GetString(_all[start.._at]).ToUpperInvariant();
    }

    /// <summary>More words follow.</summary>
    public readonly bool HasMore => _at < _all.Length && _all[_at] == (byte)' ';

    /// <summary>SP string, as text.</summary>
    public string SpText()
    {
        byte[] octets = SpString();
        try
        {
            return s_strict.GetString(octets);
        }
        catch (DecoderFallbackException)
        {
            Fail("A string is not UTF-8");
            return "";
        }
    }

    static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>SP string, quoted or literal.</summary>
    public byte[] SpString()
    {
        if (!HasMore)
        {
            Fail("An argument is missing");
            return [];
        }
        _at++;
        return String();
    }

    /// <summary>A string, quoted or literal.</summary>
    public byte[] String()
    {
        if (_at < _all.Length && _all[_at] == (byte)'"')
            return Quoted();
        if (_at < _all.Length && _all[_at] == (byte)'{')
        {
            int end = _all[_at..].IndexOf("+}\r\n"u8);
            if (end > 0 && Utf8Parser.TryParse(_all.Slice(_at + 1, end - 1), out int size, out int used) && used == end - 1 && size >= 0 && size <= _all.Length - _at - end - 4)
            {
                byte[] literal = _all.Slice(_at + end + 4, size).ToArray();
                _at += end + 4 + size;
                return literal;
            }
        }
        Fail("An argument must be a string, \"in quotes\" or as a literal {size+}");
        return [];
    }

    byte[] Quoted()
    {
        var octets = new List<byte>();
        for (int i = _at + 1; i < _all.Length; i++)
        {
            byte b = _all[i];
            if (b == (byte)'"')
            {
                _at = i + 1;
                return [.. octets];
            }
            if (b == (byte)'\\' && i + 1 < _all.Length && _all[i + 1] is (byte)'"' or (byte)'\\')
                b = _all[++i];
            else if (b is 0 or (byte)'\r' or (byte)'\n' or (byte)'\\')
                break;
            octets.Add(b);
        }
        Fail("A quoted string has no end, or a backslash before something else than a quote or a backslash");
        return [];
    }

    // number = (NZDIGIT *DIGIT) / "0"
    public long SpNumber()
    {
        if (HasMore && Utf8Parser.TryParse(_all[(_at + 1)..], out uint number, out int used))
        {
            _at += 1 + used;
            return number;
        }
        Fail("An argument must be a number below 4294967296");
        return 0;
    }

    /// <summary>The line ends here.</summary>
    public void End()
    {
        if (Fault is null && !_all[_at..].SequenceEqual("\r\n"u8))
            Fail("There is more than the command takes");
    }

    void Fail(string what)
    {
        Fault ??= what;
        _at = _all.Length;
    }
}
