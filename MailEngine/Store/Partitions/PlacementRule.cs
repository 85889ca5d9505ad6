namespace MailEngine.Store.Partitions;

/// <summary>Which partition a new account goes to.</summary>
/// <remarks>
/// A partition that names the account's domain, else one that names no domain, else any; of several each gets its share by weight and free space.
/// The share is drawn by the account's number, so that the same question has the same answer. Closed ones count only when all are closed.
/// One that names the domain but is not there is waited for: what its volume was bought for must not end up elsewhere.
/// </remarks>
internal static class PlacementRule
{
    /// <param name="domain">Of the account; null: none.</param>
    /// <returns>Null: the partition it belongs to is not there; ask again later.</returns>
    public static PartitionSlot? Choose(IReadOnlyList<PartitionSlot> slots, long accountId, string? domain)
    {
        bool allClosed = slots.All(slot => slot.Options.Closed);
        PartitionSlot[] open = [.. slots.Where(slot => allClosed || !slot.Options.Closed)];
        PartitionSlot[] candidates = [.. open.Where(slot => domain is not null && slot.Options.Domains.Contains(domain, StringComparer.OrdinalIgnoreCase))];
        if (candidates.Length == 0)
            candidates = [.. open.Where(slot => slot.Options.Domains.Count == 0)];
        if (candidates.Length == 0)
            candidates = open;
        candidates = [.. candidates.Where(slot => slot.Open is not null)];
        if (candidates.Length == 0)
            return null;
        double[] shares = [.. candidates.Select(slot => slot.Options.Weight * Math.Max(1.0, slot.FreeBytes))];
        double drawn = Share(accountId) * shares.Sum();
        for (int i = 0; i < candidates.Length - 1; i++)
        {
            if ((drawn -= shares[i]) < 0)
                return candidates[i];
        }
        return candidates[^1];
    }

    /// <summary>A number from 0 to 1, evenly spread over accounts (the finalizer of SplitMix64).</summary>
    static double Share(long accountId)
    {
        ulong x = (ulong)accountId + 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        x ^= x >> 31;
        return (x >> 11) / (double)(1L << 53);
    }
}
