using MailEngine.Addresses;

namespace MailEngine.Checks;

/// <summary>How the verification of a signature ended; the words of RFC 7601 §2.7.1.</summary>
public enum DkimResult
{
    /// <summary>There is no signature. Never the result of one.</summary>
    None,
    /// <summary>It verifies, and it covers everything that we ask for: the domain takes responsibility for this message as it is.</summary>
    Pass,
    /// <summary>It does not verify: the message was changed, or the domain never signed it.</summary>
    Fail,
    /// <summary>It verifies, but leaves out what somebody could have changed, or its key is weaker than this server wants.</summary>
    Policy,
    /// <summary>It cannot be read, or it asks for what we do not know, or the key is only a test: as if it were not there.</summary>
    Neutral,
    /// <summary>The key could not be asked for; a later attempt may succeed.</summary>
    TempError,
    /// <summary>It can never verify: no key, a damaged or withdrawn one, expired, or the message is not of the form that can be signed.</summary>
    PermError,
}

/// <summary>One signature of a message, verified. RFC 6376 §3.9</summary>
/// <param name="Domain">d=, who takes responsibility; empty where it cannot be read. Means nothing unless the result is Pass.</param>
/// <param name="Selector">s=, A-labels; empty where it cannot be read.</param>
/// <param name="Reason">Why, in words; holds nothing of the message.</param>
public sealed record DkimSignature(DomainName Domain, string Selector, DkimResult Result, string Reason);

/// <summary>A result with its reason, on the way to a <see cref="DkimSignature"/>.</summary>
readonly record struct DkimVerdict(DkimResult Result, string Reason)
{
    public static DkimVerdict Pass { get; } = new(DkimResult.Pass, "the signature verifies");

    public static DkimVerdict Fail(string reason) => new(DkimResult.Fail, reason);

    public static DkimVerdict Policy(string reason) => new(DkimResult.Policy, reason);

    public static DkimVerdict Neutral(string reason) => new(DkimResult.Neutral, reason);

    public static DkimVerdict PermError(string reason) => new(DkimResult.PermError, reason);
}
