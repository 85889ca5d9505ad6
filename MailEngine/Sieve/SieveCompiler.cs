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
    public static SieveCompilation Compile(ReadOnlyMemory<byte> script, SieveOptions limits)
    {
        var errors = new SieveErrors(script);
        List<SyntaxNode> commands = Parser.Parse(script, errors, limits);
        var compilation = new Compilation(errors, limits);
        if (!errors.IsFull)
            BlockCompiler.Compile(commands, compilation);
        return new SieveCompilation(errors.Any ? null : compilation.ToProgram(), errors.ToList());
    }
}
