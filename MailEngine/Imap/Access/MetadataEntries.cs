using System.Text;
using MailEngine.Store;

namespace MailEngine.Imap.Access;

/// <summary>Names of annotations, and their responses. RFC 5464 §3.2 and §4.4</summary>
internal static class MetadataEntries
{
    /// <summary>Rights of which one is needed, beside "l", to have anything to do with a mailbox's annotations. RFC 5464 §3.3</summary>
    const AclRights AnyOf = AclRights.Read | AclRights.Seen | AclRights.Write | AclRights.Insert | AclRights.Post;

    /// <summary>How to reach the server's administrator: read-only, worked out. RFC 5464 §3.2.1.1</summary>
    public const string Admin = "/shared/admin";

    public static bool MayUse(AclRights rights) => rights.HasFlag(AclRights.Lookup) && (rights & AnyOf) != 0;

    /// <summary>One entry name, in lower case: names ignore case.</summary>
    public static string Read(ref ImapReader r)
    {
        string entry = r.AstringText().ToLowerInvariant();
        if (!r.Failed && !IsName(entry))
            r.Fail("Not the name of an entry");
        return entry;
    }

    /// <summary>entry / "(" entry *(SP entry) ")", the parenthesis read by the caller when there is one.</summary>
    public static List<string> ReadList(ref ImapReader r)
    {
        var entries = new List<string>();
        do
            entries.Add(Read(ref r));
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return entries;
    }

    // Differs from RFC 5464 §3.2 ("*" is BAD): "*" as the whole last component means all entries below; cyradm asks so.
    static bool IsName(string entry)
    {
        string name = entry.EndsWith("/*", StringComparison.Ordinal) ? entry[..^1] + "x" : entry;
        if (name.Length > 1024 || name.EndsWith('/') || name.Contains("//", StringComparison.Ordinal) || name.Any(c => c is < ' ' or > '~' or '*' or '%'))
            return false;
        string[] parts = name.Split('/');   // the first one is empty: "/private/..."
        return parts is ["", "private" or "shared", _, ..] && (parts[2] != "vendor" || parts.Length >= 5 || entry.EndsWith("/*", StringComparison.Ordinal));
    }

    /// <summary>The server's annotations, those that are worked out with them.</summary>
    public static List<Annotation> OfServer(ImapSession session) =>
    [
        .. session.Store.AnnotationsOf(Annotation.OfServer, session.AccountId).Where(a => a.Entry != Admin),
        new Annotation(Admin, Encoding.UTF8.GetBytes($"mailto:postmaster@{session.Services.Hostname.Name}")),
    ];

    /// <summary>Writes one METADATA response with the entries asked for; NIL for one that is not there.</summary>
    /// <param name="depth">0, 1 or <see cref="int.MaxValue"/>: how far below each name. RFC 5464 §4.2.2</param>
    /// <param name="maxSize">Longer values are left out; null: none is. RFC 5464 §4.2.1</param>
    /// <returns>Octets of the longest value left out; 0: none was.</returns>
    public static long Write(ImapWriter w, string? mailbox, IReadOnlyList<Annotation> all, IReadOnlyList<string> entries, int depth, long? maxSize)
    {
        long longest = 0;
        var shown = new SortedDictionary<string, byte[]?>(StringComparer.Ordinal);
        foreach (string entry in entries)
        {
            bool below = entry.EndsWith("/*", StringComparison.Ordinal);
            string name = below ? entry[..^2] : entry;
            bool any = false;
            foreach (Annotation annotation in all)
            {
                if (!IsWithin(annotation.Entry, name, below ? int.MaxValue : depth))
                    continue;
                any |= annotation.Entry == name;
                if (annotation.Value!.Length > maxSize)
                    longest = Math.Max(longest, annotation.Value.Length);
                else
                    shown[annotation.Entry] = annotation.Value;
            }
            if (!any && !below && depth == 0)
                shown.TryAdd(name, null);
        }
        if (shown.Count == 0)
            return longest;
        w.Write("* METADATA "u8);
        if (mailbox is null)
            w.Write("\"\""u8);
        else
            w.WriteMailbox(mailbox);
        w.Write(" ("u8);
        bool first = true;
        foreach ((string entry, byte[]? value) in shown)
        {
            if (!first)
                w.Write((byte)' ');
            first = false;
            w.WriteAstring(entry);
            w.Write((byte)' ');
            WriteValue(w, value);
        }
        w.Write(")\r\n"u8);
        return longest;
    }

    static bool IsWithin(string entry, string name, int depth) =>
        entry == name
        || (depth > 0 && entry.Length > name.Length && entry[name.Length] == '/' && entry.StartsWith(name, StringComparison.Ordinal)
            && (depth > 1 || entry.IndexOf('/', name.Length + 1) < 0));

    static void WriteValue(ImapWriter w, byte[]? value)
    {
        if (value is null)
            w.Write("NIL"u8);
        else if (Ascii.IsValid(value) && !value.AsSpan().ContainsAny("\r\n\0"u8))
            w.WriteString(Encoding.ASCII.GetString(value));
        else
        {
            // literal8 where a literal cannot hold it: RFC 5464 §5 (value)
            w.WriteAscii($"{(value.AsSpan().Contains((byte)0) ? "~" : "")}{{{value.Length}}}\r\n");
            w.Write(value);
        }
    }
}
