using System.Runtime.CompilerServices;

namespace MailEngine.Store;

/// <summary>A set of rows of messages and flags that are safe in the segments already, to be written to index.db together.</summary>
/// <remarks>Whoever has it in hand is alone with it; <see cref="RowSettler"/> sees to that. Mailboxes are held as they were after the last
/// batch of the set, so that counters and rows belong together (S4), and are kept in memory until their rows can be read.</remarks>
internal sealed class PendingRows
{
    readonly Dictionary<long, (Mailbox Box, MailboxSnapshot Snapshot, HashSet<int> Chunks)> _mailboxes = [];
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
    /// <param name="segment">The segment that has its bytes.</param>
    /// <param name="synced">How much of it is on the disk. Flags behind that need not be: a start looks at their records again, which changes
    /// nothing where the rows have them.</param>
    public void Absorb(CommitBatch batch, uint segment, long synced)
    {
        _rows.AddRange(batch.Rows);
        Bytes += batch.RowBytes;
        foreach (MailboxDraft draft in batch.ChangedMailboxes)
        {
            HashSet<int> chunks = _mailboxes.TryGetValue(draft.Mailbox.Id, out var known) ? known.Chunks : [];
            foreach (int number in draft.TouchedChunks)
            {
                if (chunks.Add(number) && number != draft.Snapshot.Chunks[^1].Number)   // flags of older messages; else what counts are the messages' own rows
                    Bytes += Chunk.Capacity * Unsafe.SizeOf<MessageEntry>();
            }
            _mailboxes[draft.Mailbox.Id] = (draft.Mailbox, draft.Snapshot, chunks);
        }
        foreach (AccountDraft account in batch.Accounts)
            _accounts[account.Id] = account;
        if (synced > 0)
            _segments[segment] = synced;
    }

    /// <summary>Writes everything, in a transaction that the caller opened.</summary>
    public void Write(IndexWriter index)
    {
        foreach (Action<IndexWriter> row in _rows)
            row(index);
        foreach ((Mailbox box, MailboxSnapshot snapshot, HashSet<int> chunks) in _mailboxes.Values)
            MailboxDraft.Write(index, box, snapshot, chunks);
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
