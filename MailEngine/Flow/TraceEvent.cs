namespace MailEngine.Flow;

/// <summary>A step on the way of a message.</summary>
public enum TraceStep
{
    /// <summary>Taken over with a 250.</summary>
    Accepted,
    /// <summary>In a mailbox here.</summary>
    Delivered,
    /// <summary>Dropped as a copy of one that was delivered before.</summary>
    Duplicate,
    /// <summary>Waits for its next hop.</summary>
    Queued,
    /// <summary>The next hop took it.</summary>
    Sent,
    /// <summary>Not now; tried again later.</summary>
    Deferred,
    /// <summary>Never; the sender is told where that is right.</summary>
    Bounced,
    /// <summary>Refused while the client was still there.</summary>
    Rejected,
    /// <summary>Taken out of the queue by an administrator.</summary>
    Removed,
    /// <summary>A script of the recipient could not do what it should, or says something; or something that would have been sent was not.</summary>
    Filtered,
}

/// <summary>One line of the answer to "where is my mail?".</summary>
/// <param name="MessageKey">The id of the 250 answer; empty for what was refused before it had one.</param>
/// <param name="MessageId">Message-ID without angle brackets, where known.</param>
/// <param name="Peer">The client it came from, or the server it went to.</param>
/// <param name="Text">The reply, or what happened, one line.</param>
public sealed record TraceEvent(
    DateTimeOffset Time, TraceStep Step, string MessageKey, string MessageId, string ReversePath, string Recipient, string Peer, string Text)
{
    /// <summary>Whose scripts did it, or put it where it is; 0: nobody's.</summary>
    public long AccountId { get; init; }
}
