namespace MailAdmin.Web.Circuits;

/// <summary>Shows changes as they come: the first at once, those of the pause after it together.</summary>
/// <remarks>So a page is never further behind than the pause, and a thousand changes a second cost it no more than one does. Nothing is read
/// while nothing changes. One show at a time.</remarks>
internal sealed class LiveRefresh : IDisposable
{
    readonly Func<Task> _show;
    readonly TimeSpan _pause;
    readonly ITimer _timer;
    readonly Lock _lock = new();
    bool _wanted;
    bool _busy;   // showing, or in the pause after it
    bool _over;

    /// <param name="show">On the circuit's dispatcher: wrap it in InvokeAsync.</param>
    public LiveRefresh(TimeProvider clock, TimeSpan pause, Func<Task> show)
    {
        _show = show;
        _pause = pause;
        _timer = clock.CreateTimer(static me => _ = ((LiveRefresh)me!).ShowAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something changed. Any thread; returns at once.</summary>
    public void Changed()
    {
        lock (_lock)
        {
            _wanted = true;
            if (_busy || _over)
                return;
            _busy = true;
        }
        _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    async Task ShowAsync()
    {
        lock (_lock)
        {
            _busy = _wanted && !_over;
            if (!_busy)
                return;
            _wanted = false;
        }
        bool failed = true;
        try
        {
            await _show();
            failed = false;
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            failed = false;   // the user left the page meanwhile
        }
        finally
        {
            lock (_lock)
                _wanted |= failed;   // what changed is not on the page yet, and perhaps nothing else ever changes
            _timer.Change(_pause, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_lock)
            _over = true;
        _timer.Dispose();
    }
}
