namespace MailEngine.Dns;

/// <summary>Answers by question until their TTL ends; bounded.</summary>
/// <remarks>When it is full, what has run out goes, and if nothing has, everything: an attacker who makes us ask for many names
/// costs us the cache, never the memory.</remarks>
sealed class DnsCache(TimeProvider clock, int most = 10_000)
{
    readonly Dictionary<(string Name, DnsType Type), (DnsAnswer Answer, long Until)> _answers = [];
    readonly Lock _lock = new();

    public DnsAnswer? Find(string name, DnsType type)
    {
        lock (_lock)
        {
            return _answers.TryGetValue((name, type), out (DnsAnswer Answer, long Until) known) && known.Until > clock.GetTimestamp()
                ? known.Answer
                : null;
        }
    }

    public void Keep(string name, DnsType type, DnsAnswer answer, TimeSpan time)
    {
        if (time <= TimeSpan.Zero)
            return;
        long now = clock.GetTimestamp();
        lock (_lock)
        {
            if (_answers.Count >= most)
            {
                foreach (KeyValuePair<(string, DnsType), (DnsAnswer, long Until)> old in _answers)
                {
                    if (old.Value.Until <= now)
                        _answers.Remove(old.Key);
                }
                if (_answers.Count >= most)
                    _answers.Clear();
            }
            _answers[(name, type)] = (answer, now + (long)(time.TotalSeconds * clock.TimestampFrequency));
        }
    }
}
