using System.Collections.Concurrent;
using MailEngine.Accounts;
using MailEngine.Sieve;
using MailEngine.Sieve.Running;

namespace MailEngine.Flow;

/// <summary>Compiled scripts by version: a script is read and compiled for the first message after its change.</summary>
/// <remarks>A version never changes, so nothing here ever goes out of date; when there are too many, the quarter that was used longest ago goes.</remarks>
sealed class SievePrograms(SieveScripts scripts, SieveOptions options)
{
    /// <param name="Program">Null: what is stored is no script any more, since a limit was lowered.</param>
    sealed record Entry(SieveProgram? Program)
    {
        public long UsedAt;
    }

    readonly ConcurrentDictionary<ActiveScript, Entry> _compiled = new();
    long _uses;

    /// <summary>Null: it cannot be used; the mail is kept.</summary>
    /// <exception cref="System.Data.Common.DbException">The database cannot be read now.</exception>
    public async ValueTask<SieveProgram?> FindAsync(ActiveScript script, CancellationToken ct)
    {
        if (!_compiled.TryGetValue(script, out Entry? entry))
        {
            byte[]? text = await scripts.ReadAsync(script, ct);
            if (text is null)
                return null;   // replaced this very moment
            entry = new Entry(SieveCompiler.Compile(text, options).Program);
            MakeRoom();
            _compiled[script] = entry;
        }
        Volatile.Write(ref entry.UsedAt, Interlocked.Increment(ref _uses));
        return entry.Program;
    }

    void MakeRoom()
    {
        if (_compiled.Count < options.CachedPrograms)
            return;
        foreach (KeyValuePair<ActiveScript, Entry> old in _compiled.OrderBy(pair => Volatile.Read(ref pair.Value.UsedAt)).Take((options.CachedPrograms / 4) + 1).ToList())
            _compiled.TryRemove(old);
    }
}
