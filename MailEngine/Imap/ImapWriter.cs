using System.Text;
using MailEngine.Mime;
using MailEngine.Net;

namespace MailEngine.Imap;

/// <summary>Writes responses: strings, atoms and mailbox names as this client is to see them.</summary>
internal sealed class ImapWriter(Connection connection, NameForm names) : OutputWriter(connection)
{
    /// <summary>Quoted string, or a literal where that cannot be. RFC 9051 §4.3</summary>
    public void WriteString(string text)
    {
        using var bytes = new ByteBuffer(64);
        using var value = new ByteBuffer(Encoding.UTF8.GetMaxByteCount(text.Length));
        value.Advance(Encoding.UTF8.GetBytes(text, value.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
        ImapText.WriteString(value.Written, bytes);
        Write(bytes.Written);
    }

    /// <summary>An atom where it can be one, else a string. RFC 9051 §9 (astring)</summary>
    public void WriteAstring(string text)
    {
        if (text.Length > 0 && text.Length <= 256 && Ascii.IsValid(text) && ImapReader.IsAtom(Encoding.ASCII.GetBytes(text)))
            WriteAscii(text);
        else
            WriteString(text);
    }

    /// <summary>How this session writes mailbox names.</summary>
    public NameForm Names { get; set; } = names;

    /// <summary>A mailbox name as this client writes it, quoted. RFC 3501 §5.1.3, RFC 9051 §5.1</summary>
    public void WriteMailbox(string name) => WriteClientName(Names.Write(name));

    /// <summary>The same for a name that has the separator and prefix of the listener already.</summary>
    public void WriteClientName(string name)
    {
        if (!Names.IsUtf8)
        {
            WriteString(ModifiedUtf7.Encode(name));
            return;
        }
        // A name holds no control characters, so a quoted string can hold it.
        Write((byte)'"');
        Write(Encoding.UTF8.GetBytes(name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)));
        Write((byte)'"');
    }
}
