using System.Buffers;
using System.Globalization;
using System.Text;

namespace MailEngine.Flow;

/// <summary>One SMTP or LMTP reply line: three digits, enhanced status, text.</summary>
/// <remarks>RFC 5321 §4.2, RFC 2034 §4 for the enhanced status. The text is ours, or cleaned by <see cref="Clean"/>; a line feed in it begins another
/// line of the reply (RFC 5321 §4.2.1).</remarks>
public sealed record Reply(int Code, string Status, string Text)
{
    byte[]? _wire;

    // A changed copy has other octets.
    Reply(Reply original) => (Code, Status, Text, Words) = (original.Code, original.Status, original.Text, original.Words);

    /// <summary>What people read in place of it where it becomes a report, in any script, lines apart by line feeds; null: the same. Neither on the wire nor in logs.</summary>
    public string? Words { get; init; }

    public bool IsPositive => Code is >= 200 and < 400;

    public bool IsTransient => Code is >= 400 and < 500;

    public bool IsPermanent => Code >= 500;

    /// <summary>The line with CRLF.</summary>
    public void WriteTo(IBufferWriter<byte> output) => output.Write(_wire ??= Encoding.UTF8.GetBytes(Wire()));

    string Wire()
    {
        if (!Text.Contains('\n', StringComparison.Ordinal))
            return ToString() + "\r\n";
        string[] lines = Text.Split('\n');
        var wire = new StringBuilder();
        for (int i = 0; i < lines.Length; i++)
            wire.Append(CultureInfo.InvariantCulture, $"{Code}{(i < lines.Length - 1 ? '-' : ' ')}{Status}{(Status.Length > 0 ? " " : "")}{lines[i]}\r\n");
        return wire.ToString();
    }

    /// <summary>On one line.</summary>
    public override string ToString()
    {
        string text = Text.Replace('\n', ' ');
        return Status.Length == 0 ? string.Create(CultureInfo.InvariantCulture, $"{Code} {text}") : string.Create(CultureInfo.InvariantCulture, $"{Code} {Status} {text}");
    }

    /// <summary>Makes foreign text fit for a reply, a log field or a header: printable ASCII, one line, at most 400 characters.</summary>
    public static string Clean(string text)
    {
        if (text.Length > 400)
            text = text[..400];
        return string.Create(text.Length, text, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
                span[i] = source[i] is >= ' ' and < '\x7F' ? source[i] : '?';
        });
    }

    // Replies that more than one command or protocol gives.
    public static Reply DirectoryOut { get; } = new(451, "4.3.0", "Temporary lookup failure");
    /// <summary>Ours now, and in nobody's mailbox: its sender, who is not the one it names, hears of no delivery.</summary>
    public static Reply TakenQuietly { get; } = new(250, "2.0.0", "Ok");
    public static Reply StoreOut { get; } = new(451, "4.3.0", "Storage is not available now");
    public static Reply UnknownUser { get; } = new(550, "5.1.1", "No such user here");
    public static Reply RelayDenied { get; } = new(550, "5.7.1", "Relay access denied");
    public static Reply MailboxDisabled { get; } = new(550, "5.2.1", "Mailbox is not accepting mail");
    public static Reply OverQuota { get; } = new(452, "4.2.2", "Mailbox is full");
    public static Reply AliasLoop { get; } = new(550, "5.4.6", "The address leads back to itself");
    public static Reply TooBig { get; } = new(552, "5.3.4", "Message is larger than the limit");
    public static Reply TooManyHops { get; } = new(554, "5.4.6", "Too many hops: the message is in a loop");
    public static Reply BareLineEnd { get; } = new(550, "5.5.2", "A CR or LF that is not part of CRLF");
    public static Reply BadByte { get; } = new(550, "5.6.0", "The message has a NUL octet");
    public static Reply LineTooLong { get; } = new(500, "5.5.2", "Line is too long");
    public static Reply SyntaxError { get; } = new(501, "5.5.4", "Syntax error in the arguments");
    public static Reply Internal { get; } = new(451, "4.3.0", "Internal error; try again later");
}
