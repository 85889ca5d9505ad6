using MailEngine.Accounts;
using MailEngine.Sieve;

namespace MailEngine.ManageSieve.Commands;

/// <summary>CHECKSCRIPT: tells the errors of a script without storing it.</summary>
/// <remarks>RFC 5804 §2.12</remarks>
internal sealed record CheckScriptCommand(byte[] Script) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new CheckScriptCommand(r.SpString());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct) =>
        Look(Script, await session.LimitsAsync(ct), session.SieveLimits);

    /// <summary>NO with all errors and their places, or OK with what was noticed. RFC 5804 §1.3 (WARNINGS)</summary>
    internal static ManageSieveReply Look(byte[] script, ScriptLimits own, SieveOptions limits)
    {
        if (script.Length > own.Bytes)
            return ManageSieveReply.TooLarge(own.Bytes);
        SieveCompilation compilation = SieveCompiler.Compile(script, limits);
        string text = string.Join("\r\n", compilation.Errors);
        return compilation.Program is null ? ManageSieveReply.No(text) : text.Length > 0 ? ManageSieveReply.Ok(text, "WARNINGS") : ManageSieveReply.Done;
    }

    public override string ToString() => nameof(CheckScriptCommand);
}
