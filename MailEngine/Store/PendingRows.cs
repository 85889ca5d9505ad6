namespace MailEngine.Store;

/// <summary>A set of rows of messages that are safe in the segments already, to be written to index.db together.</summary>
/// <remarks>Whoever has it in hand is alone with it; <see cref="RowSettler"/> sees to that. Mailboxes are held as they were after the last
/// batch of the set, so that counters and rows belong together (S4), and are kept in memory until their rows can be read.</remarks>
internal sealed class PendingRows
{
    readonly Dictionary<long, (Mailbox Box, MailboxSnapshot Snapshot, int FirstChunk)> _mailboxes = [];
    readonly Dictionary<long, AccountDraft> _accounts = [];
    readonly List<Action<IndexWriter>> _rows = [];
    readonly Dictionary<uint, long> _segments = [];

    public int Rows => _rows.Count;

    /// <summary>Octets of the rows, about.</summary>
    public long Bytes { get; private set; }

    /// <summary>What an account holds, when its row is in the set.</summary>
    public bool TryGetUse(long accountId, out AccountUse use)
    {
        bool here = _accounts.TryGetValue(accountId, out AccountDraft? account);
        use = account is null ? default : new AccountUse(account.Messages, account.Bytes);
        return here;
    }

    /// <summary>Adds the rows of a batch, worked out but not published.</summary>
    /// <param name="segment">The segment that has its bytes, and its length with them.</param>
    public void Absorb(CommitBatch batch, uint segment, long length)
    {
        _rows.AddRange(batch.Rows);
        Bytes += batch.RowBytes;
        foreach (MailboxDraft draft in batch.ChangedMailboxes)
        {
            int first = draft.FirstTouchedChunk;
            if (_mailboxes.TryGetValue(draft.Mailbox.Id, out (Mailbox Box, MailboxSnapshot Snapshot, int FirstChunk) known))
                first = Math.Min(first, known.FirstChunk);
            _mailboxes[draft.Mailbox.Id] = (draft.Mailbox, draft.Snapshot, first);
        }
        foreach (AccountDraft account in batch.Accounts)
            _accounts[account.Id] = account;
        _segments[segment] = length;
    }

    /// <summary>Writes everything, in a transaction that the caller opened.</summary>
    public void Write(IndexWriter index)
    {
        foreach (Action<IndexWriter> row in _rows)
            row(index);
        foreach ((Mailbox box, MailboxSnapshot snapshot, int first) in _mailboxes.Values)
            MailboxDraft.WriteTail(index, box, snapshot, first);
        foreach (AccountDraft account in _accounts.Values)
            index.PutAccount(account.Id, account.ModSeq, account.Messages, account.Bytes);
        foreach ((uint segment, long length) in _segments)
            index.PutSegment(segment, length);
    }

    /// <summary>After COMMIT.</summary>
    public void Clear()
    {
        _rows.Clear();
        _mailboxes.Clear();
        _accounts.Clear();
        _segments.Clear();
        Bytes = 0;
    }
}
