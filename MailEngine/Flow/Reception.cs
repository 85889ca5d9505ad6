using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>What became of the data of one message.</summary>
/// <param name="Replies">One for each recipient, in order; empty when the connection is lost.</param>
/// <param name="GoOn">False: say nothing more, or only the one reply, and close.</param>
readonly record struct ReceptionResult(Reply[] Replies, bool GoOn);

/// <summary>The receiving side of SMTP, submission and LMTP: who may be a recipient, and taking the data in.</summary>
sealed class Reception(
    Router router, Delivery delivery, MailStore store, TraceLog trace, ServerName hostname, EngineOptions options, TimeProvider clock, ILogger log)
{
    readonly Reports _reports = new(router, delivery, store, new DeliveryReport(hostname), trace, clock, log);
    static readonly Reply s_recipientAdded = new(250, "2.1.5", "Ok");
    static readonly Reply s_tooManyRecipients = new(452, "4.5.3", "Too many recipients; send the rest in another transaction");
    static readonly Reply s_badRecipient = new(501, "5.1.3", "Bad recipient address");
    static readonly Reply s_needsUtf8 = new(553, "5.6.7", "A non-ASCII address needs SMTPUTF8");
    static readonly Reply s_tooSlow = new(421, "4.4.2", "Too slow");
    static readonly Reply s_ended = new(421, "4.3.2", "Closing; try again later");

    /// <summary>RCPT TO: plans the way of a recipient and adds it to the transaction.</summary>
    /// <param name="text">The address as <see cref="MailPath"/> cut it out.</param>
    /// <param name="mayRelay">True for a client that logged in.</param>
    /// <param name="peer">The client, for the trace.</param>
    public async ValueTask<Reply> AddRecipientAsync(
        Transaction transaction, string text, RecipientParameters parameters, bool mayRelay, string peer, CancellationToken ct)
    {
        if (transaction.Recipients.Count >= options.Limits.Recipients)
            return s_tooManyRecipients;
        EmailAddress address;
        if (text.Equals("postmaster", StringComparison.OrdinalIgnoreCase))
            address = await router.PostmasterAsync(hostname.Name, ct);
        else if (!EmailAddress.TryParse(text, out address))
            return s_badRecipient;
        if (address.NeedsUtf8 && !transaction.Parameters.Utf8)
            return s_needsUtf8;
        IReadOnlyList<Route> routes = await router.PlanAsync(address, mayRelay, ct);
        Reply? refusal = routes is [Route.Reject reject] ? reject.Reply : await RefusalForRoomAsync(routes, transaction.Parameters.Size);
        if (refusal is not null)
        {
            trace.Add(new TraceEvent(clock.GetUtcNow(), TraceStep.Rejected, "", "", transaction.ReversePath?.ToString() ?? "", address.ToString(), peer,
                refusal.ToString()));
            return refusal;
        }
        transaction.Recipients.Add(new EnvelopeRecipient(address, routes) { Parameters = parameters });
        return s_recipientAdded;
    }

    // Only a recipient with one mailbox hears of its lack of room here; behind an alias the others still get theirs.
    async ValueTask<Reply?> RefusalForRoomAsync(IReadOnlyList<Route> routes, long size)
    {
        if (routes is [Route.Relay { MessageBytes: > 0 and var most }] && size > most)
            return Reply.TooBig;
        if (routes is not [Route.Deposit { } deposit])
            return null;
        if (deposit.MessageBytes > 0 && size > deposit.MessageBytes)
            return Reply.TooBig;
        if (deposit.Account.QuotaBytes <= 0)
            return null;
        AccountUse use = await store.UseAsync(deposit.Account.AccountId);
        return use.Bytes + Math.Max(size, 1) > deposit.Account.QuotaBytes ? Reply.OverQuota : null;
    }

    /// <summary>Reads the data after 354 and takes the message over.</summary>
    /// <param name="sender">The account that logged in; null: none, and the message is left as it is.</param>
    /// <param name="queueFaults">See <see cref="Delivery.AcceptAsync"/>.</param>
    public async Task<ReceptionResult> ReceiveAsync(Connection connection, Envelope envelope, AccountEntry? sender, bool queueFaults)
    {
        SubmissionFixes? fixes = sender is null ? null : new SubmissionFixes(
            new SenderRewrite(sender, hostname.Name), envelope.ReversePath, envelope.MessageKey, hostname.Name, envelope.ReceivedAt);
        using var intake = new MessageIntake(store.NewBody(), ReceivedField.Write(envelope, hostname.Name), fixes);
        var reader = new DotReader(intake, LimitFor(envelope), options.Limits.TextLineBytes);
        switch (await DataTransfer.ReceiveAsync(connection, reader, options.Limits, clock))
        {
            case DataEnd.Lost:
                return new ReceptionResult([], GoOn: false);
            case DataEnd.Ended:
                return new ReceptionResult([s_ended], GoOn: false);
            case DataEnd.TooSlow:
                return new ReceptionResult([s_tooSlow], GoOn: false);
            case DataEnd.Flooded:
                return new ReceptionResult([Reply.TooBig], GoOn: false);
        }
        Reply[] replies = FaultOf(reader, intake) is { } fault
            ? Same(fault, envelope.Recipients.Count)
            : await AcceptAsync(envelope, intake, queueFaults);
        return new ReceptionResult(replies, GoOn: true);
    }

    async Task<Reply[]> AcceptAsync(Envelope envelope, MessageIntake intake, bool queueFaults)
    {
        Body body;
        try
        {
            body = intake.Complete();
        }
        catch (IOException)   // disk full or broken
        {
            return Same(Reply.StoreOut, envelope.Recipients.Count);
        }
        using (body)
        {
            // From here on nothing stops it: the client may go, the commit is finished. RFC 5321 §6.1
            Reply[] replies = await delivery.AcceptAsync(envelope, body, intake.Fingerprint(), queueFaults, CancellationToken.None);
            await ReportSuccessAsync(envelope, body, replies);
            return replies;
        }
    }

    // RFC 3461 §5.2.3: a sender who asked hears that it is in the mailbox. Those who wait in the queue are reported from there.
    async ValueTask ReportSuccessAsync(Envelope envelope, Body body, Reply[] replies)
    {
        List<ReportedRecipient>? told = null;
        for (int i = 0; i < replies.Length; i++)
        {
            EnvelopeRecipient recipient = envelope.Recipients[i];
            if (!recipient.Parameters.WantsSuccess || !replies[i].IsPositive || replies[i] == Reply.TakenQuietly || recipient.Routes is not [Route.Deposit])
                continue;
            (told ??= []).Add(new ReportedRecipient(recipient.Address, recipient.Parameters, ReportAction.Delivered, s_recipientAdded, "", null));
        }
        if (told is not null)
            await _reports.TellAsync(ReportSubject.Of(envelope, body), told, [], CancellationToken.None);
    }

    Reply? FaultOf(DotReader reader, MessageIntake intake)
    {
        DataFaults faults = reader.Faults;
        return faults switch
        {
            DataFaults.None => intake.Hops > options.Limits.Hops ? Reply.TooManyHops : null,
            _ when faults.HasFlag(DataFaults.BareCrOrLf) => Reply.BareLineEnd,
            _ when faults.HasFlag(DataFaults.TooBig) => Reply.TooBig,
            _ when faults.HasFlag(DataFaults.Nul) => Reply.BadByte,
            _ when faults.HasFlag(DataFaults.LineTooLong) => Reply.LineTooLong,
            _ => Reply.StoreOut,
        };
    }

    long LimitFor(Envelope envelope)
    {
        long limit = options.Limits.MessageBytes;
        foreach (EnvelopeRecipient recipient in envelope.Recipients)
        {
            foreach (Route route in recipient.Routes)
            {
                if (route is Route.Deposit { MessageBytes: > 0 and var local })
                    limit = Math.Min(limit, local);
                else if (route is Route.Relay { MessageBytes: > 0 and var relayed })
                    limit = Math.Min(limit, relayed);
            }
        }
        return limit;
    }

    static Reply[] Same(Reply reply, int count)
    {
        var replies = new Reply[count];
        Array.Fill(replies, reply);
        return replies;
    }
}
