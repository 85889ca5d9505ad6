using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Language;

/// <summary>What is known of a script while it is compiled: the extensions it requires, its variables, the instructions so far.</summary>
internal sealed class Compilation(SieveErrors errors, SieveOptions limits, bool isStored)
{
    readonly HashSet<string> _required = new(StringComparer.Ordinal);
    readonly Dictionary<string, int> _slots = new(StringComparer.Ordinal);
    readonly List<Instruction> _code = [];
    readonly List<int> _labels = [];

    public SieveErrors Errors => errors;

    public SieveOptions Limits => limits;

    /// <summary>Some string names a match variable, so that matches must be remembered. RFC 5229 §3.2</summary>
    public bool UsesMatches { get; set; }

    /// <summary>Names that "global" declared. RFC 6609 §3.4.1</summary>
    public HashSet<string> Globals { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that "set" gave a value so far.</summary>
    public HashSet<string> Assigned { get; } = new(StringComparer.Ordinal);

    /// <summary>It asks about lists that are kept elsewhere. RFC 6134 §2.2</summary>
    public bool UsesLists { get; private set; }

    public void AsksForLists() => UsesLists = true;

    /// <summary>Notes that a string names a list. A name of which no list can be is no error: valid_ext_list may stand before it.</summary>
    public void NamesList(ScriptString name)
    {
        UsesLists = true;
        if (name.Constant is { } constant && !ListName.TryParse(Octets.ToText(constant), out _))
            errors.Warn(name.Offset, "No list has such a name here: \":addrbook:default\", \"tag:DOMAIN,2026:addresses\" and \"tag:LIST@DOMAIN,2026:members\" are names of lists.");
    }

    /// <summary>Loops over parts around what is compiled now. RFC 5703 §3</summary>
    public int Loops { get; set; }

    /// <summary>Scripts that it names by include. RFC 6609 §3.2</summary>
    public HashSet<IncludedScript> Includes { get; } = [];

    public void Error(int offset, string message) => errors.Add(offset, message);

    /// <summary>An error of scripts that are checked or stored. Those that were stored before it was one run on as they did.</summary>
    public void ErrorWhenNew(int offset, string message)
    {
        if (!isStored)
            errors.Add(offset, message);
    }

    public void Require(string capability)
    {
        _required.Add(capability);
        if (capability == Capability.VacationSeconds)
            _required.Add(Capability.Vacation);   // RFC 6131 §2
        if (capability == Capability.MoreEnvironment)
            _required.Add(Capability.Environment);
    }

    /// <summary>A "require" names it.</summary>
    public void RequireByName(string capability)
    {
        Require(capability);
        if (capability is Capability.Reject or Capability.EReject or Capability.Vacation or Capability.VacationSeconds)
            _forDelivery ??= capability;
    }

    string? _forDelivery;

    public bool Has(string capability) => _required.Contains(capability);

    /// <summary>Reports an error unless an extension was required.</summary>
    /// <param name="what">What of the script needs it, as it is written.</param>
    public bool Needs(string? capability, int offset, string what)
    {
        if (capability is null || _required.Contains(capability))
            return true;
        errors.Add(offset, $"{what} needs the extension \"{capability}\": write require \"{capability}\"; at the top of the script.");
        return false;
    }

    /// <summary>Place of a variable of this script.</summary>
    public int Slot(string name, int offset)
    {
        if (_slots.TryGetValue(name, out int slot))
            return slot;
        if (_slots.Count >= limits.Variables)
        {
            errors.Add(offset, $"The script has more than {limits.Variables} variables.");
            return 0;
        }
        _slots.Add(name, _slots.Count);
        return _slots.Count - 1;
    }

    int _patterns;

    /// <summary>Counts one more regular expression; reports an error when there are too many.</summary>
    public bool TakesPattern(int offset)
    {
        if (++_patterns <= limits.Patterns)
            return true;
        if (_patterns == limits.Patterns + 1)
            errors.Add(offset, $"The script has more than {limits.Patterns} regular expressions.");
        return false;
    }

    public ScriptString String(Token token) => ScriptString.Compile(token, this);

    public int NewLabel()
    {
        _labels.Add(-1);
        return _labels.Count - 1;
    }

    /// <summary>The next instruction is where the label leads.</summary>
    public void Place(int label) => _labels[label] = _code.Count;

    public void Emit(SieveCommand command) => _code.Add(new Instruction { Command = command });

    public void EmitTest(SieveTest test, int ifTrue, int ifFalse) => _code.Add(new Instruction { Test = test, IfTrue = ifTrue, IfFalse = ifFalse });

    public void EmitJump(int label) => _code.Add(new Instruction { IfTrue = label });

    /// <summary>Instructions so far.</summary>
    public int Length => _code.Count;

    /// <summary>The errors found since become one that ends the script where it is reached. RFC 5463 §4</summary>
    /// <param name="from">Instructions from here on are of what has the errors: they go, or they would run before it, or in its place. No label stands among them.</param>
    public void PutOff(int mark, int from, int offset)
    {
        if (errors.RollBack(mark) is not { } fault)
            return;
        _code.RemoveRange(from, _code.Count - from);
        errors.Warn(offset, $"This is an error when it is reached: {fault}");
        Emit(new Commands.ErrorCommand(ScriptString.Of(Octets.OfText(fault))));
    }

    public SieveProgram ToProgram()
    {
        Instruction[] code = [.. _code];
        for (int i = 0; i < code.Length; i++)
        {
            if (code[i].Command is not null)
                continue;
            code[i].IfTrue = _labels[code[i].IfTrue];
            code[i].IfFalse = code[i].Test is null ? 0 : _labels[code[i].IfFalse];
        }
        return new SieveProgram(code, _slots.Count, UsesMatches, [.. Includes]) { UsesLists = UsesLists, ForDelivery = _forDelivery, Patterns = _patterns };
    }
}
