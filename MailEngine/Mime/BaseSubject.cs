using System.Text;

namespace MailEngine.Mime;

/// <summary>The subject without "Re:", "Fwd:" and the like, as SORT and THREAD compare it. RFC 5256 §2.1</summary>
internal static class BaseSubject
{
    /// <summary>Longest subject looked at, characters; the rest plays no part in sorting.</summary>
    const int MaxLength = 998;

    /// <param name="subject">Decoded and unfolded.</param>
    /// <returns>Upper case, for comparing octet by octet (RFC 5051).</returns>
    public static string Of(string subject) => Of(subject, out _);

    /// <param name="isReply">It was a reply or a forward: a "re:", "fwd:", "(fwd)" or "[fwd:" was removed. RFC 5256 §3</param>
    public static string Of(string subject, out bool isReply)
    {
        isReply = false;
        Span<char> text = stackalloc char[MaxLength];
        int length = Collapse(subject, text);
        ReadOnlySpan<char> rest = text[..length];
        while (true)
        {
            rest = RemoveTrailers(rest, ref isReply);
            while (RemoveLeader(ref rest, ref isReply) || RemoveBlob(ref rest))
            {
            }
            // (6) "[fwd: subject]"
            if (!rest.StartsWith("[fwd:", StringComparison.OrdinalIgnoreCase) || !rest.EndsWith("]"))
                break;
            rest = rest[5..^1];
            isReply = true;
        }
        return UnicodeCasemap.Fold(rest);
    }

    /// <summary>(1) One space for any run of white space, none at the ends.</summary>
    static int Collapse(string subject, Span<char> to)
    {
        int length = 0;
        foreach (char c in subject)
        {
            if (length == to.Length)
                break;
            bool space = c is ' ' or '\t' or '\r' or '\n';
            if (space && (length == 0 || to[length - 1] == ' '))
                continue;
            to[length++] = space ? ' ' : c;
        }
        return length;
    }

    /// <summary>(2) "(fwd)" and white space at the end.</summary>
    static ReadOnlySpan<char> RemoveTrailers(ReadOnlySpan<char> rest, ref bool isReply)
    {
        while (true)
        {
            rest = rest.TrimEnd(' ');
            if (!rest.EndsWith("(fwd)", StringComparison.OrdinalIgnoreCase))
                return rest;
            rest = rest[..^5];
            isReply = true;
        }
    }

    /// <summary>(3) White space, or any blobs and then "re", "fw" or "fwd", perhaps a blob, and a colon.</summary>
    static bool RemoveLeader(ref ReadOnlySpan<char> rest, ref bool isReply)
    {
        if (rest.StartsWith(' '))
        {
            rest = rest.TrimStart(' ');
            return true;
        }
        ReadOnlySpan<char> at = rest;
        // Blobs are only passed over, so a subject of nothing but blobs would be read again for each: bounded by MaxLength.
        while (SkipBlob(ref at))
        {
        }
        if (at.StartsWith("fwd", StringComparison.OrdinalIgnoreCase))
            at = at[3..];
        else if (at.StartsWith("re", StringComparison.OrdinalIgnoreCase) || at.StartsWith("fw", StringComparison.OrdinalIgnoreCase))
            at = at[2..];
        else
            return false;
        at = at.TrimStart(' ');
        SkipBlob(ref at);
        if (!at.StartsWith(':'))
            return false;
        rest = at[1..];
        isReply = true;
        return true;
    }

    /// <summary>(4) A blob, if something is left after it.</summary>
    static bool RemoveBlob(ref ReadOnlySpan<char> rest)
    {
        ReadOnlySpan<char> at = rest;
        if (!SkipBlob(ref at) || at.IsEmpty)
            return false;
        rest = at;
        return true;
    }

    static bool SkipBlob(ref ReadOnlySpan<char> at)
    {
        if (!at.StartsWith('['))
            return false;
        int end = at[1..].IndexOfAny('[', ']');
        if (end < 0 || at[1 + end] == '[')
            return false;
        at = at[(end + 2)..].TrimStart(' ');
        return true;
    }
}
