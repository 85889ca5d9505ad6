using System.Text;
using MailEngine.Addresses;
using MailEngine.Mime;

namespace MailEngine.Checks;

/// <summary>How a signature was made. RFC 6376 §3.3, RFC 8463 §3</summary>
enum DkimAlgorithm
{
    RsaSha256,
    Ed25519Sha256,
}

/// <summary>A DKIM-Signature field, read and found to be of the form it must have. RFC 6376 §3.5, §6.1.1</summary>
sealed class DkimSignatureField
{
    /// <summary>How far clocks of signers may be wrong; a signature from further in the future is refused. RFC 6376 §3.5 (t=, x=)</summary>
    static readonly TimeSpan s_drift = TimeSpan.FromHours(1);
    /// <summary>v=, a=, b=, bh=, d=, h= and s=. RFC 6376 §6.1.1</summary>
    static readonly string[] s_required = ["v", "a", "b", "bh", "d", "h", "s"];

    DkimSignatureField(int number, Range bValue)
    {
        Number = number;
        BValue = bValue;
    }

    /// <summary>Which field of the header section it is.</summary>
    public int Number { get; }

    /// <summary>Where in the value of the field the value of b= stands, white space included: what the signer did not sign.</summary>
    public Range BValue { get; }

    /// <summary>What is wrong with it; null: nothing, and all that follows is set.</summary>
    public DkimVerdict? Fault { get; private set; }

    /// <summary>d=; empty only with a fault.</summary>
    public DomainName Domain { get; private set; }

    /// <summary>s=; empty only with a fault.</summary>
    public DomainName Selector { get; private set; }

    /// <summary>Where the key is. RFC 6376 §3.6.2.1</summary>
    public DomainName KeyName { get; private set; }

    /// <summary>Domain of i=: <see cref="Domain"/> or below it.</summary>
    public DomainName AgentDomain { get; private set; }

    public DkimAlgorithm Algorithm { get; private set; }

    public bool IsHeaderRelaxed { get; private set; }

    public bool IsBodyRelaxed { get; private set; }

    /// <summary>h=, lower case, in order.</summary>
    public IReadOnlyList<string> SignedNames { get; private set; } = [];

    /// <summary>bh=</summary>
    public byte[] BodyHash { get; private set; } = [];

    /// <summary>b=</summary>
    public byte[] Signature { get; private set; } = [];

    /// <summary>l=, octets of the body that are signed; null: all.</summary>
    public long? BodyLength { get; private set; }

    /// <param name="value">The field behind its colon, without the line end.</param>
    public static DkimSignatureField Read(int number, ReadOnlyMemory<byte> value, DateTimeOffset now)
    {
        DkimTags? tags = DkimTags.Read(value, out string fault);
        var field = new DkimSignatureField(number, tags?.RawValue("b") ?? default);
        field.Fault = tags is null ? DkimVerdict.Neutral(fault) : field.Check(tags, now);
        return field;
    }

    DkimVerdict? Check(DkimTags tags, DateTimeOffset now)
    {
        DkimVerdict? badName = CheckNames(tags);   // first, so that what is wrong further on can be told with its d= and s=
        foreach (string name in s_required)
        {
            if (!tags.Has(name))
                return DkimVerdict.Neutral($"{name}= is missing");
        }
        if (!tags.Value("v").SequenceEqual("1"u8))
            return DkimVerdict.Neutral("v= is not 1");
        return CheckAlgorithms(tags) ?? badName ?? CheckAgent(tags) ?? CheckFields(tags) ?? CheckHashes(tags) ?? CheckTimes(tags, now);
    }

    DkimVerdict? CheckNames(DkimTags tags)
    {
        // domain-name = sub-domain 1*("." sub-domain): one label alone ("com") signs for nobody. No dot at the end. RFC 6376 §3.5
        if (tags.Text("d") is { } d && !d.EndsWith('.') && DomainName.TryParse(d, out DomainName domain) && domain.Value.Contains('.', StringComparison.Ordinal))
            Domain = domain;
        if (tags.Text("s") is { } s && !s.EndsWith('.') && DomainName.TryParse(s, out DomainName selector))
            Selector = selector;
        if (Domain.IsEmpty)
            return DkimVerdict.Neutral("d= is not a domain name");
        if (Selector.IsEmpty)
            return DkimVerdict.Neutral("s= is not a selector");
        if (!DomainName.TryParse($"{Selector.Value}._domainkey.{Domain.Value}", out DomainName key))
            return DkimVerdict.Neutral("s= and d= make a name that is too long");
        KeyName = key;
        return null;
    }

    DkimVerdict? CheckAlgorithms(DkimTags tags)
    {
        switch (tags.Text("a"))
        {
            case "rsa-sha256":
                Algorithm = DkimAlgorithm.RsaSha256;
                break;
            case "ed25519-sha256":
                Algorithm = DkimAlgorithm.Ed25519Sha256;
                break;
            case "rsa-sha1":
                return DkimVerdict.Fail("rsa-sha1 proves nothing any more");   // RFC 8301 §3.1
            default:
                return DkimVerdict.Neutral("a= is an algorithm that we do not know");   // RFC 6376 §3.3.4
        }
        switch (tags.Has("c") ? tags.Text("c") : "simple")
        {
            case "simple" or "simple/simple":
                break;
            case "relaxed" or "relaxed/simple":
                IsHeaderRelaxed = true;
                break;
            case "simple/relaxed":
                IsBodyRelaxed = true;
                break;
            case "relaxed/relaxed":
                IsHeaderRelaxed = IsBodyRelaxed = true;
                break;
            default:
                return DkimVerdict.Neutral("c= is a canonicalization that we do not know");   // RFC 6376 §3.4
        }
        return tags.Has("q") && !tags.Words("q").Contains("dns/txt")
            ? DkimVerdict.Neutral("q= is a way to the key that we do not know")
            : null;
    }

    // The syntax is an address, its local part may be missing; its domain is d= or below it. RFC 6376 §3.5 (i=), §6.1.1
    DkimVerdict? CheckAgent(DkimTags tags)
    {
        AgentDomain = Domain;
        if (!tags.Has("i"))
            return null;
        string agent = tags.Unquoted("i") ?? "";
        int at = agent.LastIndexOf('@');
        if (at < 0 || agent.EndsWith('.') || !DomainName.TryParse(agent[(at + 1)..], out DomainName domain))
            return DkimVerdict.Neutral("i= is not an address");
        AgentDomain = domain;
        return domain == Domain || domain.Value.EndsWith("." + Domain.Value, StringComparison.Ordinal)
            ? null
            : DkimVerdict.PermError("i= is not below d=");
    }

    DkimVerdict? CheckFields(DkimTags tags)
    {
        var names = new List<string>();
        foreach (string name in tags.Words("h"))
        {
            if (!HeaderFieldReader.IsName(Encoding.Latin1.GetBytes(name)))
                return DkimVerdict.Neutral("h= has something that is not a field name");
            names.Add(name.ToLowerInvariant());
        }
        SignedNames = names;
        return names.Contains("from") ? null : DkimVerdict.PermError("From is not signed");
    }

    DkimVerdict? CheckHashes(DkimTags tags)
    {
        if (tags.Binary("bh") is not { Length: 32 } bodyHash)
            return DkimVerdict.Neutral("bh= is not a SHA-256 in base64");
        if (tags.Binary("b") is not { Length: > 0 } signature)
            return DkimVerdict.Neutral("b= is not base64");
        BodyHash = bodyHash;
        Signature = signature;
        if (!tags.Has("l"))
            return null;
        if (!tags.TryNumber("l", out long length))
            return DkimVerdict.Neutral("l= is not a number");
        BodyLength = length;
        return null;
    }

    static DkimVerdict? CheckTimes(DkimTags tags, DateTimeOffset now)
    {
        long signed = long.MinValue, expires = long.MaxValue;
        if (tags.Has("t") && !tags.TryNumber("t", out signed))
            return DkimVerdict.Neutral("t= is not a time");
        if (tags.Has("x") && !tags.TryNumber("x", out expires))
            return DkimVerdict.Neutral("x= is not a time");
        if (tags.Has("x") && expires <= signed)
            return DkimVerdict.Neutral("x= is not after t=");
        if (signed > (now + s_drift).ToUnixTimeSeconds())
            return DkimVerdict.PermError("t= is in the future");
        return expires < (now - s_drift).ToUnixTimeSeconds() ? DkimVerdict.PermError("it has expired") : null;
    }
}
