using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Checks;
using MailEngine.Dns;
using MailEngine.Store;

namespace MailAdmin.Tests.Checks;

/// <summary>A store that makes bodies, a name server with keys, and verifiers that ask it.</summary>
public sealed class DkimRig : IAsyncLifetime
{
    readonly RSA _rsa = RSA.Create(1024);
    StoreRig? _store;

    internal DnsServer Dns { get; } = new();

    internal RSA Rsa => _rsa;

    /// <summary>p= of the key that <see cref="Sign"/> signs with.</summary>
    public string PublicKey => Convert.ToBase64String(_rsa.ExportSubjectPublicKeyInfo());

    public async Task InitializeAsync()
    {
        _store = await StoreRig.OpenAsync();
        GivenKey("sel._domainkey.example.test", $"v=DKIM1; p={PublicKey}");
    }

    /// <summary>One TXT record, in strings of 255 octets.</summary>
    public void GivenKey(string name, string record) => Dns.Txt(name, [.. record.Chunk(255).Select(part => new string(part))]);

    internal async Task<IReadOnlyList<DkimSignature>> VerifyAsync(byte[] mail, int mostSignatures = 10, int leastRsaBits = 1024)
    {
        using Body body = _store!.GivenBody(mail);
        return await VerifyAsync(body.Read, mostSignatures, leastRsaBits);
    }

    internal async Task<IReadOnlyList<DkimSignature>> VerifyAsync(MessageOctets message, int mostSignatures = 10, int leastRsaBits = 1024)
    {
        var resolver = new Resolver(new DnsOptions { Servers = [Dns.Address] }, TimeProvider.System);
        return await new DkimVerifier(resolver, mostSignatures, leastRsaBits, TimeProvider.System).VerifyAsync(message, CancellationToken.None);
    }

    internal Task<IReadOnlyList<DkimSignature>> VerifyAsync(string mail) => VerifyAsync(Encoding.UTF8.GetBytes(mail));

    /// <summary>The result of the first signature, as "Pass: why".</summary>
    public async Task<string> ResultAsync(string mail, int leastRsaBits = 1024)
    {
        IReadOnlyList<DkimSignature> found = await VerifyAsync(Encoding.UTF8.GetBytes(mail), leastRsaBits: leastRsaBits);
        return found.Count == 0 ? "None" : $"{found[0].Result}: {found[0].Reason}";
    }

    /// <summary>Signs as simple/simple, worked out here and not by the engine.</summary>
    /// <param name="value">Of the DKIM-Signature field; {bh} and {b} are filled in.</param>
    /// <param name="signed">The fields that h= names, in its order, each with its line end.</param>
    /// <param name="body">Ends with one CRLF and no empty line.</param>
    public string Sign(string value, string signed, string body, int? length = null, RSA? key = null)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        string hashed = "DKIM-Signature:" + value.Replace("{bh}", Convert.ToBase64String(SHA256.HashData(bytes.AsSpan(0, length ?? bytes.Length))), StringComparison.Ordinal);
        byte[] data = Encoding.UTF8.GetBytes(signed + Regex.Replace(hashed, @"\s*\{b\}\s*", ""));
        string signature = Convert.ToBase64String((key ?? _rsa).SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        return hashed.Replace("{b}", signature, StringComparison.Ordinal) + "\r\n";
    }

    public async Task DisposeAsync()
    {
        await _store!.DisposeAsync();
        Dns.Dispose();
        _rsa.Dispose();
    }
}
