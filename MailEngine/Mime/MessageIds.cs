using System.Buffers;
using System.Text;

namespace MailEngine.Mime;

/// <summary>Message identifiers in header fields. RFC 5322 §3.6.4</summary>
internal static class MessageIds
{
    static readonly SearchValues<byte> s_ends = SearchValues.Create("<> \t\r\n\0"u8);

    const int MaxId = 998;
    const int MaxReferences = 16 << 10;   // octets

    /// <summary>The first identifier, without its angle brackets; null when there is none. One without brackets is taken as it stands.</summary>
    public static string? First(ReadOnlySpan<byte> value)
    {
        if (Next(ref value, out ReadOnlySpan<byte> id))
            return Encoding.Latin1.GetString(id);
        value = value.Trim(" \t\r\n<>"u8);
        int space = value.IndexOfAny(" \t\r\n\0"u8);
        if (space >= 0)
            value = value[..space];
        return value.Length is > 0 and <= MaxId ? Encoding.Latin1.GetString(value) : null;
    }

    /// <summary>Identifiers for threading, without brackets, joined by spaces: those of References, or the first one of In-Reply-To.
    /// RFC 5256 §3 (THREAD=REFERENCES). Of very many, the first one and the newest are kept.</summary>
    public static string Thread(ReadOnlySpan<byte> references, ReadOnlySpan<byte> inReplyTo)
    {
        var ids = new List<string>();
        while (Next(ref references, out ReadOnlySpan<byte> id))
        {
            ids.Add(Encoding.Latin1.GetString(id));
            if (ids.Count == 1 && references.Length > MaxReferences)
                references = references[^MaxReferences..];
        }
        if (ids.Count == 0 && Next(ref inReplyTo, out ReadOnlySpan<byte> parent))
            ids.Add(Encoding.Latin1.GetString(parent));
        return string.Join(' ', ids);
    }

    /// <summary>A stored identifier as it is compared: quoting that is not needed goes, since <c>"a"@b</c> is <c>a@b</c>. RFC 5256 §3</summary>
    /// <param name="scratch">Holds the result where it differs.</param>
    /// <returns>False: there is no identifier.</returns>
    public static bool TryNormalise(ReadOnlySpan<byte> id, ByteBuffer scratch, out ReadOnlySpan<byte> plain)
    {
        plain = id;
        if (id.IndexOfAny((byte)'"', (byte)'\\') < 0)
            return !id.IsEmpty;
        scratch.Clear();
        for (int i = 0; i < id.Length; i++)
        {
            if (id[i] == (byte)'\\' && i + 1 < id.Length)
                scratch.Write(id[++i]);
            else if (id[i] != (byte)'"')
                scratch.Write(id[i]);
        }
        plain = scratch.Written;
        return !plain.IsEmpty;
    }

    /// <summary>The next "&lt;...&gt;"; white space inside is a fault that is left out, so a folded one is refused.</summary>
    static bool Next(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> id)
    {
        while (true)
        {
            id = default;
            int open = rest.IndexOf((byte)'<');
            if (open < 0)
                return false;
            int end = rest[(open + 1)..].IndexOfAny(s_ends);
            if (end < 0)
            {
                rest = default;
                return false;
            }
            id = rest.Slice(open + 1, end);
            rest = rest[(open + 1 + end)..];
            if (rest[0] == (byte)'>' && id.Length is > 0 and <= MaxId)
                return true;
        }
    }
}
