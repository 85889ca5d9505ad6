using System.Text;

namespace MailEngine.Sasl;

/// <summary>The PLAIN message: <c>[authzid] NUL authcid NUL passwd</c>, UTF-8. RFC 4616 §2</summary>
public static class SaslPlain
{
    static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>False: not a PLAIN message; answer as for a wrong password or 501 5.5.2 (RFC 4954 §4).</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out string authzid, out string user, out string password)
    {
        authzid = user = password = "";
        int first = message.IndexOf((byte)0);
        if (first < 0)
            return false;
        ReadOnlySpan<byte> rest = message[(first + 1)..];
        int second = rest.IndexOf((byte)0);
        // authcid and passwd are at least one character each, and NUL stands in neither.
        if (second <= 0 || second + 1 == rest.Length || rest[(second + 1)..].Contains((byte)0))
            return false;
        return TryText(message[..first], out authzid)
            && TryText(rest[..second], out user)
            && TryText(rest[(second + 1)..], out password);
    }

    /// <summary>Strict UTF-8: bytes that are none can match no password and no name.</summary>
    internal static bool TryText(ReadOnlySpan<byte> bytes, out string text)
    {
        try
        {
            text = s_strict.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            text = "";
            return false;
        }
    }
}
