using System.Text;
using MailEngine.Imap.Search;
using MailEngine.Imap.Sort;
using MailEngine.Store.Columns;

namespace MailEngine.Imap.Commands;

/// <summary>THREAD and UID THREAD: the messages that match, as conversations.</summary>
/// <remarks>RFC 5256 §3</remarks>
internal sealed record ThreadCommand(bool ByReferences, SearchArguments Arguments, bool IsUid) : ImapCommand
{
    public static ThreadCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static ThreadCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    // thread = ["UID" SP] "THREAD" SP thread-alg SP charset 1*(SP search-key) (RFC 5256 §5)
    static ThreadCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        ReadOnlySpan<byte> algorithm = r.Atom();
        bool byReferences = Ascii.EqualsIgnoreCase(algorithm, "REFERENCES"u8);
        if (!byReferences && !Ascii.EqualsIgnoreCase(algorithm, "ORDEREDSUBJECT"u8))
            r.Fail("Unknown threading algorithm");
        r.Sp();
        return new(byReferences, SearchArguments.ParseWithCharset(ref r, null, sortsByRelevancy: false), isUid);
    }

    public override bool UsesNumbers => Arguments.UsesNumbers;

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        if (Arguments.Prepare(session, out SearchProgram program) is { } refusal)
            return refusal;
        SearchScope scope = SearchScope.Of(session.Selected!);
        SearchFound found = await SearchRun.FindAsync(session, scope, program, ct);
        if (found.Failure is { } failure)
            return failure;
        ColumnSet wanted = ByReferences ? ColumnSet.Subject | ColumnSet.Threads : ColumnSet.Subject;
        ColumnView columns = session.Store.OpenColumns(scope.Box, scope.Snapshot, wanted);
        ThreadTree tree = ByReferences ? ReferenceThreads.Make(scope, found.Indexes, columns) : SubjectThreads.Make(scope, found.Indexes, columns);
        await ThreadAnswer.WriteAsync(session, scope.Snapshot, tree, found.Indexes, IsUid, ct);
        return found.Completed("THREAD");
    }
}
