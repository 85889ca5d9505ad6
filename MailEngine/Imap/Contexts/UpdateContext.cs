using MailEngine.Imap.Search;
using MailEngine.Imap.Sort;
using MailEngine.Store;

namespace MailEngine.Imap.Contexts;

/// <summary>A search or sort whose client is told when its result changes. RFC 5267 §4.3</summary>
/// <remarks>Only messages that changed are looked at again. What a message is sorted by never changes, so those that stay keep their order.</remarks>
/// <param name="program">Without sequence numbers: they were turned into UIDs when the command came.</param>
/// <param name="criteria">Null: a search, in mailbox order.</param>
/// <param name="result">UIDs in the order asked for.</param>
internal sealed class UpdateContext(string tag, bool isUid, SearchProgram program, IReadOnlyList<SortCriterion>? criteria, List<uint> result)
{
    /// <summary>Messages that may change at once where each has to be read; beyond it the client is told that there are no more updates.</summary>
    const int MostRead = 2000;

    List<uint> _result = result;
    List<uint> _removed = [];
    List<uint> _added = [];

    public string Tag => tag;

    /// <summary>Works out what changes with a step of the session from one snapshot to the next.</summary>
    /// <returns>False: it would take too long, the context ends.</returns>
    public bool TryPrepare(MailStore store, SearchScope scope, SnapshotDifference difference, DateTimeOffset now)
    {
        _removed = [];
        _added = [];
        if (difference.IsEmpty)
            return true;
        if (program.Cost > SearchCost.Entry && difference.Changed.Count + difference.Added > MostRead)
            return false;
        var members = new HashSet<uint>(_result);
        foreach (uint uid in difference.ExpungedUids)
        {
            if (members.Contains(uid))
                _removed.Add(uid);
        }
        using var run = new SearchRun(store, scope, program, now);
        foreach (int number in difference.Changed)
            Look(run, scope.Snapshot, number - 1, members);
        for (int i = scope.Snapshot.Count - difference.Added; i < scope.Snapshot.Count; i++)
            Look(run, scope.Snapshot, i, members);
        return true;
    }

    void Look(SearchRun run, MailboxSnapshot snapshot, int index, HashSet<uint> members)
    {
        uint uid = snapshot[index].Uid;
        bool matches;
        try
        {
            matches = run.Matches(index);
        }
        catch (IOException)   // cannot be read: it does not match (S5)
        {
            matches = false;
        }
        if (matches != members.Contains(uid))
            (matches ? _added : _removed).Add(uid);
    }

    /// <summary>Before the EXPUNGE responses, in the numbers that the client knows. RFC 5267 §4.3.4</summary>
    public void WriteRemoved(ImapWriter writer, MailboxSnapshot told)
    {
        if (_removed.Count == 0)
            return;
        var gone = new HashSet<uint>(_removed);
        Start(writer, " REMOVEFROM (");
        if (criteria is null)
            WriteSet(writer, told, [.. gone.Order()]);
        else
        {
            bool any = false;
            for (int place = _result.Count - 1; place >= 0; place--)   // from the last one: places before it stay
            {
                if (!gone.Contains(_result[place]))
                    continue;
                writer.WriteAscii($"{(any ? " " : "")}{place + 1} {NumberOf(told, _result[place])}");
                any = true;
            }
        }
        writer.Write(")\r\n"u8);
        _result = _result.FindAll(uid => !gone.Contains(uid));
    }

    /// <summary>Behind the EXISTS response, in the numbers that the client knows then. RFC 5267 §4.3.3</summary>
    public void WriteAdded(ImapWriter writer, MailStore store, SearchScope scope)
    {
        if (_added.Count == 0)
            return;
        MailboxSnapshot now = scope.Snapshot;
        var indexes = new List<int>(_result.Count + _added.Count);
        foreach (uint uid in _result.Concat(_added))
            indexes.Add(now.IndexOf(uid));
        indexes.Sort();
        if (criteria is not null)
            indexes = [.. MessageOrder.Sort(store, scope, indexes, criteria)];
        _result = indexes.ConvertAll(index => now[index].Uid);
        Start(writer, " ADDTO (");
        if (criteria is null)
            WriteSet(writer, now, [.. _added.Order()]);
        else
        {
            var came = new HashSet<uint>(_added);
            bool any = false;
            for (int place = 0; place < _result.Count; place++)
            {
                if (!came.Contains(_result[place]))
                    continue;
                writer.WriteAscii($"{(any ? " " : "")}{place + 1} {NumberOf(now, _result[place])}");
                any = true;
            }
        }
        writer.Write(")\r\n"u8);
    }

    void Start(ImapWriter writer, string item) => writer.WriteAscii($"* ESEARCH (TAG \"{tag}\"){(isUid ? " UID" : "")}{item}");

    /// <summary>Place 0: the client keeps mailbox order itself. RFC 5267 §4.3.3</summary>
    void WriteSet(ImapWriter writer, MailboxSnapshot snapshot, List<uint> uids)
    {
        writer.WriteAscii("0 ");
        writer.WriteAscii(SequenceSet.Text(uids.ConvertAll(uid => NumberOf(snapshot, uid))));
    }

    uint NumberOf(MailboxSnapshot snapshot, uint uid) => isUid ? uid : (uint)snapshot.IndexOf(uid) + 1;
}
