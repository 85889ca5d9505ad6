namespace MailEngine.Store.Exchange;

/// <summary>The forms an account's mail can leave and come in. docs/formats/exchange.md</summary>
public enum ArchiveFormat
{
    /// <summary>A folder with cur, new, tmp and a ".A.B" for each mailbox; UIDs, keywords and dates as Dovecot writes them.</summary>
    Maildir,
    /// <summary>A folder with a NAME.mbox for each mailbox, "From " lines quoted as mboxrd does.</summary>
    Mbox,
    /// <summary>One tar file, a message an .eml, octets as they stand.</summary>
    Tar,
}

/// <summary>An archive cannot be read or written; the message says which file, why and what to do.</summary>
public sealed class ArchiveException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>A mailbox of an archive.</summary>
/// <param name="UidValidity">0: unknown, its UIDs mean nothing.</param>
/// <param name="UidNext">0: unknown.</param>
/// <param name="SpecialUse">RFC 6154 attribute with its backslash; empty: none.</param>
internal sealed record ArchivedMailbox(MailboxName Name, uint UidValidity = 0, uint UidNext = 0, string SpecialUse = "", bool Subscribed = true);

/// <summary>A message of an archive, its octets apart.</summary>
/// <param name="Uid">0: unknown.</param>
/// <param name="InternalDate">Null: unknown.</param>
internal sealed record ArchivedMessage(uint Uid, MessageFlags Flags, IReadOnlyList<string> Keywords, DateTimeOffset? InternalDate);

/// <summary>Writes an archive, one mailbox after the other. Nothing is held in memory but the message at hand.</summary>
internal interface IArchiveWriter : IDisposable
{
    void BeginMailbox(ArchivedMailbox box);

    /// <param name="content">The writer's from here on: it disposes it.</param>
    void Write(ArchivedMessage message, MessageReader content);

    /// <summary>The archive is whole and on disk. Without it, Dispose leaves something that says it is not.</summary>
    void Complete();
}

/// <summary>Reads an archive into a sink.</summary>
internal interface IArchiveReader
{
    /// <exception cref="ArchiveException">It is not what it should be. What was handed over before stays.</exception>
    Task ReadAsync(IArchiveSink sink, CancellationToken ct);
}

/// <summary>Takes what a reader finds.</summary>
internal interface IArchiveSink
{
    Task BeginMailboxAsync(ArchivedMailbox box);

    /// <param name="where">File and place, for messages to people.</param>
    void BeginMessage(string where);

    /// <summary>Octets of the message as the store is to keep them.</summary>
    /// <exception cref="ArchiveException">The message is too large.</exception>
    void Write(ReadOnlySpan<byte> bytes);

    Task EndMessageAsync(ArchivedMessage message);
}

/// <summary>Words for flags and dates that all forms share.</summary>
internal static class ArchiveText
{
    static readonly (char Letter, MessageFlags Flag)[] s_letters =   // https://cr.yp.to/proto/maildir.html, in ASCII order
        [('D', MessageFlags.Draft), ('F', MessageFlags.Flagged), ('R', MessageFlags.Answered), ('S', MessageFlags.Seen), ('T', MessageFlags.Deleted)];

    /// <summary>Maildir letters; empty: no flag.</summary>
    public static string Letters(MessageFlags flags) => string.Concat(s_letters.Where(l => flags.HasFlag(l.Flag)).Select(l => l.Letter));

    /// <summary>Letters that are not known are passed over.</summary>
    public static MessageFlags Flags(ReadOnlySpan<char> letters)
    {
        MessageFlags flags = 0;
        foreach ((char letter, MessageFlags flag) in s_letters)
        {
            if (letters.Contains(letter))
                flags |= flag;
        }
        return flags;
    }

    /// <summary>A keyword that the store takes: an atom. RFC 9051 §9 (flag-keyword)</summary>
    public static bool IsKeyword(string word) => word.Length is > 0 and <= 200 && word[0] != '\\'
        && !word.Any(c => c is <= ' ' or >= '\x7F' or '(' or ')' or '{' or '%' or '*' or '"' or '\\' or ']');

    public static string[] Keywords(string words) => [.. words.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).Where(IsKeyword).Distinct(StringComparer.OrdinalIgnoreCase)];

    public static DateTimeOffset? Date(string seconds) =>
        long.TryParse(seconds, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out long s) && s is > -62135596800 and < 253402300800
            ? DateTimeOffset.FromUnixTimeSeconds(s) : null;

    public static uint Number(string text) =>
        uint.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out uint number) ? number : 0;
}
