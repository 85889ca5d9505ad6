using System.Globalization;
using MailEngine.Accounts;

namespace MailEngine.ManageSieve.Commands;

/// <summary>GETSCRIPT: the text of a script, as it was stored.</summary>
/// <remarks>RFC 5804 §2.9</remarks>
internal sealed record GetScriptCommand(string Name) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new GetScriptCommand(r.SpText());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        if (await session.Scripts.ReadAsync(session.AccountId, Name, ct) is not { } script)
            return ManageSieveReply.Of(ScriptFault.NoSuchScript, 0);
        session.Write(string.Create(CultureInfo.InvariantCulture, $"{{{script.Length}}}\r\n"));
        session.Write(script);
        session.Write("\r\n"u8);
        return ManageSieveReply.Done;
    }
}
