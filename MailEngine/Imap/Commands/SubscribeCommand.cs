using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SUBSCRIBE and UNSUBSCRIBE: the list of mailboxes a client shows. The mailbox need not exist.</summary>
/// <remarks>RFC 9051 §6.3.7 and §6.3.8</remarks>
internal sealed record SubscribeCommand(MailboxName Name, bool Subscribed) : ImapCommand
{
    // subscribe = "SUBSCRIBE" SP mailbox (RFC 9051 §9)
    public static SubscribeCommand Parse(ref ImapReader r) => new(r.SpMailbox(), Subscribed: true);

    public static SubscribeCommand ParseUnsubscribe(ref ImapReader r) => new(r.SpMailbox(), Subscribed: false);

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        StoreError error = await session.Store.SubscribeAsync(session.AccountId, Name, Subscribed);
        return error != StoreError.None ? ImapReply.No(error) : ImapReply.Ok(Subscribed ? "SUBSCRIBE completed" : "UNSUBSCRIBE completed");
    }
}
