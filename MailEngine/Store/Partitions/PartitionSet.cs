using System.Collections.Concurrent;
using System.Globalization;
using MailEngine.Accounts;
using MailEngine.Io;
using MailEngine.Store.Changes;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store.Partitions;

/// <summary>The partitions of a store, and which account lives where.</summary>
/// <remarks>
/// The truth about where an account lives is one row of table placement in the index of the default partition; changing it is the moment of
/// change of a move. An account without a row that has rows in the default partition has always lived there; any other is new, and gets its
/// row at first use, before anything else of it is written. A partition whose folder does not say that it is the one meant
/// (<see cref="PartitionIdentity"/>) is not opened; its accounts answer <see cref="StoreError.Unavailable"/>, all others work on.
/// With one partition all of this is skipped. docs/partitions.md
/// </remarks>
internal sealed class PartitionSet : IAsyncDisposable
{
    readonly PartitionSlot[] _slots;   // the default one first
    readonly StoreOptions _options;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly Mime.MimeLimits _mimeLimits;
    readonly ConcurrentDictionary<long, PartitionSlot> _homes = new();
    readonly ConcurrentDictionary<long, Lazy<Task<PartitionSlot?>>> _placing = new();
    readonly Lock _opening = new();
    long _handovers;

    PartitionSet(PartitionSlot[] slots, StoreOptions options, TimeProvider clock, ILogger log, Mime.MimeLimits mimeLimits)
    {
        _slots = slots;
        _options = options;
        _clock = clock;
        _log = log;
        _mimeLimits = mimeLimits;
        Default = slots[0].Required;
        IsSingle = slots.Length == 1;
    }

    /// <summary>Holds the queue, the annotations of the server, and who lives where.</summary>
    public Partition Default { get; }

    /// <summary>True: there is no other partition, and nobody need ask where an account lives.</summary>
    public bool IsSingle { get; }

    public IReadOnlyList<PartitionSlot> Slots => _slots;

    /// <summary>Those that are there.</summary>
    public IEnumerable<Partition> Open => _slots.Select(slot => slot.Open).OfType<Partition>();

    /// <summary>Domain of an account, or (negative) of a domain's own mailboxes; null: none.</summary>
    public Func<long, ValueTask<string?>>? DomainOf { get; set; }

    /// <summary>A batch of any partition is durable and visible. Called by its commit loop; must return at once.</summary>
    public event Action? Committed;

    /// <exception cref="StoreOpenException">Its message is one line for the operator.</exception>
    public static PartitionSet OpenAll(string dataPath, StoreOptions options, TimeProvider clock, ILogger log, Mime.MimeLimits mimeLimits)
    {
        IReadOnlyList<PartitionOptions> named = PartitionFolders.Effective(options);
        string folder = PartitionFolders.Of(dataPath, named[0]);
        Partition first = Partition.Open(folder, options, mimeLimits, clock, log);
        PartitionSet? set = null;
        try
        {
            if (first.Identity.Number != 0)
                throw new StoreOpenException($"{folder} holds partition {first.Identity.Name}, not the default one. Look at Mail:Store:Partitions.");
            List<PartitionIdentity> known = first.ReadBehind(Known);
            var slots = new List<PartitionSlot> { new(named[0], folder, 0) { Open = first } };
            foreach (PartitionOptions other in named.Skip(1))
                slots.Add(SlotOf(first, known, other, PartitionFolders.Of(dataPath, other)));
            set = new PartitionSet([.. slots], options, clock, log, mimeLimits);
            first.Committed += set.Tell;
            set.ReadHomes(known);
            set.OpenMissing(atStart: true);
            set.AdoptHomes();
            return set;
        }
        catch
        {
            ((IAsyncDisposable?)set ?? first).DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>Where an account lives; for one that has nothing yet, the default one. Any thread; a look-up that takes no lock.</summary>
    public PartitionSlot SlotOf(long accountId) =>
        IsSingle || accountId == 0 ? _slots[0] : _homes.TryGetValue(accountId, out PartitionSlot? home) ? home : LookUp(accountId) ?? _slots[0];

    /// <summary>The same, to read from.</summary>
    /// <exception cref="PartitionMissingException">It is not there.</exception>
    public Partition Of(long accountId) => IsSingle ? Default : SlotOf(accountId).Required;

    /// <summary>The same, to change something in; a new account gets its place here.</summary>
    /// <returns>Null: it is not there.</returns>
    public async ValueTask<Partition?> ForChangesAsync(long accountId)
    {
        if (IsSingle || accountId == 0)
            return Default;
        if (!_homes.TryGetValue(accountId, out PartitionSlot? home))
        {
            // Only once at a time: the answer may depend on the free space of this moment.
            try
            {
                home = await _placing.GetOrAdd(accountId, id => new Lazy<Task<PartitionSlot?>>(() => PlaceAsync(id))).Value;
            }
            finally
            {
                _placing.TryRemove(accountId, out _);
            }
        }
        return home?.Open;
    }

    /// <summary>The partition that has a mailbox; null: none. For what is asked seldom.</summary>
    public Partition? OfMailbox(long mailboxId) => IsSingle ? Default
        : Open.FirstOrDefault(partition => partition.ReadBehind(r => r.Mailbox(mailboxId)) is { } row && ReferenceEquals(SlotOf(row.AccountId).Open, partition));

    /// <summary>True: the rows that this partition has of the account are the account's, not what a move left or brings.</summary>
    public bool IsHome(Partition partition, long accountId) => IsSingle || ReferenceEquals(SlotOf(accountId).Open, partition);

    /// <summary>Accounts that are known to live in a partition. Of the default one those only that were placed there.</summary>
    public int CountIn(PartitionSlot slot) => _homes.Values.Count(home => ReferenceEquals(home, slot));

    /// <summary>Opens those that were not there and are now.</summary>
    public void OpenMissing(bool atStart = false)
    {
        lock (_opening)
        {
            foreach (PartitionSlot slot in _slots.Where(slot => slot.Open is null))
            {
                string fault = "";
                try
                {
                    if (!HasIdentity(slot, out fault))
                        throw new StoreOpenException(fault);
                    Partition partition = Partition.Open(slot.Folder, _options, _mimeLimits, _clock, _log, Default.Events);
                    partition.Committed += Tell;
                    slot.Open = partition;
                    if (!atStart)
                        StoreLog.PartitionIsBack(_log, slot.Name, slot.Folder);
                }
                catch (IOException e)
                {
                    slot.Fault = fault.Length > 0 ? fault : e.Message;
                    if (atStart)
                        StoreLog.PartitionMissing(_log, slot.Name, slot.Folder, slot.Fault, CountIn(slot));
                }
            }
        }
    }

    /// <summary>Writes down where an account lives, durable when the task ends: the one moment of change of a move.</summary>
    public Task<StoreError> NoteHomeAsync(long accountId, PartitionSlot home) => Default.CommitAsync(new PlacementChange([(accountId, home.Number)]));

    /// <summary>From now on the account is looked for there. What was noted is true already.</summary>
    public void SetHome(long accountId, PartitionSlot home) => _homes[accountId] = home;

    /// <summary>Odd while opened mailboxes are handed from one partition to another: who opens one meanwhile may get one that nobody tells of changes,
    /// and opens it again.</summary>
    public long Handovers => Volatile.Read(ref _handovers);

    public void BeginHandover() => Interlocked.Increment(ref _handovers);

    public void EndHandover() => Interlocked.Increment(ref _handovers);

    /// <summary>Both at once, for an account that has nothing yet.</summary>
    public async Task<StoreError> SetHomeAsync(long accountId, PartitionSlot to)
    {
        StoreError error = await NoteHomeAsync(accountId, to);
        if (error == StoreError.None)
            _homes[accountId] = to;
        return error;
    }

    public async ValueTask DisposeAsync()
    {
        // The default one last: the others are part of what it tells.
        foreach (PartitionSlot slot in _slots.Reverse())
        {
            if (slot.Open is { } open)
                await open.DisposeAsync();
        }
    }

    void Tell() => Committed?.Invoke();

    async Task<PartitionSlot?> PlaceAsync(long accountId)
    {
        if (_homes.TryGetValue(accountId, out PartitionSlot? known) || (known = LookUp(accountId)) is not null)
            return known;
        string? domain = null;
        try
        {
            if (DomainOf is { } of)
                domain = await of(accountId);
        }
        catch (DirectoryUnavailableException)
        {
            return null;
        }
        if (PlacementRule.Choose(_slots, accountId, domain) is not { } chosen)
            return null;
        return await SetHomeAsync(accountId, chosen) == StoreError.None ? chosen : null;
    }

    /// <summary>An account that has always lived in the default partition; null: it has nothing there.</summary>
    PartitionSlot? LookUp(long accountId)
    {
        bool isThere = Default.Read(r => r.Account(accountId) is not null || r.MailboxesOf(accountId).Count > 0);
        return isThere ? _homes.GetOrAdd(accountId, _slots[0]) : null;
    }

    static List<PartitionIdentity> Known(IndexReader reader)
    {
        var known = new List<PartitionIdentity>();
        using SqliteStatement query = reader.Database.Prepare("SELECT number, name, identity FROM partition");
        while (query.Step())
            known.Add(new PartitionIdentity((int)query.Int64(0), query.Text(1), query.Text(2)));
        return known;
    }

    /// <summary>A partition that was never there before is made; one that was must say who it is.</summary>
    static PartitionSlot SlotOf(Partition first, List<PartitionIdentity> known, PartitionOptions options, string folder)
    {
        if (known.Find(k => k.Name == options.Name) is { } before)
            return new PartitionSlot(options, folder, before.Number);
        PartitionIdentity identity;
        try
        {
            if (PartitionIdentity.Read(folder) is { } found)
            {
                // Made by a start that got no further, or the list was lost with the old index: then the folder knows.
                if (found.Name != options.Name || found.Number == 0 || known.Exists(k => k.Number == found.Number))
                    throw new StoreOpenException($"{folder} holds partition {found.Name} ({found.Number}), and Mail:Store:Partitions calls it {options.Name}. Give each its own name and folder.");
                identity = found;
            }
            else
            {
                string? parent = Path.GetDirectoryName(folder);
                if (options.Folder.Length > 0 && !Directory.Exists(parent))
                    throw new StoreOpenException($"Partition {options.Name} is to be made in {folder}, but {parent} is not there. Is the volume mounted?");
                if (Directory.Exists(folder) && File.Exists(Path.Combine(folder, "index.db")))
                    throw new StoreOpenException($"{folder} is to be partition {options.Name}, but there is mail in it that belongs to no partition of this store.");
                int number = Enumerable.Range(1, PartitionIdentity.MostPartitions).First(n => !known.Exists(k => k.Number == n));
                if (number == PartitionIdentity.MostPartitions)
                    throw new StoreOpenException($"Partition {options.Name} is one too many: {PartitionIdentity.MostPartitions} is the most a store can have in its life.");
                identity = PartitionIdentity.New(number, options.Name);
                Disk.CreateDirectory(folder);
                identity.Write(folder);
            }
        }
        catch (Exception fault) when (fault is IOException and not StoreOpenException or UnauthorizedAccessException)
        {
            throw new StoreOpenException($"Partition {options.Name} cannot be made in {folder}: {fault.Message}", fault);
        }
        if (first.CommitAsync(new PartitionKnownChange(identity)).GetAwaiter().GetResult() != StoreError.None)
            throw new StoreOpenException($"The store could not note the new partition {options.Name}. Look at the disk under {first.Folder} and start again.");
        known.Add(identity);
        return new PartitionSlot(options, folder, identity.Number);
    }

    void ReadHomes(List<PartitionIdentity> known)
    {
        if (known.Count == 0)
            return;
        var away = new Dictionary<long, int>();   // accounts by partition that nobody names
        Dictionary<long, PartitionSlot> byNumber = _slots.ToDictionary(slot => (long)slot.Number);
        Default.ReadBehind(reader =>
        {
            using SqliteStatement query = reader.Database.Prepare("SELECT account, partition FROM placement");
            while (query.Step())
            {
                if (byNumber.TryGetValue(query.Int64(1), out PartitionSlot? slot))
                    _homes[query.Int64(0)] = slot;
                else
                    away[query.Int64(1)] = away.GetValueOrDefault(query.Int64(1)) + 1;
            }
            return 0;
        });
        foreach ((long number, int accounts) in away)
        {
            string name = known.Find(k => k.Number == number)?.Name ?? number.ToString(CultureInfo.InvariantCulture);
            throw new StoreOpenException($"{accounts} accounts live in partition {name}, which Mail:Store:Partitions does not name. Put it back into the settings; to be rid of it move its accounts first (store move).");
        }
    }

    /// <summary>After the loss of the list: an account lives where its rows are. What a new index of the default partition has found of those that had moved away is
    /// older than what is elsewhere: a copy on its way has no row in table account, and one that was left behind loses it first. Of two elsewhere it is the
    /// one with the higher mod-sequence.</summary>
    void AdoptHomes()
    {
        if (IsSingle)
            return;
        var found = new Dictionary<long, (PartitionSlot Slot, ulong ModSeq)>();
        foreach (PartitionSlot slot in _slots.Skip(1))
        {
            if (slot.Open is not { } partition)
                continue;
            partition.ReadBehind(reader =>
            {
                using SqliteStatement query = reader.Database.Prepare("SELECT id, modseq FROM account");
                while (query.Step())
                {
                    (long account, ulong modSeq) = (query.Int64(0), (ulong)query.Int64(1));
                    if (account != 0 && !_homes.ContainsKey(account) && (!found.TryGetValue(account, out (PartitionSlot, ulong ModSeq) other) || other.ModSeq < modSeq))
                        found[account] = (slot, modSeq);
                }
                return 0;
            });
        }
        (long, int)[] lost = [.. found.Select(pair => (pair.Key, pair.Value.Slot.Number))];
        if (lost.Length == 0)
            return;
        if (Default.CommitAsync(new PlacementChange(lost)).GetAwaiter().GetResult() != StoreError.None)
            throw new StoreOpenException($"The store could not note where {lost.Length} accounts live. Look at the disk under {Default.Folder} and start again.");
        foreach ((long account, int number) in lost)
            _homes[account] = _slots.First(slot => slot.Number == number);
        StoreLog.PlacementsFound(_log, lost.Length);
    }

    /// <summary>Does the folder say that it is this partition?</summary>
    bool HasIdentity(PartitionSlot slot, out string fault)
    {
        PartitionIdentity? wanted = Default.ReadBehind(Known).Find(k => k.Number == slot.Number), found = PartitionIdentity.Read(slot.Folder);
        fault = found is null ? $"there is no partition in {slot.Folder}; is the volume mounted?"
            : found != wanted ? $"{slot.Folder} holds partition {found.Name} ({found.Identity}), not this one ({wanted?.Identity})"
            : "";
        return fault.Length == 0;
    }
}
