using MailEngine.Accounts;

namespace MailEngine.ManageSieve.Commands;

/// <summary>HAVESPACE: would a script of this name and size find room?</summary>
/// <remarks>RFC 5804 §2.5</remarks>
internal sealed record HaveSpaceCommand(string Name, long Bytes) : ManageSieveCommand
{
    public static ManageSieveCommand Parse(ref CommandReader r) => new HaveSpaceCommand(r.SpText(), r.SpNumber());

    public override async ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct)
    {
        ScriptLimits limits = await session.LimitsAsync(ct);
        return Bytes > limits.Bytes ? ManageSieveReply.TooLarge(limits.Bytes)
            : ManageSieveReply.Of(await session.Scripts.HaveSpaceAsync(session.AccountId, Name, limits.Scripts, ct), limits.Scripts);
    }
}
