using System.Buffers;
using MailEngine.Addresses;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Delivers queue rows whose recipients are here: one had no room when the message came, or a domain moved in meanwhile.</summary>
/// <remarks>Two commits, the copy first: a crash between them delivers again, and the duplicate window catches that.</remarks>
sealed class LocalDelivery(Router router, Delivery delivery, MailStore store, TimeProvider clock)
{
    public async Task<JobOutcome> DeliverAsync(QueueJob job, CancellationToken ct)
    {
        var attempts = new Attempt[job.Rows.Count];
        using Body body = Copy(job.Rows[0]);
        for (int i = 0; i < attempts.Length; i++)
            attempts[i] = new Attempt(await DeliverAsync(job.Rows[i], body, ct), "", ReportsItself: false);
        return new JobOutcome(attempts, IsHostTrouble: false);
    }

    async Task<Reply> DeliverAsync(QueueEntry row, Body body, CancellationToken ct)
    {
        IReadOnlyList<Route> routes = await router.PlanAsync(row.Recipient, mayRelay: true, ct);
        if (routes is [Route.Reject reject])
            return reject.Reply;
        // Refused when the message came, and reported under the alias because the target has no address of its own (Router): whomever else
        // the alias leads to has his copy.
        if (row.Attempts == 0 && row.LastReply.StartsWith('5') && !(routes is [Route.Deposit { Account.Primary: { } own }] && own == row.Recipient))
            return Reply.MailboxDisabled;
        (SenderParameters sender, RecipientParameters recipient) = QueueParameters.Read(row.Parameters);
        var envelope = new Envelope
        {
            MessageKey = row.MessageKey,
            ReversePath = EmailAddress.TryParse(row.ReversePath, out EmailAddress from) ? from : null,
            Parameters = sender,
            AccountId = row.AccountId,
            With = TransmissionType.FromQueue,
            ReceivedAt = clock.GetUtcNow(),
            Origin = QueueParameters.ReadOrigin(row),
        };
        envelope.Recipients.Add(new EnvelopeRecipient(row.Recipient, routes) { Parameters = recipient });
        return (await delivery.AcceptAsync(envelope, body, QueueParameters.ReadFingerprint(row.Parameters) ?? body.Sha256, queueFaults: false, ct))[0];
    }

    Body Copy(QueueEntry row)
    {
        using BodyWriter writer = store.NewBody();
        using MessageReader reader = store.OpenBody(row.Body);
        byte[] block = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            for (long at = 0; at < reader.Length;)
            {
                int read = reader.Read(at, block.AsSpan(0, (int)Math.Min(block.Length, reader.Length - at)));
                writer.Write(block.AsSpan(0, read));
                at += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        return writer.Complete();
    }
}
