using MailEngine.Imap.Access;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>COPY and MOVE, by sequence numbers or UIDs. No message bytes are copied.</summary>
/// <remarks>RFC 9051 §6.4.7 and §6.4.8, RFC 6851 §3; rights: RFC 4314 §4, RFC 6851 §4.2; COPYUID: RFC 4315 §3</remarks>
internal sealed record CopyCommand(SequenceSet Set, MailboxName Target, bool IsUid, bool IsMove) : ImapCommand
{
    public static CopyCommand Parse(ref ImapReader r) => Parse(ref r, isUid: false, isMove: false);

    public static CopyCommand ParseUid(ref ImapReader r) => Parse(ref r, isUid: true, isMove: false);

    public static CopyCommand ParseMove(ref ImapReader r) => Parse(ref r, isUid: false, isMove: true);

    public static CopyCommand ParseUidMove(ref ImapReader r) => Parse(ref r, isUid: true, isMove: true);

    // copy = "COPY" SP sequence-set SP mailbox; move = "MOVE" SP sequence-set SP mailbox (RFC 9051 §9)
    static CopyCommand Parse(ref ImapReader r, bool isUid, bool isMove)
    {
        r.Sp();
        SequenceSet set = r.SequenceSet();
        return new(set, r.SpMailbox(), isUid, isMove);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SelectedMailbox selected = session.Selected!;
        if (IsMove && selected.IsReadOnly)
            return ImapReply.ReadOnly;
        bool all = true;
        List<IndexRange> ranges = IsUid ? Set.ResolveUids(selected.Told) : Set.ResolveNumbers(selected.Told, out all);
        if (!all)
            return ImapReply.BadNumber;
        Visit visit = await session.Access.OpenAsync(Target, ct);
        if (visit.Refusal(AclRights.Insert, ImapReply.TryCreate) is { } refusal)
            return refusal;
        Mailbox target = visit.Box!;
        long quota = (await session.Access.OwnerAsync(visit.Place!.Value, ct)).QuotaBytes;
        List<uint> uids = SequenceSet.UidsOf(selected.Told, ranges);
        string done = IsMove ? "MOVE completed" : "COPY completed";
        if (uids.Count == 0)
            return ImapReply.Ok(done);   // RFC 4315 §3: no COPYUID then
        CopyOutcome outcome = await new Progress(session, IsMove ? "Moving" : "Copying").WhileAsync(
            IsMove ? session.Store.MoveAsync(selected.Box, uids, target, quota) : session.Store.CopyAsync(selected.Box, uids, target, quota), uids.Count, ct);
        if (outcome.Error == StoreError.NoSuchMailbox)
            return ImapReply.TryCreate;
        if (outcome.Error != StoreError.None)
            return ImapReply.No(outcome.Error);
        if (outcome.SourceUids.Count == 0)
            return ImapReply.Ok(done);
        await MailboxScripts.AddedAsync(session, target, SieveEvent.CopyCause, outcome.TargetUids);
        string code = $"[COPYUID {outcome.UidValidity} {SequenceSet.Text(outcome.SourceUids)} {SequenceSet.Text(outcome.TargetUids)}]";
        if (!IsMove)
            return ImapReply.Ok($"{code} {done}");
        session.Writer.WriteAscii($"* OK {code} Moved\r\n");   // before the EXPUNGEs: RFC 6851 §4.3
        return session.TellExpunged(done);
    }
}
