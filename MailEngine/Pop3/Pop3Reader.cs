using System.Buffers.Text;
using MailEngine.Sasl;

namespace MailEngine.Pop3;

/// <summary>Reads the arguments of a command line. Keeps its first fault and yields defaults after it.</summary>
/// <remarks>RFC 2449 §3. More than one space, and spaces at the end, are passed over: programs send them.</remarks>
internal ref struct Pop3Reader(ReadOnlySpan<byte> rest)
{
    ReadOnlySpan<byte> _rest = rest;

    /// <summary>What is wrong; null: nothing.</summary>
    public Pop3Text? Fault { get; private set; }

    /// <summary>Another argument follows.</summary>
    public bool HasMore
    {
        get
        {
            _rest = _rest.TrimStart((byte)' ');
            return !_rest.IsEmpty && Fault is null;
        }
    }

    /// <summary>Three or four letters as one number, upper case; 0: what stands there is no command word. RFC 2449 §3</summary>
    public uint Verb()
    {
        uint verb = 0;
        int i = 0;
        for (; i < _rest.Length && _rest[i] != (byte)' '; i++)
        {
            if (i == 4)
                return 0;
            byte b = _rest[i];
            verb = verb << 8 | (b is >= (byte)'a' and <= (byte)'z' ? b - 32u : b);
        }
        _rest = _rest[i..];
        return verb;
    }

    /// <summary>The same for a word of ours.</summary>
    public static uint VerbOf(string word)
    {
        uint verb = 0;
        foreach (char c in word)
            verb = verb << 8 | c;
        return verb;
    }

    public ReadOnlySpan<byte> Word()
    {
        if (!HasMore)
        {
            Fail(Pop3Texts.MissingArgument);
            return default;
        }
        int end = _rest.IndexOf((byte)' ');
        ReadOnlySpan<byte> word = end < 0 ? _rest : _rest[..end];
        _rest = _rest[word.Length..];
        return word;
    }

    /// <summary>A message number, or a number of lines. One that no message can have is handed out as the largest there is.</summary>
    public int Number()
    {
        ReadOnlySpan<byte> word = Word();
        if (word.IsEmpty)
            return 0;
        if (word.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            Fail(Pop3Texts.NotANumber);
            return 0;
        }
        return Utf8Parser.TryParse(word, out int number, out int used) && used == word.Length ? number : int.MaxValue;
    }

    /// <summary>Null: there is none.</summary>
    public int? OptionalNumber() => HasMore ? Number() : null;

    /// <summary>All that is left behind one space, spaces and all: a name or a password may have some. RFC 1939 §7</summary>
    public string Rest()
    {
        ReadOnlySpan<byte> text = _rest.IsEmpty ? _rest : _rest[1..];
        _rest = default;
        if (text.IsEmpty)
            Fail(Pop3Texts.MissingArgument);
        else if (SaslPlain.TryText(text, out string value))
            return value;
        else
            Fail(Pop3Texts.NotText);
        return "";
    }

    public void End()
    {
        if (HasMore)
            Fail(Pop3Texts.TooManyArguments);
    }

    public void Fail(Pop3Text fault) => Fault ??= fault;
}
