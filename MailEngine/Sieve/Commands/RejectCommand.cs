using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>ereject reason: the message is refused, to the client that brings it where it can still be told, else by a report. RFC 5429 §2.1</summary>
internal sealed class RejectCommand(ScriptString reason) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments) => new RejectCommand(arguments.String("the reason"));

    public override void Run(SieveRun run) => run.Reject(new SieveAction.Reject(Octets.ToText(Octets.Cut(reason.Get(run), 4000))));
}
