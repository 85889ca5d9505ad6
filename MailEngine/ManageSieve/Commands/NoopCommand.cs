namespace MailEngine.ManageSieve.Commands;

/// <summary>NOOP: nothing but an answer, with the tag that was given.</summary>
/// <remarks>RFC 5804 §2.13</remarks>
internal sealed record NoopCommand(string? Tag) : ManageSieveCommand
{
    // command-noop = "NOOP" [SP string]
    public static ManageSieveCommand Parse(ref CommandReader r) => new NoopCommand(r.HasMore ? r.SpText() : null);

    public override ValueTask<ManageSieveReply> RunAsync(ManageSieveSession session, CancellationToken ct) =>
        ValueTask.FromResult(Tag is null ? ManageSieveReply.Done : ManageSieveReply.Ok("Done", $"TAG {ManageSieveReply.String(Tag)}"));
}
