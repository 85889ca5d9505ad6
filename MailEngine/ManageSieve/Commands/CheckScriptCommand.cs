using MailEngine.Sieve;

namespace MailEngine.ManageSieve.Commands;

/// <summary>CHECKSCRIPT: tells the errors of a script without storing it.</summary>
/// <remarks>RFC 5804 §2.12</remarks>
internal sealed record CheckScriptCommand(byte[] Script) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new CheckScriptCommand(r.SpString());

    public override ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct) =>
        ValueTask.FromResult(Look(Script, session.SieveLimits, "The script has no errors"));

    /// <summary>NO with all errors and their places, or OK with what was noticed. RFC 5804 §1.3 (WARNINGS)</summary>
    internal static ManageSieveReply Look(byte[] script, SieveOptions limits, string done)
    {
        if (script.Length > limits.ScriptBytes)
            return ManageSieveReply.No($"A script has {limits.ScriptBytes} octets at the most", "QUOTA/MAXSIZE");
        SieveCompilation compilation = SieveCompiler.Compile(script, limits);
        string text = string.Join("\r\n", compilation.Errors);
        return compilation.Program is null ? ManageSieveReply.No(text) : text.Length > 0 ? ManageSieveReply.Ok(text, "WARNINGS") : ManageSieveReply.Ok(done);
    }

    public override string ToString() => nameof(CheckScriptCommand);
}
