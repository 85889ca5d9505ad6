using MailEngine.Addresses;
using MailEngine.Checks;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Makes a report and takes it over like any other message, in one commit with the end of the rows it is about.</summary>
sealed class Reports(Router router, Delivery delivery, MailStore store, DeliveryReport writer, TraceLog trace, TimeProvider clock, ILogger log)
{
    /// <summary>Tells the sender of a queued message about some of its recipients.</summary>
    /// <param name="about">A queue row of the message.</param>
    /// <param name="removeQueueIds">Rows that are done with; gone in the same commit, or none of it happened.</param>
    /// <returns>False: it cannot be kept now; the rows are still there, try later.</returns>
    public async Task<bool> TellAsync(QueueEntry about, IReadOnlyList<ReportedRecipient> recipients, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        using MessageReader message = store.OpenBody(about.Body);
        return await TellAsync(ReportSubject.Of(about, message), recipients, removeQueueIds, ct);
    }

    public async Task<bool> TellAsync(
        ReportSubject about, IReadOnlyList<ReportedRecipient> recipients, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        // No report about a report, and none to nobody: RFC 5321 §4.5.5, §6.1.
        if (recipients.Count == 0 || !EmailAddress.TryParse(about.ReversePath, out EmailAddress to))
            return await RemoveAsync(removeQueueIds);
        IReadOnlyList<Route> routes = await router.PlanAsync(to, mayRelay: true, ct);
        if (routes is [Route.Reject reject])
            return !reject.Reply.IsTransient && await RemoveAsync(removeQueueIds);   // the sender does not exist: nobody to tell
        DateTimeOffset now = clock.GetUtcNow();
        if (about.Origin is { } origin && await WhyNotAsync(origin, to, about, ct) is { } why)
        {
            FlowLog.ReportWithheld(log, about.MessageKey, to.ToString(), why);
            foreach (ReportedRecipient recipient in recipients)
            {
                trace.Add(new TraceEvent(now, TraceStep.Filtered, about.MessageKey, "", about.ReversePath, recipient.Address.ToString(), origin.Client?.ToString() ?? "",
                    $"the sender is not told: {why}"));
            }
            return await RemoveAsync(removeQueueIds);
        }
        var envelope = new Envelope { MessageKey = MessageKey.Next(now), With = TransmissionType.Internal, ReceivedAt = now };
        envelope.Recipients.Add(new EnvelopeRecipient(to, routes) { Parameters = new RecipientParameters(DsnNotify.Never, "") });
        using Body body = Write(about, to, envelope.MessageKey, recipients, now);
        Reply[] replies = await delivery.AcceptAsync(envelope, body, body.Sha256, queueFaults: true, removeQueueIds, ct);
        if (replies[0].IsPositive)
            return true;
        // A full mailbox must not keep the row for ever: the report is lost, as with every other mail system.
        FlowLog.ReportLost(log, about.MessageKey, to.ToString(), replies[0].ToString());
        return replies[0] == Reply.OverQuota && await RemoveAsync(removeQueueIds);
    }

    /// <returns>Null: he is told. A client that may use his name in the reverse path is enough for a report, whoever stands in From: he can be asked for it.</returns>
    async ValueTask<string?> WhyNotAsync(Origin origin, EmailAddress to, ReportSubject about, CancellationToken ct)
    {
        if (delivery.Checks is not { } checks)
            return null;
        try
        {
            return await checks.CheckAsync(origin.Client, origin.Name, to, origin.At ?? about.ArrivedAt, about.Read, ct) is { IsForged: true, MayUsePath: false } verdict ? verdict.Why : null;
        }
        catch (IOException)   // a message that cannot be read any more is one to tell of
        {
            return null;
        }
    }

    async Task<bool> RemoveAsync(IReadOnlyList<long> ids) => ids.Count == 0 || await store.UpdateQueueAsync([], ids) == StoreError.None;

    Body Write(ReportSubject about, EmailAddress to, string reportKey, IReadOnlyList<ReportedRecipient> recipients, DateTimeOffset now)
    {
        using BodyWriter body = store.NewBody();
        writer.Write(body, reportKey, to, about, recipients, now);
        return body.Complete();
    }
}
