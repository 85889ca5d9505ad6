namespace MailEngine.Imap.Commands;

/// <summary>NAMESPACE: all mailboxes are the user's own.</summary>
/// <remarks>RFC 9051 §6.3.10, RFC 2342 §5</remarks>
internal sealed record NamespaceCommand : ImapCommand
{
    public static NamespaceCommand Parse(ref ImapReader r) => new();

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        NameForm form = session.Writer.Names;
        session.Writer.WriteAscii($"* NAMESPACE ((\"{form.Prefix}\" \"{form.Separator}\")) NIL NIL\r\n");
        return new(ImapReply.Ok("NAMESPACE completed"));
    }
}
