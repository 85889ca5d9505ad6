using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace MailEngine.Checks;

/// <summary>A key record of the DNS, read. RFC 6376 §3.6.1</summary>
/// <remarks>Whoever sends us a message chooses the record (RFC 6376 §8.8, §8.13): sizes are known before anything is computed.</remarks>
sealed class DkimKey
{
    /// <summary>A larger key costs us more than any signature is worth. RFC 8301 §3.2 asks for up to 4096.</summary>
    public const int MostRsaBits = 8192;
    /// <summary>RFC 8301 §3.2</summary>
    public const int LeastRsaBits = 1024;
    const string RsaEncryption = "1.2.840.113549.1.1.1";
    readonly byte[] _key;
    readonly DkimAlgorithm _algorithm;

    DkimKey(DkimAlgorithm algorithm, byte[] key)
    {
        _algorithm = algorithm;
        _key = key;
    }

    /// <summary>t=y: the domain only tries DKIM; its signatures count for nothing.</summary>
    public bool IsTest { get; private init; }

    /// <summary>t=s: the domain of i= must be d= itself.</summary>
    public bool IsForDomainAlone { get; private init; }

    /// <param name="record">All strings of the record joined; octets as Latin-1.</param>
    /// <param name="algorithm">That of the signature: the record must fit.</param>
    /// <returns>Null: not to be used; <paramref name="fault"/> says why. RFC 6376 §6.1.2</returns>
    public static DkimKey? Read(string record, DkimAlgorithm algorithm, out string fault)
    {
        if (DkimTags.Read(Encoding.Latin1.GetBytes(record), out fault) is not { } tags)
        {
            fault = "the key record cannot be read: " + fault;
            return null;
        }
        fault = FaultOf(tags, algorithm);
        if (fault.Length > 0)
            return null;
        if (tags.Binary("p") is not { } key)
        {
            fault = "p= of the key is not base64";
            return null;
        }
        return new DkimKey(algorithm, key)
        {
            IsTest = tags.Words("t").Contains("y"),
            IsForDomainAlone = tags.Words("t").Contains("s"),
        };
    }

    /// <param name="digest">SHA-256 of what was signed.</param>
    /// <param name="leastRsaBits">What this server wants; a smaller key that verifies is a matter of policy.</param>
    public DkimVerdict Verify(byte[] digest, byte[] signature, int leastRsaBits) => _algorithm switch
    {
        DkimAlgorithm.Ed25519Sha256 => VerifyEd25519(digest, signature),
        _ => VerifyRsa(digest, signature, leastRsaBits),
    };

    static string FaultOf(DkimTags tags, DkimAlgorithm algorithm)
    {
        // "This tag MUST be the first tag in the record", and a plain comparison.
        if (tags.Has("v") && !(tags.BeginsWith("v") && tags.Value("v").SequenceEqual("DKIM1"u8)))
            return "the record is of another version than DKIM1";
        if (!tags.Has("p"))
            return "the key record has no p=";
        if (tags.Has("h") && !tags.Words("h").Contains("sha256"))
            return "the key is not for SHA-256";
        if (tags.Has("s") && !tags.Words("s").Any(service => service is "*" or "email"))
            return "the key is not for mail";
        if (tags.Value("p").IsEmpty)
            return "the key was withdrawn";
        string type = algorithm == DkimAlgorithm.Ed25519Sha256 ? "ed25519" : "rsa";
        return (tags.Has("k") ? tags.Text("k") : "rsa") == type ? "" : "the key is for another algorithm";
    }

    // Pure Ed25519 over the digest. RFC 8463 §3
    DkimVerdict VerifyEd25519(byte[] digest, byte[] signature) => Ed25519.Verify(_key, digest, signature) switch
    {
        true => DkimVerdict.Pass,
        false => DkimVerdict.Fail("the signature does not verify"),
        null => DkimVerdict.PermError("p= is not an Ed25519 key"),
    };

    DkimVerdict VerifyRsa(byte[] digest, byte[] signature, int leastRsaBits)
    {
        if (ReadRsa(_key) is not { } parameters)
            return DkimVerdict.PermError("p= is not an RSA key");
        long bits = new BigInteger(parameters.Modulus, isUnsigned: true, isBigEndian: true).GetBitLength();
        if (bits > MostRsaBits)
            return DkimVerdict.PermError($"the RSA key has more than {MostRsaBits} bits");
        if (bits < LeastRsaBits)
            return DkimVerdict.Fail($"the RSA key has fewer than {LeastRsaBits} bits");
        // RFC 6376 §8.13: an exponent of many bits only makes us work. Even numbers are no RSA key.
        if (parameters.Exponent!.Length > 4 || (parameters.Exponent[^1] & 1) == 0 || parameters.Exponent is [1] || (parameters.Modulus![^1] & 1) == 0)
            return DkimVerdict.PermError("p= is not a sound RSA key");
        if (signature.Length != parameters.Modulus.Length)
            return DkimVerdict.Fail("the signature does not have the length of the key");
        try
        {
            using RSA rsa = RSA.Create(parameters);
            if (!rsa.VerifyHash(digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
                return DkimVerdict.Fail("the signature does not verify");
        }
        catch (CryptographicException)
        {
            return DkimVerdict.PermError("p= is not a sound RSA key");
        }
        return bits < leastRsaBits ? DkimVerdict.Policy($"the RSA key has {bits} bits, fewer than this server wants") : DkimVerdict.Pass;
    }

    /// <summary>Modulus and exponent without leading zeros; null: neither a SubjectPublicKeyInfo, which everybody publishes, nor an
    /// RSAPublicKey, which RFC 6376 §3.6.1 (k=) asks for.</summary>
    static RSAParameters? ReadRsa(byte[] der)
    {
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            AsnReader outer = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            if (outer.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
                return Numbers(der);
            AsnReader algorithm = outer.ReadSequence();
            if (algorithm.ReadObjectIdentifier() != RsaEncryption)
                return null;
            byte[] inner = outer.ReadBitString(out int unused);
            outer.ThrowIfNotEmpty();
            return unused == 0 ? Numbers(inner) : null;
        }
        catch (AsnContentException)
        {
            return null;
        }

        // RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
        static RSAParameters? Numbers(ReadOnlyMemory<byte> der)
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            AsnReader numbers = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            ReadOnlySpan<byte> modulus = numbers.ReadIntegerBytes().Span, exponent = numbers.ReadIntegerBytes().Span;
            numbers.ThrowIfNotEmpty();
            if (modulus[0] >= 0x80 || exponent[0] >= 0x80)
                return null;   // negative
            modulus = modulus.TrimStart((byte)0);
            exponent = exponent.TrimStart((byte)0);
            return modulus.IsEmpty || exponent.IsEmpty
                ? null
                : new RSAParameters { Modulus = modulus.ToArray(), Exponent = exponent.ToArray() };
        }
    }
}
