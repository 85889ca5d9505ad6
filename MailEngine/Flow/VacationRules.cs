using System.Buffers;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>What a vacation answer needs to know of the message it answers.</summary>
/// <param name="Subject">Decoded; empty: none.</param>
/// <param name="MessageId">With angle brackets; empty: none.</param>
/// <param name="References">Message-IDs with angle brackets, by spaces, the answered one not among them.</param>
sealed record AnsweredMessage(string Subject, string MessageId, string References);

/// <summary>Which messages an absent person answers: those that somebody wrote to him, and nothing that a machine or a list sent.</summary>
/// <remarks>RFC 5230 §4.5 (to oneself alone), RFC 5230 §4.6 (machines and lists), RFC 3834 §2.</remarks>
static class VacationRules
{
    /// <summary>Of a header section longer than this only the beginning is looked at.</summary>
    const int MostHeaderBytes = 64 << 10;

    /// <summary>References that an answer carries on. RFC 5322 §3.6.4 sets no limit; a thread longer than this is found by its last ones.</summary>
    const int MostReferences = 20;

    static readonly SearchValues<byte> s_wordEnds = SearchValues.Create(" \t\r\n;(,"u8);
    static readonly string[] s_daemons = ["mailer-daemon", "listserv", "majordomo", "noreply", "no-reply", "donotreply", "do-not-reply", "daemon", "root", "bounce", "bounces"];
    static readonly string[] s_daemonEnds = ["-request", "-bounces", "-bounce", "-owner", "-noreply", "-no-reply"];
    static readonly string[] s_daemonBegins = ["owner-", "bounce-", "bounces-", "bounce+", "bounces+", "noreply-", "noreply+", "no-reply-", "no-reply+", "prvs=", "srs0=", "srs1="];

    /// <summary>Somebody who reads what is sent to him? RFC 5230 §4.6</summary>
    public static bool IsPerson(EmailAddress sender)
    {
        string local = sender.CanonicalLocal;
        return !s_daemons.Contains(local) && !Array.Exists(s_daemonEnds, end => local.EndsWith(end, StringComparison.Ordinal))
            && !Array.Exists(s_daemonBegins, begin => local.StartsWith(begin, StringComparison.Ordinal));
    }

    /// <summary>Reads the header of a message.</summary>
    /// <param name="own">Addresses that are the person's alone, canonical.</param>
    /// <returns>Null: it is none that he answers.</returns>
    public static AnsweredMessage? Read(Body body, IReadOnlySet<string> own)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(MostHeaderBytes);
        try
        {
            ReadOnlySpan<byte> header = block.AsSpan(0, body.Read(0, block.AsSpan(0, (int)Math.Min(MostHeaderBytes, body.Length))));
            int end = header.StartsWith("\r\n"u8) ? 0 : header.IndexOf("\r\n\r\n"u8);
            return Read(end < 0 ? header : header[..end], own);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <inheritdoc cref="Read(Body, IReadOnlySet{string})"/>
    internal static AnsweredMessage? Read(ReadOnlySpan<byte> header, IReadOnlySet<string> own)
    {
        bool isForHim = false;
        string subject = "", messageId = "", references = "", inReplyTo = "";
        using var scratch = new ByteBuffer(256);
        var fields = new HeaderFields(header);
        while (fields.MoveNext() && fields.IsField)
        {
            ReadOnlySpan<byte> value = ValueOf(fields);
            if (IsMachines(fields, value))
                return null;
            if (!isForHim && (fields.Is("to"u8) || fields.Is("cc"u8) || fields.Is("bcc"u8) || fields.Is("resent-to"u8) || fields.Is("resent-cc"u8) || fields.Is("resent-bcc"u8)))
                isForHim = Names(value, own, scratch);
            else if (fields.Is("subject"u8))
                subject = EncodedWord.Decode(value).Trim();
            else if (fields.Is("message-id"u8))
                messageId = Ids(value, 1);
            else if (fields.Is("references"u8))
                references = Ids(value, MostReferences);
            else if (fields.Is("in-reply-to"u8))
                inReplyTo = Ids(value, 1);
        }
        return isForHim ? new AnsweredMessage(subject, messageId, references.Length > 0 ? references : inReplyTo) : null;
    }

    static bool IsMachines(in HeaderFields fields, ReadOnlySpan<byte> value)
    {
        if (fields.Is("auto-submitted"u8))
            return !Word(value).Equals("no", StringComparison.OrdinalIgnoreCase);   // RFC 3834 §5
        if (fields.Name.Length > 5 && Ascii.EqualsIgnoreCase(fields.Name[..5], "list-"u8))
            return true;   // RFC 2369 §3, RFC 2919 §2
        if (fields.Is("precedence"u8))
            return Word(value).ToLowerInvariant() is "bulk" or "list" or "junk";
        if (fields.Is("x-auto-response-suppress"u8))
            return !Word(value).Equals("none", StringComparison.OrdinalIgnoreCase);
        if (fields.Is("x-spam-flag"u8))
            return Word(value).Equals("yes", StringComparison.OrdinalIgnoreCase);
        if (fields.Is("content-type"u8))
            return Word(value).Equals("multipart/report", StringComparison.OrdinalIgnoreCase);   // a DSN or MDN: RFC 6522 §3
        return fields.Is("x-autoreply"u8) || fields.Is("x-autorespond"u8) || fields.Is("x-mailing-list"u8) || fields.Is("feedback-id"u8) || fields.Is("x-loop"u8);
    }

    static ReadOnlySpan<byte> ValueOf(in HeaderFields fields) => fields.Field[(fields.Field.IndexOf((byte)':') + 1)..].Trim(" \t\r\n"u8);

    /// <summary>The first word, without parameters and comments.</summary>
    static string Word(ReadOnlySpan<byte> value)
    {
        int end = value.IndexOfAny(s_wordEnds);
        return Encoding.Latin1.GetString(end < 0 ? value : value[..end]);
    }

    static bool Names(ReadOnlySpan<byte> list, IReadOnlySet<string> own, ByteBuffer scratch)
    {
        scratch.Clear();
        var addresses = new AddressReader(list, scratch);
        while (addresses.MoveNext(out ListedAddress listed))
        {
            if (listed.Kind != AddressKind.Mailbox || listed.Local.IsEmpty || listed.Local.Length + listed.Domain.Length > 320)
                continue;
            if (AddressParts.Join(Encoding.UTF8.GetString(listed.Local), Encoding.UTF8.GetString(listed.Domain)) is { } address && own.Contains(address.Canonical))
                return true;
        }
        return false;
    }

    /// <summary>The last so many Message-IDs of a field.</summary>
    static string Ids(ReadOnlySpan<byte> value, int most)
    {
        var ids = new List<string>();
        foreach (string word in Encoding.Latin1.GetString(value).Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.Length is > 2 and <= 250 && word[0] == '<' && word[^1] == '>' && Ascii.IsValid(word) && !word.Any(char.IsControl))
                ids.Add(word);
        }
        return string.Join(' ', ids.TakeLast(most));
    }
}
