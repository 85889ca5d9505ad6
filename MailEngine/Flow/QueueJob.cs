using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>Recipients of one message that go to the same next hop, in one transaction.</summary>
sealed record QueueJob(NextHop Hop, IReadOnlyList<QueueEntry> Rows)
{
    /// <summary>RFC 5321 §4.5.3.1.8: every server takes a hundred.</summary>
    public const int MostRows = 100;
}

/// <summary>What an attempt came to for one row.</summary>
/// <param name="Host">Who said it; empty: we.</param>
/// <param name="ReportsItself">The next hop took over the duty to report success (DSN): RFC 3461 §5.2.1; or the mail is in a mailbox here.</param>
readonly record struct Attempt(Reply Reply, string Host, bool ReportsItself);

/// <summary>What an attempt came to for the whole job.</summary>
/// <param name="IsHostTrouble">True: no host could be used at all, so what else waits for this next hop need not try now.</param>
sealed record JobOutcome(Attempt[] Attempts, bool IsHostTrouble)
{
    public static JobOutcome ForAll(QueueJob job, Reply reply, string host, bool isHostTrouble = false)
    {
        var attempts = new Attempt[job.Rows.Count];
        Array.Fill(attempts, new Attempt(reply, host, ReportsItself: false));
        return new JobOutcome(attempts, isHostTrouble);
    }
}
