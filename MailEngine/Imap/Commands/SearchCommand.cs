using MailEngine.Imap.Search;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SEARCH and UID SEARCH: numbers or UIDs of the messages that match.</summary>
/// <remarks>RFC 9051 §6.4.4, RFC 3501 §6.4.4; RETURN: RFC 4731 §3.1; SAVE: RFC 5182 §2.1; PARTIAL: RFC 9394 §3.1</remarks>
internal sealed record SearchCommand(SearchArguments Arguments, bool IsUid) : ImapCommand
{
    public static SearchCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static SearchCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    // search = "SEARCH" [search-return-opts] SP search-program (RFC 9051 §9)
    static SearchCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        return new(SearchArguments.Parse(ref r), isUid);
    }

    public override bool UsesNumbers => Arguments.Program?.UsesNumbers == true;

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SelectedMailbox selected = session.Selected!;
        SearchReturn? options = Arguments.Return;
        if (session.Enabled.Rev2)
            options ??= new SearchReturn(ReturnItems.All, default);   // RFC 9051 §6.4.4: the answer is ESEARCH
        bool saves = options?.Has(ReturnItems.Save) == true;
        if (saves)
            selected.Saved = SequenceSet.OfUids([]);   // stays so when the answer is NO: RFC 5182 §2.1
        if (Arguments.Program is not { } program)
            return SearchArguments.BadCharset;
        if (program.UsesModSeq)
            session.EnableCondStore();
        MailboxSnapshot snapshot = selected.Told;
        SearchFound found = await SearchRun.FindAsync(session, SearchScope.Of(selected), program, ct);
        if (found.Failure is { } failure)
            return failure;
        if (saves)
            selected.Saved = SequenceSet.OfUids(SearchAnswer.Saved(options!, found.Indexes).Select(index => snapshot[index].Uid));
        var answer = new SearchAnswer(session, snapshot, IsUid) { WithModSeq = program.UsesModSeq };
        if (options is null)
            await answer.WriteListAsync("SEARCH", found.Indexes, ct);
        else if (options.Items != ReturnItems.Save)    // alone it asks for no answer: RFC 5182 §1
            await answer.WriteExtendedAsync(options, found.Indexes, $"TAG \"{session.CurrentTag}\"", ct);
        return found.Completed("SEARCH");
    }
}
