using MailEngine.Imap.Access;
using MailEngine.Imap.Contexts;
using MailEngine.Imap.Listing;
using MailEngine.Imap.Search;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>ESEARCH: searches several mailboxes, whichever is selected.</summary>
/// <remarks>RFC 7377 §2</remarks>
/// <param name="Sources">Null: the selected mailbox.</param>
internal sealed record MultiSearchCommand(IReadOnlyList<SearchSource>? Sources, SearchArguments Arguments) : ImapCommand
{
    // esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program (RFC 7377 §4)
    public static MultiSearchCommand Parse(ref ImapReader r)
    {
        r.Sp();
        return new(SearchSource.TryParse(ref r), SearchArguments.Parse(ref r));
    }

    public override bool UsesNumbers => Arguments.UsesNumbers;

    bool NeedsSelected => Sources is null || Sources.Any(source => source.Kind == SearchSourceKind.Selected);

    bool OnlySelected => Sources is null || Sources.All(source => source.Kind == SearchSourceKind.Selected);

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SearchReturn options = Arguments.Return ?? new SearchReturn(ReturnItems.All, default);   // RFC 7377 §2.1
        SelectedMailbox? selected = session.Selected;
        bool saves = options.Has(ReturnItems.Save), updates = options.Has(ReturnItems.Update);
        if (selected is null && (NeedsSelected || updates))
            return ImapReply.Bad("Select a mailbox first");
        if ((saves || updates) && !OnlySelected)
            return ImapReply.Bad("SAVE and UPDATE are for the selected mailbox alone");          // RFC 7377 §2.2
        if (updates && selected!.Contexts?.Has(session.CurrentTag) == true)
            return ImapReply.Bad("Tag reuse");
        if (saves)
            selected!.Saved = SequenceSet.OfUids([]);
        if (Arguments.Prepare(session, out SearchProgram program) is { } refusal)
            return refusal;
        int lost = 0;
        foreach ((MailboxName name, SearchScope scope) in await ScopesAsync(session, ct))
        {
            SearchFound found = await SearchRun.FindAsync(session, scope, program, ct);
            if (found.Failure is not null)
                return ImapReply.Ok("[LIMIT] The search took too long; not all mailboxes were searched");   // RFC 7377 §2.4
            lost += found.Lost;
            if (saves)
                selected!.Saved = SequenceSet.OfUids(SearchAnswer.Saved(options, found.Indexes).Select(index => scope.Snapshot[index].Uid));
            if (found.Indexes.Count > 0 && options.Items != ReturnItems.Save)
            {
                var answer = new SearchAnswer(session, scope.Snapshot, isUid: true) { WithModSeq = program.UsesModSeq, Scores = found.Scores };
                await answer.WriteExtendedAsync(options, found.Indexes, () => Correlator(session, name, scope.Snapshot), ct);
            }
            if (updates)
            {
                selected!.Contexts ??= new UpdateContexts(session);
                selected.Contexts.Add(program, null, isUid: true, scope.Snapshot, found.Indexes);
            }
        }
        return lost == 0 ? ImapReply.Ok("ESEARCH completed") : ImapReply.Ok("[UNAVAILABLE] ESEARCH completed, but some messages cannot be read");
    }

    /// <summary>Each mailbox once, if the user may read it; of those that are not named he must know, too. Others are passed over without a
    /// word. RFC 7377 §2.2</summary>
    async ValueTask<List<(MailboxName, SearchScope)>> ScopesAsync(ImapSession session, CancellationToken ct)
    {
        var scopes = new List<(MailboxName, SearchScope)>();
        var seen = new HashSet<long>();
        MailboxTree? tree = null;
        foreach (SearchSource source in Sources ?? [new SearchSource(SearchSourceKind.Selected, [])])
        {
            switch (source.Kind)
            {
                case SearchSourceKind.Selected:
                    SelectedMailbox selected = session.Selected!;
                    MailboxName? name = selected.Box.AccountId == session.AccountId
                        ? selected.Box.Name
                        : await session.Access.ShownAsync(selected.Box.AccountId, selected.Box.Name, ct);
                    if (name is { } shown && seen.Add(selected.Box.Id))
                        scopes.Add((shown, SearchScope.Of(selected)));
                    break;
                case SearchSourceKind.Mailboxes:
                    foreach (MailboxName named in source.Names)
                        await AddAsync(named);
                    break;
                default:
                    tree ??= await MailboxTree.OfAsync(session, ct);
                    foreach (ListedMailbox listed in tree.All)
                    {
                        if (listed.Info is { } info && info.Id != 0 && source.Covers(listed, isOwn: info.AccountId == session.AccountId))
                            await AddAsync(listed.Shown);
                    }
                    break;
            }
        }
        return scopes;

        async ValueTask AddAsync(MailboxName name)
        {
            Visit visit = await session.Access.OpenAsync(name, ct);
            if (visit.Box is { } box && visit.Rights.HasFlag(AclRights.Read) && seen.Add(box.Id))
                scopes.Add((name, new SearchScope(box, box.Current, box.Current.Counters.RecentFrom)));
        }
    }

    // search-correlator = SP "(" one-correlator *(SP one-correlator) ")" (RFC 7377 §4)
    static void Correlator(ImapSession session, MailboxName name, MailboxSnapshot snapshot)
    {
        session.Writer.WriteAscii($"TAG \"{session.CurrentTag}\" MAILBOX ");
        session.Writer.WriteMailbox(name.Value);
        session.Writer.WriteAscii($" UIDVALIDITY {snapshot.UidValidity}");
    }
}
