using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>GETMETADATA: annotations of a mailbox, or of the server.</summary>
/// <remarks>RFC 5464 §4.2; rights: RFC 5464 §3.3</remarks>
/// <param name="Name">Null: the server.</param>
internal sealed record GetMetadataCommand(MailboxName? Name, IReadOnlyList<string> Entries, int Depth, long? MaxSize) : ImapCommand
{
    // getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries (RFC 5464 §5); its examples have the options behind the mailbox
    public static GetMetadataCommand Parse(ref ImapReader r)
    {
        int depth = 0;
        long? maxSize = null;
        r.Sp();
        if (r.TryTake((byte)'('))
        {
            ReadOptions(ref r, ref depth, ref maxSize);
            r.Sp();
        }
        MailboxName? name = r.MailboxOrServer();
        r.Sp();
        bool list = r.TryTake((byte)'(');
        if (list && char.IsAsciiLetter((char)r.Peek()))
        {
            ReadOptions(ref r, ref depth, ref maxSize);
            r.Sp();
            list = r.TryTake((byte)'(');
        }
        IReadOnlyList<string> entries = list ? MetadataEntries.ReadList(ref r) : [MetadataEntries.Read(ref r)];
        return new(name, entries, depth, maxSize);
    }

    static void ReadOptions(ref ImapReader r, ref int depth, ref long? maxSize)
    {
        do
        {
            if (r.TryWord("MAXSIZE"u8))
            {
                r.Sp();
                maxSize = r.Number64();
            }
            else if (r.TryWord("DEPTH"u8))
            {
                r.Sp();
                if (r.TryWord("infinity"u8))
                    depth = int.MaxValue;
                else if (r.Number() is var levels and <= 1)
                    depth = (int)levels;
                else
                    r.Fail("DEPTH is 0, 1 or infinity");
            }
            else
                r.Fail("Unknown option");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        IReadOnlyList<Annotation> all;
        if (Name is { } name)
        {
            Visit visit = await session.Access.FindAsync(name, ct);
            if (visit.Refusal(AclRights.Lookup) is { } refusal)
                return refusal;
            if (!MetadataEntries.MayUse(visit.Rights) && !visit.Place!.Value.Administered)
                return ImapReply.NoPermission;
            all = session.Store.AnnotationsOf(visit.Info!.Id, session.AccountId);
        }
        else
        {
            all = MetadataEntries.OfServer(session);
        }
        long longest = MetadataEntries.Write(session.Writer, Name?.Value, all, Entries, Depth, MaxSize);
        return ImapReply.Ok(longest > 0 ? $"[METADATA LONGENTRIES {longest}] GETMETADATA completed" : "GETMETADATA completed");
    }
}
