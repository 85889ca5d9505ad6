using MailEngine.Imap.Search;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Sort;

/// <summary>THREAD=REFERENCES: threads by what messages say they answer, then by subject. RFC 5256 §3, steps (1) to (6)</summary>
/// <remarks>
/// Works on numbers: a node is an identifier, or a message that has none of its own; there are no objects and no recursion. "Found
/// messages" are meant by "message", by their place. Time is linear but for the search for loops, which has a budget.
/// </remarks>
internal sealed class ReferenceThreads
{
    readonly List<int> _indexes;
    readonly ColumnView _columns;
    readonly ThreadView _facts;
    readonly int[] _parents;       // by node; -1: none
    readonly int[] _children;      // by node: how many
    readonly int[] _messages;      // by node; -1: a dummy so far
    readonly int[] _nodes;         // by message
    long _loopBudget;

    ReferenceThreads(List<int> indexes, ColumnView columns)
    {
        _indexes = indexes;
        _columns = columns;
        _facts = columns.Threads;
        int nodes = _facts.Ids + indexes.Count;
        _parents = new int[nodes];
        _children = new int[nodes];
        _messages = new int[nodes];
        _nodes = new int[indexes.Count];
        _parents.AsSpan().Fill(-1);
        _messages.AsSpan().Fill(-1);
        // Mail that came in order never needs it; References made up to cost time stop being followed here (attack case A7).
        _loopBudget = 1_000_000 + 64L * nodes;
    }

    public static ThreadTree Make(SearchScope scope, List<int> indexes, ColumnView columns)
    {
        var threads = new ReferenceThreads(indexes, columns);
        threads.Link();
        var places = new int[indexes.Count];
        for (int i = 0; i < places.Length; i++)
            places[i] = i;
        var byDate = new StableOrder(places);
        byDate.By(place => MessageOrder.SentDate(scope.Snapshot[indexes[place]]));
        int[] order = byDate.Indexes;
        List<int> parents = threads.Prune();
        threads.MergeBySubject(parents, order);
        return new ThreadTree(indexes.Count, [.. parents], order);   // (6): all siblings by date
    }

    /// <summary>(1) Parents by identifiers.</summary>
    void Link()
    {
        for (int message = 0; message < _indexes.Count; message++)
        {
            int row = _columns.RowOf(_indexes[message]), own = _facts.Own[row];
            // Without an identifier, or with one that an earlier message has, it is nobody's parent.
            int node = own == 0 || _messages[own] >= 0 ? _facts.Ids + message : own;
            _messages[node] = message;
            _nodes[message] = node;
            int last = -1;
            for (int i = _facts.Starts[row]; i < _facts.Starts[row + 1]; i++)
            {
                int reference = _facts.References[i];
                if (last >= 0 && _parents[reference] < 0)   // (1.A): an existing link stays
                    SetParent(reference, last);
                last = reference;
            }
            if (_parents[node] >= 0)                        // (1.B): the message itself knows better
            {
                _children[_parents[node]]--;
                _parents[node] = -1;
            }
            if (last >= 0)
                SetParent(node, last);
        }
    }

    void SetParent(int node, int parent)
    {
        if (node == parent)
            return;
        // A node without children is above nothing; else it must not be above its new parent.
        if (_children[node] > 0)
        {
            for (int above = parent; above >= 0; above = _parents[above])
            {
                if (above == node || --_loopBudget < 0)
                    return;
            }
        }
        _parents[node] = parent;
        _children[parent]++;
    }

    /// <summary>(2) and (3): dummies go and their children take their place; one at the top stays while it has two or more.</summary>
    /// <returns>Parent by message; dummies have numbers behind the messages; -1: top.</returns>
    List<int> Prune()
    {
        int messages = _indexes.Count;
        const int unknown = int.MinValue;
        var anchors = new int[_parents.Length];   // of a dummy: the message above it, or -2 - the topmost dummy
        anchors.AsSpan().Fill(unknown);
        var path = new List<int>();
        var parents = new int[messages];
        for (int message = 0; message < messages; message++)
        {
            int node = _parents[_nodes[message]], top = -1;
            path.Clear();
            while (node >= 0 && _messages[node] < 0 && anchors[node] == unknown)
            {
                path.Add(node);
                top = node;
                node = _parents[node];
            }
            int anchor = node < 0 ? (top < 0 ? -1 : -2 - top) : _messages[node] >= 0 ? _messages[node] : anchors[node];
            foreach (int dummy in path)
                anchors[dummy] = anchor;
            parents[message] = anchor;
        }
        var tops = new Dictionary<int, int>();   // topmost dummy → how many messages below it
        foreach (int parent in parents)
        {
            if (parent <= -2)
                tops[parent] = tops.GetValueOrDefault(parent) + 1;
        }
        var numbers = new Dictionary<int, int>();
        for (int message = 0; message < messages; message++)
        {
            int parent = parents[message];
            if (parent >= -1)
                continue;
            if (tops[parent] == 1)
                parents[message] = -1;
            else if (numbers.TryGetValue(parent, out int number))
                parents[message] = number;
            else
            {
                numbers[parent] = messages + numbers.Count;
                parents[message] = messages + numbers.Count - 1;
            }
        }
        var all = new List<int>(messages + numbers.Count + 16);
        all.AddRange(parents);
        for (int i = 0; i < numbers.Count; i++)
            all.Add(-1);
        return all;
    }

    /// <summary>(4) and (5): threads of the same base subject become one.</summary>
    /// <param name="parents">By message and dummy; changed, and new dummies are added.</param>
    void MergeBySubject(List<int> parents, int[] order)
    {
        int messages = _indexes.Count;
        (int[] numbers, int[] ranks) = _columns.Texts(ColumnSet.Subject);
        // (4): the top level by date; a dummy stands where its first child does, and has its subject.
        var roots = new List<int>();
        var firstChild = new Dictionary<int, int>();
        foreach (int message in order)
        {
            int parent = parents[message];
            if (parent < 0)
                roots.Add(message);
            else if (parent >= messages && firstChild.TryAdd(parent, message))
                roots.Add(parent);
        }
        var table = new int[ranks.Length];   // by subject: member + 1
        foreach (int root in roots)          // (5.B)
        {
            int subject = SubjectOf(root);
            if (subject == 0)
                continue;
            ref int entry = ref table[subject];
            if (entry == 0 || (!IsDummy(entry - 1) && (IsDummy(root) || (IsReply(entry - 1) && !IsReply(root)))))
                entry = root + 1;
        }
        var merged = new Dictionary<int, int>();   // dummy → the dummy that has its children now
        foreach (int root in roots)                // (5.C)
        {
            int subject = SubjectOf(root), other = subject == 0 ? root : table[subject] - 1;
            if (other == root || (!IsDummy(root) && parents[root] >= 0))
                continue;
            if (IsDummy(other) && IsDummy(root))
                merged[root] = other;
            else if (IsDummy(other) || (!IsDummy(root) && IsReply(root) && !IsReply(other)))
                parents[root] = other;
            else
            {
                int dummy = parents.Count;
                parents.Add(-1);
                firstChild[dummy] = other;
                parents[other] = dummy;
                if (IsDummy(root))
                    merged[root] = dummy;
                else
                    parents[root] = dummy;
                table[subject] = dummy + 1;
            }
        }
        if (merged.Count == 0)
            return;
        for (int message = 0; message < messages; message++)
        {
            // A dummy of the table is never merged itself, so one step is enough.
            if (parents[message] >= messages && merged.TryGetValue(parents[message], out int now))
                parents[message] = now;
        }

        bool IsDummy(int member) => member >= messages;
        int RowOf(int member) => _columns.RowOf(_indexes[IsDummy(member) ? firstChild[member] : member]);
        int SubjectOf(int member) => numbers[RowOf(member)];
        bool IsReply(int member) => _facts.Replies[RowOf(member)];
    }
}
