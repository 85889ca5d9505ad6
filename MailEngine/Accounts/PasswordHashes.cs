using System.Buffers.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace MailEngine.Accounts;

/// <summary>What came of comparing a password with a stored hash.</summary>
public enum PasswordMatch { No, Yes, YesButRehash }

/// <summary>Makes and checks password hashes. New ones are ASP.NET Identity's version 3 (PBKDF2, SHA-512, 128-bit salt).</summary>
/// <remarks>Slow on purpose: never call it on a connection's own thread without a bound; <c>Authenticator</c> has one.</remarks>
public sealed class PasswordHashes
{
    static readonly Account s_nobody = new();
    readonly PasswordHasher<Account> _hasher;
    readonly Lazy<string> _dummy;
    long _verified;

    public PasswordHashes(PasswordOptions options)
    {
        _hasher = new PasswordHasher<Account>(Options.Create(new PasswordHasherOptions { IterationCount = options.Iterations }));
        _dummy = new Lazy<string>(() => Make("a password nobody has"));
    }

    /// <summary>How often a password was compared: what an answer costs, and so what its time tells.</summary>
    internal long Verified => Volatile.Read(ref _verified);

    public string Make(string password) => _hasher.HashPassword(s_nobody, password);

    /// <summary>True for a hash that can be stored: ours, or an older scheme that <see cref="Verify"/> knows.</summary>
    public static bool IsSupported(string hash) => IsOurs(hash) || LegacyCrypt.IsSupported(hash);

    /// <param name="hash">Null (no such user, no password): costs the same and never matches.</param>
    public PasswordMatch Verify(string? hash, string password)
    {
        if (hash is not null && !IsOurs(hash))
        {
            if (LegacyCrypt.Verify(hash, password))
                return PasswordMatch.YesButRehash;
            hash = null;   // the cheap old schemes must not answer sooner than an unknown user does
        }
        Interlocked.Increment(ref _verified);
        PasswordVerificationResult result = _hasher.VerifyHashedPassword(s_nobody, hash ?? _dummy.Value, password);
        return hash is null || result == PasswordVerificationResult.Failed ? PasswordMatch.No
            : result == PasswordVerificationResult.SuccessRehashNeeded ? PasswordMatch.YesButRehash
            : PasswordMatch.Yes;
    }

    // Base64 whose first byte says which layout follows: 0 or 1.
    static bool IsOurs(string hash) =>
        hash.Length is > 40 and <= 400 && hash.StartsWith('A') && hash[1] is 'A' or 'Q' && Base64.IsValid(hash);
}
