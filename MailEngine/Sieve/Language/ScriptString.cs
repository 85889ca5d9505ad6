using System.Text;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Language;

/// <summary>A string of a script: constant, or with variables that are looked up each time. RFC 5229 §3</summary>
internal sealed class ScriptString
{
    /// <summary>A run of constant octets, or a variable.</summary>
    /// <param name="Slot">Place of a variable of the script; <see cref="Match"/>: a match variable; <see cref="Global"/>; <see cref="Item"/>; -1: constant.</param>
    /// <param name="Text">The constant, or the name of a global variable, or of an item of the environment.</param>
    readonly record struct Piece(int Slot, string Text, int Index = 0);

    const int Match = -2, Global = -3, Item = -4;

    /// <summary>RFC 5229 §6 asks for 32 at least.</summary>
    public const int LongestName = 128;

    readonly Piece[] _pieces;

    ScriptString(Piece[] pieces, string? constant, int offset, string? source = null)
    {
        _pieces = pieces;
        Constant = constant;
        Offset = offset;
        Source = source ?? constant ?? "";
    }

    /// <summary>Null: it has variables.</summary>
    public string? Constant { get; }

    /// <summary>Octets it has at the least: those that stand in it, whatever its variables hold.</summary>
    public int LeastOctets => Constant?.Length ?? _pieces.Where(piece => piece.Slot == -1).Sum(piece => piece.Text.Length);

    /// <summary>As it is written, its variables not replaced.</summary>
    public string Source { get; }

    /// <summary>Where it stands in the script.</summary>
    public int Offset { get; }

    /// <summary>In place of one that is not there: what is said of it stands where its absence was reported, and is not told.</summary>
    public static ScriptString Missing(int offset) => new([], "", offset);

    public static ScriptString Of(string constant) => new([], constant, 0);

    /// <exception cref="SieveFaultException">It is longer than any string may be, or there were too many steps.</exception>
    public string Get(SieveRun run)
    {
        if (Constant is not null)
            return Constant;
        if (_pieces.Length == 1)
            return Value(run, _pieces[0]);
        long length = 0;
        foreach (Piece piece in _pieces)
            length += Value(run, piece).Length;
        if (length > run.Limits.ScriptBytes)
            throw new SieveFaultException($"a string with its variables is longer than {run.Limits.ScriptBytes} octets");
        run.ChargeFor(length + (8L * _pieces.Length));   // there can be very many empty ones
        var text = new StringBuilder((int)length);
        foreach (Piece piece in _pieces)
            text.Append(Value(run, piece));
        return text.ToString();
    }

    static string Value(SieveRun run, Piece piece) => piece.Slot switch
    {
        >= 0 => run.Variables[piece.Slot] ?? "",
        Match => run.Matched.Get(piece.Index),
        Global => run.Globals.GetValueOrDefault(piece.Text, ""),
        Item => run.Surroundings.Environment.Find(piece.Text, all: true) ?? "",
        _ => piece.Text,
    };

    public static ScriptString Compile(Token token, Compilation script)
    {
        string text = token.Text;
        if (text.Contains("${", StringComparison.Ordinal))
        {
            if (script.Has(Capability.EncodedCharacter))
                text = EncodedCharacters.Decode(text, token.Offset, script);
            if (script.Has(Capability.Variables))
                return Parse(text, token.Offset, script);
        }
        return new ScriptString([], text, token.Offset);
    }

    // variable-ref = "${" [namespace] variable-name "}"
    static ScriptString Parse(string text, int offset, Compilation script)
    {
        var pieces = new List<Piece>();
        var plain = new StringBuilder();
        int at = 0;
        while (at < text.Length)
        {
            int start = text.IndexOf("${", at, StringComparison.Ordinal);
            if (start < 0)
                break;
            int end = text.IndexOf('}', start, Math.Min(LongestName + 3, text.Length - start));
            if (end < 0 || PieceOf(Octets.ToLower(text[(start + 2)..end]), offset, script) is not { } piece)
            {
                plain.Append(text, at, start + 2 - at);   // no variable, but one may begin behind it: "${BAD${Company}"
                at = start + 2;
                continue;
            }
            plain.Append(text, at, start - at);
            if (plain.Length > 0)
                pieces.Add(new Piece(-1, plain.ToString()));
            plain.Clear();
            pieces.Add(piece);
            at = end + 1;
        }
        plain.Append(text, at, text.Length - at);
        if (pieces.Count == 0)
            return new ScriptString([], plain.ToString(), offset);
        if (plain.Length > 0)
            pieces.Add(new Piece(-1, plain.ToString()));
        return new ScriptString([.. pieces], null, offset, text);
    }

    static Piece? PieceOf(string name, int offset, Compilation script)
    {
        if (IsDigits(name))
        {
            script.UsesMatches = true;
            string digits = name.TrimStart('0');
            return new Piece(Match, "", digits.Length == 0 ? 0 : digits.Length > 6 ? int.MaxValue : int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture));
        }
        if (IsIdentifier(name))
            return script.Globals.Contains(name) ? new Piece(Global, name) : new Piece(script.Slot(name, offset), name);
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || !name.Split('.').All(part => IsIdentifier(part) || IsDigits(part)) || !IsIdentifier(name[..dot]))
            return null;
        if (name[..dot] == "global" && script.Has(Capability.Include) && IsIdentifier(name[(dot + 1)..]))
            return new Piece(Global, name[(dot + 1)..]);
        // No name of a variable has "-" in it, so "_" stands for it in names of items.
        if (name[..dot] == "env" && script.Has(Capability.MoreEnvironment))
            return new Piece(Item, name[(dot + 1)..].Replace('_', '-'));
        script.Error(offset, $"\"{name[..dot]}\" of \"${{{name}}}\" is no namespace of variables here: the extension that brings it must be required.");
        return null;
    }

    public static bool IsIdentifier(string name) =>
        name.Length > 0 && (char.IsAsciiLetter(name[0]) || name[0] == '_') && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    static bool IsDigits(string name) => name.Length > 0 && name.All(char.IsAsciiDigit);
}
