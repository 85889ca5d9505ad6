using System.Security.Authentication;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Sends jobs to their next hop: host after host, TLS where it can be had, over an open connection where there is one.</summary>
sealed class OutboundClient(NextHops hops, MailStore store, ServerName hostname, EngineOptions options, ILogger log)
{
    const int MostHosts = 6;
    static readonly Reply s_unreachable = new(421, "4.4.1", "No host of the destination could be reached");

    /// <param name="connection">An open one to the same next hop, or null; on return the one to go on with, or null.</param>
    public async Task<(JobOutcome Outcome, OutboundConnection? Connection)> SendAsync(QueueJob job, OutboundConnection? connection, CancellationToken ct)
    {
        if (connection is { IsUsable: true })
        {
            try
            {
                return await SendOverAsync(job, connection, ct);
            }
            catch (Exception e) when (IsTrouble(e, ct))
            {
                // An idle connection may be closed by the other side at any time: start over with a new one.
            }
        }
        if (connection is not null)
            await connection.DisposeAsync();
        Reply last = s_unreachable;
        string lastHost = "";
        int tried = 0;
        await foreach (HopStep step in hops.FindAsync(job.Hop, ct))
        {
            if (step.Target is not { } target)
                return (JobOutcome.ForAll(job, step.Refusal!, "", isHostTrouble: step.Refusal!.IsTransient), null);
            if (++tried > MostHosts)
                break;
            OutboundConnection? open = null;
            try
            {
                open = await OpenAsync(target, ct);
                return await SendOverAsync(job, open, ct);
            }
            catch (OutboundException e)
            {
                (last, lastHost) = (e.Reply, target.Host);
                if (e.Reply.IsPermanent)   // ourselves: other hosts cannot be better
                    return (JobOutcome.ForAll(job, e.Reply, ""), null);
            }
            catch (Exception e) when (IsTrouble(e, ct))
            {
                string reason = e is OperationCanceledException ? "timed out" : e.Message;
                (last, lastHost) = (new Reply(421, "4.4.2", Reply.Clean($"{target}: {reason}")), "");
            }
            if (open is not null)
                await open.DisposeAsync();
        }
        return (JobOutcome.ForAll(job, last, lastHost, isHostTrouble: true), null);
    }

    static bool IsTrouble(Exception e, CancellationToken ct) =>
        e is IOException or AuthenticationException or System.Net.Sockets.SocketException || (e is OperationCanceledException && !ct.IsCancellationRequested);

    async Task<OutboundConnection> OpenAsync(OutboundTarget target, CancellationToken ct)
    {
        try
        {
            return await OutboundConnection.OpenAsync(target, hostname.Name, options.Queue.ConnectTimeout, useTls: true, ct);
        }
        catch (AuthenticationException e) when (!target.IsImplicitTls && target.Auth is not { RequireTls: true })
        {
            // Opportunistic: a broken TLS must not keep mail back that went in the clear before TLS was invented. RFC 7435 §3
            FlowLog.TlsFellBack(log, target.ToString(), e.Message);
            return await OutboundConnection.OpenAsync(target, hostname.Name, options.Queue.ConnectTimeout, useTls: false, ct);
        }
    }

    /// <remarks>A connection that is not handed back is closed, but for the faults of <see cref="IsTrouble"/>: there the caller closes it.</remarks>
    async Task<(JobOutcome, OutboundConnection?)> SendOverAsync(QueueJob job, OutboundConnection connection, CancellationToken ct)
    {
        JobOutcome outcome;
        try
        {
            outcome = await SendOverAsync(job, connection);
        }
        catch (UnreadableMessageException e)
        {
            FlowLog.MessageUnreadable(log, job.Rows[0].MessageKey, e.Message);
            outcome = JobOutcome.ForAll(job, Reply.StoreOut, "");
        }
        catch (Exception e) when (!IsTrouble(e, ct))
        {
            await connection.DisposeAsync();
            throw;
        }
        if (connection.IsUsable)
            return (outcome, connection);
        await connection.DisposeAsync();
        return (outcome, null);
    }

    async Task<JobOutcome> SendOverAsync(QueueJob job, OutboundConnection connection)
    {
        QueueEntry first = job.Rows[0];
        var recipients = new List<OutboundRecipient>(job.Rows.Count);
        foreach (QueueEntry row in job.Rows)
            recipients.Add(new OutboundRecipient(row.Recipient, QueueParameters.Read(row.Parameters).Recipient));
        using MessageReader body = store.OpenBody(first.Body);
        var message = new OutboundMessage(first.ReversePath, QueueParameters.Read(first.Parameters).Sender, recipients, body.Length,
            UnreadableMessageException.Wrap(body.Read));
        Body? converted = null;
        if (SevenBitCopy.IsNeeded(connection, message))
        {
            try
            {
                converted = SevenBitCopy.Make(store, message);
            }
            catch (IOException e)   // our disk, not the next hop
            {
                FlowLog.MessageUnreadable(log, first.MessageKey, e.Message);
                return JobOutcome.ForAll(job, Reply.StoreOut, "");
            }
            if (converted is null)
                return JobOutcome.ForAll(job, SevenBitCopy.Refusal(connection.Target.Host), "");
            message = message with { Length = converted.Length, Read = UnreadableMessageException.Wrap(converted.Read) };
        }
        Reply[] replies;
        using (converted)
            replies = await connection.SendAsync(message);
        var attempts = new Attempt[replies.Length];
        for (int i = 0; i < replies.Length; i++)
            attempts[i] = new Attempt(replies[i], connection.Target.Host, connection.Offers("DSN"));
        return new JobOutcome(attempts, IsHostTrouble: false);
    }
}
