using System.Text;

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

    /// <summary>Octets it takes in the index, about.</summary>
    internal long Bytes => Envelope.Length + BodyStructure.Length + Layout.Length + BaseSubject.Length + SortFrom.Length + SortTo.Length + SortCc.Length
        + References.Length + (3L * Preview.Length) + (MessageId?.Length ?? 0);

    /// <summary>Works it all out. Takes any bytes, never throws, in time linear in their number.</summary>
    /// <param name="message">The message as it is stored, without the prefix of one delivery.</param>
    public static MessageSummary Of(ReadOnlySpan<byte> message) => Of(message, MimeLimits.Default);

    internal static MessageSummary Of(ReadOnlySpan<byte> message, MimeLimits limits)
    {
        Workspace work = Workspace.Rent();
        try
        {
            work.Reader.Read(message, limits);
            IReadOnlyList<MimePart> parts = work.Reader.Parts;
            ReadOnlySpan<byte> header = message[..Math.Min(parts[0].BodyStart, MessageText.MaxHeader)];
            var fields = new EnvelopeFields(header);

            ByteBuffer to = work.Output;
            EnvelopeWriter.Write(fields, header, work.Scratch, to);
            byte[] envelope = to.Written.ToArray();
            to.Clear();
            BodyStructureWriter.Write(message, parts, work.Scratch, to);
            byte[] structure = to.Written.ToArray();
            to.Clear();
            MimeLayout.Write(parts, to);
            byte[] layout = to.Written.ToArray();
            work.Scratch.Clear();

            return new MessageSummary
            {
                Envelope = envelope,
                BodyStructure = structure,
                Layout = layout,
                SentDate = MailDate.TryParse(fields.Date, out DateTimeOffset date) ? date.ToUnixTimeSeconds() : null,
                MessageId = MessageIds.First(fields.MessageId),
                BaseSubject = Mime.BaseSubject.Of(EncodedWord.Decode(fields.Subject)),
                SortFrom = SortKey(fields.From, work.Scratch),
                SortTo = SortKey(fields.To, work.Scratch),
                SortCc = SortKey(fields.Cc, work.Scratch),
                References = MessageIds.Thread(fields.References, fields.InReplyTo),
                Preview = Mime.Preview.Of(message, parts),
            };
        }
        finally
        {
            work.Return();
        }
    }

    /// <summary>RFC 5256 §3: addr-mailbox of the first address; that of a group is the name of the group.</summary>
    static string SortKey(ReadOnlySpan<byte> value, ByteBuffer scratch)
    {
        if (value.IsEmpty)
            return "";
        scratch.Clear();
        var list = new AddressReader(value, scratch);
        if (!list.MoveNext(out ListedAddress address))
            return "";
        ReadOnlySpan<byte> key = address.Kind == AddressKind.GroupStart ? address.Name : address.Local;
        return UnicodeCasemap.Fold(Charsets.Guess(key.Length > 255 ? key[..255] : key));
    }

    /// <summary>What a thread needs to work out summaries one after the other.</summary>
    sealed class Workspace
    {
        const int KeptBytes = 256 << 10;

        [ThreadStatic]
        static Workspace? s_free;

        public MimeReader Reader { get; } = new();
        public ByteBuffer Output { get; } = new(4096);
        public ByteBuffer Scratch { get; } = new(1024);

        public static Workspace Rent()
        {
            Workspace work = s_free ?? new Workspace();
            s_free = null;
            return work;
        }

        public void Return()
        {
            Output.Clear();
            Scratch.Clear();
            if (Output.Capacity <= KeptBytes && Scratch.Capacity <= KeptBytes)
            {
                s_free = this;
                return;
            }
            Reader.Dispose();
            Output.Dispose();
            Scratch.Dispose();
        }
    }
}
