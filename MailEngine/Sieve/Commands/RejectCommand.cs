using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>ereject reason, reject reason: the message is refused. RFC 5429 §2.1, RFC 5429 §2.2</summary>
internal sealed class RejectCommand(ScriptString reason, bool inTheseWords) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments) => new RejectCommand(arguments.String("the reason"), arguments.Name == "reject");

    public override void Run(SieveRun run) => run.Reject(new SieveAction.Reject(Octets.ToText(Octets.Cut(reason.Get(run), 4000)), inTheseWords));
}
