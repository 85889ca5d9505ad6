using MailEngine.Store.Changes;

namespace MailEngine.Store.Partitions;

/// <summary>Keeps an accepted message whose recipients may live in several partitions: one commit each, all of them before the caller hears.</summary>
/// <remarks>The default partition, which has the queue, comes last: what a report says happened has happened then. A partition that is not there or
/// cannot write fails its own deposits alone. A retry after a lost answer is caught by the duplicate window of each. Copies of answers that are kept elsewhere
/// than in the default partition follow what was sent: a crash in between loses such a copy, never mail.</remarks>
internal sealed class SplitDelivery(PartitionSet partitions)
{
    public async Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        var copies = new List<(int Answer, Partition Home)>();
        for (int i = 0; i < acceptance.Answers.Count; i++)
        {
            if (acceptance.Answers[i].Filed is { } copy && await partitions.ForChangesAsync(copy.Owner.AccountId) is { } home && !ReferenceEquals(home, partitions.Default))
                copies.Add((i, home));
        }
        if (copies.Count == 0)
            return await AcceptAllAsync(acceptance, removeQueueIds, ct);
        AcceptOutcome outcome = await AcceptAllAsync(
            acceptance with { Answers = [.. acceptance.Answers.Select((answer, i) => copies.Exists(copy => copy.Answer == i) ? answer with { Filed = null } : answer)] }, removeQueueIds, ct);
        foreach ((int place, Partition home) in copies.Where(copy => outcome.AnswerIds.ElementAtOrDefault(copy.Answer) != 0))
        {
            AutomaticAnswer answer = acceptance.Answers[place];
            await home.CommitAsync(new AcceptChange(new Acceptance { Body = answer.Body, Deposits = [answer.Filed!], MostMailboxes = acceptance.MostMailboxes }, []), ct);
        }
        return outcome;
    }

    async Task<AcceptOutcome> AcceptAllAsync(Acceptance acceptance, IReadOnlyList<long> removeQueueIds, CancellationToken ct)
    {
        bool hasQueue = acceptance.Queue.Count > 0 || removeQueueIds.Count > 0 || acceptance.Answers.Count > 0 || acceptance.Sightings.Count > 0;
        var outcomes = new DepositOutcome[acceptance.Deposits.Count];
        List<int> left = [.. Enumerable.Range(0, outcomes.Length)];
        bool kept = false;
        while (left.Count > 0)
        {
            var again = new List<int>();
            var groups = new Dictionary<Partition, List<int>>();
            foreach (int i in left)
            {
                if (await partitions.ForChangesAsync(acceptance.Deposits[i].Owner.AccountId) is not { } home)
                    outcomes[i] = new DepositOutcome(StoreError.Unavailable, 0, 0, 0);
                else if (groups.TryGetValue(home, out List<int>? group))
                    group.Add(i);
                else
                    groups.Add(home, [i]);
            }
            groups.Remove(partitions.Default, out List<int>? ofDefault);
            bool[] done = await Task.WhenAll(groups.Select(group => DepositAsync(group.Key, acceptance, group.Value, outcomes, again, ct)));
            kept |= done.Contains(true);
            if (ofDefault is not null && hasQueue && again.Count == 0 && !IsShort(outcomes, removeQueueIds))
            {
                AcceptChange whole = ChangeOf(acceptance, ofDefault, outcomes, removeQueueIds);
                AcceptOutcome outcome = await partitions.Default.CommitAsync(whole, ct);
                if (!whole.IsDiverted)
                    return outcome.Fault != StoreError.None ? outcome : Merge(outcome, ofDefault, outcomes);
                again.AddRange(ofDefault);
            }
            else if (ofDefault is not null && (!hasQueue || again.Count == 0))
            {
                kept |= await DepositAsync(partitions.Default, acceptance, ofDefault, outcomes, again, ct);
            }
            else if (ofDefault is not null)
            {
                again.AddRange(ofDefault);
            }
            left = again;
        }
        if (!hasQueue)
            return new AcceptOutcome(kept || outcomes.Length == 0 ? StoreError.None : StoreError.Unavailable, outcomes, []);
        if (IsShort(outcomes, removeQueueIds))
            return new AcceptOutcome(StoreError.Unavailable, [], []);
        AcceptOutcome queued = await partitions.Default.CommitAsync(ChangeOf(acceptance, [], outcomes, removeQueueIds), ct);
        return queued.Fault != StoreError.None ? queued : new AcceptOutcome(StoreError.None, outcomes, queued.QueueIds) { AnswerIds = queued.AnswerIds };
    }

    /// <summary>True: rows must not go, because what is to take their place was not kept.</summary>
    static bool IsShort(DepositOutcome[] outcomes, IReadOnlyList<long> removeQueueIds) =>
        removeQueueIds.Count > 0 && Array.Exists(outcomes, outcome => outcome.Error == StoreError.Unavailable);

    static AcceptOutcome Merge(AcceptOutcome outcome, List<int> places, DepositOutcome[] outcomes)
    {
        for (int i = 0; i < places.Count; i++)
            outcomes[places[i]] = outcome.Deposits[i];
        return outcome with { Deposits = outcomes };
    }

    /// <summary>Some deposits, and all that stands in the queue.</summary>
    /// <param name="outcomes">Of deposits that were made elsewhere before.</param>
    static AcceptChange ChangeOf(Acceptance acceptance, List<int> places, DepositOutcome[] outcomes, IReadOnlyList<long> removeQueueIds) => new(acceptance with
    {
        Deposits = [.. places.Select(i => acceptance.Deposits[i])],
        // Each keeps its place among the answers; one whose copy was not made points at none that is.
        Answers = [.. acceptance.Answers.Select(answer => answer with
        {
            Deposit = answer.Deposit < 0 ? answer.Deposit : places.IndexOf(answer.Deposit) is var place and >= 0 ? place : outcomes[answer.Deposit].Error == StoreError.None ? AutomaticAnswer.Made : AutomaticAnswer.Never,
        })],
        Sightings = [.. acceptance.Sightings.Where(seen => seen.Deposits.All(place => places.Contains(place) || outcomes[place].Error is StoreError.None or StoreError.Duplicate))
            .Select(seen => seen with { Deposits = [.. seen.Deposits.Select(place => places.IndexOf(place)).Where(place => place >= 0)] })],
    }, removeQueueIds);

    /// <summary>Some deposits alone.</summary>
    static AcceptChange ChangeOf(Acceptance acceptance, List<int> places) =>
        new(acceptance with { Deposits = [.. places.Select(i => acceptance.Deposits[i])], Queue = [], Answers = [], Sightings = [] }, []);

    /// <returns>True: the partition took them, or said why not.</returns>
    static async Task<bool> DepositAsync(Partition partition, Acceptance acceptance, List<int> places, DepositOutcome[] outcomes, List<int> again, CancellationToken ct)
    {
        var change = ChangeOf(acceptance, places);
        AcceptOutcome outcome;
        try
        {
            if (acceptance.Body.OwnRange is not null)
                await Task.Run(() => acceptance.Body.RangeIn(partition.Segments), ct);   // not in the commit loop
            foreach (Body changed in places.Select(i => acceptance.Deposits[i].Body).Where(body => body?.OwnRange is not null).Distinct()!)
                await Task.Run(() => changed.RangeIn(partition.Segments), ct);
            outcome = await partition.CommitAsync(change, ct);
        }
        catch (IOException)
        {
            outcome = new AcceptOutcome(StoreError.Unavailable, [], []);
        }
        if (change.IsDiverted)
        {
            lock (again)
                again.AddRange(places);
            return false;
        }
        for (int i = 0; i < places.Count; i++)
            outcomes[places[i]] = outcome.Fault == StoreError.None ? outcome.Deposits[i] : new DepositOutcome(outcome.Fault, 0, 0, 0);
        return outcome.Fault == StoreError.None;
    }
}
