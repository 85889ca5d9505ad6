using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>Where a set of flags is kept: in a variable, or in the internal one. RFC 5232 §3</summary>
internal sealed class FlagVariable
{
    readonly VariableName? _variable;

    FlagVariable(VariableName? variable) => _variable = variable;

    public static FlagVariable Internal { get; } = new(null);

    public static FlagVariable Of(ScriptString name, Compilation script)
    {
        if (!script.Needs(Capability.Variables, name.Offset, "A name of a variable"))
            return Internal;
        return new FlagVariable(VariableName.Of(name, script));
    }

    public string Get(SieveRun run) => _variable is null ? run.Flags : _variable.Get(run);

    public void Set(SieveRun run, IEnumerable<string> flags)
    {
        string text = string.Join(' ', flags);
        if (_variable is null)
            run.Flags = text;
        else
            _variable.Set(run, text);
    }
}

/// <summary>setflag, addflag and removeflag [variablename] list-of-flags. RFC 5232 §3.1, RFC 5232 §3.2, RFC 5232 §3.3</summary>
internal sealed class FlagCommand(string name, FlagVariable variable, ScriptString[] flags) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        FlagVariable variable = arguments.Left < 2 ? FlagVariable.Internal : FlagVariable.Of(arguments.String("the name of the variable"), arguments.Script);
        return new FlagCommand(arguments.Name, variable, arguments.Strings("the list of flags"));
    }

    public override void Run(SieveRun run)
    {
        List<string> given = FlagList.Valid(run, flags);
        run.Charge(given.Count);
        variable.Set(run, name switch
        {
            "setflag" => given,
            "addflag" => FlagList.Valid([variable.Get(run), .. given]),
            _ => FlagList.Valid(variable.Get(run)).Where(flag => !given.Contains(flag, StringComparer.OrdinalIgnoreCase)),
        });
    }
}
