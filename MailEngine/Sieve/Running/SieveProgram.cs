namespace MailEngine.Sieve.Running;

/// <summary>A compiled script: immutable, shared by all deliveries of its owner.</summary>
public sealed class SieveProgram
{
    internal SieveProgram(Instruction[] code, int slots, bool usesMatches, IReadOnlyList<IncludedScript> includes)
    {
        Includes = includes;
        Code = code;
        Slots = slots;
        UsesMatches = usesMatches;
    }

    /// <summary>Scripts that it may include; whoever runs it has them in a <see cref="SieveLibrary"/>.</summary>
    public IReadOnlyList<IncludedScript> Includes { get; }

    /// <summary>It asks about lists that are kept elsewhere. RFC 6134 §2.2</summary>
    public bool UsesLists { get; internal init; }

    /// <summary>An extension that it requires and that is for mail that comes in alone; null: none. RFC 6785 §3.11</summary>
    internal string? ForDelivery { get; init; }

    /// <summary>Its regular expressions: of what a script holds in memory the most.</summary>
    internal int Patterns { get; init; }

    internal Instruction[] Code { get; }

    /// <summary>Variables of its own.</summary>
    internal int Slots { get; }

    /// <summary>Match variables are asked for. RFC 5229 §3.2</summary>
    internal bool UsesMatches { get; }
}

/// <summary>One step of a program: a command; or a test with the two places it leads to; or neither, a jump to <see cref="IfTrue"/>.</summary>
internal struct Instruction
{
    public SieveCommand? Command;
    public SieveTest? Test;
    public int IfTrue;
    public int IfFalse;
}

/// <summary>A test that asks about something; not, allof and anyof are made of jumps. RFC 5228 §5</summary>
internal abstract class SieveTest
{
    public abstract bool Evaluate(SieveRun run);
}

/// <summary>Something a script does. RFC 5228 §4</summary>
internal abstract class SieveCommand
{
    public abstract void Run(SieveRun run);
}
