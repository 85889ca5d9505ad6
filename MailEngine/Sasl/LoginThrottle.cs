using System.Collections.Concurrent;

namespace MailEngine.Sasl;

/// <summary>Counts failed log-ins by name, by network and by both together, each over a quarter of an hour from its first failure.</summary>
/// <remarks>
/// A stranger's network is shut out once the name or the network has failed too often. A network the account is known from is never shut
/// out, only slowed down, and only by failures that came from there: so guessing cannot lock an owner out.
/// The same wrong password again is not a guess: a phone with last year's password must not throttle its owner.
/// </remarks>
sealed class LoginThrottle(int limit, TimeProvider clock)
{
    static readonly TimeSpan s_window = TimeSpan.FromMinutes(15);
    static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(5);

    // Names are the attacker's to choose.
    const int MaxCounters = 100_000;

    readonly ConcurrentDictionary<string, Counter> _byName = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, Counter> _byNetwork = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<(string Name, string Network), Counter> _byBoth = new();

    /// <summary>True: refuse without looking at the password, unless the network is known to belong to the account.</summary>
    public bool IsShut(string name, string network) =>
        CountOf(_byName, name) >= limit || (network != LoginNetwork.Local && CountOf(_byNetwork, network) >= limit);

    /// <summary>How long a log-in from a network known to the account is held back.</summary>
    public TimeSpan DelayOf(string name, string network)
    {
        int over = CountOf(_byBoth, (name, network)) - limit;
        return over < 0 ? TimeSpan.Zero : over >= s_longestDelay.Seconds ? s_longestDelay : TimeSpan.FromSeconds(over + 1);
    }

    /// <summary>True when just this password failed last for this name from there.</summary>
    public bool IsRepeated(string name, string network, ulong passwordTag) =>
        _byBoth.TryGetValue((name, network), out Counter? counter) && counter.HasTag(passwordTag, Now());

    public void Failed(string name, string network, ulong passwordTag)
    {
        long now = Now();
        if (_byBoth.Count > MaxCounters || _byName.Count > MaxCounters || _byNetwork.Count > MaxCounters)
            Sweep();
        _byBoth.GetOrAdd((name, network), static _ => new Counter()).Add(now, passwordTag);
        _byName.GetOrAdd(name, static _ => new Counter()).Add(now, passwordTag);
        if (network != LoginNetwork.Local)
            _byNetwork.GetOrAdd(network, static _ => new Counter()).Add(now, passwordTag);
    }

    /// <summary>Forgets what failed for this name from this network. The other counts stay: somebody with one good account must not be able
    /// to wipe out what he guesses at others.</summary>
    public void Succeeded(string name, string network) => _byBoth.TryRemove((name, network), out _);

    /// <summary>Drops what is over; when still too much is left, everything.</summary>
    public void Sweep()
    {
        long now = Now();
        Sweep(_byName, now);
        Sweep(_byNetwork, now);
        Sweep(_byBoth, now);
    }

    static void Sweep<TKey>(ConcurrentDictionary<TKey, Counter> counters, long now) where TKey : notnull
    {
        foreach ((TKey key, Counter counter) in counters)
        {
            if (counter.CountAt(now) == 0)
                counters.TryRemove(key, out _);
        }
        if (counters.Count > MaxCounters)
            counters.Clear();
    }

    int CountOf<TKey>(ConcurrentDictionary<TKey, Counter> counters, TKey key) where TKey : notnull =>
        counters.TryGetValue(key, out Counter? counter) ? counter.CountAt(Now()) : 0;

    // Milliseconds that no clock change moves.
    long Now() => (long)clock.GetElapsedTime(0).TotalMilliseconds;

    sealed class Counter
    {
        readonly Lock _lock = new();
        long _start;
        int _count;
        ulong _lastTag;

        public int CountAt(long now)
        {
            lock (_lock)
                return now - _start < s_window.TotalMilliseconds ? _count : 0;
        }

        public bool HasTag(ulong tag, long now)
        {
            lock (_lock)
                return _count > 0 && _lastTag == tag && now - _start < s_window.TotalMilliseconds;
        }

        public void Add(long now, ulong tag)
        {
            lock (_lock)
            {
                if (_count == 0 || now - _start >= s_window.TotalMilliseconds)
                {
                    _start = now;
                    _count = 0;
                }
                _count++;
                _lastTag = tag;
            }
        }
    }
}
