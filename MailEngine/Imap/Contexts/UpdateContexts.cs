using MailEngine.Imap.Search;
using MailEngine.Imap.Sort;
using MailEngine.Store;

namespace MailEngine.Imap.Contexts;

/// <summary>The updating contexts of one session's selected mailbox. They end with its selection. RFC 5267 §4.3</summary>
internal sealed class UpdateContexts(ImapSession session)
{
    readonly List<UpdateContext> _contexts = [];

    public bool Has(string tag) => _contexts.Exists(context => context.Tag == tag);

    /// <summary>RFC 5267 §4.3.5</summary>
    public void Cancel(string tag) => _contexts.RemoveAll(context => context.Tag == tag);

    /// <summary>Keeps a searching command that asked for updates, or tells the client that there will be none. RFC 5267 §4.3.1</summary>
    /// <param name="criteria">Null for SEARCH.</param>
    /// <param name="indexes">The result, in the order asked for.</param>
    public void Add(SearchProgram program, IReadOnlyList<SortCriterion>? criteria, bool isUid, MailboxSnapshot snapshot, IReadOnlyList<int> indexes)
    {
        string tag = session.CurrentTag;
        // Scores are of one search, and nothing that later ones could be put in order with.
        if (_contexts.Count >= session.Limits.ImapUpdateContexts || criteria?.Any(criterion => criterion.Key == SortKey.Relevancy) == true)
        {
            session.Writer.WriteAscii($"* NO [NOUPDATE \"{tag}\"] No updates for this search\r\n");
            return;
        }
        List<uint> result = [.. indexes.Select(index => snapshot[index].Uid)];
        _contexts.Add(new UpdateContext(tag, isUid, program.WithUids(snapshot), criteria, result));
    }

    /// <summary>Before the client is told what changed.</summary>
    public void WriteRemoved(SelectedMailbox selected, MailboxSnapshot now, SnapshotDifference difference)
    {
        if (_contexts.Count == 0)
            return;
        SearchScope scope = new(selected.Box, now, selected.RecentFrom);
        DateTimeOffset time = session.Services.Clock.GetUtcNow();
        for (int i = _contexts.Count - 1; i >= 0; i--)
        {
            if (_contexts[i].TryPrepare(session.Store, scope, difference, time))
                _contexts[i].WriteRemoved(session.Writer, selected.Told);
            else
                End(i);
        }
    }

    /// <summary>After the client was told what changed.</summary>
    public void WriteAdded(SelectedMailbox selected, MailboxSnapshot now)
    {
        for (int i = _contexts.Count - 1; i >= 0; i--)
        {
            try
            {
                _contexts[i].WriteAdded(session.Writer, session.Store, new(selected.Box, now, selected.RecentFrom));
            }
            catch (IOException)   // what it is sorted by cannot be read
            {
                End(i);
            }
        }
    }

    void End(int place)
    {
        session.Writer.WriteAscii($"* NO [NOUPDATE \"{_contexts[place].Tag}\"] No further updates; search again\r\n");
        _contexts.RemoveAt(place);
    }
}
