using System.Diagnostics;
using MailEngine.Store.Changes;
using MailEngine.Store.Exchange;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store.Partitions;

/// <summary>The steps of a move, for the tests that kill the process between them.</summary>
internal enum MoveStep { Begun, Copied, Frozen, CaughtUp, SettledIn, Noted, TakenOver, Released, Cleared }

/// <summary>What a move did.</summary>
/// <param name="Frozen">How long changes of the account had to wait.</param>
public sealed record MoveReport(string From, string To, long Messages, long Bytes, TimeSpan Frozen);

/// <summary>Moves an account to another partition while its owner works on.</summary>
/// <remarks>
/// (1) Its mailboxes are copied, throttled, and again what changed meanwhile, until little is left. (2) Its changes are frozen in the source: they
/// wait, reading goes on. (3) The last difference and all small rows are copied; the copy is whole and durable. (4) One row in the
/// default partition says that it lives there now: the moment of change. (5) Opened mailboxes go on with the rows in the target, and the
/// changes that waited go there. (6) What is left in the source is removed.
/// Killed before (4) it lives where it lived, and the start removes the copy; killed after, the other way round. So there is never more than one
/// account, and never less. UIDs, UIDVALIDITY, mod-sequences, mailbox ids, EMAILIDs, flags, rights, expunged rows are what they were;
/// a session that has a mailbox selected notices nothing. docs/partitions.md
/// </remarks>
internal sealed class AccountMove(PartitionSet partitions, TimeProvider clock, int bytesPerSecond, Action<MoveStep>? stepReached, ILogger log)
{
    const int MostPasses = 8;           // then it is frozen with what there is to do
    const long LittleBytes = 1 << 20;   // copied in milliseconds

    /// <exception cref="IOException">It cannot be moved, and why; the account is where it was, and whole.</exception>
    public async Task<MoveReport> RunAsync(long accountId, string name, IProgress<ExchangeProgress>? progress, CancellationToken ct)
    {
        PartitionSlot from = partitions.SlotOf(accountId), to = partitions.Slots.FirstOrDefault(slot => slot.Name == name)
            ?? throw new IOException($"There is no partition {name}. Mail:Store:Partitions names {string.Join(", ", partitions.Slots.Select(slot => slot.Name))}.");
        Partition source = from.Required, target = to.Required;
        if (ReferenceEquals(from, to))
            return new MoveReport(from.Name, to.Name, 0, 0, TimeSpan.Zero);
        long wanted = source.UseOf(accountId).Bytes + target.Options.ReserveBytes;
        if (to.FreeBytes is > 0 and var free && free < wanted)
            throw new IOException($"The account needs {wanted >> 20} MiB and partition {name} has {free >> 20} MiB free.");
        // From here on there is a row that says where it lives, so that the copy can never be taken for it.
        await RequireAsync(partitions.NoteHomeAsync(accountId, from));
        await ClearAsync(target, accountId, ct);
        bool noted = false, frozen = false;
        long frozenAt = 0;
        TimeSpan frozenFor = TimeSpan.Zero;
        var transfer = new MailboxTransfer(source, target);
        try
        {
            stepReached?.Invoke(MoveStep.Begun);
            for (int pass = 0; pass < MostPasses; pass++)
            {
                long before = transfer.Bytes;
                await PassAsync(source, accountId, transfer, throttle: true, progress, ct);
                if (transfer.Bytes - before < LittleBytes)
                    break;
            }
            ct.ThrowIfCancellationRequested();
            frozenAt = Stopwatch.GetTimestamp();
            frozen = true;
            await RequireAsync(source.CommitAsync(new FreezeChange(accountId), CancellationToken.None));
            stepReached?.Invoke(MoveStep.Frozen);
            await PassAsync(source, accountId, transfer, throttle: false, progress, CancellationToken.None);
            stepReached?.Invoke(MoveStep.CaughtUp);
            await RequireAsync(target.CommitAsync(new SettleInChange(source, accountId), CancellationToken.None));
            stepReached?.Invoke(MoveStep.SettledIn);
            await RequireAsync(partitions.NoteHomeAsync(accountId, to));
            noted = true;
            stepReached?.Invoke(MoveStep.Noted);
            await target.CommitAsync(new TakeOverChange(source, accountId, partitions.BeginHandover, () =>
            {
                partitions.SetHome(accountId, to);
                partitions.EndHandover();
            }), CancellationToken.None);
            stepReached?.Invoke(MoveStep.TakenOver);
        }
        finally
        {
            if (frozen)
                await source.CommitAsync(new ReleaseChange(accountId, noted ? target : null), CancellationToken.None);
            frozenFor = frozen ? Stopwatch.GetElapsedTime(frozenAt) : frozenFor;
            if (!noted)
                await TryClearAsync(target, accountId);
        }
        stepReached?.Invoke(MoveStep.Released);
        if (await TryClearAsync(source, accountId))
            await source.CommitAsync(new ClearedChange(accountId), CancellationToken.None);
        stepReached?.Invoke(MoveStep.Cleared);
        StoreLog.AccountMoved(log, accountId, from.Name, to.Name, transfer.Messages, transfer.Bytes, (long)frozenFor.TotalMilliseconds);
        return new MoveReport(from.Name, to.Name, transfer.Messages, transfer.Bytes, frozenFor);
    }

    /// <summary>What cannot be removed now is removed by a later purge: it is nobody's, and nobody sees it.</summary>
    async Task<bool> TryClearAsync(Partition partition, long accountId)
    {
        try
        {
            await ClearAsync(partition, accountId, CancellationToken.None);
            return true;
        }
        catch (IOException fault)
        {
            StoreLog.LeftoverStays(log, accountId, partition.Identity.Name, fault.Message);
            return false;
        }
    }

    /// <summary>Removes rows that a partition has of an account that lives elsewhere; their bytes are garbage then, which compaction gives back.</summary>
    public async Task ClearAsync(Partition partition, long accountId, CancellationToken ct)
    {
        bool IsLeft() => partition.ReadBehind(r => r.MailboxesOf(accountId).Count + r.DeletedMailboxesOf(accountId).Count > 0 || r.Account(accountId) is not null);
        partition.Settle();
        if (!IsLeft())
            return;
        await RequireAsync(partition.CommitAsync(new ClearAccountChange(accountId, () => partitions.IsHome(partition, accountId)), ct));
        while (IsLeft())
        {
            if (!(await partition.CommitAsync(new PurgeChange(), ct)).IsMore && IsLeft())
                throw new IOException($"What is left of an account in partition {partition.Identity.Name} cannot be removed just now; the next start tries again.");
        }
    }

    /// <summary>Removes what moves left behind that a crash interrupted.</summary>
    public async Task ClearAllAsync(CancellationToken ct)
    {
        foreach (Partition partition in partitions.Open)
        {
            List<long> left = partition.ReadBehind(AccountsIn).FindAll(account => account != 0 && !partitions.IsHome(partition, account));
            foreach (long account in left)
            {
                ct.ThrowIfCancellationRequested();
                if (!IsCopy(partition, account))
                {
                    StoreLog.LeftoverKept(log, account, partition.Identity.Name);
                    continue;
                }
                await ClearAsync(partition, account, ct);
                StoreLog.LeftoverCleared(log, account, partition.Identity.Name);
            }
        }
    }

    /// <summary>False: what is here is not what the account has where it lives. So it is when the list of who lives where was lost while this partition
    /// was not there, and its accounts began anew elsewhere: then nobody may remove it but a person.</summary>
    bool IsCopy(Partition partition, long accountId)
    {
        HashSet<long> BoxesIn(Partition of) => of.ReadBehind(r => r.MailboxesOf(accountId).Concat(r.DeletedMailboxesOf(accountId)).Select(row => row.Id).ToHashSet());
        if (partition.ReadBehind(r => r.Account(accountId)) is null)
            return true;   // a copy that never became whole
        return partitions.SlotOf(accountId).Open is { } home && BoxesIn(home).Overlaps(BoxesIn(partition));   // a move keeps the ids of mailboxes
    }

    static List<long> AccountsIn(IndexReader reader)
    {
        var accounts = new List<long>();
        using Io.SqliteStatement query = reader.Database.Prepare("SELECT DISTINCT account FROM mailbox UNION SELECT id FROM account");
        while (query.Step())
            accounts.Add(query.Int64(0));
        return accounts;
    }

    async Task PassAsync(Partition source, long accountId, MailboxTransfer transfer, bool throttle, IProgress<ExchangeProgress>? progress, CancellationToken ct)
    {
        source.Settle();
        List<long> boxes = source.ReadBehind(r => r.MailboxesOf(accountId).Concat(r.DeletedMailboxesOf(accountId)).Select(row => row.Id).Order().ToList());
        foreach (long box in boxes)
        {
            await Task.Run(() => transfer.RunAsync(box, async bytes =>
            {
                stepReached?.Invoke(MoveStep.Copied);
                progress?.Report(new ExchangeProgress("", transfer.Messages, transfer.Bytes));
                if (throttle)
                    await Task.Delay(TimeSpan.FromSeconds((double)bytes / bytesPerSecond), clock, ct);
            }, ct), ct);
        }
    }

    static async Task RequireAsync(Task<StoreError> change)
    {
        if (await change is var error and not StoreError.None)
            throw new IOException(error == StoreError.NotAllowed ? "The account lives there." : "The store cannot be written just now. Look at the disks and try again; the account is where it was.");
    }
}
