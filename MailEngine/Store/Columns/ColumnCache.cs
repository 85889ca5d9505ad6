namespace MailEngine.Store.Columns;

/// <summary>The columns of the mailboxes that were sorted, threaded or searched lately, up to a limit of memory.</summary>
internal sealed class ColumnCache(Partition partition, long maxBytes)
{
    readonly Lock _lock = new();
    readonly Dictionary<long, LinkedListNode<(long MailboxId, MailboxColumns Columns)>> _byId = [];
    readonly LinkedList<(long MailboxId, MailboxColumns Columns)> _recent = new();

    /// <summary>Columns for a snapshot; reads what is not there yet.</summary>
    public ColumnView View(Mailbox box, MailboxSnapshot snapshot, ColumnSet wanted)
    {
        MailboxColumns columns;
        lock (_lock)
        {
            if (!_byId.TryGetValue(box.Id, out LinkedListNode<(long, MailboxColumns)>? node))
                _byId[box.Id] = node = new((box.Id, new MailboxColumns(partition, box.Id)));
            else
                _recent.Remove(node);
            _recent.AddFirst(node);
            columns = node.Value.Item2;
        }
        ColumnView view = columns.View(snapshot, wanted);
        lock (_lock)
            Trim_NeedsLock();
        return view;
    }

    void Trim_NeedsLock()
    {
        const int most = 10_000;
        long bytes = 0;
        int count = 0;
        for (LinkedListNode<(long MailboxId, MailboxColumns Columns)>? node = _recent.First; node is not null;)
        {
            LinkedListNode<(long MailboxId, MailboxColumns Columns)>? next = node.Next;
            bytes += node.Value.Columns.Size;
            // The one just used stays, however large it is.
            if (++count > 1 && (bytes > maxBytes || count > most))
            {
                bytes -= node.Value.Columns.Size;
                _recent.Remove(node);
                _byId.Remove(node.Value.MailboxId);
            }
            node = next;
        }
    }
}
