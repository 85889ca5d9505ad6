using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailEngine.Accounts;

/// <summary>Codes that change with time (RFC 6238), as every authenticator program makes them: six digits, half a minute, SHA-1.</summary>
public static class Totp
{
    /// <summary>Octets of a key: what SHA-1 gives, as RFC 4226 wants.</summary>
    public const int KeyBytes = 20;

    const int Digits = 6;
    const int StepSeconds = 30;
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";   // base32

    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(KeyBytes);

    public static long StepAt(DateTimeOffset time) => time.ToUnixTimeSeconds() / StepSeconds;

    /// <summary>The step whose code this is: that of now, the one before or the one after, for clocks that differ. Null: it is none, or was taken before.</summary>
    /// <param name="lastStep">Of the last code that was taken.</param>
    public static long? Match(byte[] key, string code, DateTimeOffset now, long lastStep)
    {
        string digits = code.Replace(" ", "", StringComparison.Ordinal);
        if (digits.Length != Digits || !digits.All(char.IsAsciiDigit))
            return null;
        long? match = null;
        byte[] given = Encoding.ASCII.GetBytes(digits);
        for (long step = StepAt(now) - 1; step <= StepAt(now) + 1; step++)
        {
            // All three are looked at, whichever fits.
            if (CryptographicOperations.FixedTimeEquals(given, Encoding.ASCII.GetBytes(CodeAt(key, step))) && step > lastStep)
                match = step;
        }
        return match;
    }

#pragma warning disable CA5350 // HMAC with SHA-1 is what the programs do, and is not broken.
    public static string CodeAt(byte[] key, long step)
    {
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> mac = stackalloc byte[HMACSHA1.HashSizeInBytes];
        HMACSHA1.HashData(key, counter, mac);
        int number = (int)(BinaryPrimitives.ReadUInt32BigEndian(mac[(mac[^1] & 15)..]) & 0x7fffffff) % 1_000_000;
        return number.ToString("000000", CultureInfo.InvariantCulture);
    }
#pragma warning restore CA5350

    /// <summary>The key as people type it: base32.</summary>
    public static string KeyText(ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder();
        int bits = 0, held = 0;
        foreach (byte b in key)
        {
            held = (held << 8) | b;
            for (bits += 8; bits >= 5; bits -= 5)
                text.Append(Alphabet[(held >> (bits - 5)) & 31]);
            held &= (1 << bits) - 1;
        }
        if (bits > 0)
            text.Append(Alphabet[(held << (5 - bits)) & 31]);
        return text.ToString();
    }

    /// <summary>What the QR code says: <c>otpauth://totp/…</c>.</summary>
    public static string Uri(byte[] key, string server, string login) =>
        $"otpauth://totp/{System.Uri.EscapeDataString(server)}:{System.Uri.EscapeDataString(login)}?secret={KeyText(key)}&issuer={System.Uri.EscapeDataString(server)}";
}
