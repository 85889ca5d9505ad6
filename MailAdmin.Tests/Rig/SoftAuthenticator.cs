using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MailAdmin.Tests.Rig;

/// <summary>A device that keeps one passkey, and does what tests want of it. Web Authentication Level 3, §6 and §7: the browser's part and the
/// device's part in one.</summary>
sealed class SoftAuthenticator(string origin = "https://mail.own.test", string rpId = "mail.own.test") : IDisposable
{
    const byte Present = 0x01, Verified = 0x04, HasCredential = 0x40;

    readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public byte[] CredentialId { get; init; } = RandomNumberGenerator.GetBytes(32);
    public string Origin { get; init; } = origin;
    /// <summary>What it was asked by whoever held it.</summary>
    public bool VerifiesUser { get; set; } = true;
    public uint Counter { get; set; }
    /// <summary>The account it was made for; of an answer, whose it says it is.</summary>
    public string UserHandle { get; set; } = "";

    /// <summary>navigator.credentials.create</summary>
    public string Create(string options)
    {
        using JsonDocument question = JsonDocument.Parse(options);
        UserHandle = question.RootElement.GetProperty("user").GetProperty("id").GetString()!;
        ECParameters key = _key.ExportParameters(includePrivateParameters: false);
        byte[] data =
        [
            .. DataOf(HasCredential), .. new byte[16], .. Short(CredentialId.Length), .. CredentialId,
            0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, .. key.Q.X!, 0x22, 0x58, 0x20, .. key.Q.Y!,   // COSE, RFC 9053 §7.1.1
        ];
        byte[] attestation = [0xA3, 0x63, .. "fmt"u8, 0x64, .. "none"u8, 0x67, .. "attStmt"u8, 0xA0, 0x68, .. "authData"u8, 0x58, checked((byte)data.Length), .. data];
        return Answer(new { clientDataJSON = Base64Url.EncodeToString(ClientData("webauthn.create", question)), attestationObject = Base64Url.EncodeToString(attestation), transports = new[] { "internal" } });
    }

    /// <summary>navigator.credentials.get</summary>
    public string Get(string options)
    {
        using JsonDocument question = JsonDocument.Parse(options);
        byte[] client = ClientData("webauthn.get", question), data = DataOf(0);
        byte[] signature = _key.SignData([.. data, .. SHA256.HashData(client)], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        return Answer(new
        {
            clientDataJSON = Base64Url.EncodeToString(client), authenticatorData = Base64Url.EncodeToString(data), signature = Base64Url.EncodeToString(signature), userHandle = UserHandle,
        });
    }

    byte[] ClientData(string type, JsonDocument question) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(
        new { type, challenge = question.RootElement.GetProperty("challenge").GetString(), origin = Origin, crossOrigin = false }));

    byte[] DataOf(byte more)
    {
        byte[] counter = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(counter, Counter);
        return [.. SHA256.HashData(Encoding.UTF8.GetBytes(rpId)), (byte)(Present | (VerifiesUser ? Verified : 0) | more), .. counter];
    }

    string Answer(object response)
    {
        string id = Base64Url.EncodeToString(CredentialId);
        return JsonSerializer.Serialize(new { id, rawId = id, type = "public-key", clientExtensionResults = new { }, response });
    }

    static byte[] Short(int value) => [(byte)(value >> 8), (byte)value];

    public void Dispose() => _key.Dispose();
}
