using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>include [":personal" / ":global"] [":once"] [":optional"] name: runs another script here. RFC 6609 §3.2</summary>
internal sealed class IncludeCommand(IncludedScript script, bool once, bool optional) : SieveCommand
{
    /// <summary>Characters of a name; RFC 5804 §1.6</summary>
    const int MostName = Accounts.SieveScript.MaxName;

    public static SieveCommand Parse(Arguments arguments)
    {
        bool isGlobal = arguments.OneOf(("personal", null), ("global", null)) == "global";
        bool once = arguments.Flag("once"), optional = arguments.Flag("optional");
        ScriptString written = arguments.String("the name of the script");
        string name = Octets.ToText(written.Source);   // never with variables: RFC 6609 §3.2
        if (!Accounts.SieveScript.IsName(name))
            arguments.Script.Error(written.Offset, $"This cannot be the name of a script: it has 1 to {MostName} characters and no control characters.");
        var script = new IncludedScript(isGlobal, name);
        arguments.Script.Includes.Add(script);
        return new IncludeCommand(script, once, optional);
    }

    public override void Run(SieveRun run) => run.Include(script, once, optional);
}

/// <summary>return: goes on behind the include that led here; in the first script it is stop. RFC 6609 §3.3</summary>
internal sealed class ReturnCommand : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments) => new ReturnCommand();

    public override void Run(SieveRun run) => run.IsReturning = true;
}

/// <summary>global names: from here on these are variables of all scripts of this run. RFC 6609 §3.4.1</summary>
internal static class GlobalDeclaration
{
    public static SieveCommand? Parse(Arguments arguments)
    {
        Compilation script = arguments.Script;
        script.Needs(Capability.Variables, arguments.Offset, "\"global\"");
        foreach (ScriptString written in arguments.Strings("the list of variables"))
        {
            string name = Octets.ToLower(written.Constant ?? "");
            if (!ScriptString.IsIdentifier(name) || name.Length > ScriptString.LongestName)
                script.Error(written.Offset, $"A name of a variable is made of letters, digits and \"_\", begins with no digit, has at most {ScriptString.LongestName} characters, and no variables in it.");
            else if (script.Assigned.Contains(name))
                script.Error(written.Offset, $"\"{name}\" was given a value above, so it is a variable of this script alone: \"global\" must stand before that.");
            else
                script.Globals.Add(name);
        }
        return null;
    }
}
