namespace MailEngine.Dns;

/// <summary>Answers by question until their TTL ends; bounded.</summary>
/// <remarks>When it is full, what has run out goes, and if nothing has, everything: an attacker who makes us ask for many names
/// costs us the cache, never the memory.</remarks>
sealed class DnsCache(TimeProvider clock, int most = 10_000, long mostBytes = 32 << 20)
{
    readonly Dictionary<(string Name, DnsType Type), (DnsAnswer Answer, long Until)> _answers = [];
    long _bytes;   // about what they hold: whoever sends us mail chooses whose texts we ask for
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
        long bytes = BytesOf(answer);
        if (time <= TimeSpan.Zero || bytes > mostBytes / 16)
            return;
        long now = clock.GetTimestamp();
        lock (_lock)
        {
            if (_answers.Remove((name, type), out (DnsAnswer Answer, long Until) before))
                _bytes -= BytesOf(before.Answer);
            if (IsFull(bytes))
            {
                foreach (KeyValuePair<(string, DnsType), (DnsAnswer Answer, long Until)> old in _answers)
                {
                    if (old.Value.Until <= now && _answers.Remove(old.Key))
                        _bytes -= BytesOf(old.Value.Answer);
                }
                if (IsFull(bytes))
                {
                    _answers.Clear();
                    _bytes = 0;
                }
            }
            _bytes += bytes;
            _answers[(name, type)] = (answer, now + (long)(time.TotalSeconds * clock.TimestampFrequency));
        }
    }

    bool IsFull(long more) => _answers.Count >= most || _bytes + more > mostBytes;

    static long BytesOf(DnsAnswer answer)
    {
        long bytes = 200;
        foreach (DnsRecord record in answer.Records)
            bytes += 120 + (record is DnsRecord.Text { Value: var text } ? 2L * text.Length : 0);
        return bytes;
    }
}
