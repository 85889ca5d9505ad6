namespace MailEngine.Imap.Sort;

/// <summary>Messages as threads, ready to be written: every set of siblings stands in order.</summary>
/// <remarks>A member below <see cref="Messages"/> is a message, by its place among those found; one from there on is a dummy, a parent that
/// is not there. Dummies stand at the top only. RFC 5256 §4</remarks>
internal sealed class ThreadTree
{
    readonly int[] _firstChild;
    readonly int[] _lastChild;
    readonly int[] _nextSibling;
    readonly List<int> _roots = [];

    /// <param name="parents">Parent of each message and dummy; -1: none.</param>
    /// <param name="order">Messages in the order in which siblings are to stand; a dummy stands where its first child would.</param>
    public ThreadTree(int messages, int[] parents, ReadOnlySpan<int> order)
    {
        Messages = messages;
        _firstChild = Filled(parents.Length);
        _lastChild = Filled(parents.Length);
        _nextSibling = Filled(parents.Length);
        foreach (int message in order)
        {
            int parent = parents[message];
            if (parent < 0)
            {
                _roots.Add(message);
                continue;
            }
            if (parent >= messages && _firstChild[parent] < 0)
                _roots.Add(parent);
            if (_firstChild[parent] < 0)
                _firstChild[parent] = message;
            else
                _nextSibling[_lastChild[parent]] = message;
            _lastChild[parent] = message;
        }
    }

    public int Messages { get; }

    public IReadOnlyList<int> Roots => _roots;

    /// <summary>-1: none.</summary>
    public int FirstChild(int member) => _firstChild[member];

    /// <summary>-1: none.</summary>
    public int NextSibling(int member) => _nextSibling[member];

    static int[] Filled(int length)
    {
        var values = new int[length];
        values.AsSpan().Fill(-1);
        return values;
    }
}
