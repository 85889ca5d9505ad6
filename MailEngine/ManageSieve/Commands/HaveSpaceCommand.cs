namespace MailEngine.ManageSieve.Commands;

/// <summary>HAVESPACE: would a script of this name and size find room?</summary>
/// <remarks>RFC 5804 §2.5</remarks>
internal sealed record HaveSpaceCommand(string Name, long Bytes) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new HaveSpaceCommand(r.SpText(), r.SpNumber());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        if (Bytes > session.SieveLimits.ScriptBytes)
            return ManageSieveReply.No($"A script has {session.SieveLimits.ScriptBytes} octets at the most", "QUOTA/MAXSIZE");
        return ManageSieveReply.Of(await session.Scripts.HaveSpaceAsync(session.AccountId, Name, session.SieveLimits.Scripts, ct), "There is room", session.SieveLimits.Scripts);
    }
}
