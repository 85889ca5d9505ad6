using MailEngine.Imap.Search;
using MailEngine.Store;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Sort;

/// <summary>Puts found messages into the order that SORT asks for. RFC 5256 §3</summary>
internal static class MessageOrder
{
    /// <param name="scores">By index; for RELEVANCY.</param>
    /// <exception cref="IOException">The stored values cannot be read.</exception>
    public static int[] Sort(MailStore store, SearchScope scope, IReadOnlyCollection<int> indexes, IReadOnlyList<SortCriterion> criteria,
        IReadOnlyDictionary<int, int>? scores = null)
    {
        ColumnSet wanted = ColumnSet.None;
        foreach (SortCriterion criterion in criteria)
            wanted |= criterion.Column;
        ColumnView? columns = wanted == ColumnSet.None ? null : store.OpenColumns(scope.Box, scope.Snapshot, wanted);
        var order = new StableOrder(indexes);
        for (int i = criteria.Count - 1; i >= 0; i--)
            order.By(KeyOf(criteria[i], scope.Snapshot, columns, scores), criteria[i].Reverse);
        return order.Indexes;
    }

    /// <summary>Sent date in Unix seconds, INTERNALDATE where there is none. RFC 5256 §2.2</summary>
    public static long SentDate(in MessageEntry entry) => entry.SentDate == long.MinValue ? entry.InternalDate : entry.SentDate;

    static Func<int, long> KeyOf(SortCriterion criterion, MailboxSnapshot snapshot, ColumnView? columns, IReadOnlyDictionary<int, int>? scores)
    {
        switch (criterion.Key)
        {
            case SortKey.Arrival:
                return index => snapshot[index].InternalDate;
            case SortKey.Date:
                return index => SentDate(snapshot[index]);
            case SortKey.Relevancy:   // the highest first: RFC 6203 §6
                return index => -(scores?.GetValueOrDefault(index, 100) ?? 0);
            case SortKey.Size:
                return index => snapshot[index].Size;
        }
        (int[] numbers, int[] ranks) = columns!.Texts(criterion.Column);
        return index => ranks[numbers[columns.RowOf(index)]];
    }
}
