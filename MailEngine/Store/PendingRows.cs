using System.Collections.Concurrent;
using System.Diagnostics;

namespace MailEngine.Store;

/// <summary>Rows of messages that are safe in the segments already and wait to be written to index.db together.</summary>
/// <remarks>
/// A deposit's segment record is enough to make its rows again, so the sync of the segment alone makes it durable (S1); its rows follow
/// when enough of them wait, when somebody must read them, or when the loop has nothing else to do. Commit loop only, but for
/// <see cref="Any"/> and <see cref="TryGetUse"/>. docs/durability.md
/// </remarks>
internal sealed class PendingRows
{
    readonly Dictionary<long, (Mailbox Box, int FirstChunk)> _mailboxes = [];
    readonly Dictionary<long, AccountDraft> _accounts = [];
    readonly ConcurrentDictionary<long, AccountUse> _use = new();
    readonly List<Action<IndexWriter>> _rows = [];
    readonly Dictionary<uint, long> _segments = [];
    long _since;
    volatile bool _any;

    /// <summary>Any thread: true when index.db is behind the mailboxes in memory.</summary>
    public bool Any => _any;

    public int Rows => _rows.Count;

    /// <summary>How long the oldest row has been waiting.</summary>
    public TimeSpan Age => _any ? Stopwatch.GetElapsedTime(_since) : TimeSpan.Zero;

    /// <summary>Any thread: what an account holds, when its row is not up to date.</summary>
    public bool TryGetUse(long accountId, out AccountUse use) => _use.TryGetValue(accountId, out use);

    /// <summary>Takes over the rows of a batch whose bytes are synced, before anybody hears of it.</summary>
    public void Absorb(CommitBatch batch, uint segment, long length)
    {
        if (!_any)
            _since = Stopwatch.GetTimestamp();
        _rows.AddRange(batch.Rows);
        foreach (MailboxDraft draft in batch.ChangedMailboxes)
        {
            int first = draft.FirstTouchedChunk;
            if (_mailboxes.TryGetValue(draft.Mailbox.Id, out (Mailbox Box, int FirstChunk) known))
                first = Math.Min(first, known.FirstChunk);
            _mailboxes[draft.Mailbox.Id] = (draft.Mailbox, first);
        }
        foreach (AccountDraft account in batch.Accounts)
        {
            _accounts[account.Id] = account;
            _use[account.Id] = new AccountUse(account.Messages, account.Bytes);
        }
        _segments[segment] = length;
        _any = true;
    }

    /// <summary>Writes everything, in a transaction that the caller opened. The mailboxes' current snapshots are what is written.</summary>
    public void Write(IndexWriter index)
    {
        foreach (Action<IndexWriter> row in _rows)
            row(index);
        foreach ((Mailbox box, int first) in _mailboxes.Values)
            MailboxDraft.WriteTail(index, box, first);
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
        _any = false;
        _use.Clear();
    }
}
