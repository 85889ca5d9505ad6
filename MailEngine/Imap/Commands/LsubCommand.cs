using MailEngine.Store;

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
        var pattern = new ListPattern(Reference, Pattern);
        IReadOnlyList<MailboxInfo> all = await session.Store.ListAsync(session.AccountId);
        var shown = new HashSet<MailboxName>();
        foreach (MailboxInfo info in all)
        {
            if (info.Subscribed && pattern.Matches(info.Name.Value) && shown.Add(info.Name))
                await WriteAsync(session, info.Name, "* LSUB () \"/\" ", ct);
        }
        if (!pattern.EndsWithPercent)
            return ImapReply.Ok("LSUB completed");
        foreach (MailboxInfo info in all)
        {
            if (!info.Subscribed)
                continue;
            for (MailboxName? parent = info.Name.Parent; parent is { } name; parent = name.Parent)
            {
                if (pattern.Matches(name.Value) && shown.Add(name))
                    await WriteAsync(session, name, "* LSUB (\\Noselect) \"/\" ", ct);
            }
        }
        return ImapReply.Ok("LSUB completed");
    }

    static ValueTask WriteAsync(ImapSession session, MailboxName name, string start, CancellationToken ct)
    {
        session.Writer.WriteAscii(start);
        session.Writer.WriteMailbox(name.Value);
        session.Writer.Write("\r\n"u8);
        return session.FlushIfFullAsync(ct);
    }
}
