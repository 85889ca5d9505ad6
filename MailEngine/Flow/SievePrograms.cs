using System.Collections.Concurrent;
using MailEngine.Accounts;
using MailEngine.Sieve;
using MailEngine.Sieve.Running;

namespace MailEngine.Flow;

/// <summary>Compiled scripts by version: a script is read and compiled for the first message after its change.</summary>
/// <remarks>A version never changes, so nothing compiled ever goes out of date; when there are too many, or they hold too much memory, the quarter that
/// was used longest ago goes. One that is larger than its share (<see cref="Share"/>) is there only while it is used, and pushes no other out: a few
/// accounts with large scripts would else have everybody's compiled over and over.
/// Which version a name of include means is remembered until anything in the accounts' database changes.</remarks>
sealed class SievePrograms
{
    /// <param name="program">Null: what is stored is no script any more, since a limit was lowered.</param>
    /// <param name="octets">Memory that it holds, about; null: more than its share.</param>
    sealed class Entry(SieveProgram? program, long? octets)
    {
        readonly SieveProgram? _kept = octets is null ? null : program;
        readonly WeakReference<SieveProgram>? _used = octets is null && program is not null ? new(program) : null;
        public long UsedAt;

        public long Octets { get; } = octets ?? OctetsOfOne;

        /// <summary>False: it was not kept, and nobody uses it now.</summary>
        public bool TryGet(out SieveProgram? found)
        {
            found = _kept;
            return _used is null || _used.TryGetTarget(out found);
        }
    }

    /// <summary>The part of <see cref="SieveOptions.CachedProgramBytes"/> that one may hold: a sixteenth, well below the quarter that goes when there is no room.</summary>
    const int Share = 16;

    /// <summary>Memory by octet of a script, and by regular expression: measured with scripts of a hundred rules, which hold a little less (10 to 11
    /// octets, and 125 kB).</summary>
    const int OctetsByOctet = 12, OctetsByPattern = 150_000, OctetsOfOne = 1000;

    readonly SieveScripts _scripts;
    readonly SieveOptions _options;
    readonly ConcurrentDictionary<ActiveScript, Entry> _compiled = new();
    ConcurrentDictionary<(long Account, IncludedScript Script), ActiveScript?> _names = new();
    long _uses;
    long _octets;   // of all in _compiled

    public SievePrograms(SieveScripts scripts, SieveOptions options)
    {
        _scripts = scripts;
        _options = options;
        // A look-up that is on its way keeps its answer in the dictionary that it began with.
        _ = scripts.Listen(() => Volatile.Write(ref _names, new()));
    }

    /// <summary>Null: it cannot be used; the mail is kept.</summary>
    /// <exception cref="System.Data.Common.DbException">The database cannot be read now.</exception>
    public SieveProgram? Find(ActiveScript script)
    {
        SieveProgram? program = null;
        if (!_compiled.TryGetValue(script, out Entry? entry) || !entry.TryGet(out program))
        {
            byte[]? text = _scripts.Read(script);
            if (text is null)
                return null;   // replaced this very moment
            program = SieveCompiler.Compile(text, _options, isStored: true).Program;
            long octets = OctetsOfOne + ((long)OctetsByOctet * text.Length) + ((long)OctetsByPattern * (program?.Patterns ?? 0));
            var compiled = new Entry(program, octets <= _options.CachedProgramBytes / Share ? octets : null);
            if (entry is not null)
                Remove(script, entry);
            MakeRoom(compiled.Octets);
            // The one that is there already, if another message was quicker: include knows a script by its program.
            entry = _compiled.GetOrAdd(script, compiled);
            if (ReferenceEquals(entry, compiled))
                Interlocked.Add(ref _octets, compiled.Octets);
            else if (entry.TryGet(out SieveProgram? quicker))
                program = quicker;
        }
        Volatile.Write(ref entry.UsedAt, Interlocked.Increment(ref _uses));
        return program;
    }

    /// <summary>All that scripts of an account include, and what that includes; null: nothing.</summary>
    /// <exception cref="System.Data.Common.DbException">The database cannot be read now.</exception>
    public ValueTask<SieveLibrary?> LibraryAsync(IReadOnlyList<SieveStep> steps, long accountId, CancellationToken ct) =>
        LibraryAsync(steps, async name => await FindNameAsync(accountId, name, ct) is { } script ? (true, Find(script)) : (false, null));

    /// <param name="find">Which script a name means; its program is null when it has errors.</param>
    public async ValueTask<SieveLibrary?> LibraryAsync(IReadOnlyList<SieveStep> steps, Func<IncludedScript, ValueTask<(bool IsThere, SieveProgram? Program)>> find)
    {
        if (!steps.Any(step => step.Program is { Includes.Count: > 0 }))
            return null;
        var library = new SieveLibrary();
        var asked = new HashSet<IncludedScript>();
        var waiting = new Queue<IncludedScript>(steps.SelectMany(step => step.Program?.Includes ?? []));
        // What is over the limit is not run either.
        while (waiting.TryDequeue(out IncludedScript name) && asked.Count <= _options.Includes)
        {
            if (!asked.Add(name) || await find(name) is not (true, var program))
                continue;
            library.Add(name, program);
            foreach (IncludedScript inner in program?.Includes ?? [])
                waiting.Enqueue(inner);
        }
        return library;
    }

    /// <summary>The version that a name means now; null: there is no such script.</summary>
    /// <exception cref="System.Data.Common.DbException">The database cannot be read now.</exception>
    public async ValueTask<ActiveScript?> FindNameAsync(long accountId, IncludedScript script, CancellationToken ct)
    {
        ConcurrentDictionary<(long, IncludedScript), ActiveScript?> names = Volatile.Read(ref _names);
        if (names.TryGetValue((accountId, script), out ActiveScript? known))
            return known;
        ActiveScript? found = await _scripts.FindIncludedAsync(accountId, script.IsGlobal, script.Name, ct);
        if (names.Count >= _options.CachedPrograms)
            names.Clear();
        names[(accountId, script)] = found;
        return found;
    }

    void MakeRoom(long octets)
    {
        if (_compiled.Count < _options.CachedPrograms && Volatile.Read(ref _octets) + octets <= _options.CachedProgramBytes)
            return;
        (int most, long mostOctets) = (_options.CachedPrograms * 3 / 4, _options.CachedProgramBytes * 3 / 4);
        foreach (KeyValuePair<ActiveScript, Entry> old in _compiled.OrderBy(pair => Volatile.Read(ref pair.Value.UsedAt)).ToList())
        {
            if (_compiled.Count < Math.Max(most, 1) && Volatile.Read(ref _octets) + octets <= mostOctets)
                return;
            Remove(old.Key, old.Value);
        }
    }

    void Remove(ActiveScript script, Entry entry)
    {
        if (_compiled.TryRemove(KeyValuePair.Create(script, entry)))
            Interlocked.Add(ref _octets, -entry.Octets);
    }

    /// <summary>For tests: how many there are, and what they hold.</summary>
    internal (int Count, long Octets) Held => (_compiled.Count, Volatile.Read(ref _octets));
}
