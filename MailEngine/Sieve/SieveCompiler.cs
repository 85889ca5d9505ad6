using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve;

/// <summary>What became of a script.</summary>
/// <param name="Program">Null: it has errors.</param>
/// <param name="Errors">Errors and warnings, from the top down.</param>
public sealed record SieveCompilation(SieveProgram? Program, IReadOnlyList<SieveError> Errors);

/// <summary>Turns the text of a script into a program. RFC 5228</summary>
/// <remarks>Pure; takes any octets, in time and memory linear in their number; throws nothing.</remarks>
public static class SieveCompiler
{
    /// <param name="isStored">True: it was taken before, and is compiled to run. What was no error then is none now, since nobody would be told: its
    /// owner's mail would be filed by no rule.</param>
    public static SieveCompilation Compile(ReadOnlyMemory<byte> script, SieveOptions limits, bool isStored = false)
    {
        var errors = new SieveErrors(script);
        List<SyntaxNode> commands = Parser.Parse(script, errors, limits);
        var compilation = new Compilation(errors, limits, isStored);
        if (!errors.IsFull)
            BlockCompiler.Compile(commands, compilation);
        return new SieveCompilation(errors.Any ? null : compilation.ToProgram(), errors.ToList());
    }
}
