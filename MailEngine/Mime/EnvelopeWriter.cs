namespace MailEngine.Mime;

/// <summary>Writes ENVELOPE text. RFC 9051 §7.5.2</summary>
internal static class EnvelopeWriter
{
    /// <summary>Host of an address that has none: NIL would make it a group (RFC 9051 §7.5.2). The same word Dovecot uses.</summary>
    static ReadOnlySpan<byte> MissingDomain => "MISSING_DOMAIN"u8;
    static ReadOnlySpan<byte> MissingMailbox => "MISSING_MAILBOX"u8;

    public static void Write(ReadOnlySpan<byte> header, ByteBuffer scratch, ByteBuffer to) =>
        Write(new EnvelopeFields(header), header, scratch, to);

    /// <param name="header">The block the fields were found in; asked again where a field is there more than once.</param>
    public static void Write(in EnvelopeFields fields, ReadOnlySpan<byte> header, ByteBuffer scratch, ByteBuffer to)
    {
        to.Write((byte)'(');
        Text(fields.HasDate, fields.Date, scratch, to);
        to.Write((byte)' ');
        Text(fields.HasSubject, fields.Subject, scratch, to);
        to.Write((byte)' ');
        int from = to.Length;
        Addresses(fields.From, fields.FromAgain, "From"u8, header, scratch, to);
        int fromLength = to.Length - from;
        to.Write((byte)' ');
        AddressesOrFrom(fields.Sender, false, "Sender"u8, header);
        to.Write((byte)' ');
        AddressesOrFrom(fields.ReplyTo, fields.ReplyToAgain, "Reply-To"u8, header);
        to.Write((byte)' ');
        Addresses(fields.To, fields.ToAgain, "To"u8, header, scratch, to);
        to.Write((byte)' ');
        Addresses(fields.Cc, fields.CcAgain, "Cc"u8, header, scratch, to);
        to.Write((byte)' ');
        Addresses(fields.Bcc, fields.BccAgain, "Bcc"u8, header, scratch, to);
        to.Write((byte)' ');
        Text(fields.HasInReplyTo, fields.InReplyTo, scratch, to);
        to.Write((byte)' ');
        Text(fields.HasMessageId, fields.MessageId, scratch, to);
        to.Write((byte)')');

        // "the server sets the corresponding member of the envelope to be the same value as the from member"
        void AddressesOrFrom(ReadOnlySpan<byte> value, bool repeated, ReadOnlySpan<byte> name, ReadOnlySpan<byte> header)
        {
            if (Addresses(value, repeated, name, header, scratch, to))
                return;
            to.Truncate(to.Length - 3);   // the NIL
            to.GetSpan(fromLength);
            to.Write(to.Slice(from, fromLength));
        }
    }

    static void Text(bool present, ReadOnlySpan<byte> value, ByteBuffer scratch, ByteBuffer to)
    {
        if (present)
            ImapText.WriteUnfolded(value, scratch, to);
        else
            ImapText.WriteNil(to);
    }

    /// <returns>False: there was no address, NIL was written.</returns>
    static bool Addresses(ReadOnlySpan<byte> value, bool repeated, ReadOnlySpan<byte> name, ReadOnlySpan<byte> header, ByteBuffer scratch, ByteBuffer to)
    {
        int start = to.Length;
        to.Write((byte)'(');
        int left = AddressReader.MaxAddresses;
        if (!repeated)
            List(value, scratch, to, ref left);
        else
        {
            var fields = new HeaderFieldReader(header);
            while (left > 0 && fields.MoveNext())
            {
                if (fields.Current.Is(name))
                    List(fields.Current.Value, scratch, to, ref left);
            }
        }
        if (to.Length == start + 1)
        {
            to.Truncate(start);
            ImapText.WriteNil(to);
            return false;
        }
        to.Write((byte)')');
        return true;
    }

    static void List(ReadOnlySpan<byte> value, ByteBuffer scratch, ByteBuffer to, ref int left)
    {
        if (value.IsEmpty)
            return;
        var list = new AddressReader(value, scratch);
        bool group = false;
        while ((left-- > 0 || group) && list.MoveNext(out ListedAddress address))
        {
            switch (address.Kind)
            {
                case AddressKind.GroupStart:
                    to.Write("(NIL NIL "u8);
                    ImapText.WriteString(address.Name, to);
                    to.Write(" NIL)"u8);
                    group = true;
                    break;
                case AddressKind.GroupEnd:
                    to.Write("(NIL NIL NIL NIL)"u8);
                    group = false;
                    break;
                case AddressKind.Mailbox when left >= 0:
                    Mailbox(address, to);
                    break;
            }
        }
        left = Math.Max(left, 0);
    }

    static void Mailbox(in ListedAddress address, ByteBuffer to)
    {
        to.Write((byte)'(');
        TextOrNil(address.Name, to);
        to.Write((byte)' ');
        TextOrNil(address.Route, to);
        to.Write((byte)' ');
        ImapText.WriteString(address.Local.IsEmpty ? MissingMailbox : address.Local, to);
        to.Write((byte)' ');
        ImapText.WriteString(address.Domain.IsEmpty ? MissingDomain : address.Domain, to);
        to.Write((byte)')');
    }

    static void TextOrNil(ReadOnlySpan<byte> value, ByteBuffer to)
    {
        if (value.IsEmpty)
            ImapText.WriteNil(to);
        else
            ImapText.WriteString(value, to);
    }
}
