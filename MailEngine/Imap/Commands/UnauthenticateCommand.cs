namespace MailEngine.Imap.Commands;

/// <summary>UNAUTHENTICATE: back to before log-in on the same connection, for a program that acts for many users.</summary>
/// <remarks>RFC 8437 §3. A NO is not permitted: where the connection cannot be reset, it ends.</remarks>
internal sealed record UnauthenticateCommand : ImapCommand
{
    public static UnauthenticateCommand Parse(ref ImapReader r) => new();

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (!session.Services.Options.ImapUnauthenticate)
            return new(ImapReply.Bad("Unknown command"));
        if (session.Connection.IsCompressed)
        {
            session.Bye("A compressed connection cannot change its user");
            return new(ImapReply.Nothing);
        }
        session.LogOut();
        return new(ImapReply.Ok("UNAUTHENTICATE completed"));
    }
}
