using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>LIST: names of mailboxes, with their attributes.</summary>
/// <remarks>RFC 9051 §6.3.9, RFC 3501 §6.3.8; children: RFC 3348 §3; special use: RFC 6154 §2</remarks>
internal sealed record ListCommand(string Reference, string Pattern) : ImapCommand
{
    // list = "LIST" SP mailbox SP list-mailbox (RFC 3501 §9)
    public static ListCommand Parse(ref ImapReader r)
    {
        r.Sp();
        string reference = r.ListMailbox();
        r.Sp();
        return new(reference, r.ListMailbox());
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (Pattern.Length == 0)
        {
            session.Writer.Write("* LIST (\\Noselect) \"/\" \"\"\r\n"u8);   // asks for the separator: RFC 9051 §6.3.9
            return ImapReply.Ok("LIST completed");
        }
        var pattern = new ListPattern(Reference, Pattern);
        IReadOnlyList<MailboxInfo> all = await session.Store.ListAsync(session.AccountId);
        var parents = new HashSet<MailboxName>();
        foreach (MailboxInfo info in all)
        {
            for (MailboxName? parent = info.Id == 0 ? null : info.Name.Parent; parent is { } name && parents.Add(name); parent = name.Parent)
            {
            }
        }
        foreach (MailboxInfo info in all)
        {
            bool hasChildren = parents.Contains(info.Name);
            if (info.Id == 0 && !hasChildren || !pattern.Matches(info.Name.Value))
                continue;
            ImapWriter w = session.Writer;
            w.Write("* LIST ("u8);
            if (info.Id == 0)
                w.Write("\\Noselect "u8);
            w.Write(hasChildren ? "\\HasChildren"u8 : "\\HasNoChildren"u8);
            if (info.SpecialUse.Length > 0)
            {
                w.Write((byte)' ');
                w.WriteAscii(info.SpecialUse);
            }
            w.Write(") \"/\" "u8);
            w.WriteMailbox(info.Name.Value);
            w.Write("\r\n"u8);
            await session.FlushIfFullAsync(ct);
        }
        return ImapReply.Ok("LIST completed");
    }
}
