using System.Runtime.CompilerServices;
using System.Text;
using MailEngine.Imap.Fetch;
using MailEngine.Mime;
using MailEngine.Store;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Search;

/// <summary>Runs a search program over a snapshot.</summary>
/// <remarks>
/// Truth has three values: a key that costs more than the round looks at is unknown, and so is what depends on it. The first round
/// takes all messages at once, a bit each: a key gives the set of those that surely match and the set of those that may
/// (<see cref="Decided"/>), and the operators work on these sets. Messages still undecided are looked at one by one, cheap keys first:
/// a header or text is read for no message that its flags or dates decide.
/// </remarks>
internal sealed class SearchRun : IDisposable
{
    enum Truth : byte { No, Yes, Unknown }

    /// <summary>Work between two looks at the clock and at other sessions' need for the thread.</summary>
    static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(20);

    readonly MailStore _store;
    readonly SearchProgram _program;
    readonly SearchScope _scope;
    readonly MailboxSnapshot _snapshot;
    readonly long _now;
    readonly Truth[] _stack;
    readonly List<IndexRange>?[] _ranges;
    readonly bool[]?[] _keywordSets;
    readonly MessageSet?[] _candidates;   // of a text: the others do not hold it
    readonly FuzzyMatch _fuzzy = new();
    int _textsLookedUp;
    int _scoreSum;
    int _scored;
    readonly StoredMessage _message;
    readonly ByteBuffer _header = new(4096);
    readonly ByteBuffer _field = new(256);
    readonly ByteBuffer _scratch = new(256);
    readonly TextFinder _finder = new();
    int _index;
    bool _headerRead;

    /// <param name="now">What OLDER and YOUNGER count from. RFC 5032 §2</param>
    public SearchRun(MailStore store, SearchScope scope, SearchProgram program, DateTimeOffset now)
    {
        _store = store;
        _program = program;
        _scope = scope;
        _snapshot = scope.Snapshot;
        _now = now.ToUnixTimeSeconds();
        _stack = new Truth[program.StackDepth + 1];
        _ranges = new List<IndexRange>?[program.Steps.Count];
        _keywordSets = new bool[program.Steps.Count][];
        _candidates = new MessageSet?[program.Steps.Count];
        _message = new StoredMessage(store, scope.Box);
        for (int i = 0; i < program.Steps.Count; i++)
        {
            switch (program.Steps[i].Key)
            {
                case { Kind: SearchKind.Numbers } key:
                    _ranges[i] = key.Set!.ResolveNumbers(_snapshot, out _);   // numbers that are not there match nothing
                    break;
                case { Kind: SearchKind.Uids } key:
                    _ranges[i] = key.Set!.ResolveUids(_snapshot);
                    break;
                case { Kind: SearchKind.Keyword or SearchKind.Unkeyword } key:
                    _keywordSets[i] = [.. _snapshot.KeywordSets.Select(set => set.Contains(key.Text, StringComparer.OrdinalIgnoreCase))];
                    break;
            }
        }
    }

    /// <summary>Relevancy of the message looked at last, when it matched: the mean of its fuzzy keys that matched. RFC 6203 §4</summary>
    int Score => _scored == 0 ? 100 : Math.Max(1, _scoreSum / _scored);

    /// <summary>Searches a mailbox for a session, within the time that one search may take (attack case A7).</summary>
    public static async ValueTask<SearchFound> FindAsync(ImapSession session, SearchScope scope, SearchProgram program, CancellationToken ct)
    {
        TimeProvider clock = session.Services.Clock;
        TimeSpan most = session.Limits.ImapSearchTime;
        long start = clock.GetTimestamp(), slice = start;
        var progress = new Progress(session, "Searching");
        int looked = 0;
        using var run = new SearchRun(session.Store, scope, program, clock.GetUtcNow());
        var sets = new Stack<Decided>();
        for (int i = 0; i < program.Steps.Count; i++)
        {
            run.Apply(i, sets);
            if (!await GoesOnAsync())
                return new SearchFound([], 0, Ended: false);
        }
        Decided outcome = sets.Pop();
        Dictionary<int, int>? scores = program.IsFuzzy ? [] : null;
        MessageSet found = outcome.Yes;
        int lost = 0;
        if (outcome.Maybe is { } undecided)
        {
            undecided.Except(found);
            for (int i = undecided.Next(0); i >= 0; i = undecided.Next(i + 1))
            {
                looked = i;
                try
                {
                    if (run.Matches(i))
                    {
                        found.Add(i);
                        scores?.Add(i, run.Score);
                    }
                }
                catch (IOException)   // one lost message does not hide the others (S5)
                {
                    lost++;
                }
                if (!await GoesOnAsync())
                    return new SearchFound([], lost, Ended: false);
            }
        }
        return new SearchFound(found.ToList(), lost, Ended: true) { Scores = scores };

        async ValueTask<bool> GoesOnAsync()
        {
            if (clock.GetElapsedTime(slice) < s_slice)
                return true;
            ct.ThrowIfCancellationRequested();
            if (clock.GetElapsedTime(start) > most)
                return false;
            await progress.TellAsync(looked, scope.Snapshot.Count, ct);
            await Task.Yield();
            slice = clock.GetTimestamp();
            return true;
        }
    }

    /// <summary>Looks at one message.</summary>
    /// <exception cref="IOException">The bytes of the message are lost.</exception>
    public bool Matches(int index)
    {
        ref readonly MessageEntry entry = ref _snapshot[index];
        _index = index;
        Truth outcome = Evaluate(entry, SearchCost.Entry);
        if (outcome != Truth.Unknown)
            return outcome == Truth.Yes;
        _message.MoveTo(_snapshot, entry);
        _headerRead = false;
        outcome = Evaluate(entry, SearchCost.Header);
        return outcome == Truth.Unknown ? Evaluate(entry, SearchCost.Text) == Truth.Yes : outcome == Truth.Yes;
    }

    public void Dispose()
    {
        _message.Dispose();
        _header.Dispose();
        _field.Dispose();
        _scratch.Dispose();
        _finder.Dispose();
        _fuzzy.Dispose();
    }

    // -- all messages at once --

    /// <summary>One step of the program on sets.</summary>
    void Apply(int step, Stack<Decided> sets)
    {
        switch (_program.Steps[step].Operator)
        {
            case SearchOperator.And:
                sets.Push(Decided.And(sets.Pop(), sets.Pop()));
                break;
            case SearchOperator.Or:
                sets.Push(Decided.Or(sets.Pop(), sets.Pop()));
                break;
            case SearchOperator.Not:
                sets.Push(Decided.Not(sets.Pop()));
                break;
            default:
                sets.Push(Find(step, _program.Steps[step].Key!));
                break;
        }
    }

    Decided Find(int step, SearchKey key)
    {
        var yes = new MessageSet(_snapshot.Count);
        switch (key.Kind)
        {
            case SearchKind.All:
                yes.Invert();
                return new Decided(yes, null);
            case SearchKind.Numbers or SearchKind.Uids:
                foreach (IndexRange range in _ranges[step]!)
                    yes.AddRange(range.First, range.Last);
                return new Decided(yes, null);
            case SearchKind.HasFlag:
                Scan(yes, new FlagTest(key.Flag, key.Flag));
                return new Decided(yes, null);
            case SearchKind.LacksFlag:
                Scan(yes, new FlagTest(key.Flag, 0));
                return new Decided(yes, null);
            case SearchKind.Before or SearchKind.On or SearchKind.Since or SearchKind.Older or SearchKind.Younger:
                Scan(yes, DateTest.Of(key, _now));
                return new Decided(yes, null);
            case SearchKind.Header when key.Column != ColumnSet.None && key.Fuzzy is null:
                return InColumn(key, yes);
            case SearchKind.Header or SearchKind.Body or SearchKind.Text:
                return new Decided(yes, Candidates(step, key));
            case SearchKind.EmailId or SearchKind.ThreadId:
                var all = new MessageSet(_snapshot.Count);
                all.Invert();
                return new Decided(yes, all);
        }
        var maybe = new MessageSet(_snapshot.Count);
        int index = 0;
        foreach (Chunk chunk in _snapshot.Chunks)
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                _index = index;
                Truth truth = Holds(step, key, entry, SearchCost.Entry);
                yes.AddIf(index, truth == Truth.Yes);
                maybe.AddIf(index, truth != Truth.No);
                index++;
            }
        }
        return new Decided(yes, maybe);
    }

    /// <summary>Those that may hold a text, or of a fuzzy one all stems: what the text index finds, and what it has not seen yet.</summary>
    MessageSet Candidates(int step, SearchKey key)
    {
        var found = new MessageSet(_snapshot.Count);
        found.Invert();
        bool any = false;
        foreach (string text in key.Fuzzy?.Stems ?? [key.Text])
        {
            if (Holders(text) is not { } holders)
                continue;
            found.And(holders);
            any = true;
        }
        if (any)
        {
            _candidates[step] = new MessageSet(_snapshot.Count);
            _candidates[step]!.CopyFrom(found);
        }
        return found;
    }

    /// <summary>Null: all may.</summary>
    MessageSet? Holders(string text)
    {
        const int mostTexts = 64;   // of one search; each takes a bit a message
        if (_textsLookedUp >= mostTexts || _store.FindText(_scope.Box, _snapshot.UidValidity, text) is not { } candidates)
            return null;
        _textsLookedUp++;
        var found = new MessageSet(_snapshot.Count);
        foreach (uint uid in candidates.Uids)
        {
            int index = _snapshot.IndexOf(uid);
            if (index >= 0)
                found.Add(index);
        }
        found.AddRange(_snapshot.LowerBound(candidates.IndexedUpTo + 1), _snapshot.Count - 1);
        if (!ReferenceEquals(_scope.Box.Current, _snapshot))
            AddExpunged(found);
        return found;
    }

    /// <summary>A message that was expunged meanwhile may have left the index; this session still shows it.</summary>
    void AddExpunged(MessageSet found)
    {
        foreach (int number in SnapshotDifference.Of(_snapshot, _scope.Box.Current).Expunged)
            found.Add(number - 1);
    }

    Decided InColumn(SearchKey key, MessageSet yes)
    {
        ColumnView columns = _store.OpenColumns(_scope.Box, _snapshot, key.Column);
        SearchView texts = columns.Search(key.Column);
        byte[] wanted = Encoding.UTF8.GetBytes(key.Text);
        MessageSet? maybe = null;
        if (columns.Rows is not { } rows)
        {
            texts.Find(wanted, row => yes.AddIf(row, row < yes.Size));
            for (int i = 0; texts.Cut is { } cut && i < yes.Size; i++)
            {
                if (cut[i])
                    (maybe ??= new MessageSet(yes.Size)).Add(i);
            }
        }
        else
        {
            var found = new MessageSet(texts.Rows);
            texts.Find(wanted, found.Add);
            for (int i = 0; i < rows.Length; i++)
            {
                yes.AddIf(i, found.Contains(rows[i]));
                if (texts.Cut?[rows[i]] == true)
                    (maybe ??= new MessageSet(yes.Size)).Add(i);
            }
        }
        maybe?.Or(yes);
        return new Decided(yes, maybe);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]   // one call is a loop over all messages
    void Scan<T>(MessageSet to, T test) where T : struct, IEntryTest
    {
        int index = 0;
        foreach (Chunk chunk in _snapshot.Chunks)
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
                to.AddIf(index++, test.Holds(entry));
        }
    }

    // -- one message --

    Truth Evaluate(in MessageEntry entry, SearchCost most)
    {
        Truth[] stack = _stack;
        int top = -1;
        _scoreSum = 0;
        _scored = 0;
        IReadOnlyList<SearchStep> steps = _program.Steps;
        for (int i = 0; i < steps.Count; i++)
        {
            SearchStep step = steps[i];
            switch (step.Operator)
            {
                case SearchOperator.And:
                    top--;
                    stack[top] = stack[top] == Truth.No || stack[top + 1] == Truth.No ? Truth.No
                        : stack[top] == Truth.Yes && stack[top + 1] == Truth.Yes ? Truth.Yes : Truth.Unknown;
                    break;
                case SearchOperator.Or:
                    top--;
                    stack[top] = stack[top] == Truth.Yes || stack[top + 1] == Truth.Yes ? Truth.Yes
                        : stack[top] == Truth.No && stack[top + 1] == Truth.No ? Truth.No : Truth.Unknown;
                    break;
                case SearchOperator.Not:
                    stack[top] = stack[top] switch { Truth.Yes => Truth.No, Truth.No => Truth.Yes, _ => Truth.Unknown };
                    break;
                default:
                    stack[++top] = step.Key!.Cost > most ? Truth.Unknown : Holds(i, step.Key, entry, most);
                    break;
            }
        }
        return stack[0];
    }

    Truth Holds(int step, SearchKey key, in MessageEntry entry, SearchCost most) => key.Kind switch
    {
        SearchKind.All => Truth.Yes,
        SearchKind.Numbers or SearchKind.Uids => Is(Contains(_ranges[step]!, _index)),
        SearchKind.HasFlag => Is((entry.Flags & key.Flag) != 0),
        SearchKind.LacksFlag => Is((entry.Flags & key.Flag) == 0),
        SearchKind.Recent => Is(entry.Uid >= _scope.RecentFrom),
        SearchKind.Old => Is(entry.Uid < _scope.RecentFrom),
        SearchKind.New => Is(entry.Uid >= _scope.RecentFrom && (entry.Flags & MessageFlags.Seen) == 0),
        SearchKind.Keyword => Is(_keywordSets[step]![entry.KeywordSet]),
        SearchKind.Unkeyword => Is(!_keywordSets[step]![entry.KeywordSet]),
        SearchKind.SavedBefore => Is(DayOf(entry.SaveDate) < key.Day),   // RFC 8514 §4.3
        SearchKind.SavedOn => Is(DayOf(entry.SaveDate) == key.Day),
        SearchKind.SavedSince => Is(DayOf(entry.SaveDate) >= key.Day),
        SearchKind.EmailId => Is(_message.EmailId == key.Text),           // RFC 8474 §6
        SearchKind.ThreadId => Is(_message.ThreadId == key.Text),
        SearchKind.ModSeq => Is(entry.ModSeq >= key.ModSeq),
        SearchKind.Larger => Is(entry.Size > key.Number),
        SearchKind.Smaller => Is(entry.Size < key.Number),
        SearchKind.Before or SearchKind.On or SearchKind.Since or SearchKind.Older or SearchKind.Younger => Is(DateTest.Of(key, _now).Holds(entry)),
        SearchKind.SentBefore or SearchKind.SentOn or SearchKind.SentSince => Sent(key, entry, most),
        _ when _candidates[step]?.Contains(_index) == false => Truth.No,
        _ when key.Fuzzy is not null => Is(IsLike(key)),
        SearchKind.Header => Is(InField(key)),
        SearchKind.Body => Is(_finder.InBody(_message, key.Text)),
        _ => Is(_finder.InHeader(Header(), key.Text) || _finder.InBody(_message, key.Text)),
    };

    static Truth Is(bool value) => value ? Truth.Yes : Truth.No;

    static int DayOf(long unixSeconds) => (int)Math.Clamp(Math.DivRem(unixSeconds, 86400, out long rest) - (rest < 0 ? 1 : 0) + 719162, 0, 3652058);

    /// <summary>The day as written in the Date field, whatever its zone (RFC 9051 §6.4.4). The snapshot has the moment only, so
    /// where zones could decide the field is read.</summary>
    Truth Sent(SearchKey key, in MessageEntry entry, SearchCost most)
    {
        long moment = entry.SentDate == long.MinValue ? entry.InternalDate : entry.SentDate;   // RFC 5256 §2.2
        int earliest = DayOf(moment - 14 * 3600), latest = DayOf(moment + 14 * 3600);
        if (entry.SentDate == long.MinValue)
            earliest = latest = DayOf(moment);
        bool first = Compare(earliest), last = Compare(latest);
        bool sure = earliest == latest || (key.Kind != SearchKind.SentOn && first == last) || (key.Kind == SearchKind.SentOn && (latest < key.Day || earliest > key.Day));
        if (sure)
            return Is(first);
        if (most == SearchCost.Entry)
            return Truth.Unknown;
        return Is(MailDate.TryParse(HeaderFieldReader.Find(Header(), "Date"u8).Value, out DateTimeOffset date)
            ? Compare(DateOnly.FromDateTime(date.DateTime).DayNumber) : first);

        bool Compare(int day) => key.Kind switch
        {
            SearchKind.SentBefore => day < key.Day,
            SearchKind.SentOn => day == key.Day,
            _ => day >= key.Day,
        };
    }

    /// <summary>A fuzzy key: RFC 6203 §3.</summary>
    bool IsLike(SearchKey key)
    {
        _fuzzy.Start(key.Fuzzy!);
        if (key.Column != ColumnSet.None)
            _fuzzy.Take(Encoding.UTF8.GetString(EnvelopeText(key)));
        else if (key.Kind == SearchKind.Header)
        {
            var fields = new HeaderFieldReader(Header());
            while (fields.MoveNext())
            {
                if (fields.Current.Is(key.Field))
                    _fuzzy.Take(UnicodeCasemap.Fold(EncodedWord.Decode(fields.Current.Value)));
                _fuzzy.EndRun();
            }
        }
        else if (key.Kind == SearchKind.Body || _finder.FeedHeader(Header(), _fuzzy))
            _finder.FeedBody(_message, _fuzzy);
        int score = _fuzzy.Score;
        if (score > 0)
        {
            _scoreSum += score;
            _scored++;
        }
        return score > 0;
    }

    bool InField(SearchKey key)
    {
        if (key.Column != ColumnSet.None)
            return EnvelopeText(key).IndexOf(Encoding.UTF8.GetBytes(key.Text)) >= 0;
        var fields = new HeaderFieldReader(Header());
        while (fields.MoveNext())
        {
            // An empty text asks whether the field is there: RFC 9051 §6.4.4.
            if (fields.Current.Is(key.Field) && (key.Text.Length == 0 || TextFinder.Holds(EncodedWord.Decode(fields.Current.Value), key.Text)))
                return true;
        }
        return false;
    }

    /// <summary>The same text as in the column, for one message.</summary>
    ReadOnlySpan<byte> EnvelopeText(SearchKey key)
    {
        _field.Clear();
        _scratch.Clear();
        var envelope = new StoredEnvelope(_message.Envelope);
        if (key.Column == ColumnSet.SubjectText)
            StoredAddresses.Decoded(StoredEnvelope.String(envelope[EnvelopeMember.Subject], _scratch), _field);
        else
            StoredAddresses.WriteText(envelope[SearchColumn.MemberOf(key.Column)], _scratch, _field);
        return _field.Written;
    }

    ReadOnlySpan<byte> Header()
    {
        if (!_headerRead)
        {
            _header.Clear();
            _message.ReadInto(_message.Header, _header);
            _headerRead = true;
        }
        return _header.Written;
    }

    static bool Contains(List<IndexRange> ranges, int index)
    {
        int low = 0, high = ranges.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (ranges[middle].Last < index)
                low = middle + 1;
            else if (ranges[middle].First > index)
                high = middle - 1;
            else
                return true;
        }
        return false;
    }
}
