using System.Text;

namespace MailEngine.Imap;

/// <summary>What stands behind the mailbox of SELECT and EXAMINE in parentheses. RFC 4466 §2.1</summary>
internal readonly record struct SelectParameters(bool CondStore)
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
            else
                r.Fail("Unknown parameter of SELECT");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return parameters;
    }
}
