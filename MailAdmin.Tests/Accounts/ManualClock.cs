namespace MailAdmin.Tests.Accounts;

/// <summary>A clock that stands until a test moves it; timers fire while it is moved, and one that is late for more than one turn fires once.</summary>
public sealed class ManualClock : TimeProvider
{
    readonly Lock _lock = new();
    readonly List<ManualTimer> _timers = [];
    DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    TimeSpan _wall;

    public override DateTimeOffset GetUtcNow() => _now + _wall;

    public override long GetTimestamp() => _now.Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        lock (_lock)
            _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Somebody sets the wall clock: no timer and no timestamp notices.</summary>
    public void SetWall(TimeSpan by) => _wall += by;

    public void Advance(TimeSpan by)
    {
        DateTimeOffset end = _now + by;
        while (true)
        {
            ManualTimer? due;
            lock (_lock)
                due = _timers.Where(t => t.Due <= end).MinBy(t => t.Due);
            if (due is null)
                break;
            _now = due.Due > _now ? due.Due : _now;
            due.Fire(end);
        }
        _now = end;
    }

    sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        TimeSpan _period;

        public DateTimeOffset Due { get; private set; } = DateTimeOffset.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            Due = dueTime == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : clock._now + dueTime;
            return true;
        }

        public void Fire(DateTimeOffset end)
        {
            Due = _period == Timeout.InfiniteTimeSpan || _period == TimeSpan.Zero ? DateTimeOffset.MaxValue
                : Due + _period * Math.Max(1, Math.Floor((end - Due) / _period));
            callback(state);
        }

        public void Dispose()
        {
            lock (clock._lock)
                clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
