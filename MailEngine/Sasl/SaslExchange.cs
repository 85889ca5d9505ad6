using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using MailEngine.Accounts;

namespace MailEngine.Sasl;

/// <summary>What the protocol does next: send a challenge, check a user and password, or answer that the exchange failed.</summary>
public readonly record struct SaslStep
{
    public enum Outcome { Failed, Challenge, Finished }

    public Outcome Kind { get; private init; }

    /// <summary>Not yet in base64.</summary>
    public ReadOnlyMemory<byte> Challenge { get; private init; }

    public string User { get; private init; }

    public string Password { get; private init; }

    internal static SaslStep Failed { get; }

    internal static SaslStep Ask(ReadOnlyMemory<byte> challenge) => new() { Kind = Outcome.Challenge, Challenge = challenge };

    internal static SaslStep Done(string user, string password) => new() { Kind = Outcome.Finished, User = user, Password = password };
}

/// <summary>One SASL exchange of any protocol: the client's decoded bytes in, challenges or a finished log-in out. Base64, "*" (abort) and
/// line limits are the protocol's business. RFC 4422 §3</summary>
/// <remarks>States: PLAIN has one step. LOGIN (draft-murchison-sasl-login) has two, user then password.</remarks>
public sealed class SaslExchange
{
    // Longer than any name and password that can exist here; keeps what a stranger can make us hold small (attack case A12).
    const int MaxBytes = 2048;

    readonly bool _plain;
    string? _user;

    SaslExchange(bool plain) => _plain = plain;

    /// <summary>Mechanism names to announce, best first.</summary>
    // Differs from RFC 5804 §2.1 (SCRAM-SHA-1 is a MUST beside PLAIN): what is stored of a password is a one-way hash of its own, and what SCRAM checks
    // cannot be made of it, nor of hashes that came from another server. All clients in use take PLAIN under TLS.
    public static IReadOnlyList<string> Mechanisms { get; } = ["PLAIN", "LOGIN"];

    /// <summary>What to send when the client gave no initial response: nothing for PLAIN, "Username:" for LOGIN.</summary>
    public ReadOnlyMemory<byte> FirstChallenge => _plain ? ReadOnlyMemory<byte>.Empty : "Username:"u8.ToArray();

    /// <returns>Null: no mechanism of ours (504 5.5.4, NO).</returns>
    public static SaslExchange? Start(string mechanism) =>
        mechanism.Equals("PLAIN", StringComparison.OrdinalIgnoreCase) ? new SaslExchange(plain: true)
        : mechanism.Equals("LOGIN", StringComparison.OrdinalIgnoreCase) ? new SaslExchange(plain: false)
        : null;

    /// <summary>Base64 as a line of a client has it. RFC 4648 §4</summary>
    public static bool TryDecode(ReadOnlySpan<byte> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (Base64.DecodeFromUtf8(text, bytes, out int used, out int written) != OperationStatus.Done || used != text.Length)
        {
            bytes = null;
            return false;
        }
        bytes = bytes[..written];
        return true;
    }

    /// <summary>Takes the initial response or the answer to the last challenge.</summary>
    public SaslStep Next(ReadOnlySpan<byte> client)
    {
        if (client.Length > MaxBytes)
            return SaslStep.Failed;
        if (_plain)
        {
            // Nobody may act for another here, so an authorization identity is taken only when it names the same user. RFC 4616 §2
            return SaslPlain.TryParse(client, out string authzid, out string user, out string password)
                && (authzid.Length == 0 || Account.CanonicalLogin(authzid) == Account.CanonicalLogin(user))
                ? SaslStep.Done(user, password)
                : SaslStep.Failed;
        }
        if (client.Length == 0 || client.Contains((byte)0) || !SaslPlain.TryText(client, out string text))
            return SaslStep.Failed;
        if (_user is not null)
            return SaslStep.Done(_user, text);
        _user = text;
        return SaslStep.Ask("Password:"u8.ToArray());
    }
}
