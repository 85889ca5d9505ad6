using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailEngine.Flow;

/// <summary>Reverse paths of mail that scripts send on: an address of our own, out of which the sender's can be read again when the mail is
/// returned (the Sender Rewriting Scheme). The next hop then asks our SPF record whether we may send it, not the sender's, who never named us.</summary>
/// <remarks>
/// <c>SRS0=HASH=DAY=host=user@ours</c>, and of one that somebody rewrote before us <c>SRS1=HASH=host==HASH=DAY=host=user@ours</c>, so that it does not grow
/// with each hop. The hash is a keyed one over all that follows it: nobody makes such an address to send mail through us. Case does not count,
/// because some servers do not keep it. What is older than <see cref="SieveOptions.RewriteDays"/> is no address any more.
/// </remarks>
public sealed class SenderRewriting
{
    const string Digits = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>Of the hash: 40 bits, too many to guess over SMTP.</summary>
    const int HashLength = 8;

    /// <summary>The day counts round in two digits.</summary>
    const int Days = 1024;

    readonly byte[] _secret;
    readonly SieveOptions _options;
    readonly TimeProvider _clock;

    SenderRewriting(byte[] secret, SieveOptions options, TimeProvider clock)
    {
        _secret = secret;
        _options = options;
        _clock = clock;
    }

    /// <summary>With the secret of this server, which is made once and kept in accounts.db.</summary>
    public static async Task<SenderRewriting> OpenAsync(AccountsDatabase database, SieveOptions options, TimeProvider clock)
    {
        string? stored = database.ReadSetting(Setting.SrsSecret);
        if (stored is null)
        {
            await database.WriteQuietlyAsync(async db =>
            {
                // Another process may have been quicker.
                if (await db.Settings.FindAsync(Setting.SrsSecret) is null)
                    db.Settings.Add(new Setting { Key = Setting.SrsSecret, Value = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) });
                await db.SaveChangesAsync();
            });
            stored = database.ReadSetting(Setting.SrsSecret);
        }
        return new SenderRewriting(Convert.FromBase64String(stored!), options, clock);
    }

    /// <summary>The reverse path for a message that an account sends on.</summary>
    /// <param name="owner">Whose script it is.</param>
    /// <param name="to">Where it goes: people of the same domain need no other sender.</param>
    public string Rewrite(EmailAddress? sender, EmailAddress owner, EmailAddress to)
    {
        if (sender is not { } from)
            return "";   // RFC 5321 §4.5.5: nobody is told, and stays nobody
        if (!_options.RewriteSender || from.Domain == owner.Domain || to.Domain == owner.Domain)
            return from.ToString();
        string local = from.Local;
        string rest;
        if (IsForm(local, '1') && local.IndexOf('=', 5) is var next and > 0 && local.Length > next + 1)
            rest = local[(next + 1)..];   // host=…: the first hop is told by us as it was by the one before
        else if (IsForm(local, '0'))
            rest = $"{from.Domain}={local[4..]}";   // with the sign that stands there
        else
            rest = "";
        string plain = $"{DayOf(_clock.GetUtcNow())}={from.Domain}={local}";
        string text = rest.Length > 0 ? $"SRS1={Hash(rest)}={rest}" : $"SRS0={Hash(plain)}={plain}";
        // RFC 5321 §4.5.3.1.1: a local part has 64 octets at the most. Where it does not fit, returned mail goes to whose script it is.
        return AddressParts.Join(text, owner.Domain.Value) is { } rewritten ? rewritten.ToString() : owner.ToString();
    }

    /// <summary>The sender behind an address that was made here, and is not too old.</summary>
    public bool TryRead(EmailAddress address, [NotNullWhen(true)] out EmailAddress? sender)
    {
        sender = null;
        string local = address.Local;
        if (local.Length < 5 + HashLength + 2 || !(IsForm(local, '0') || IsForm(local, '1')) || local[5 + HashLength] != '=')
            return false;
        string hash = local.Substring(5, HashLength), rest = local[(6 + HashLength)..];
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Hash(rest)), Encoding.UTF8.GetBytes(hash.ToLowerInvariant())))
            return false;
        if (IsForm(local, '1'))
        {
            int end = rest.IndexOf('=', StringComparison.Ordinal);
            sender = end > 0 ? AddressParts.Join("SRS0" + rest[(end + 1)..], rest[..end]) : null;
            return sender is not null;
        }
        // DAY=host=user
        int host = rest.IndexOf('=', StringComparison.Ordinal), user = host < 0 ? -1 : rest.IndexOf('=', host + 1);
        if (host != 2 || user < 0 || AgeOf(rest[..2]) > _options.RewriteDays)
            return false;
        sender = AddressParts.Join(rest[(user + 1)..], rest[(host + 1)..user]);
        return sender is not null;
    }

    /// <summary>"SRS0=", or with "+" or "-" as others write it.</summary>
    static bool IsForm(string local, char number) =>
        local.Length > 5 && local.StartsWith("SRS", StringComparison.OrdinalIgnoreCase) && local[3] == number && local[4] is '=' or '+' or '-';

    string Hash(string text)
    {
        byte[] mac = HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes(text.ToLowerInvariant()));
        var hash = new StringBuilder(HashLength);
        for (int i = 0; i < HashLength; i++)
            hash.Append(Digits[mac[i] & 31]);
        return hash.ToString();
    }

    static int Number(DateTimeOffset time) => (int)(time.ToUnixTimeSeconds() / 86_400 % Days);

    static string DayOf(DateTimeOffset time) => $"{Digits[Number(time) >> 5]}{Digits[Number(time) & 31]}";

    int AgeOf(string day)
    {
        int high = Digits.IndexOf(char.ToLowerInvariant(day[0]), StringComparison.Ordinal), low = Digits.IndexOf(char.ToLowerInvariant(day[1]), StringComparison.Ordinal);
        return high < 0 || low < 0 ? int.MaxValue : (Number(_clock.GetUtcNow()) - ((high << 5) | low) + Days) % Days;
    }
}
