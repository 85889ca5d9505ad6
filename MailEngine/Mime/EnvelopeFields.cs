namespace MailEngine.Mime;

/// <summary>The header fields that ENVELOPE, sorting and threading need, found in one pass; values as <see cref="HeaderField.Value"/>
/// has them.</summary>
internal readonly ref struct EnvelopeFields
{
    /// <summary>Which fields are there; their values can be empty all the same.</summary>
    public readonly bool HasDate, HasSubject, HasInReplyTo, HasMessageId;
    public readonly ReadOnlySpan<byte> Date, Subject, InReplyTo, MessageId, References;

    /// <summary>The first field of each name.</summary>
    public readonly ReadOnlySpan<byte> From, Sender, ReplyTo, To, Cc, Bcc;

    /// <summary>Address fields that occur more than once: all of them count (RFC 7103 §7.5.1).</summary>
    public readonly bool FromAgain, ReplyToAgain, ToAgain, CcAgain, BccAgain;

    public EnvelopeFields(ReadOnlySpan<byte> header)
    {
        var fields = new HeaderFieldReader(header);
        while (fields.MoveNext())
        {
            HeaderField field = fields.Current;
            switch (field.Name.Length)
            {
                case 2 when field.Is("To"u8):
                    ToAgain |= !To.IsEmpty;
                    To = To.IsEmpty ? field.Value : To;
                    break;
                case 2 when field.Is("Cc"u8):
                    CcAgain |= !Cc.IsEmpty;
                    Cc = Cc.IsEmpty ? field.Value : Cc;
                    break;
                case 3 when field.Is("Bcc"u8):
                    BccAgain |= !Bcc.IsEmpty;
                    Bcc = Bcc.IsEmpty ? field.Value : Bcc;
                    break;
                case 4 when field.Is("From"u8):
                    FromAgain |= !From.IsEmpty;
                    From = From.IsEmpty ? field.Value : From;
                    break;
                case 4 when !HasDate && field.Is("Date"u8):
                    Date = field.Value;
                    HasDate = true;
                    break;
                case 6 when field.Is("Sender"u8):
                    Sender = Sender.IsEmpty ? field.Value : Sender;   // one address: RFC 5322 §3.6.2
                    break;
                case 7 when !HasSubject && field.Is("Subject"u8):
                    Subject = field.Value;
                    HasSubject = true;
                    break;
                case 8 when field.Is("Reply-To"u8):
                    ReplyToAgain |= !ReplyTo.IsEmpty;
                    ReplyTo = ReplyTo.IsEmpty ? field.Value : ReplyTo;
                    break;
                case 10 when !HasMessageId && field.Is("Message-ID"u8):
                    MessageId = field.Value;
                    HasMessageId = true;
                    break;
                case 10 when References.IsEmpty && field.Is("References"u8):
                    References = field.Value;
                    break;
                case 11 when !HasInReplyTo && field.Is("In-Reply-To"u8):
                    InReplyTo = field.Value;
                    HasInReplyTo = true;
                    break;
            }
        }
    }
}
