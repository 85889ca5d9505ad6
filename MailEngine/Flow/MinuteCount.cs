using System.Runtime.InteropServices;

namespace MailEngine.Flow;

/// <summary>How much of something each account has had in the minute that runs.</summary>
/// <remarks>Minutes are those of the clock: at the turn of one everybody begins anew, and nothing is held for longer.</remarks>
sealed class MinuteCount(int most)
{
    readonly Lock _lock = new();
    readonly Dictionary<long, (int Taken, bool IsTold)> _counts = [];
    long _minute;

    /// <summary>False: that would be more than there is in a minute, and nothing is counted.</summary>
    /// <remarks>What is more than all there is at once gets a minute that nothing was taken of, or it would never be its turn.</remarks>
    /// <param name="isFirst">The first that the account is refused in this minute: to be told of, where many would be told of.</param>
    public bool TryTake(long accountId, int count, DateTimeOffset time, out bool isFirst)
    {
        long minute = time.UtcTicks / TimeSpan.TicksPerMinute;
        lock (_lock)
        {
            if (_minute != minute)
            {
                _minute = minute;
                _counts.Clear();
            }
            ref (int Taken, bool IsTold) had = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, accountId, out _);
            isFirst = false;
            if (most > 0 && (had.Taken == 0 || count <= most - had.Taken))
            {
                had.Taken += count;
                return true;
            }
            isFirst = !had.IsTold;
            had.IsTold = true;
            return false;
        }
    }
}
