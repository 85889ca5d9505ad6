using System.Text;
using MailEngine.Imap.Search;

namespace MailEngine.Imap.Fetch;

/// <summary>What stands behind the data items of FETCH in parentheses. RFC 4466 §2.4</summary>
/// <param name="Partial">Only these of the messages named; null: all. RFC 9394 §3.3</param>
/// <param name="ChangedSince">Only messages whose mod-sequence is larger; null: all. RFC 7162 §3.1.4.1</param>
/// <param name="Vanished">And the UIDs of those that are gone since. RFC 7162 §3.2.6</param>
internal readonly record struct FetchModifiers(PartialRange? Partial, ulong? ChangedSince, bool Vanished)
{
    // fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")" (RFC 4466 §6)
    public static FetchModifiers Parse(ref ImapReader r)
    {
        var modifiers = default(FetchModifiers);
        if (!r.TryTake((byte)' '))
            return modifiers;
        r.Take((byte)'(');
        do
        {
            ReadOnlySpan<byte> name = r.Word();
            if (Ascii.EqualsIgnoreCase(name, "PARTIAL"u8) && modifiers.Partial is null)
            {
                r.Sp();
                modifiers = modifiers with { Partial = PartialRange.Parse(ref r) };
            }
            else if (Ascii.EqualsIgnoreCase(name, "CHANGEDSINCE"u8))
            {
                r.Sp();
                modifiers = modifiers with { ChangedSince = r.ModSeq() };
            }
            else if (Ascii.EqualsIgnoreCase(name, "VANISHED"u8))
                modifiers = modifiers with { Vanished = true };
            else
                r.Fail("Unknown modifier of FETCH");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return modifiers;
    }
}
