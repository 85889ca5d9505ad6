using System.Globalization;
using MailEngine.Sieve;

namespace MailEngine.ManageSieve.Commands;

/// <summary>CHECKSCRIPT: tells the errors of a script without storing it.</summary>
/// <remarks>RFC 5804 §2.12: what the account may store does not count here; <see cref="SieveOptions.ScriptBytes"/> does, which is what may be sent at all.</remarks>
internal sealed record CheckScriptCommand(byte[] Script) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new CheckScriptCommand(r.SpString());

    public override ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct) =>
        ValueTask.FromResult(Look(Script, session.SieveLimits));

    /// <summary>NO with all errors and their places, or OK with what was noticed. RFC 5804 §1.3 (WARNINGS)</summary>
    /// <param name="name">Of the script that is stored; empty: it has none yet.</param>
    /// <remarks>The form of a line is that of RFC 5804 §2.6, with the name before it as Pigeonhole has it: Roundcube marks the lines of a script whose
    /// errors it finds as <c>NAME:</c> and <c>line N:</c>.</remarks>
    internal static ManageSieveReply Look(byte[] script, SieveOptions limits, string name = "")
    {
        SieveCompilation compilation = SieveCompiler.Compile(script, limits);
        string before = name.Length > 0 ? name + ": " : "";
        string text = string.Join("\r\n", compilation.Errors.Select(e =>
            string.Create(CultureInfo.InvariantCulture, $"{before}line {e.Line}: {(e.IsWarning ? "warning: " : "")}{e.Message} (column {e.Column})")));
        return compilation.Program is null ? ManageSieveReply.No(text) : text.Length > 0 ? ManageSieveReply.Ok(text, "WARNINGS") : ManageSieveReply.Done;
    }

    public override string ToString() => nameof(CheckScriptCommand);
}
