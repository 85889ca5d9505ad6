namespace MailEngine.Flow;

/// <summary>When a recipient is tried again, and when no more. RFC 5321 §4.5.4.1</summary>
sealed class RetryPlan(QueueOptions options)
{
    static readonly TimeSpan[] s_usual =
    [
        TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(20), TimeSpan.FromMinutes(40),
        TimeSpan.FromHours(1), TimeSpan.FromHours(2), TimeSpan.FromHours(4),
    ];

    readonly TimeSpan[] _waits = options.RetryAfter.Count > 0 ? [.. options.RetryAfter] : s_usual;

    /// <param name="attempts">Attempts made, this one included; from 1 on.</param>
    /// <param name="now">The time of the last one.</param>
    /// <remarks>A tenth more or less at random, so that what failed together does not come back together.</remarks>
    public DateTimeOffset Next(int attempts, DateTimeOffset now)
    {
        TimeSpan wait = _waits[Math.Clamp(attempts - 1, 0, _waits.Length - 1)];
        return now + (wait * (0.9 + (0.2 * Random.Shared.NextDouble())));
    }

    public bool IsOver(DateTimeOffset queuedAt, DateTimeOffset now) => now - queuedAt >= options.GiveUpAfter;

    public bool IsDelayNoticeDue(DateTimeOffset queuedAt, DateTimeOffset now) => now - queuedAt >= options.DelayNotice;
}
