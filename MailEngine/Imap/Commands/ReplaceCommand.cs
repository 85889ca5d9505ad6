using MailEngine.Imap.Access;
using MailEngine.Imap.Append;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>REPLACE and UID REPLACE: puts a message into a mailbox in the place of one of the selected mailbox, in one commit.</summary>
/// <remarks>RFC 8508 §3.2 and §3.3</remarks>
/// <param name="Set">The one message that goes.</param>
/// <param name="Parser">Has read the command up to its first literal.</param>
internal sealed record ReplaceCommand(SequenceSet Set, bool IsUid, MailboxName Name, AppendParser Parser) : ImapCommand
{
    public override bool ReadsItsLiterals => true;

    public static ReplaceCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false);

    public static ReplaceCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true);

    // replace = "REPLACE" SP seq-number SP mailbox append-message (RFC 8508 §5)
    static ReplaceCommand Parse(ref ImapReader r, bool isUid)
    {
        r.Sp();
        SequenceSet set = r.OneMessage();
        MailboxName name = r.SpMailbox();
        var parser = new AppendParser(single: true);
        parser.Read(ref r);
        return new(set, isUid, name, parser);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SelectedMailbox selected = session.Selected!;
        List<IndexRange> found = IsUid ? Set.ResolveUids(selected.Told) : Set.ResolveNumbers(selected.Told, out _);
        MessageEntry old = found.Count > 0 ? selected.Told[found[0].First] : default;
        Visit visit = await session.Access.OpenAsync(Name, ct);
        ImapReply? refusal = found.Count == 0 ? (IsUid ? ImapReply.No(StoreError.NoSuchMessage) : ImapReply.BadNumber)
            : selected.IsReadOnly ? ImapReply.ReadOnly
            : visit.Refusal(AclRights.Insert, ImapReply.TryCreate);
        Owner owner = refusal is null ? await session.Access.OwnerAsync(visit.Place!.Value, ct) : default;
        using var run = new AppendRun(session, Parser, owner, freed: owner.AccountId == selected.Box.AccountId ? old.Size : 0);
        if (await run.ReadAsync(refusal, ct) is { } answer)
            return answer;
        AppendOutcome outcome = await session.Store.ReplaceAsync(selected.Box, old.Uid, visit.Box!, owner.QuotaBytes, run.Items[0]);
        if (outcome.Error == StoreError.NoSuchMailbox)
            return ImapReply.TryCreate;
        if (outcome.Error != StoreError.None)
            return ImapReply.No(outcome.Error);
        await MailboxScripts.AddedAsync(session, visit.Box!, SieveEvent.AppendCause, outcome.Uids);
        // Before the EXPUNGE: RFC 8508 §4.3.
        session.Writer.WriteAscii($"* OK [APPENDUID {outcome.UidValidity} {SequenceSet.Text(outcome.Uids)}] Replacement message ready\r\n");
        return session.TellExpunged("REPLACE completed");
    }
}
