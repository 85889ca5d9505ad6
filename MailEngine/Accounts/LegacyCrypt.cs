using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace MailEngine.Accounts;

/// <summary>Checks password hashes that other mail servers made: crypt(3) through the system's libcrypt, and the LDAP digests.
/// They are only verified, never made; the first log-in replaces them.</summary>
static unsafe partial class LegacyCrypt
{
    // struct crypt_data of libxcrypt: 32 KiB by its ABI promise.
    const int CryptDataBytes = 32768;

    // A hash is input: "$6$rounds=999999999$" in an imported file must not keep a core busy for an hour.
    const long MaxShaRounds = 1_000_000;
    const int MaxBcryptCost = 15;

    /// <summary>Takes off a scheme in braces as Dovecot and OpenLDAP write it, where it says no more than the hash itself.</summary>
    static string WithoutScheme(string hash)
    {
        if (hash.Length == 0 || hash[0] != '{')
            return hash;
        int close = hash.IndexOf('}', StringComparison.Ordinal);
        string scheme = close < 0 ? "" : hash[1..close].ToUpperInvariant();
        return scheme is "CRYPT" or "MD5-CRYPT" or "SHA256-CRYPT" or "SHA512-CRYPT" or "BLF-CRYPT" or "DES-CRYPT" ? hash[(close + 1)..] : hash;
    }

    /// <summary>True for a hash that <see cref="Verify"/> can check at a bearable cost.</summary>
    public static bool IsSupported(string hash)
    {
        string h = WithoutScheme(hash);
        if (h.Length is 0 or > 400 || !Ascii.IsValid(h))
            return false;
        if (h[0] == '{')
            return DigestOf(h, out _, out _);
        if (h[0] != '$')
            return hash.StartsWith('{') && h.Length == 13;   // old DES crypt, only where the scheme says so
        string[] parts = h.Split('$');
        return parts[1] switch
        {
            "1" => parts.Length == 4,
            "5" or "6" => parts.Length >= 4
                && (!parts[2].StartsWith("rounds=", StringComparison.Ordinal) || (long.TryParse(parts[2].AsSpan(7), out long rounds) && rounds <= MaxShaRounds)),
            "2a" or "2b" or "2y" => parts.Length == 4 && int.TryParse(parts[2], out int cost) && cost <= MaxBcryptCost && parts[3].Length == 53,
            "y" => parts.Length == 5 && parts[2].Length <= 4,
            _ => false,
        };
    }

    public static bool Verify(string hash, string password)
    {
        if (!IsSupported(hash) || password.Contains('\0', StringComparison.Ordinal))
            return false;
        string h = WithoutScheme(hash);
        if (h[0] == '{')
            return VerifyDigest(h, password);
        nint data = (nint)NativeMemory.AllocZeroed(CryptDataBytes);
        try
        {
            nint result = crypt_r(password, h, data);
            if (result == 0)
                return false;
            byte[] made = Encoding.ASCII.GetBytes(Marshal.PtrToStringUTF8(result) ?? "");
            return CryptographicOperations.FixedTimeEquals(made, Encoding.ASCII.GetBytes(h));
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;   // a machine without libcrypt: such a user needs a new password
        }
        finally
        {
            new Span<byte>((void*)data, CryptDataBytes).Clear();
            NativeMemory.Free((void*)data);
        }
    }

    static bool VerifyDigest(string hash, string password)
    {
        if (!DigestOf(hash, out HashAlgorithmName name, out byte[] digestAndSalt))
            return false;
        int size = SizeOf(name);
        byte[] salted = [.. Encoding.UTF8.GetBytes(password), .. digestAndSalt.AsSpan(size)];
        byte[] made = CryptographicOperations.HashData(name, salted);
        return CryptographicOperations.FixedTimeEquals(made, digestAndSalt.AsSpan(0, size));
    }

    // {SSHA} and its kin: base64 of digest, then salt. RFC 2307 §5.3 for {SHA}
    static bool DigestOf(string hash, out HashAlgorithmName name, out byte[] digestAndSalt)
    {
        name = default;
        digestAndSalt = [];
        int close = hash.IndexOf('}', StringComparison.Ordinal);
        if (close < 0)
            return false;
        string scheme = hash[1..close].ToUpperInvariant();
        name = scheme switch
        {
            "SHA" or "SSHA" => HashAlgorithmName.SHA1,
            "SHA256" or "SSHA256" => HashAlgorithmName.SHA256,
            "SHA512" or "SSHA512" => HashAlgorithmName.SHA512,
            _ => default,
        };
        if (name.Name is null)
            return false;
        byte[] buffer = new byte[hash.Length];
        if (!Convert.TryFromBase64String(hash[(close + 1)..], buffer, out int written))
            return false;
        digestAndSalt = buffer[..written];
        return scheme.StartsWith("SS", StringComparison.Ordinal) ? written > SizeOf(name) : written == SizeOf(name);
    }

    static int SizeOf(HashAlgorithmName name) => name == HashAlgorithmName.SHA1 ? 20 : name == HashAlgorithmName.SHA256 ? 32 : 64;

    [LibraryImport("libcrypt.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint crypt_r(string phrase, string setting, nint data);
}
