using System.Text;

namespace MailEngine.Imap;

/// <summary>What a client knows of a mailbox that it wants to catch up with. RFC 7162 §3.2.5</summary>
/// <param name="UidValidity">Another one than the mailbox has: all that follows means nothing.</param>
/// <param name="ModSeq">All changes up to this one are known.</param>
/// <param name="Uids">Only changes of these messages are asked for; null: of all.</param>
/// <param name="Match">Some sequence numbers and their UIDs; null: none given.</param>
internal sealed record QResyncParameter(uint UidValidity, ulong ModSeq, SequenceSet? Uids, SequenceMatch? Match)
{
    // "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
    // seq-match-data = "(" known-sequence-set SP known-uid-set ")" (RFC 7162 §7)
    public static QResyncParameter Parse(ref ImapReader r)
    {
        r.Sp();
        r.Take((byte)'(');
        uint uidValidity = r.NonZeroNumber();
        r.Sp();
        ulong modSeq = r.ModSeq();
        SequenceSet? uids = null;
        SequenceMatch? match = null;
        if (r.TryTake((byte)' ') && r.Peek() != (byte)'(')
        {
            uids = r.SequenceSet();
            if (uids.HasStar || uids.IsSaved)
                r.Fail("* cannot be known");
            if (r.TryTake((byte)' ') && r.Peek() != (byte)'(')
                r.Fail("Expected sequence match data");
        }
        if (r.TryTake((byte)'('))
        {
            SequenceSet numbers = r.SequenceSet();
            r.Sp();
            match = new SequenceMatch(numbers, r.SequenceSet());
            if (!match.IsValid)
                r.Fail("Sequence match data: two sets of the same size, ascending, without *");
            r.Take((byte)')');
        }
        r.Take((byte)')');
        return new(uidValidity, modSeq, uids, match);
    }
}

/// <summary>What stands behind the mailbox of SELECT and EXAMINE in parentheses. RFC 4466 §2.1</summary>
/// <param name="QResync">Null: not asked for.</param>
internal readonly record struct SelectParameters(bool CondStore, QResyncParameter? QResync)
{
    // select-params = SP "(" select-param *(SP select-param) ")" (RFC 4466 §6)
    public static SelectParameters Parse(ref ImapReader r)
    {
        var parameters = default(SelectParameters);
        if (!r.TryTake((byte)' '))
            return parameters;
        r.Take((byte)'(');
        do
        {
            ReadOnlySpan<byte> name = r.Word();
            if (Ascii.EqualsIgnoreCase(name, "CONDSTORE"u8))
                parameters = parameters with { CondStore = true };
            else if (Ascii.EqualsIgnoreCase(name, "QRESYNC"u8))
                parameters = parameters with { QResync = QResyncParameter.Parse(ref r) };
            else
                r.Fail("Unknown parameter of SELECT");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return parameters;
    }
}
