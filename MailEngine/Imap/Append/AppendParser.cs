using MailEngine.Store;

namespace MailEngine.Imap.Append;

/// <summary>What comes next in the messages of an APPEND.</summary>
internal enum AppendStepKind
{
    /// <summary>A message begins.</summary>
    Start,
    /// <summary>Octets follow on the connection that belong to the message. Last step of its piece.</summary>
    Literal,
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
    /// <summary>Octets of the literal.</summary>
    public long Length { get; init; }
    /// <summary>The client waits for "+" before it sends the literal; with "{n+}" it is on its way: RFC 7888 §4.</summary>
    public bool Waits { get; init; }
}

/// <summary>Takes the messages of an APPEND apart, piece by piece: a piece ends with the line end behind a literal's length, or with that of
/// the command.</summary>
/// <remarks>RFC 9051 §6.3.12, RFC 3502 §6.3.11. The octets of literals never come here. Between two pieces nothing is kept but the place.</remarks>
internal sealed class AppendParser
{
    readonly List<AppendStep> _steps = [];
    bool _any;

    /// <summary>What the piece read last asks for, in order.</summary>
    public IReadOnlyList<AppendStep> Steps => _steps;

    /// <summary>The command has ended.</summary>
    public bool IsComplete { get; private set; }

    // append = "APPEND" SP mailbox 1*append-message
    // append-message = [SP flag-list] [SP date-time] SP literal (RFC 3502 §6.3.11)

    /// <summary>Reads a piece; afterwards the error of the reader tells whether it was right. After one that was not: <see cref="Skip"/>.</summary>
    public void Read(ref ImapReader r)
    {
        _steps.Clear();
        if (_any)
        {
            _steps.Add(new AppendStep(AppendStepKind.Finish));
            if (r.AtEnd)
            {
                r.End();
                IsComplete = true;
                return;
            }
        }
        _any = true;
        r.Sp();
        Message(ref r);
    }

    /// <summary>Passes over a piece of a command that is broken.</summary>
    public void Skip(ReadOnlySpan<byte> piece)
    {
        _steps.Clear();
        if (CommandFramer.TryLiteral(piece, out long length, out bool waits))
            _steps.Add(new AppendStep(AppendStepKind.Discard) { Length = length, Waits = waits });
        else
            IsComplete = true;
    }

    void Message(ref ImapReader r)
    {
        (MessageFlags flags, IReadOnlyList<string> keywords) = (MessageFlags.None, (IReadOnlyList<string>)[]);
        if (r.Peek() == (byte)'(')
        {
            (flags, keywords) = r.Flags();
            r.Sp();
        }
        DateTimeOffset? date = null;
        if (r.Peek() == (byte)'"')
        {
            date = r.DateTime();
            r.Sp();
        }
        _steps.Add(new AppendStep(AppendStepKind.Start) { Flags = flags, Keywords = keywords, Date = date });
        long length = r.MessageLiteral(out bool waits);
        _steps.Add(new AppendStep(AppendStepKind.Literal) { Length = length, Waits = waits });
    }
}
