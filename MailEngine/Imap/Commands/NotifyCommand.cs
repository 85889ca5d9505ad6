using MailEngine.Imap.Listing;
using MailEngine.Imap.Notify;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>NOTIFY: from now on the client is told, at any time, of just the events it asks for.</summary>
/// <remarks>RFC 5465 §3.1</remarks>
/// <param name="Groups">Null: NONE, it wants to hear of nothing.</param>
internal sealed record NotifyCommand(bool Status, IReadOnlyList<NotifyGroup>? Groups) : ImapCommand
{
    const int MaxGroups = 100;

    // notify = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE") (RFC 5465 §8)
    public static NotifyCommand Parse(ref ImapReader r)
    {
        r.Sp();
        if (r.TryWord("NONE"u8))
            return new(false, null);
        if (!r.TryWord("SET"u8))
            r.Fail("Expected SET or NONE");
        r.Sp();
        bool status = r.TryWord("STATUS"u8);
        if (status)
            r.Sp();
        var groups = new List<NotifyGroup>();
        do
            groups.Add(NotifyGroup.Parse(ref r));
        while (!r.Failed && groups.Count < MaxGroups && r.TryTake((byte)' '));
        if (!r.Failed && groups.Count(group => group.IsOfSelected) > 1)
            r.Fail("SELECTED or SELECTED-DELAYED, and once");   // RFC 5465 §6.1
        return new(status, groups);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (Groups?.Any(group => group.Events.HasFlag(NotifyEvents.Unsupported)) == true)
            return ImapReply.No("[BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)] Not an event of this server");
        if (Groups is not null && session.Selected is not null)
            session.Tell(mayExpunge: true);   // SET implies NOOP: RFC 5465 §3.1
        session.SetNotifier(await Notifier.StartAsync(session, Groups ?? [], ct));
        if (Status)
            await WriteStatusAsync(session, Groups!, ct);
        return ImapReply.Ok("NOTIFY completed");
    }

    /// <summary>Where things stand in the mailboxes that are watched from now on. RFC 5465 §3.1</summary>
    static async ValueTask WriteStatusAsync(ImapSession session, IReadOnlyList<NotifyGroup> groups, CancellationToken ct)
    {
        MailboxTree tree = await MailboxTree.OfAsync(session, ct);
        HashSet<string> subscribed = [.. tree.All.Where(box => box.Subscribed).Select(box => box.Shown.Value)];
        foreach (ListedMailbox box in tree.All)
        {
            if (box.Info is not { } info || !box.Rights.HasFlag(AclRights.Read) || (info.Id == session.Selected?.Box.Id && info.AccountId == session.Selected.Box.AccountId))
                continue;
            NotifyEvents wanted = Notifier.Wanted(groups, box.Shown, subscribed, isOwn: info.AccountId == session.AccountId) & NotifyEvents.OfMessages;
            if (wanted == NotifyEvents.None)
                continue;
            StatusItems items = StatusItems.Messages | StatusItems.UidNext | StatusItems.UidValidity;
            if (wanted.HasFlag(NotifyEvents.FlagChange))
                items |= session.Enabled.CondStore ? StatusItems.HighestModSeq : StatusItems.Unseen;
            await StatusCommand.WriteAsync(session, box.Shown, info, items, ct);
            await session.FlushIfFullAsync(ct);
        }
    }
}
