using System.Globalization;
using System.Text;

namespace MailEngine.Imap.Urls;

/// <summary>An IMAP URL that names a message or a part of one. RFC 5092 §6 and §11, RFC 4469 §3</summary>
/// <remarks>Absolute (imap://user@server/mailbox...), relative to the server (/mailbox...) or to the selected mailbox (;UID=...).</remarks>
internal sealed record ImapUrl
{
    /// <summary>Longest URL taken, octets: a mailbox name and a list of header fields, each octet escaped.</summary>
    public const int MaxLength = 16 << 10;

    /// <summary>The text as the client wrote it: ASCII without control characters.</summary>
    public required string Text { get; init; }

    /// <summary>User the URL belongs to, decoded; null: relative, or without one.</summary>
    public string? User { get; init; }

    /// <summary>Host, without a port; null: relative.</summary>
    public string? Host { get; init; }

    /// <summary>Mailbox name, decoded; null: the selected one.</summary>
    public string? Mailbox { get; init; }

    /// <summary>Null: any.</summary>
    public uint? UidValidity { get; init; }

    public required uint Uid { get; init; }

    /// <summary>What stands between the brackets of BODY[...], decoded; empty: the whole message.</summary>
    public string Section { get; init; } = "";

    /// <summary>Range of octets: RFC 5550 §3.2 (URL-PARTIAL)</summary>
    public long Origin { get; init; }
    public long Count { get; init; } = long.MaxValue;

    /// <summary>What stands behind the message: EXPIRE and URLAUTH. RFC 4467 §3; null: nothing.</summary>
    public UrlAuthorization? Authorization { get; init; }

    /// <summary>Reads a URL; false: not one, or it names no message.</summary>
    public static bool TryParse(string text, out ImapUrl url)
    {
        url = null!;
        if (text.Length is 0 or > MaxLength || text.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
            return false;
        ReadOnlySpan<char> rest = text;
        string? user = null, host = null;
        if (rest.StartsWith("imap://", StringComparison.OrdinalIgnoreCase))
        {
            int slash = rest[7..].IndexOf('/');
            if (slash < 0 || !Server(rest.Slice(7, slash), out user, out host))
                return false;
            rest = rest[(7 + slash)..];
        }
        if (!UrlAuthorization.TryCut(ref rest, out UrlAuthorization? authorization) || !Message(ref rest, out string? mailbox, out uint? validity, out uint uid))
            return false;
        string? section = "";
        if (Cut(ref rest, "/;SECTION=", out ReadOnlySpan<char> encoded) && ((section = Decode(encoded)) is null || section.Length == 0))
            return false;
        (long origin, long count) = (0, long.MaxValue);
        if (Cut(ref rest, "/;PARTIAL=", out ReadOnlySpan<char> partial) && !Range(partial, out origin, out count))
            return false;
        if (!rest.IsEmpty || host is not null && mailbox is null)
            return false;
        url = new ImapUrl
        {
            Text = text, User = user, Host = host, Mailbox = mailbox, UidValidity = validity, Uid = uid, Section = section!, Origin = origin,
            Count = count, Authorization = authorization,
        };
        return true;
    }

    /// <summary>As a response code may hold it: RFC 4469 §5 (url-resp-text).</summary>
    public static string Printable(string text)
    {
        var safe = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(text.Length > MaxLength ? text[..MaxLength] : text))
        {
            if (b is > 0x20 and < 0x7F and not ((byte)']' or (byte)'\\' or (byte)'"'))
                safe.Append((char)b);
            else
                safe.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return safe.Length == 0 ? "%20" : safe.ToString();
    }

    // iserver = [iuserinfo "@"] host [":" port]; iuserinfo = enc-user [";AUTH=" ...] (RFC 5092 §11)
    static bool Server(ReadOnlySpan<char> server, out string? user, out string? host)
    {
        (user, host) = (null, null);
        int at = server.LastIndexOf('@');
        if (at >= 0)
        {
            ReadOnlySpan<char> name = server[..at];
            int auth = name.IndexOf(";AUTH=", StringComparison.OrdinalIgnoreCase);
            user = Decode(auth < 0 ? name : name[..auth]);
            if (user is null)
                return false;
            server = server[(at + 1)..];
        }
        int colon = server.LastIndexOf(':');
        if (colon >= 0 && server[colon..].IndexOf(']') < 0)
            server = server[..colon];
        host = Decode(server);
        return host is { Length: > 0 };
    }

    // [mailbox [";UIDVALIDITY=" nz-number]] "/;UID=" nz-number (RFC 5092 §11: iuid); relative to a mailbox without the slash
    static bool Message(ref ReadOnlySpan<char> rest, out string? mailbox, out uint? validity, out uint uid)
    {
        (mailbox, validity, uid) = (null, null, 0);
        int start = rest.IndexOf("/;UID=", StringComparison.OrdinalIgnoreCase);
        if (start < 0 && !rest.StartsWith(";UID=", StringComparison.OrdinalIgnoreCase))
            return false;
        if (start > 0)
        {
            if (rest[0] != '/')
                return false;
            ReadOnlySpan<char> name = rest[1..start];
            int valid = name.IndexOf(";UIDVALIDITY=", StringComparison.OrdinalIgnoreCase);
            if (valid >= 0)
            {
                if (!Number(name[(valid + 13)..], out uint number))
                    return false;
                validity = number;
                name = name[..valid];
            }
            mailbox = Decode(name);
            if (mailbox is not { Length: > 0 })
                return false;
        }
        rest = rest[(start < 0 ? 5 : start + 6)..];
        int end = rest.IndexOf('/');
        ReadOnlySpan<char> digits = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[end..];
        return Number(digits, out uid);
    }

    /// <summary>Takes "NAME=value" off the front, up to the next "/;".</summary>
    static bool Cut(ref ReadOnlySpan<char> rest, string name, out ReadOnlySpan<char> value)
    {
        value = default;
        if (!rest.StartsWith(name, StringComparison.OrdinalIgnoreCase))
            return false;
        rest = rest[name.Length..];
        int end = rest.IndexOf("/;", StringComparison.Ordinal);
        value = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[end..];
        return true;
    }

    // partial-range = number ["." nz-number] (RFC 5092 §11)
    static bool Range(ReadOnlySpan<char> text, out long origin, out long count)
    {
        count = long.MaxValue;
        int dot = text.IndexOf('.');
        return long.TryParse(dot < 0 ? text : text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out origin)
            && (dot < 0 || (long.TryParse(text[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0));
    }

    static bool Number(ReadOnlySpan<char> text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;

    /// <summary>Undoes "%41"; null: a broken escape, or not UTF-8, or a control character.</summary>
    internal static string? Decode(ReadOnlySpan<char> text)
    {
        if (text.IndexOf('%') < 0)
            return text.ToString();
        var bytes = new byte[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            byte value = (byte)text[i];
            if (text[i] == '%')
            {
                if (i + 2 > text.Length - 1 || !byte.TryParse(text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) || value < 0x20)
                    return null;
                i += 2;
            }
            bytes[length++] = value;
        }
        return System.Text.Unicode.Utf8.IsValid(bytes.AsSpan(0, length)) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }
}
