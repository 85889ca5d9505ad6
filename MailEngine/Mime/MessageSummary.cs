namespace MailEngine.Mime;

/// <summary>All that is worked out once, when a message is deposited, and stored ready to send.</summary>
public sealed class MessageSummary
{
    /// <summary>ENVELOPE value as IMAP sends it, parentheses included. RFC 9051 §7.5.2</summary>
    public required byte[] Envelope { get; init; }

    /// <summary>BODYSTRUCTURE value as IMAP sends it, extension data included. RFC 9051 §7.5.2</summary>
    public required byte[] BodyStructure { get; init; }

    /// <summary>MIME parts as byte ranges, in the form <see cref="MimeLayout"/> writes and reads.</summary>
    public required byte[] Layout { get; init; }

    /// <summary>Date field in Unix seconds; null when absent or not readable.</summary>
    public required long? SentDate { get; init; }

    /// <summary>Message-ID without angle brackets, at most 998 octets; null when absent.</summary>
    public required string? MessageId { get; init; }

    /// <summary>Base subject, upper-cased as i;unicode-casemap does. RFC 5256 §2.1</summary>
    public required string BaseSubject { get; init; }

    /// <summary>Sort keys: addr-mailbox of the first From, To and Cc address, upper-cased. RFC 5256 §3</summary>
    public required string SortFrom { get; init; }
    public required string SortTo { get; init; }
    public required string SortCc { get; init; }

    /// <summary>Message-IDs of References, else In-Reply-To, joined by spaces; for THREAD. RFC 5256 §2.2</summary>
    public required string References { get; init; }

    /// <summary>Up to 200 characters of text for people. RFC 8970 §3</summary>
    public required string Preview { get; init; }
}
