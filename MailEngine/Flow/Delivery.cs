using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Store;
using MailEngine.Store.Partitions;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Takes a message over: one commit for all of its local copies and queue rows, before anybody says 250.</summary>
/// <remarks>
/// Invariant S1: when <see cref="AcceptAsync"/> returns a positive reply for a recipient, that recipient's copy or queue row is durable.
/// A local recipient that cannot have its copy now (mailbox full) while others can becomes a queue row, in a second commit that
/// also comes before the 250; the scheduler delivers it here later, or tells the sender.
/// </remarks>
public sealed class Delivery(MailStore store, TraceLog trace, TimeProvider clock, ILogger<Delivery> log)
{
    static readonly Reply s_accepted = new(250, "2.1.5", "Ok");

    readonly Vacations _vacations = new(store);

    /// <summary>Told of new queue rows once they are durable.</summary>
    internal Action<QueueEntry>? Queued { get; set; }

    /// <param name="fingerprint">SHA-256 of the message as the client sent it: a second try has the same one.</param>
    /// <param name="queueFaults">True (SMTP): one answer for all, so recipients with a passing trouble are queued when another one
    /// was served. False (LMTP): each hears its own trouble and the client keeps the message. RFC 2033 §4.2</param>
    /// <returns>One reply for each recipient, in order.</returns>
    internal Task<Reply[]> AcceptAsync(Envelope envelope, Body body, byte[] fingerprint, bool queueFaults, CancellationToken ct) =>
        AcceptAsync(envelope, body, fingerprint, queueFaults, [], ct);

    /// <param name="removeQueueIds">Queue rows that this replaces, gone in the same commit.</param>
    internal async Task<Reply[]> AcceptAsync(
        Envelope envelope, Body body, byte[] fingerprint, bool queueFaults, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        var plan = new DeliveryPlan(envelope, clock.GetUtcNow());
        await plan.AddAsync(envelope, body, fingerprint, store);
        var answers = new List<AutomaticAnswer>();
        try
        {
            await _vacations.AddAsync(envelope, body, plan.Routes, clock.GetUtcNow(), answers);
            return await AcceptAsync(envelope, body, plan, answers, queueFaults, removeQueueIds, ct);
        }
        finally
        {
            foreach (AutomaticAnswer answer in answers)
                answer.Body.Dispose();
        }
    }

    async Task<Reply[]> AcceptAsync(
        Envelope envelope, Body body, DeliveryPlan plan, List<AutomaticAnswer> answers, bool queueFaults, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        AcceptOutcome outcome = await store.AcceptAsync(
            new Acceptance { Body = body, Deposits = plan.Deposits, Queue = plan.Queue, Answers = answers }, removeQueueIds, ct);
        if (outcome.Fault != StoreError.None)
        {
            FlowLog.NotKept(log, envelope.MessageKey, outcome.Fault);
            var refused = new Reply[envelope.Recipients.Count];
            Array.Fill(refused, Reply.StoreOut);
            return refused;
        }
        FlowLog.Accepted(log, envelope.MessageKey, envelope.Peer, envelope.ReversePathText, envelope.Recipients.Count, body.Length);
        Announce(plan.Queue, outcome.QueueIds);
        AnnounceAnswers(answers, outcome);
        Reply[] replies = plan.RepliesFor(outcome, s_accepted, queueFaults, out List<QueueEntry> again);
        if (again.Count > 0)
        {
            AcceptOutcome second = await store.AcceptAsync(new Acceptance { Body = body, Queue = again }, ct);
            if (second.Fault == StoreError.None)
                Announce(again, second.QueueIds);
            else
                replies = plan.RepliesFor(outcome, s_accepted, queueFaults: false, out _);
        }
        Trace(envelope, body, plan, outcome, replies, queueFaults);
        return replies;
    }

    void Announce(List<QueueEntry> rows, IReadOnlyList<long> ids)
    {
        if (Queued is not { } queued)
            return;
        for (int i = 0; i < ids.Count; i++)
            queued(rows[i] with { Id = ids[i] });
    }

    void AnnounceAnswers(List<AutomaticAnswer> answers, AcceptOutcome outcome)
    {
        for (int i = 0; i < outcome.AnswerIds.Count; i++)
        {
            if (outcome.AnswerIds[i] == 0)
                continue;
            QueueEntry row = answers[i].Row;
            Queued?.Invoke(row with { Id = outcome.AnswerIds[i] });
            trace.Add(new TraceEvent(row.QueuedAt, TraceStep.Queued, row.MessageKey, "", "", row.Recipient.ToString(), "local", "answer of somebody who is away"));
        }
    }

    void Trace(Envelope envelope, Body body, DeliveryPlan plan, AcceptOutcome outcome, Reply[] replies, bool queueFaults)
    {
        string messageId = body.Summary.MessageId ?? "";
        string from = envelope.ReversePathText;
        DateTimeOffset now = envelope.ReceivedAt;
        if (envelope.With != TransmissionType.FromQueue && Array.Exists(replies, r => r.IsPositive))
        {
            trace.Add(new TraceEvent(now, TraceStep.Accepted, envelope.MessageKey, messageId, from, "", envelope.Peer,
                $"{envelope.With.ToString().ToUpperInvariant()}, {body.Length} octets"));
        }
        // Who is refused keeps the message (a client of LMTP), or it waits in the queue, which notes that itself.
        bool waits = queueFaults && Array.Exists(replies, r => r.IsPositive);
        for (int i = 0; i < plan.Deposits.Count; i++)
        {
            StoreError error = outcome.Deposits[i].Error;
            if (envelope.With == TransmissionType.FromQueue && error is not (StoreError.None or StoreError.Duplicate))
                continue;
            (EmailAddress at, Deposit deposit) = (plan.At[i], plan.Deposits[i]);
            (TraceStep step, string text) = error switch
            {
                StoreError.None => (TraceStep.Delivered, deposit.Mailbox.Value),
                StoreError.Duplicate => (TraceStep.Duplicate, "delivered before"),
                StoreError.OverQuota => (waits ? TraceStep.Deferred : TraceStep.Rejected, "mailbox is full"),
                _ => (waits ? TraceStep.Deferred : TraceStep.Rejected, error.ToString()),
            };
            trace.Add(new TraceEvent(now, step, envelope.MessageKey, messageId, from, at.ToString(), envelope.Peer, text));
        }
        foreach (QueueEntry row in plan.Queue)
            trace.Add(new TraceEvent(now, TraceStep.Queued, envelope.MessageKey, messageId, from, row.Recipient.ToString(), envelope.Peer, ""));
    }
}

/// <summary>What one message leads to, worked out before its commit.</summary>
sealed class DeliveryPlan(Envelope envelope, DateTimeOffset now)
{
    readonly List<(int Recipient, int Deposit)> _uses = [];
    readonly List<EmailAddress> _retryAs = [];
    readonly HashSet<int> _queuedRecipients = [];

    public List<Deposit> Deposits { get; } = [];

    /// <summary>For each deposit the address that led to it.</summary>
    public List<EmailAddress> At { get; } = [];

    /// <summary>For each deposit how it came to be.</summary>
    public List<Route.Deposit> Routes { get; } = [];

    public List<QueueEntry> Queue { get; } = [];

    public async ValueTask AddAsync(Envelope from, Body body, byte[] fingerprint, MailStore store)
    {
        Dictionary<(long, string), int>? known = from.Recipients.Count > 1 || from.Recipients is [{ Routes.Count: > 1 }] ? [] : null;
        HashSet<string>? relayed = known is null ? null : new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < from.Recipients.Count; i++)
        {
            EnvelopeRecipient recipient = from.Recipients[i];
            foreach (Route route in recipient.Routes)
            {
                switch (route)
                {
                    case Route.Deposit deposit:
                        MailboxName folder = deposit.Detail.Length == 0 ? MailboxName.Inbox : await FolderOfAsync(deposit, store);
                        int number = Deposits.Count;
                        // The same mailbox by two ways gets one copy.
                        if (known is not null && !known.TryAdd((deposit.Account.AccountId, folder.Value), number))
                        {
                            _uses.Add((i, known[(deposit.Account.AccountId, folder.Value)]));
                            break;
                        }
                        Deposits.Add(DepositOf(deposit, folder, body, fingerprint));
                        At.Add(deposit.At);
                        Routes.Add(deposit);
                        _retryAs.Add(deposit.Account.Primary ?? deposit.At);
                        _uses.Add((i, number));
                        break;
                    case Route.Relay relay:
                        if (relayed is null || relayed.Add(relay.To.Canonical))
                            Queue.Add(RowOf(recipient, relay.To));
                        _queuedRecipients.Add(i);
                        break;
                    // The queue asks again and, refused again, tells the sender (RFC 3464); the null reverse path is never told. RFC 5321 §4.5.5
                    case Route.Reject { Target: { } lost } reject when envelope.ReversePath is not null:
                        if (relayed is null || relayed.Add(lost.Canonical))
                            Queue.Add(RowOf(recipient, lost) with { LastReply = reject.Reply.ToString() });
                        _queuedRecipients.Add(i);
                        break;
                }
            }
        }
    }

    /// <summary>The answer for each recipient, and the rows for those who must wait though the message is taken.</summary>
    public Reply[] RepliesFor(AcceptOutcome outcome, Reply accepted, bool queueFaults, out List<QueueEntry> again)
    {
        int count = envelope.Recipients.Count;
        var replies = new Reply[count];
        bool any = _queuedRecipients.Count > 0;
        foreach (int recipient in _queuedRecipients)
            replies[recipient] = accepted;
        foreach ((int recipient, int deposit) in _uses)
        {
            if (outcome.Deposits[deposit].Error is StoreError.None or StoreError.Duplicate)
            {
                replies[recipient] = accepted;
                any = true;
            }
        }
        again = [];
        HashSet<int>? asked = null;
        foreach ((int recipient, int deposit) in _uses)
        {
            StoreError error = outcome.Deposits[deposit].Error;
            if (error is StoreError.None or StoreError.Duplicate)
                continue;
            Reply reply = error == StoreError.OverQuota ? Reply.OverQuota : Reply.StoreOut;
            if (replies[recipient] == accepted || (queueFaults && any))
            {
                replies[recipient] = accepted;
                if ((asked ??= []).Add(deposit))
                    again.Add(RowOf(envelope.Recipients[recipient], _retryAs[deposit]) with { LastReply = reply.ToString(), NextAttempt = now + TimeSpan.FromMinutes(5), Attempts = 1 });
            }
            else
            {
                replies[recipient] = reply;
            }
        }
        for (int i = 0; i < count; i++)
            replies[i] ??= Reply.StoreOut;   // a recipient without routes: cannot be, but must not be said to be served
        return replies;
    }

    // Sub-address: the folder of that name (any case) when there is one and its list lets the sender post, else INBOX. RFC 5233 §4, RFC 4314 §2.1 (p)
    async ValueTask<MailboxName> FolderOfAsync(Route.Deposit deposit, MailStore store)
    {
        if (!MailboxName.TryParse(deposit.Detail, out MailboxName wanted))
            return MailboxName.Inbox;
        long account = deposit.Account.AccountId;
        IReadOnlyList<MailboxInfo> boxes;
        try
        {
            boxes = await store.ListAsync(account);
        }
        catch (PartitionMissingException)
        {
            return MailboxName.Inbox;   // the deposit hears it, and other recipients do not
        }
        foreach (MailboxInfo box in boxes)
        {
            if (box.Id == 0 || !box.Name.Value.Equals(wanted.Value, StringComparison.OrdinalIgnoreCase))
                continue;
            AclRights rights = envelope.AccountId == account ? box.Acl.OwnerRights(account) : box.Acl.RightsOfAnyone;
            return rights.HasFlag(AclRights.Post) ? box.Name : MailboxName.Inbox;
        }
        return MailboxName.Inbox;
    }

    Deposit DepositOf(Route.Deposit route, MailboxName folder, Body body, byte[] fingerprint) => new()
    {
        Owner = new Owner(route.Account.AccountId, route.Account.QuotaBytes),
        Mailbox = folder,
        // RFC 5321 §4.4: final delivery writes Return-Path at the top. Delivered-To says which address it came by.
        Prefix = Encoding.UTF8.GetBytes($"Return-Path: <{envelope.ReversePathText}>\r\nDelivered-To: {route.At}\r\n"),
        InternalDate = envelope.ReceivedAt,
        DuplicateKey = DuplicateKeyOf(route, folder, body, fingerprint),
    };

    // Fault case C10: the 250 was lost and the client sends again. Without a Message-ID nothing is held to be the same.
    byte[]? DuplicateKeyOf(Route.Deposit route, MailboxName folder, Body body, byte[] fingerprint)
    {
        if (body.Summary.MessageId is not { Length: > 0 } id)
            return null;
        string text = $"{id}\n{route.Account.AccountId}\n{folder}\n{envelope.ReversePathText}\n";
        int most = Encoding.UTF8.GetMaxByteCount(text.Length) + fingerprint.Length;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            int length = Encoding.UTF8.GetBytes(text, buffer);
            fingerprint.CopyTo(buffer, length);
            return SHA256.HashData(buffer.AsSpan(0, length + fingerprint.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    QueueEntry RowOf(EnvelopeRecipient recipient, EmailAddress to) => new()
    {
        MessageKey = envelope.MessageKey,
        AccountId = envelope.AccountId,
        ReversePath = envelope.ReversePathText,
        Recipient = to,
        Parameters = QueueParameters.Write(envelope.Parameters, recipient.Parameters),
        QueuedAt = now,
        NextAttempt = now,
    };
}
