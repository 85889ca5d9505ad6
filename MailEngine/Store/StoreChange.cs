namespace MailEngine.Store;

/// <summary>Something the commit loop is asked to do. A subclass holds the request, its decision and its outcome.</summary>
internal abstract class StoreChange
{
    /// <summary>True: class D2, on disk before the caller hears of it. False: D1, flags alone.</summary>
    public virtual bool Durable => true;

    /// <summary>True: its segment records are enough to make all its rows again, so it is done when they are written, and synced if it is
    /// <see cref="Durable"/>; its rows may follow later. It touches nothing but what <see cref="CommitBatch.Deposit"/> and
    /// <see cref="CommitBatch.WriteFlags"/> put down, in mailboxes that are there.</summary>
    public virtual bool InLog => false;

    /// <summary>True: it brings new mail, which is refused while the disk is nearly full.</summary>
    public virtual bool BringsMail => false;

    /// <summary>Bytes it will append, about; keeps a batch in bounds.</summary>
    public virtual long Bytes => 0;

    /// <summary>True: it touches the account or one of these mailboxes, which are all of the account's.</summary>
    public abstract bool Concerns(long accountId, IReadOnlySet<long> mailboxes);

    /// <summary>What becomes of it when the account it concerns has moved to another partition before its turn came. True: it is done there, as it
    /// stands. False: it touches others too, or bytes that lie here; it ends <see cref="IsDiverted"/>, and who asked for it plans it anew.</summary>
    public virtual bool MayFollow => true;

    /// <summary>It was not done, for that reason.</summary>
    public bool IsDiverted { get; private set; }

    public void Divert()
    {
        IsDiverted = true;
        Fail();
    }

    /// <summary>Decides and allocates; see <see cref="CommitBatch"/>. May be called again on a fresh batch after a fault.</summary>
    public abstract void Prepare(CommitBatch batch);

    /// <summary>It is durable and visible: tell the caller.</summary>
    public abstract void Complete();

    /// <summary>Nothing was kept: tell the caller <see cref="StoreError.Unavailable"/>.</summary>
    public abstract void Fail();
}

/// <summary>A change with an outcome of type <typeparamref name="T"/>.</summary>
internal abstract class StoreChange<T> : StoreChange
{
    readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Done => _done.Task;

    protected abstract T Outcome { get; }

    protected abstract T Fault { get; }

    public sealed override void Complete() => _done.TrySetResult(Outcome);

    public sealed override void Fail() => _done.TrySetResult(Fault);
}

/// <summary>Changes nothing; when it is done, index.db holds every row that was waiting.</summary>
internal sealed class SettleChange : StoreChange<StoreError>
{
    public override bool Durable => false;

    protected override StoreError Outcome => StoreError.None;

    protected override StoreError Fault => StoreError.Unavailable;

    public override bool Concerns(long accountId, IReadOnlySet<long> mailboxes) => false;

    public override void Prepare(CommitBatch batch)
    {
    }
}

/// <summary>A change whose outcome is only whether it was done.</summary>
internal abstract class SimpleChange : StoreChange<StoreError>
{
    protected StoreError Result { get; set; }

    protected override StoreError Outcome => Result;

    protected override StoreError Fault => StoreError.Unavailable;
}
