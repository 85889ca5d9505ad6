using System.Text;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>Flags as text. RFC 9051 §2.3.2</summary>
internal static class FlagText
{
    /// <summary>Text of the system flags for every combination, \Recent as bit 5.</summary>
    static readonly byte[][] s_system = [.. Enumerable.Range(0, 64).Select(Make)];

    static byte[] Make(int bits)
    {
        var names = new List<string>();
        if ((bits & (int)MessageFlags.Answered) != 0)
            names.Add("\\Answered");
        if ((bits & (int)MessageFlags.Flagged) != 0)
            names.Add("\\Flagged");
        if ((bits & (int)MessageFlags.Deleted) != 0)
            names.Add("\\Deleted");
        if ((bits & (int)MessageFlags.Seen) != 0)
            names.Add("\\Seen");
        if ((bits & (int)MessageFlags.Draft) != 0)
            names.Add("\\Draft");
        if ((bits & 32) != 0)
            names.Add("\\Recent");
        return Encoding.ASCII.GetBytes(string.Join(' ', names));
    }

    /// <summary>System flags by spaces; \Recent: RFC 3501 §2.3.2.</summary>
    public static ReadOnlySpan<byte> System(MessageFlags flags, bool recent) => s_system[(int)(flags & MessageFlags.All) | (recent ? 32 : 0)];
}

/// <summary>Text of keyword sets, made once for each while a mailbox is selected.</summary>
internal sealed class KeywordTexts
{
    byte[]?[] _texts = [];

    /// <summary>Keywords of the set by spaces; empty for set 0.</summary>
    public ReadOnlySpan<byte> Of(MailboxSnapshot snapshot, int set)
    {
        if (set == 0)
            return default;
        if (set >= _texts.Length)
            Array.Resize(ref _texts, snapshot.KeywordSets.Count);
        return _texts[set] ??= Encoding.ASCII.GetBytes(string.Join(' ', snapshot.KeywordSets[set]));
    }
}
