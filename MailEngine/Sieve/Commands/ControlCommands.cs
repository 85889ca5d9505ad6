using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>stop: ends the script, and those that include it. RFC 5228 §3.3</summary>
internal sealed class StopCommand : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments) => new StopCommand();

    public override void Run(SieveRun run) => run.IsStopped = true;
}

/// <summary>error message: ends the script with a fault. RFC 5463 §5</summary>
internal sealed class ErrorCommand(ScriptString message) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments) => new ErrorCommand(arguments.String("the message"));

    public override void Run(SieveRun run) => throw new SieveFaultException(Octets.ToText(Octets.Cut(message.Get(run), 1000)));
}

/// <summary>debug_log message: a note for the owner of the script. The extension vnd.dovecot.debug of the Pigeonhole project.</summary>
internal sealed class DebugLogCommand(ScriptString message) : SieveCommand
{
    /// <summary>Octets of a note: it stands in a list.</summary>
    const int Longest = 500;

    public static SieveCommand Parse(Arguments arguments) => new DebugLogCommand(arguments.String("the message"));

    public override void Run(SieveRun run) => run.Note(Octets.ToText(Octets.Cut(message.Get(run), Longest)));
}
