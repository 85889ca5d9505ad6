namespace MailEngine.Imap.Commands;

/// <summary>LOGOUT: BYE, OK, end.</summary>
/// <remarks>RFC 9051 §6.1.3</remarks>
internal sealed record LogoutCommand : ImapCommand
{
    public static LogoutCommand Parse(ref ImapReader r) => new();

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        session.Bye("Good bye");
        return new(ImapReply.Ok("LOGOUT completed"));
    }
}
