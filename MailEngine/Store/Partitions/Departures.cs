namespace MailEngine.Store.Partitions;

/// <summary>Accounts that are on their way out of a partition, or gone from it: what becomes of changes that still come for them.</summary>
/// <remarks>
/// Commit loop of the partition only. From <see cref="Freeze"/> on changes of the account are kept waiting; <see cref="Release"/> lets them go on, here
/// or where the account lives now, and every later one goes there at once. So no change is ever made to rows that a move has left behind, whoever still
/// holds this partition in his hand. The loop asks <see cref="Any"/> once a batch, which costs nothing where nobody moves.
/// </remarks>
internal sealed class Departures
{
    readonly Dictionary<long, Departure> _accounts = [];

    sealed class Departure(HashSet<long> mailboxes)
    {
        public HashSet<long> Mailboxes => mailboxes;
        public List<StoreChange> Waiting { get; } = [];
        public Partition? To { get; set; }
    }

    public bool Any => _accounts.Count > 0;

    /// <param name="mailboxes">All of the account's, deleted ones too.</param>
    public void Freeze(long accountId, HashSet<long> mailboxes) => _accounts[accountId] = new Departure(mailboxes);

    /// <param name="to">Where the account lives now; null: here, as before.</param>
    public void Release(long accountId, Partition? to, Partition here)
    {
        if (!_accounts.TryGetValue(accountId, out Departure? departure))
            return;
        departure.To = to;
        if (to is null)
            _accounts.Remove(accountId);
        foreach (StoreChange change in departure.Waiting)
            Send(change, to ?? here);
        departure.Waiting.Clear();
    }

    /// <summary>The account is here again.</summary>
    public void Arrived(long accountId) => _accounts.Remove(accountId);

    /// <summary>Its rows are gone: nothing can find its mailboxes here any more.</summary>
    public void Cleared(long accountId)
    {
        if (_accounts.TryGetValue(accountId, out Departure? departure))
            departure.Mailboxes.Clear();
    }

    /// <summary>Takes changes out of a batch that are not to be made here, or not now.</summary>
    public void TakeOut(List<StoreChange> changes)
    {
        for (int i = 0; i < changes.Count; i++)
        {
            foreach ((long account, Departure departure) in _accounts)
            {
                StoreChange change = changes[i];
                if (!change.Concerns(account, departure.Mailboxes))
                    continue;
                changes.RemoveAt(i--);
                if (departure.To is { } to)
                    Send(change, to);
                else
                    departure.Waiting.Add(change);
                break;
            }
        }
    }

    static void Send(StoreChange change, Partition to)
    {
        if (change.MayFollow)
            to.Forward(change);
        else
            change.Divert();
    }
}
