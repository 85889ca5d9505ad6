using MailEngine.Imap.Contexts;
using MailEngine.Imap.Search;
using MailEngine.Imap.Sort;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SEARCH, SORT and their UID forms: numbers or UIDs of the messages that match, in mailbox order or in the order asked for.</summary>
/// <remarks>RFC 9051 §6.4.4, RFC 3501 §6.4.4; SORT: RFC 5256 §3; RETURN: RFC 4731 §3.1, RFC 5267 §3; SAVE: RFC 5182 §2.1;
/// PARTIAL: RFC 9394 §3.1; UPDATE: RFC 5267 §4.3; RELEVANCY: RFC 6203 §4</remarks>
/// <param name="Criteria">Null: SEARCH.</param>
internal sealed record SearchCommand(SearchArguments Arguments, IReadOnlyList<SortCriterion>? Criteria, bool IsUid) : ImapCommand
{
    public static SearchCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static SearchCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    public static SearchCommand ParseSort(ref ImapReader r) => ParseSort(ref r, isUid: false);

    public static SearchCommand ParseUidSort(ref ImapReader r) => ParseSort(ref r, isUid: true);

    // search = "SEARCH" [search-return-opts] SP search-program (RFC 9051 §9)
    static SearchCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        return new(SearchArguments.Parse(ref r), null, isUid);
    }

    public override bool UsesNumbers => Arguments.UsesNumbers;

    // sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP charset 1*(SP search-key) (RFC 5256 §5, RFC 5267 §5)
    static SearchCommand ParseSort(ref ImapReader r, bool isUid)
    {
        r.Sp();
        SearchReturn? options = SearchReturn.TryParse(ref r);
        List<SortCriterion> criteria = SortCriteria.Parse(ref r);
        r.Sp();
        return new(SearchArguments.ParseWithCharset(ref r, options, criteria.Exists(criterion => criterion.Key == SortKey.Relevancy)), criteria, isUid);
    }

    string Name => Criteria is null ? "SEARCH" : "SORT";

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SelectedMailbox selected = session.Selected!;
        SearchReturn? options = Arguments.Return;
        if (session.Enabled.Rev2 && Criteria is null)
            options ??= new SearchReturn(ReturnItems.All, default);   // RFC 9051 §6.4.4: the answer is ESEARCH
        bool saves = options?.Has(ReturnItems.Save) == true, updates = options?.Has(ReturnItems.Update) == true;
        if (updates && selected.Contexts?.Has(session.CurrentTag) == true)
            return ImapReply.Bad("Tag reuse");         // RFC 5267 §4.3
        if (saves)
            selected.Saved = SequenceSet.OfUids([]);   // stays so when the answer is NO: RFC 5182 §2.1
        if (Arguments.Prepare(session, out SearchProgram program) is { } refusal)
            return refusal;
        SearchScope scope = SearchScope.Of(selected);
        SearchFound found = await SearchRun.FindAsync(session, scope, program, ct);
        if (found.Failure is { } failure)
            return failure;
        List<int> result = Criteria is null ? found.Indexes : [.. MessageOrder.Sort(session.Store, scope, found.Indexes, Criteria, found.Scores)];
        if (saves)
            selected.Saved = SequenceSet.OfUids(SearchAnswer.Saved(options!, result).Select(index => scope.Snapshot[index].Uid));
        var answer = new SearchAnswer(session, scope.Snapshot, IsUid) { WithModSeq = program.UsesModSeq, Scores = found.Scores };
        if (options is null)
            await answer.WriteListAsync(Name, result, ct);
        else if (options.Items != ReturnItems.Save)    // alone it asks for no answer: RFC 5182 §1
            await answer.WriteExtendedAsync(options, result, () => session.Writer.WriteAscii($"TAG \"{session.CurrentTag}\""), ct);
        if (updates)
        {
            selected.Contexts ??= new UpdateContexts(session);
            selected.Contexts.Add(program, Criteria, IsUid, scope.Snapshot, result);
        }
        return found.Completed(Name);
    }
}
