using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Checks;
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

    /// <summary>Asks the scripts of recipients; null: nobody's.</summary>
    internal MailFilter? Filter { get; init; }

    /// <summary>Asked before anything goes to the sender of a message; null: he is who he says.</summary>
    internal SenderChecks? Checks { get; init; }

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
        DateTimeOffset now = clock.GetUtcNow();
        var plan = new DeliveryPlan(envelope, queueFaults, now) { Senders = Filter?.Senders, Checks = Checks };
        List<AutomaticAnswer> answers = plan.Redirects;
        try
        {
            await plan.AddAsync(envelope, body, fingerprint, store, Filter?.NewPass(envelope, body, now), ct);
            await AnswerAsync(envelope, body, plan, now, ct);
            return await AcceptAsync(envelope, body, plan, answers, queueFaults, removeQueueIds, ct);
        }
        finally
        {
            foreach (AutomaticAnswer answer in answers)
                answer.Body.Dispose();
            foreach (Body edited in plan.Edited.Values)
                edited.Dispose();
        }
    }

    // Who did not write is not told that somebody is away: backscatter, like refusals.
    async ValueTask AnswerAsync(Envelope envelope, Body body, DeliveryPlan plan, DateTimeOffset now, CancellationToken ct)
    {
        int before = plan.Redirects.Count;
        _vacations.Add(envelope, body, plan.Away, now, plan.Redirects);
        if (plan.Redirects.Count == before)
            return;
        SenderVerdict verdict;
        try
        {
            verdict = await plan.SenderAsync(body, ct);
        }
        catch (IOException)   // the mail matters more than the answer
        {
            verdict = SenderVerdict.Unsure("the message cannot be read");
        }
        if (!verdict.IsForged && !verdict.IsUnsure)
            return;
        foreach (AutomaticAnswer answer in plan.Redirects[before..])
        {
            answer.Body.Dispose();
            trace.Add(new TraceEvent(now, TraceStep.Filtered, envelope.MessageKey, body.Summary.MessageId ?? "", envelope.ReversePathText,
                plan.Away.First(away => away.Route.Account.AccountId == answer.Key.AccountId).Route.At.ToString(), envelope.Peer, $"no answer of somebody who is away: {verdict.Why}")
            { AccountId = answer.Key.AccountId });
        }
        plan.Redirects.RemoveRange(before, plan.Redirects.Count - before);
    }

    async Task<Reply[]> AcceptAsync(
        Envelope envelope, Body body, DeliveryPlan plan, List<AutomaticAnswer> answers, bool queueFaults, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        AcceptOutcome outcome = await store.AcceptAsync(
            new Acceptance { Body = body, Deposits = plan.Deposits, Queue = plan.Queue, Answers = answers, Sightings = plan.Sightings }, removeQueueIds, ct);
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
        Reply[] replies = plan.RepliesFor(outcome, s_accepted, queueFaults, canQueue: true, out List<QueueEntry> again);
        if (again.Count > 0)
        {
            AcceptOutcome second = await store.AcceptAsync(new Acceptance { Body = body, Queue = again }, ct);
            if (second.Fault == StoreError.None)
                Announce(again, second.QueueIds);
            else if (queueFaults)
                Array.Fill(replies, Reply.StoreOut);   // one answer for all: the client comes again, and who has it already is not given it twice
            else
                replies = plan.RepliesFor(outcome, s_accepted, queueFaults, canQueue: false, out _);
        }
        Trace(envelope, body, plan, outcome, replies, queueFaults);
        return replies;
    }

    /// <summary>Sends what scripts want sent where no mail comes in, in one commit.</summary>
    /// <param name="body">What it is about.</param>
    /// <returns>False: nothing was sent.</returns>
    internal async Task<bool> SendAsync(Body body, List<AutomaticAnswer> answers, CancellationToken ct)
    {
        AcceptOutcome outcome = await store.AcceptAsync(new Acceptance { Body = body, Answers = answers }, [], ct);
        if (outcome.Fault != StoreError.None)
            return false;
        AnnounceAnswers(answers, outcome);
        return true;
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
            trace.Add(new TraceEvent(row.QueuedAt, TraceStep.Queued, row.MessageKey, "", "", row.Recipient.ToString(), "local",
                answers[i].Key.Handle.Split(' ')[0] switch
                {
                    "redirect" => "sent on by a script",
                    "notify" => "notification by a script",
                    "report" => "reported by a script",
                    "reject" => "refused by a script",
                    _ => "answer of somebody who is away",
                })
            { AccountId = answers[i].Key.AccountId });
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
                StoreError.None => (TraceStep.Delivered, outcome.Deposits[i].InInbox ? $"INBOX; {deposit.Mailbox} could not be made" : deposit.Mailbox.Value + plan.RemarkOn(i)),
                StoreError.Duplicate => (TraceStep.Duplicate, "delivered before"),
                StoreError.OverQuota => (waits ? TraceStep.Deferred : TraceStep.Rejected, "mailbox is full"),
                _ => (waits ? TraceStep.Deferred : TraceStep.Rejected, error.ToString()),
            };
            trace.Add(new TraceEvent(now, step, envelope.MessageKey, messageId, from, at.ToString(), envelope.Peer, text)
            { AccountId = deposit.Mailbox == MailboxName.Inbox ? 0 : deposit.Owner.AccountId });
        }
        foreach ((EmailAddress recipient, long account, Reply reply) in plan.Refusals)
        {
            trace.Add(new TraceEvent(now, reply.IsTransient ? TraceStep.Deferred : TraceStep.Rejected, envelope.MessageKey, messageId, from, recipient.ToString(), envelope.Peer, reply.ToString())
            { AccountId = account });
        }
        foreach ((EmailAddress recipient, long account, string why) in plan.Unreported)
        {
            trace.Add(new TraceEvent(now, TraceStep.Rejected, envelope.MessageKey, messageId, from, recipient.ToString(), envelope.Peer, $"refused by a script; the sender is not told: {why}")
            { AccountId = account });
        }
        foreach (QueueEntry row in plan.Queue)
            trace.Add(new TraceEvent(now, TraceStep.Queued, envelope.MessageKey, messageId, from, row.Recipient.ToString(), envelope.Peer, ""));
    }
}
