using System.Globalization;
using System.Text;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>A variable that something is written to: of the script, or a global one. RFC 5229 §4, RFC 6609 §3.4</summary>
internal sealed class VariableName
{
    readonly int _slot;
    readonly string _global;

    VariableName(int slot, string global)
    {
        _slot = slot;
        _global = global;
    }

    public static VariableName Of(ScriptString name, Compilation script)
    {
        string text = Octets.ToLower(name.Constant ?? "");
        bool isGlobal = text.StartsWith("global.", StringComparison.Ordinal) && script.Has(Capability.Include);
        if (isGlobal)
            text = text[7..];
        if (name.Constant is null || !ScriptString.IsIdentifier(text) || text.Length > ScriptString.LongestName)
        {
            script.Error(name.Offset, $"A name of a variable is made of letters, digits and \"_\", begins with no digit, has at most {ScriptString.LongestName} characters, and no variables in it.");
            return new VariableName(0, "");
        }
        if (isGlobal || script.Globals.Contains(text))
            return new VariableName(-1, text);
        script.Assigned.Add(text);
        return new VariableName(script.Slot(text, name.Offset), "");
    }

    public string Get(SieveRun run) => _slot >= 0 ? run.Variables[_slot] ?? "" : run.Globals.GetValueOrDefault(_global, "");

    /// <summary>What turns out to be too long while the script runs is cut. RFC 5229 §6</summary>
    public void Set(SieveRun run, string octets)
    {
        string value = Octets.Cut(octets, run.Limits.VariableBytes);
        if (_slot >= 0)
        {
            run.Variables[_slot] = value;
            return;
        }
        if (!run.Globals.ContainsKey(_global) && run.Globals.Count >= run.Limits.Variables)
            throw new SieveFaultException($"there are more than {run.Limits.Variables} global variables");
        run.Globals[_global] = value;
    }
}

/// <summary>set [MODIFIER] name value. RFC 5229 §4</summary>
internal sealed class SetCommand(VariableName name, ScriptString value, SetModifiers modifiers) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        var modifiers = SetModifiers.Read(arguments);
        var name = VariableName.Of(arguments.String("the name of the variable"), arguments.Script);
        ScriptString value = arguments.String("the value");
        // RFC 5229 §6: said at compile time where it can be known; :length alone makes something short of it.
        // Differs from RFC 5229 §6 (an error) for scripts that are stored already: earlier versions took them and cut the value, and so do we.
        if (!modifiers.Length && value.LeastOctets > arguments.Script.Limits.VariableBytes)
            arguments.Script.ErrorWhenNew(value.Offset, $"The value is too long: it has {value.LeastOctets} octets, and a variable holds {arguments.Script.Limits.VariableBytes} at the most.");
        return new SetCommand(name, value, modifiers);
    }

    public override void Run(SieveRun run)
    {
        string text = value.Get(run);
        run.ChargeFor(text.Length);
        name.Set(run, modifiers.Apply(text));
    }
}

/// <summary>[MODIFIER]: what is done to a value before it is kept. RFC 5229 §4.1, RFC 5435 §6</summary>
internal sealed record SetModifiers(string? Letters, string? First, bool Quote, bool Encode, bool Length)
{
    public static SetModifiers Read(Arguments arguments)
    {
        string? letters = arguments.OneOf(("lower", null), ("upper", null));
        string? first = arguments.OneOf(("lowerfirst", null), ("upperfirst", null));
        bool quote = arguments.Flag("quotewildcard"), length = arguments.Flag("length");
        return new SetModifiers(letters, first, quote, arguments.Flag("encodeurl", Capability.ENotify), length);
    }

    /// <remarks>In this order: RFC 5229 §4.1</remarks>
    public string Apply(string text)
    {
        text = Letters switch { "lower" => Octets.ToLower(text), "upper" => Octets.ToUpper(text), _ => text };
        if (First is not null && text.Length > 0)
            text = (First == "lowerfirst" ? Octets.ToLower(text[..1]) : Octets.ToUpper(text[..1])) + text[1..];
        if (Quote)
            text = Quoted(text);
        if (Encode)
            text = Escaped(text);
        return Length ? Octets.ToText(text).EnumerateRunes().Count().ToString(CultureInfo.InvariantCulture) : text;
    }

    /// <summary>RFC 5435 §6</summary>
    static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            if (char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~')
                escaped.Append(c);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"%{(int)c:X2}");
        }
        return escaped.ToString();
    }

    static string Quoted(string text)
    {
        var quoted = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            if (c is '*' or '?' or '\\')
                quoted.Append('\\');
            quoted.Append(c);
        }
        return quoted.ToString();
    }
}
