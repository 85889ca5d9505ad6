namespace MailEngine.Imap.Commands;

/// <summary>NAMESPACE: where one's own mailboxes are, those of other users, and those of the domain.</summary>
/// <remarks>RFC 9051 §6.3.10, RFC 2342 §5</remarks>
internal sealed record NamespaceCommand : ImapCommand
{
    public static NamespaceCommand Parse(ref ImapReader r) => new();

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (!session.Account!.HasMailbox)   // an administrator: users' mailboxes below "user/", those of domains beside it
        {
            session.Writer.Write("* NAMESPACE NIL ((\"user/\" \"/\")) ((\"\" \"/\"))\r\n"u8);
            return new(ImapReply.Ok("NAMESPACE completed"));
        }
        NameForm form = session.Writer.Names;
        char separator = form.Separator;
        session.Writer.WriteAscii($"* NAMESPACE ((\"{form.Prefix}\" \"{separator}\")) "
            + $"((\"{Namespaces.OtherUsers}{separator}\" \"{separator}\")) ((\"{Namespaces.Shared}{separator}\" \"{separator}\"))\r\n");
        return new(ImapReply.Ok("NAMESPACE completed"));
    }
}
