using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve;

/// <summary>What a script would do with a message. Nothing is done.</summary>
public static class SieveTrial
{
    /// <param name="from">MAIL FROM; empty: the null reverse path.</param>
    /// <param name="to">RCPT TO.</param>
    /// <param name="host">Name of this server.</param>
    /// <param name="lists">As in <see cref="SieveSurroundings.List"/>; null: there are none.</param>
    public static SieveOutcome Run(
        SieveProgram program, ReadOnlyMemory<byte> message, string from, string to, string host, DateTimeOffset now, Func<string, bool> mailboxExists, SieveOptions limits,
        Func<ListName, bool, SieveList?>? lists = null) =>
        Interpreter.Run(program, MessageView.Of(message), new SieveSurroundings
        {
            EnvelopeFrom = Octets.OfText(from), EnvelopeTo = Octets.OfText(to), Now = now, MailboxExists = mailboxExists, SubaddressSeparator = "+", List = lists ?? ((_, _) => null),
            Environment = new SieveEnvironment(Octets.OfText(to[(to.LastIndexOf('@') + 1)..]), Octets.OfText(host), "") { User = Octets.OfText(to), Configured = limits.Environment },
        }, limits);
}
