using MailEngine.Accounts;

namespace MailEngine.ManageSieve.Commands;

/// <summary>PUTSCRIPT: stores a script that has no errors, new or in place of the one of that name.</summary>
/// <remarks>RFC 5804 §2.6</remarks>
internal sealed record PutScriptCommand(string Name, byte[] Script) : ManageSieveCommand
{
    // command-putscript = "PUTSCRIPT" SP sieve-name SP sieve-script
    public static ManageSieveCommand Parse(ref CommandReader r) => new PutScriptCommand(r.SpText(), r.SpString());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        if (Script.Length == 0)
            return ManageSieveReply.No("A script has at least one octet; a comment or \"keep;\" does nothing too");
        ScriptLimits limits = await session.LimitsAsync(ct);
        if (Script.Length > limits.Bytes)
            return ManageSieveReply.TooLarge(limits.Bytes);
        ManageSieveReply looked = CheckScriptCommand.Look(Script, session.SieveLimits, Name);
        if (looked.Kind != "OK")
            return looked;
        ManageSieveReply stored = ManageSieveReply.Of(await session.Scripts.PutAsync(session.Who, session.AccountId, Name, Script, limits.Scripts, ct), limits.Scripts);
        return stored.Kind == "OK" ? looked : stored;
    }

    public override string ToString() => nameof(PutScriptCommand);
}
