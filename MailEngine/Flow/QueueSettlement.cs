using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Writes down what attempts came to: rows that are done, rows that wait, reports to senders, trace.</summary>
sealed class QueueSettlement(MailStore store, Reports reports, RetryPlan plan, EngineOptions options, TraceLog trace, TimeProvider clock, ILogger log)
{
    static readonly TimeSpan s_storeRetry = TimeSpan.FromSeconds(5);

    /// <returns>The rows that still wait, with their new state.</returns>
    public async Task<List<QueueEntry>> SettleAsync(QueueJob job, JobOutcome outcome, CancellationToken ct)
    {
        DateTimeOffset now = clock.GetUtcNow();
        var waiting = new List<QueueEntry>();
        var done = new List<long>();
        var failed = new List<(QueueEntry Row, ReportedRecipient Told)>();
        var delayed = new List<ReportedRecipient>();
        var relayed = new List<ReportedRecipient>();
        var deferred = new List<(QueueEntry Row, Attempt Attempt)>();
        for (int i = 0; i < job.Rows.Count; i++)
        {
            QueueEntry row = job.Rows[i];
            Attempt attempt = outcome.Attempts[i];
            RecipientParameters wishes = QueueParameters.Read(row.Parameters).Recipient;
            if (attempt.Reply.IsPositive)
            {
                done.Add(row.Id);
                NoteSent(job, row, attempt, now);
                if (wishes.WantsSuccess && !attempt.ReportsItself)
                {
                    ReportAction action = job.Hop.Kind == NextHop.By.Local ? ReportAction.Delivered : ReportAction.Relayed;
                    relayed.Add(new ReportedRecipient(row.Recipient, wishes, action, attempt.Reply, attempt.Host, null));
                }
                continue;
            }
            bool isOver = plan.IsOver(row.QueuedAt, now);
            if (attempt.Reply.IsPermanent || isOver)
            {
                failed.Add((row, new ReportedRecipient(row.Recipient, wishes, ReportAction.Failed, attempt.Reply, attempt.Host, null)));
                FlowLog.Bounced(log, row.MessageKey, row.Recipient.ToString(), attempt.Reply.ToString());
                Note(TraceStep.Bounced, row, attempt.Host, (isOver ? "given up: " : "") + attempt.Reply, now);
                continue;
            }
            QueueEntry next = row with
            {
                Attempts = row.Attempts + 1,
                NextAttempt = plan.Next(row.Attempts + 1, now),
                LastReply = attempt.Host.Length > 0 ? $"{attempt.Host} said: {attempt.Reply}" : attempt.Reply.ToString(),
            };
            if (!row.DelayNoticed && plan.IsDelayNoticeDue(row.QueuedAt, now))
            {
                next = next with { DelayNoticed = true };
                if (wishes.WantsDelay)
                {
                    delayed.Add(new ReportedRecipient(row.Recipient, wishes, ReportAction.Delayed, attempt.Reply, attempt.Host,
                        row.QueuedAt + options.Queue.GiveUpAfter));
                }
            }
            waiting.Add(next);
            FlowLog.Deferred(log, row.MessageKey, row.Recipient.ToString(), next.NextAttempt, attempt.Reply.ToString());
            deferred.Add((row, attempt));
        }
        if (waiting.Count + done.Count > 0)
            await WriteAsync(waiting, done, ct);
        // Whoever reads of it in the trace finds the row in the state that the trace tells of.
        foreach ((QueueEntry row, Attempt attempt) in deferred)
            Note(TraceStep.Deferred, row, attempt.Host, attempt.Reply.ToString(), now);
        waiting.AddRange(await FailAsync(failed, now, ct));
        if (relayed.Count > 0)
            await reports.TellAsync(job.Rows[0], relayed, [], ct);
        if (delayed.Count > 0)
            await reports.TellAsync(job.Rows[0], delayed, [], ct);
        return waiting;
    }

    // One report for all recipients of the message that failed now; in one commit with the end of their rows.
    async Task<List<QueueEntry>> FailAsync(List<(QueueEntry Row, ReportedRecipient Told)> failed, DateTimeOffset now, CancellationToken ct)
    {
        var again = new List<QueueEntry>();
        if (failed.Count == 0)
            return again;
        var told = new List<ReportedRecipient>();
        var ids = new List<long>();
        foreach ((QueueEntry row, ReportedRecipient recipient) in failed)
        {
            ids.Add(row.Id);
            if (recipient.Parameters.WantsFailure)
                told.Add(recipient);
        }
        if (await reports.TellAsync(failed[0].Row, told, ids, ct))
            return again;
        foreach ((QueueEntry row, ReportedRecipient recipient) in failed)
        {
            again.Add(row with
            {
                Attempts = row.Attempts + 1,
                NextAttempt = plan.Next(row.Attempts + 1, now),
                LastReply = recipient.Reply.ToString(),
            });
        }
        return again;
    }

    // What was sent must not be sent again because the disk was full for a moment: hold on until the row is gone.
    async Task WriteAsync(List<QueueEntry> changed, List<long> removed, CancellationToken ct)
    {
        while (await store.UpdateQueueAsync(changed, removed) != StoreError.None)
            await Task.Delay(s_storeRetry, clock, ct);
    }

    void NoteSent(QueueJob job, QueueEntry row, Attempt attempt, DateTimeOffset now)
    {
        if (job.Hop.Kind == NextHop.By.Local)
            return;   // the delivery has noted it
        FlowLog.Sent(log, row.MessageKey, row.Recipient.ToString(), attempt.Host, attempt.Reply.ToString());
        Note(TraceStep.Sent, row, attempt.Host, attempt.Reply.ToString(), now);
    }

    void Note(TraceStep step, QueueEntry row, string host, string text, DateTimeOffset now) =>
        trace.Add(new TraceEvent(now, step, row.MessageKey, "", row.ReversePath, row.Recipient.ToString(), host, text));
}
