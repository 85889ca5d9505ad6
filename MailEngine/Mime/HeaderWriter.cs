using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailEngine.Mime;

/// <summary>Writes header fields of messages made here: reports, Received, missing Date and Message-ID.</summary>
/// <remarks>RFC 5322 §2.2 and §3.6. Whatever is passed, a value never ends its line: CR, LF and NUL become spaces.</remarks>
internal sealed class HeaderWriter : IDisposable
{
    /// <summary>RFC 5322 §2.1.1: lines should be no longer than this, CRLF excluded.</summary>
    const int LineLength = 78;

    readonly ByteBuffer _to = new(1024);

    public ReadOnlySpan<byte> Written => _to.Written;

    /// <summary>A field whose value has structure already (addresses, MIME types, trace data): ASCII, folded at spaces.</summary>
    public HeaderWriter Field(string name, string value)
    {
        Name(name);
        int line = name.Length + 2;
        Fold(value, ref line);
        _to.Write("\r\n"u8);
        return this;
    }

    /// <summary>A field of free text (Subject): encoded words where it is not plain ASCII. RFC 2047</summary>
    public HeaderWriter Text(string name, string value)
    {
        if (Ascii.IsValid(value) && !value.Contains("=?", StringComparison.Ordinal))
            return Field(name, value);
        Name(name);
        EncodedWord.Encode(value, _to);
        _to.Write("\r\n"u8);
        return this;
    }

    /// <summary>A mailbox with its display name: <c>"Mail Delivery System" &lt;MAILER-DAEMON@example.org&gt;</c>. RFC 5322 §3.4</summary>
    public HeaderWriter Mailbox(string name, string displayName, string address) => Mailboxes(name, [(displayName, address)]);

    /// <summary>One or several, each on a line of its own.</summary>
    public HeaderWriter Mailboxes(string name, params ReadOnlySpan<(string DisplayName, string Address)> list)
    {
        Name(name);
        int line = name.Length + 2;
        for (int i = 0; i < list.Length; i++)
        {
            if (i > 0)
                NewLine(",\r\n "u8, ref line);
            (string displayName, string address) = list[i];
            if (!Ascii.IsValid(displayName))
            {
                EncodedWord.Encode(displayName, _to);
                NewLine("\r\n "u8, ref line);
                displayName = "";
            }
            Fold(displayName.Length == 0 ? $"<{address}>"
                : $"\"{displayName.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\" <{address}>", ref line);
        }
        _to.Write("\r\n"u8);
        return this;
    }

    void NewLine(ReadOnlySpan<byte> by, ref int line)
    {
        _to.Write(by);
        line = 1;
    }

    /// <summary>Date field, or another one of the same form.</summary>
    public HeaderWriter Date(string name, DateTimeOffset date) => Field(name, MailDate.Format(date));

    /// <summary>The empty line that ends the header.</summary>
    public HeaderWriter End()
    {
        _to.Write("\r\n"u8);
        return this;
    }

    /// <summary>A new Message-ID, angle brackets included: time and 64 random bits before the host. RFC 5322 §3.6.4</summary>
    public static string NewMessageId(DateTimeOffset now, string host) =>
        string.Create(CultureInfo.InvariantCulture, $"<{now.UtcDateTime:yyyyMMddHHmmss}.{RandomNumberGenerator.GetHexString(16, lowercase: true)}@{host}>");

    public void Dispose() => _to.Dispose();

    void Name(string name)
    {
        Append(name);
        _to.Write(": "u8);
    }

    // Words apart by one space, or by a new line where the one they are on would get too long.
    void Fold(string value, ref int line)
    {
        bool first = true;
        foreach (string word in value.Split([' ', '\r', '\n', '\0'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!first && line + 1 + word.Length > LineLength)
            {
                _to.Write("\r\n"u8);
                line = 0;
            }
            if (!first)
            {
                _to.Write((byte)' ');
                line++;
            }
            first = false;
            Append(word);
            line += word.Length;
        }
    }

    void Append(string text)
    {
        Span<byte> target = _to.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        int length = Encoding.UTF8.GetBytes(text, target);
        target[..length].Replace((byte)'\r', (byte)' ');
        target[..length].Replace((byte)'\n', (byte)' ');
        target[..length].Replace((byte)0, (byte)' ');
        _to.Advance(length);
    }
}
