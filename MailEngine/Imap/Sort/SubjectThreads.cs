using MailEngine.Imap.Search;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Sort;

/// <summary>THREAD=ORDEREDSUBJECT: one thread a base subject, by sent date. RFC 5256 §3</summary>
internal static class SubjectThreads
{
    public static ThreadTree Make(SearchScope scope, List<int> indexes, ColumnView columns)
    {
        (int[] numbers, int[] ranks) = columns.Texts(ColumnSet.Subject);
        int[] places = new int[indexes.Count];
        for (int i = 0; i < places.Length; i++)
            places[i] = i;
        var byDate = new StableOrder(places);
        byDate.By(place => MessageOrder.SentDate(scope.Snapshot[indexes[place]]));
        // The first message of a subject in the order of dates is the parent of the others.
        var parents = new int[places.Length];
        var first = new int[ranks.Length];
        foreach (int place in byDate.Indexes)
        {
            ref int head = ref first[numbers[columns.RowOf(indexes[place])]];
            parents[place] = head - 1;
            if (head == 0)
                head = place + 1;
        }
        return new ThreadTree(places.Length, parents, byDate.Indexes);
    }
}
