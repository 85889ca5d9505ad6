using MailEngine.Store;

namespace MailEngine.Imap.Append;

/// <summary>What comes next in the messages of an APPEND.</summary>
internal enum AppendStepKind
{
    /// <summary>A message begins.</summary>
    Start,
    /// <summary>Octets follow on the connection that belong to the message. Last step of its piece.</summary>
    Literal,
    /// <summary>The octets that a URL names belong to the message. RFC 4469 §3</summary>
    Url,
    /// <summary>A URL follows on the connection. Last step of its piece.</summary>
    UrlLiteral,
    /// <summary>Octets follow on the connection that belong to nothing: the command is broken. Last step of its piece.</summary>
    Discard,
    /// <summary>The message is whole.</summary>
    Finish,
}

/// <summary>One step; the fields that its kind has no use for are empty.</summary>
internal sealed record AppendStep(AppendStepKind Kind)
{
    public MessageFlags Flags { get; init; }
    public IReadOnlyList<string> Keywords { get; init; } = [];
    /// <summary>Null: now.</summary>
    public DateTimeOffset? Date { get; init; }
    /// <summary>The URL as it was written.</summary>
    public string Url { get; init; } = "";
    /// <summary>Octets of the literal.</summary>
    public long Length { get; init; }
    /// <summary>The client waits for "+" before it sends the literal; with "{n+}" it is on its way: RFC 7888 §4.</summary>
    public bool Waits { get; init; }
    /// <summary>The literal is the whole message.</summary>
    public bool IsWhole { get; init; }
}
