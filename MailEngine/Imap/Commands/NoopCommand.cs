namespace MailEngine.Imap.Commands;

/// <summary>NOOP and CHECK: nothing but a chance to hear what changed; the session tells it before the tagged answer.</summary>
/// <remarks>RFC 9051 §6.1.2; CHECK: RFC 3501 §6.4.1. All acknowledged changes are on disk, so CHECK has no more to do.</remarks>
internal sealed record NoopCommand(ImapReply Reply) : ImapCommand
{
    static readonly NoopCommand s_noop = new(ImapReply.Ok("NOOP completed")), s_check = new(ImapReply.Ok("CHECK completed"));

    public static NoopCommand Parse(ref ImapReader r) => s_noop;

    public static NoopCommand ParseCheck(ref ImapReader r) => s_check;

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct) => new(Reply);
}
