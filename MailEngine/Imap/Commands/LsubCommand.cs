using MailEngine.Imap.Listing;

namespace MailEngine.Imap.Commands;

/// <summary>LSUB: names that are subscribed.</summary>
/// <remarks>RFC 3501 §6.3.9: with "%" at the end, a level that only has subscribed names below it is shown as \Noselect.</remarks>
internal sealed record LsubCommand(string Reference, string Pattern) : ImapCommand
{
    // lsub = "LSUB" SP mailbox SP list-mailbox (RFC 3501 §9)
    public static LsubCommand Parse(ref ImapReader r)
    {
        r.Sp();
        string reference = r.ListMailbox();
        r.Sp();
        return new(reference, r.ListMailbox());
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        char separator = session.Writer.Names.Separator;
        var pattern = new ListPattern(Reference, Pattern, separator);
        MailboxTree tree = await MailboxTree.OfAsync(session, ct);
        var shown = new HashSet<string>(StringComparer.Ordinal);
        foreach (ListedMailbox box in tree.All)
        {
            if (box.Subscribed && pattern.Matches(box.Name) && shown.Add(box.Name))
                await WriteAsync(session, box.Name, $"* LSUB () \"{separator}\" ", ct);
        }
        if (!pattern.EndsWithPercent)
            return ImapReply.Ok("LSUB completed");
        foreach (ListedMailbox box in tree.All)
        {
            if (!box.Subscribed)
                continue;
            foreach (string above in tree.Above(box.Name))
            {
                if (pattern.Matches(above) && shown.Add(above))
                    await WriteAsync(session, above, $"* LSUB (\\Noselect) \"{separator}\" ", ct);
            }
        }
        return ImapReply.Ok("LSUB completed");
    }

    static ValueTask WriteAsync(ImapSession session, string name, string start, CancellationToken ct)
    {
        session.Writer.WriteAscii(start);
        session.Writer.WriteClientName(name);
        session.Writer.Write("\r\n"u8);
        return session.FlushIfFullAsync(ct);
    }
}
