using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>How a listener writes mailbox names: its separator and what personal names begin with.</summary>
/// <remarks>
/// Inside, levels are apart by "/" and personal names begin with nothing. A listener with "." exchanges the two characters, both ways,
/// so every name has one form and every form one name: a level "v1.2" is shown as "v1/2". Encoding comes after this: modified UTF-7,
/// or plain UTF-8 for a client that has enabled it.
/// RFC 2342 §4 (personal namespace with a prefix), RFC 9051 §5.1.1
/// </remarks>
internal sealed class NameForm
{
    NameForm(char separator, string prefix)
    {
        Separator = separator;
        Prefix = prefix;
    }

    /// <summary>"/" and no prefix: the form used inside.</summary>
    public static NameForm Usual { get; } = new('/', "");

    public char Separator { get; }

    /// <summary>Empty, or INBOX and the separator.</summary>
    public string Prefix { get; }

    /// <summary>Names go as UTF-8. RFC 9051 §5.1; else in modified UTF-7, RFC 3501 §5.1.3.</summary>
    public bool IsUtf8 { get; private init; }

    public NameForm WithUtf8() => IsUtf8 ? this : new NameForm(Separator, Prefix) { IsUtf8 = true };

    /// <summary>Octets of the client's as text. False: not in the encoding that holds.</summary>
    public bool TryDecode(ReadOnlySpan<byte> bytes, out string text)
    {
        if (!IsUtf8)
            return ModifiedUtf7.TryDecode(bytes, out text);
        bool valid = System.Text.Unicode.Utf8.IsValid(bytes);
        text = valid ? System.Text.Encoding.UTF8.GetString(bytes) : "";
        return valid;
    }

    public static NameForm Of(ListenerOptions listener) =>
        listener is { MailboxSeparator: "/", MailboxPrefix: "" } ? Usual : new NameForm(listener.MailboxSeparator[0], listener.MailboxPrefix);

    /// <summary>The name as the client sees it, not yet encoded.</summary>
    public string Write(string name)
    {
        string form = Exchanged(name);
        return Prefix.Length == 0 || name == MailboxName.Inbox.Value || Namespaces.IsForeign(name) ? form : Prefix + form;
    }

    /// <summary>The name that a client means. False: none that can be.</summary>
    public bool TryRead(string text, out MailboxName name)
    {
        if (Prefix.Length == 0)
            return MailboxName.TryParse(Exchanged(text), out name);
        if (text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            // Neither INBOX nor a shared mailbox has a second name.
            return MailboxName.TryParse(Exchanged(text[Prefix.Length..]), out name) && !name.IsInbox && !Namespaces.IsForeign(name.Value);
        }
        return MailboxName.TryParse(Exchanged(text), out name) && (name.IsInbox || Namespaces.IsForeign(name.Value));
    }

    /// <summary>The beginning of a name, with the separator that is used inside.</summary>
    public string Inside(string text) => Exchanged(text);

    string Exchanged(string text) => Separator == '/' || text.AsSpan().IndexOfAny('/', Separator) < 0
        ? text
        : string.Create(text.Length, (text, Separator), static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
            {
                char c = from.text[i];
                to[i] = c == '/' ? from.Separator : c == from.Separator ? '/' : c;
            }
        });
}
