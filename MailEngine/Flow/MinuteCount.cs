using System.Runtime.InteropServices;

namespace MailEngine.Flow;

/// <summary>How much of something each account has had in the minute that runs.</summary>
/// <remarks>Minutes are those of the clock: at the turn of one everybody begins anew, and nothing is held for longer.</remarks>
sealed class MinuteCount(int most)
{
    readonly Lock _lock = new();
    readonly Dictionary<long, int> _counts = [];
    long _minute;

    /// <summary>False: that would be more than there is in a minute, and nothing is counted.</summary>
    public bool TryTake(long accountId, int count, DateTimeOffset time)
    {
        long minute = time.UtcTicks / TimeSpan.TicksPerMinute;
        lock (_lock)
        {
            if (_minute != minute)
            {
                _minute = minute;
                _counts.Clear();
            }
            ref int taken = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, accountId, out _);
            if (taken + count > most)
                return false;
            taken += count;
            return true;
        }
    }
}
