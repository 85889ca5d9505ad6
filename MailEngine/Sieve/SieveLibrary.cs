using MailEngine.Sieve.Running;

namespace MailEngine.Sieve;

/// <summary>A script as include names it. RFC 6609 §3.2</summary>
/// <param name="IsGlobal">Of the site, not of the account.</param>
public readonly record struct IncludedScript(bool IsGlobal, string Name);

/// <summary>The scripts that one run may include, by their names.</summary>
public sealed class SieveLibrary
{
    readonly Dictionary<IncludedScript, SieveProgram?> _programs = [];

    public int Count => _programs.Count;

    /// <summary>One of them asks about lists that are kept elsewhere. RFC 6134 §2.2</summary>
    public bool UsesLists { get; private set; }

    /// <param name="program">Null: it is there, and has errors.</param>
    public void Add(IncludedScript script, SieveProgram? program)
    {
        _programs[script] = program;
        UsesLists |= program is { UsesLists: true };
    }

    /// <returns>False: there is no such script.</returns>
    internal bool TryFind(IncludedScript script, out SieveProgram? program) => _programs.TryGetValue(script, out program);
}

/// <summary>One of several scripts that decide about a message, one after the other.</summary>
/// <param name="Program">Null: it cannot be used.</param>
/// <param name="Label">Whose it is, for people; empty: the account's own.</param>
public sealed record SieveStep(SieveProgram? Program, string Label)
{
    /// <summary>Of the domain or the server, whose scripts may ask about more than an account's.</summary>
    public bool IsShared { get; init; }
}
