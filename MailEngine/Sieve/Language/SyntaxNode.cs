namespace MailEngine.Sieve.Language;

internal enum ArgumentKind { Tag, Number, Strings }

/// <summary>One argument as it stands in the script. RFC 5228 §2.6</summary>
/// <param name="Text">The name of a tag.</param>
/// <param name="Strings">One string, or those of a list.</param>
internal sealed record Argument(ArgumentKind Kind, int Offset, string Text, long Number, IReadOnlyList<Token> Strings, bool IsList)
{
    /// <summary>Taken by whoever compiles the command.</summary>
    public bool IsUsed { get; set; }
}

/// <summary>A command or a test with its arguments. RFC 5228 §8.2</summary>
internal sealed class SyntaxNode(Token name, int depth)
{
    public string Name { get; } = name.Text;

    public int Offset { get; } = name.Offset;

    /// <summary>Tests around this one, or blocks around this command.</summary>
    public int Depth { get; } = depth;

    public List<Argument> Arguments { get; } = [];

    public List<SyntaxNode> Tests { get; } = [];

    /// <summary>The tests stand in parentheses.</summary>
    public bool HasTestList { get; set; }

    /// <summary>Null: it ends with ";".</summary>
    public List<SyntaxNode>? Block { get; set; }
}
