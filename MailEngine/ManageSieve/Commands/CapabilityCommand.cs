using System.Globalization;
using System.Text;
using MailEngine.Sasl;
using MailEngine.Sieve;

namespace MailEngine.ManageSieve.Commands;

/// <summary>CAPABILITY: what the server can do; also told as the greeting and after STARTTLS.</summary>
/// <remarks>RFC 5804 §2.4, RFC 5804 §1.7</remarks>
internal sealed record CapabilityCommand : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new CapabilityCommand();

    public override ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        session.Write(TextOf(session));
        return ValueTask.FromResult(ManageSieveReply.Done);
    }

    public static string TextOf(ManageSieveSession session)
    {
        var text = new StringBuilder();
        void Line(string name, string? value = null) =>
            text.Append(CultureInfo.InvariantCulture, $"\"{name}\"{(value is null ? "" : " " + ManageSieveReply.String(value))}\r\n");
        Line("IMPLEMENTATION", "MailAdmin");
        Line("SIEVE", string.Join(' ', Capability.All));
        Line("SASL", session.MayLogIn ? string.Join(' ', SaslExchange.Mechanisms) : "");
        if (session.Account is null && !session.Connection.IsTls && !session.Connection.IsUnixSocket)
            Line("STARTTLS");
        Line("NOTIFY", "mailto");   // RFC 5804 §1.7
        Line("EXTLISTS", ListName.Schemes);   // RFC 6134 §2.6
        Line("MAXREDIRECTS", session.SieveLimits.Redirects.ToString(CultureInfo.InvariantCulture));
        if (session.Account is { } account)
            Line("OWNER", account.Login);
        Line("UNAUTHENTICATE");
        Line("VERSION", "1.0");
        return text.ToString();
    }
}
