using System.Globalization;
using System.Text;

namespace MailEngine.Mime;

/// <summary>The members of an ENVELOPE. RFC 9051 §7.5.2</summary>
internal enum EnvelopeMember { Date, Subject, From, Sender, ReplyTo, To, Cc, Bcc, InReplyTo, MessageId }

/// <summary>Reads a stored ENVELOPE: the text that <see cref="EnvelopeWriter"/> made.</summary>
/// <remarks>Takes any bytes; what is no envelope has empty members.</remarks>
internal readonly ref struct StoredEnvelope(ReadOnlySpan<byte> text)
{
    readonly ReadOnlySpan<byte> _text = text;

    /// <summary>The member as it stands: NIL, a string, or a list of addresses.</summary>
    public ReadOnlySpan<byte> this[EnvelopeMember member]
    {
        get
        {
            int at = 1;
            for (int i = 0; ; i++)
            {
                int start = at;
                if (!Skip(_text, ref at))
                    return default;
                if (i == (int)member)
                    return _text[start..at];
                at++;   // the space
            }
        }
    }

    /// <summary>A string as octets, quoting undone; empty for NIL.</summary>
    /// <param name="scratch">Holds the octets where quoting had to go; they stand until it is cleared.</param>
    public static ReadOnlySpan<byte> String(ReadOnlySpan<byte> value, ByteBuffer scratch)
    {
        if (value.IsEmpty)
            return default;
        if (value[0] == (byte)'{')
        {
            int end = value.IndexOf((byte)'\n');
            return end < 0 ? default : value[(end + 1)..];
        }
        if (value[0] != (byte)'"' || value.Length < 2)
            return default;
        ReadOnlySpan<byte> inner = value[1..^1];
        if (inner.IndexOf((byte)'\\') < 0)
            return inner;
        int from = scratch.Length;
        for (int i = 0; i < inner.Length; i++)
        {
            if (inner[i] == (byte)'\\' && i + 1 < inner.Length)
                i++;
            scratch.Write(inner[i]);
        }
        return scratch.From(from);
    }

    /// <summary>Moves past one value: a string, NIL, or a list in parentheses. False: there is none.</summary>
    internal static bool Skip(ReadOnlySpan<byte> text, scoped ref int at)
    {
        int depth = 0;
        while (at < text.Length)
        {
            switch (text[at])
            {
                case (byte)'(':
                    depth++;
                    at++;
                    break;
                case (byte)')':
                    if (depth == 0)
                        return false;
                    depth--;
                    at++;
                    break;
                case (byte)'"':
                    for (at++; at < text.Length && text[at] != (byte)'"'; at++)
                    {
                        if (text[at] == (byte)'\\')
                            at++;
                    }
                    at = Math.Min(at + 1, text.Length);
                    break;
                case (byte)'{':
                    int end = text[at..].IndexOf((byte)'\n');
                    if (end < 3 || !int.TryParse(text[(at + 1)..(at + end - 2)], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                        || length > text.Length - at - end - 1)
                        return false;
                    at += end + 1 + length;
                    break;
                case (byte)' ' when depth > 0:
                    at++;
                    continue;
                default:
                    int word = text[at..].IndexOfAny(" )("u8);
                    if (word == 0)
                        return false;
                    at = word < 0 ? text.Length : at + word;
                    break;
            }
            if (depth == 0)
                return true;
        }
        return false;
    }
}

/// <summary>Goes through the addresses of an ENVELOPE member.</summary>
internal ref struct StoredAddresses(ReadOnlySpan<byte> list, ByteBuffer scratch)
{
    readonly ReadOnlySpan<byte> _list = list;
    readonly ByteBuffer _scratch = scratch;
    int _at = 1;

    /// <summary>addr-name, or empty. Valid, like the others, until the next <see cref="MoveNext"/>.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>addr-mailbox; of the start of a group, its name; empty: the end of a group.</summary>
    public ReadOnlySpan<byte> Mailbox { get; private set; }

    /// <summary>addr-host; empty: the start or end of a group.</summary>
    public ReadOnlySpan<byte> Host { get; private set; }

    public bool MoveNext()
    {
        if (_at >= _list.Length || _list[_at] != (byte)'(')
            return false;
        int end = _at;
        if (!StoredEnvelope.Skip(_list, ref end))
            return false;
        ReadOnlySpan<byte> address = _list[_at..end];
        _at = end;
        _scratch.Clear();
        _scratch.GetSpan(address.Length);   // no growing below: the spans stay where they are
        int at = 1;
        Name = Next(address, ref at);
        Next(address, ref at);              // addr-adl
        Mailbox = Next(address, ref at);
        Host = Next(address, ref at);
        return true;
    }

    /// <summary>What people see of an address, for sorting. RFC 5957 §3</summary>
    /// <param name="list">env-from or env-to.</param>
    public static void WriteDisplay(ReadOnlySpan<byte> list, ByteBuffer scratch, ByteBuffer to)
    {
        var addresses = new StoredAddresses(list, scratch);
        if (!addresses.MoveNext())
            return;
        int before = to.Length;
        if (!addresses.Name.IsEmpty)
            Decoded(addresses.Name, to);
        if (to.Length > before)
            return;
        UnicodeCasemap.Fold(addresses.Mailbox, to);
        if (addresses.Host.IsEmpty || addresses.Mailbox.IsEmpty)
            return;
        to.Write((byte)'@');
        UnicodeCasemap.Fold(addresses.Host, to);
    }

    /// <summary>All addresses as one folded line, "name &lt;mailbox@host&gt;, ...", for searching. RFC 9051 §6.4.4 (FROM, TO, CC, BCC)</summary>
    public static void WriteText(ReadOnlySpan<byte> list, ByteBuffer scratch, ByteBuffer to)
    {
        var addresses = new StoredAddresses(list, scratch);
        bool any = false;
        while (addresses.MoveNext())
        {
            if (addresses.Mailbox.IsEmpty)
                continue;
            if (any)
                to.Write(", "u8);
            any = true;
            if (addresses.Host.IsEmpty)
            {
                Decoded(addresses.Mailbox, to);
                to.Write((byte)':');
                continue;
            }
            if (!addresses.Name.IsEmpty)
            {
                Decoded(addresses.Name, to);
                to.Write((byte)' ');
            }
            to.Write((byte)'<');
            UnicodeCasemap.Fold(addresses.Mailbox, to);
            to.Write((byte)'@');
            UnicodeCasemap.Fold(addresses.Host, to);
            to.Write((byte)'>');
        }
    }

    /// <summary>Folds a header text, encoded words decoded.</summary>
    public static void Decoded(ReadOnlySpan<byte> value, ByteBuffer to)
    {
        if (value.IndexOf("=?"u8) < 0)
            UnicodeCasemap.Fold(value, to);
        else
            UnicodeCasemap.FoldToUtf8(EncodedWord.Decode(value), to);
    }

    readonly ReadOnlySpan<byte> Next(ReadOnlySpan<byte> address, scoped ref int at)
    {
        int start = at;
        if (!StoredEnvelope.Skip(address, ref at))
            return default;
        ReadOnlySpan<byte> value = address[start..at];
        at++;
        return StoredEnvelope.String(value, _scratch);
    }
}
