namespace MailEngine.Imap.Commands;

/// <summary>ID: who is there. What the client says is read and let go.</summary>
/// <remarks>RFC 2971 §3.1</remarks>
internal sealed record IdCommand : ImapCommand
{
    const int MaxPairs = 30;   // RFC 2971 §3.3

    // id = "ID" SP ("(" [string SP nstring *(SP string SP nstring)] ")" / nil) (RFC 2971 §4)
    public static IdCommand Parse(ref ImapReader r)
    {
        r.Sp();
        if (!r.TryWord("NIL"u8))
        {
            r.Take((byte)'(');
            for (int i = 0; !r.Failed && !r.TryTake((byte)')'); i++)
            {
                if (i > 0)
                    r.Sp();
                if (i == MaxPairs)
                    r.Fail("Too many fields");
                r.String();
                r.Sp();
                r.Nstring();
            }
        }
        return new();
    }

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        session.Writer.Write("* ID (\"name\" \"MailAdmin\")\r\n"u8);
        return new(ImapReply.Ok("ID completed"));
    }
}
