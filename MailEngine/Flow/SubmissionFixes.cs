using System.Buffers;
using System.Globalization;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>What a submission server does to the header of a client's message. RFC 6409 §8</summary>
/// <remarks>
/// Added when missing: Date, Message-ID, From. Dropped, as Postfix does (message_drop_headers): Bcc and Resent-Bcc, which must not
/// reach anybody (RFC 5322 §3.6.3), Return-Path, which only final delivery writes (RFC 5321 §4.4), and Content-Length. The
/// log-in name in From, Sender and Reply-To becomes the primary address (Postfix's sender_canonical_maps).
/// </remarks>
sealed class SubmissionFixes(SenderRewrite rewrite, EmailAddress? sender, string messageKey, string hostname, DateTimeOffset now)
{
    public void Write(ReadOnlySpan<byte> header, BodyWriter body)
    {
        bool date = false, messageId = false, from = false;
        bool resent = false;
        // Missing ones go below what the client wrote: its own fields keep their place.
        var fields = new HeaderFields(header);
        int runStart = 0, at = 0;
        while (fields.MoveNext())
        {
            int fieldStart = at;
            at += fields.Field.Length;
            bool drop = false;
            byte[]? changed = null;
            switch (fields.Name.Length == 0 ? 0 : fields.Name[0] | 0x20)
            {
                case 'd':
                    date |= fields.Is("date"u8);
                    break;
                case 'm':
                    messageId |= fields.Is("message-id"u8);
                    break;
                case 'f' when fields.Is("from"u8):
                    from = true;
                    changed = rewrite.Apply(fields.Field);
                    break;
                case 's' when fields.Is("sender"u8):
                    changed = rewrite.Apply(fields.Field);
                    break;
                case 'r':
                    if (fields.Is("reply-to"u8))
                        changed = rewrite.Apply(fields.Field);
                    drop = fields.Is("resent-bcc"u8) || fields.Is("return-path"u8);
                    resent |= fields.Is("resent-from"u8);
                    break;
                case 'b':
                    drop = fields.Is("bcc"u8);
                    break;
                case 'c':
                    drop = fields.Is("content-length"u8);
                    break;
            }
            if (!drop && changed is null)
                continue;
            body.Write(header[runStart..fieldStart]);
            if (changed is not null)
                body.Write(changed);
            runStart = at;
        }
        body.Write(header[runStart..]);
        if (header.Length > 0 && !header.EndsWith("\r\n"u8))
            body.Write("\r\n"u8);
        if (!date)
            Line(body, "Date: ", MailDate.Format(now));
        if (!messageId)
            Line(body, "Message-ID: ", $"<{messageKey}@{hostname}>");
        if (!from && !resent && sender is { } known)
            Line(body, "From: ", known.ToString());
    }

    static void Line(BodyWriter body, string name, string value) => body.Write(Encoding.UTF8.GetBytes($"{name}{value}\r\n"));
}

/// <summary>Dates as header fields carry them. RFC 5322 §3.3</summary>
static class MailDate
{
    public static string Format(DateTimeOffset time) => string.Create(CultureInfo.InvariantCulture, $"{time:ddd, d MMM yyyy HH:mm:ss} {Zone(time)}");

    static string Zone(DateTimeOffset time)
    {
        int minutes = (int)time.Offset.TotalMinutes;
        return string.Create(CultureInfo.InvariantCulture, $"{(minutes < 0 ? '-' : '+')}{Math.Abs(minutes) / 60:00}{Math.Abs(minutes) % 60:00}");
    }
}

/// <summary>Replaces an account's log-in name by its primary address, in the envelope and in header fields.</summary>
sealed class SenderRewrite(AccountEntry account, string hostname)
{
    readonly byte[][] _forms = FormsOf(account, hostname);

    /// <summary>The address to use instead; the same one when it does not carry the log-in name.</summary>
    public EmailAddress Apply(EmailAddress address) => account.Primary is { } primary && IsLogin(address) ? primary : address;

    /// <summary>True for <c>login</c> at the account's domain or at this host, and for a log-in name that is an address.</summary>
    public bool IsLogin(EmailAddress address) => address.Canonical == account.Login
        || (address.CanonicalLocal == account.Login && (address.Domain == account.Domain || address.Domain.Value == hostname));

    /// <summary>The field with the log-in name replaced; null when it does not carry it.</summary>
    public byte[]? Apply(ReadOnlySpan<byte> field)
    {
        if (account.Primary is not { } primary)
            return null;
        byte[] replacement = Encoding.UTF8.GetBytes(primary.ToString());
        foreach (byte[] form in _forms)
        {
            if (form.AsSpan().SequenceEqual(replacement))
                continue;
            int at = Find(field, form);
            if (at >= 0)
                return [.. field[..at], .. replacement, .. field[(at + form.Length)..]];
        }
        return null;
    }

    // An address of its own: not the tail or the head of a longer one. Looked for at the end first, since a display name
    // comes before the address and may read like one.
    static int Find(ReadOnlySpan<byte> field, byte[] form)
    {
        for (int at = field.Length - form.Length; at > 0; at--)
        {
            if (Ascii.EqualsIgnoreCase(field.Slice(at, form.Length), form)
                && !IsAddressByte(field[at - 1])
                && (at + form.Length == field.Length || !IsAddressByte(field[at + form.Length])))
                return at;
        }
        return -1;
    }

    static bool IsAddressByte(byte b) => char.IsAsciiLetterOrDigit((char)b) || b >= 0x80 || "!#$%&'*+-/=?^_`{|}~.@\""u8.Contains(b);

    static byte[][] FormsOf(AccountEntry account, string hostname)
    {
        if (account.Primary is null)
            return [];
        if (account.Login.Contains('@', StringComparison.Ordinal))
            return [Encoding.UTF8.GetBytes(account.Login)];
        var forms = new List<byte[]> { Encoding.UTF8.GetBytes($"{account.Login}@{hostname}") };
        if (!account.Domain.IsEmpty)
            forms.Add(Encoding.UTF8.GetBytes($"{account.Login}@{account.Domain}"));
        return [.. forms];
    }
}
