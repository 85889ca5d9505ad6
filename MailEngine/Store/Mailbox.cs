namespace MailEngine.Store;

/// <summary>An opened mailbox: its newest snapshot and a way to wait for the next. Shared by all sessions that look at it.</summary>
/// <remarks>The partition keeps a weak reference; whoever holds this object is told of every change through it.</remarks>
public sealed class Mailbox
{
    readonly Lock _lock = new();
    MailboxSnapshot _current;
    TaskCompletionSource? _changed;

    internal Mailbox(long id, long accountId, MailboxName name, MailboxSnapshot current)
    {
        Id = id;
        AccountId = accountId;
        Name = name;
        _current = current;
    }

    public long Id { get; }

    public long AccountId { get; }

    /// <summary>Its name now; a rename changes it under open sessions, which RFC 9051 §6.3.6 allows.</summary>
    public MailboxName Name { get; internal set; }

    /// <summary>True once it was deleted: sessions that have it selected answer NO or say BYE. RFC 9051 §6.3.5</summary>
    public bool IsDeleted { get; private set; }

    public MailboxSnapshot Current => Volatile.Read(ref _current);

    /// <summary>Ends when <see cref="Current"/> is no longer <paramref name="known"/>, or the mailbox was deleted.</summary>
    public Task ChangedSince(MailboxSnapshot known)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_current, known) || IsDeleted)
                return Task.CompletedTask;
            _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _changed.Task;
        }
    }

    /// <summary>Commit loop only, after the rows are durable.</summary>
    internal void Publish(MailboxSnapshot next)
    {
        TaskCompletionSource? wake;
        lock (_lock)
        {
            _current = next;
            wake = _changed;
            _changed = null;
        }
        wake?.TrySetResult();
    }

    internal void PublishDeleted()
    {
        TaskCompletionSource? wake;
        lock (_lock)
        {
            IsDeleted = true;
            wake = _changed;
            _changed = null;
        }
        wake?.TrySetResult();
    }
}
