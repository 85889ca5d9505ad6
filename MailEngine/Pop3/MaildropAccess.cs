using System.Collections.Concurrent;

namespace MailEngine.Pop3;

/// <summary>Who may open a maildrop now: one session at a time where that is set, and not before the log-in delay is over.</summary>
internal sealed class MaildropAccess(Pop3Options options, TimeProvider clock)
{
    /// <summary>Log-ins remembered before those whose delay is over are forgotten.</summary>
    const int Sweep = 10_000;

    readonly ConcurrentDictionary<long, byte> _open = new();
    readonly ConcurrentDictionary<long, long> _last = new();

    /// <summary>False: another session has it, and drops are exclusive by setting. Answer [IN-USE]: RFC 2449 §8.1.2. Who gets it calls <see cref="Release"/>.</summary>
    public bool TryTake(long accountId) => !options.Exclusive || _open.TryAdd(accountId, 0);

    public void Release(long accountId) => _open.TryRemove(accountId, out _);

    /// <summary>True: the last log-in was too short a time ago. RFC 2449 §6.5</summary>
    public bool IsTooSoon(long accountId) =>
        options.LoginDelay > TimeSpan.Zero && _last.TryGetValue(accountId, out long at) && clock.GetElapsedTime(at) < options.LoginDelay;

    /// <summary>A log-in was answered with +OK: the delay counts from here.</summary>
    public void Note(long accountId)
    {
        if (options.LoginDelay <= TimeSpan.Zero)
            return;
        if (_last.Count >= Sweep)
        {
            foreach ((long account, long at) in _last)
            {
                if (clock.GetElapsedTime(at) >= options.LoginDelay)
                    _last.TryRemove(account, out _);
            }
        }
        _last[accountId] = clock.GetTimestamp();
    }
}
