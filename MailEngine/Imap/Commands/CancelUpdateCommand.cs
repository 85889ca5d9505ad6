using System.Text;

namespace MailEngine.Imap.Commands;

/// <summary>CANCELUPDATE: no more updates for these searches. Tags that have none are passed over.</summary>
/// <remarks>RFC 5267 §4.3.5</remarks>
internal sealed record CancelUpdateCommand(IReadOnlyList<string> Tags) : ImapCommand
{
    // "CANCELUPDATE" 1*(SP quoted) (RFC 5267 §5)
    public static CancelUpdateCommand Parse(ref ImapReader r)
    {
        var tags = new List<string>();
        do
        {
            r.Sp();
            tags.Add(Encoding.ASCII.GetString(r.Astring()));
            if (tags.Count > 1000)
                r.Fail("Too many tags");
        }
        while (!r.Failed && !r.AtEnd);
        return new(tags);
    }

    public override ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        foreach (string tag in Tags)
            session.Selected!.Contexts?.Cancel(tag);
        return new(ImapReply.Ok("CANCELUPDATE completed"));
    }
}
