using System.Text;
using MailEngine.Imap.Notify;

namespace MailEngine.Imap.Commands;

/// <summary>ENABLE: switches extensions on; answers with those that are on now because of it.</summary>
/// <remarks>RFC 9051 §6.3.1, RFC 5161 §3.1: unknown names are passed over.</remarks>
internal sealed record EnableCommand(IReadOnlyList<string> Names) : ImapCommand
{
    const int MaxNames = 100;

    // enable = "ENABLE" 1*(SP capability) (RFC 9051 §9)
    public static EnableCommand Parse(ref ImapReader r)
    {
        var names = new List<string>();
        do
        {
            r.Sp();
            names.Add(Encoding.ASCII.GetString(r.Atom()));
            if (names.Count > MaxNames)
                r.Fail("Too many names");
        }
        while (!r.Failed && !r.AtEnd);
        return new(names);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        var enabled = new List<string>();
        foreach (string name in Names)
        {
            bool wasAware = session.Enabled.CondStore;
            if (session.Enabled.Enable(name) is { } known && !enabled.Contains(known))
                enabled.Add(known);
            if (!wasAware && session.Enabled.CondStore)
                session.Selected?.WriteHighestModSeq(session.Writer);
        }
        if (enabled.Contains("METADATA") || enabled.Contains("METADATA-SERVER"))
            session.WatchMetadata(await MetadataWatch.StartAsync(session, session.Enabled.Metadata, ct));
        if (session.Enabled.Utf8)
            session.Writer.Names = session.Writer.Names.WithUtf8();
        session.Writer.WriteAscii($"* ENABLED{string.Concat(enabled.Select(name => " " + name))}\r\n");
        return ImapReply.Ok("ENABLE completed");
    }
}
