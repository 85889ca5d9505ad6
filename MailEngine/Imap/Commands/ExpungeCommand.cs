using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>EXPUNGE and UID EXPUNGE: removes \Deleted messages, all or those of a set. The session tells the client of them.</summary>
/// <remarks>RFC 9051 §6.4.3 and §6.4.9, RFC 4315 §2.1, RFC 7162 §3.2.7 and §3.2.9</remarks>
/// <param name="Uids">Null: all.</param>
internal sealed record ExpungeCommand(SequenceSet? Uids) : ImapCommand
{
    public static ExpungeCommand Parse(ref ImapReader r) => new(Uids: null);

    // uid-expunge = "UID" SP "EXPUNGE" SP sequence-set (RFC 9051 §9)
    public static ExpungeCommand ParseUid(ref ImapReader r)
    {
        r.Sp();
        return new(r.SequenceSet());
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        SelectedMailbox selected = session.Selected!;
        if (selected.IsReadOnly)
            return ImapReply.ReadOnly;
        List<uint>? uids = Uids is null ? null : SequenceSet.UidsOf(selected.Told, Uids.ResolveUids(selected.Told));
        StoreError error = await new Progress(session, "Expunging").WhileAsync(session.Store.ExpungeAsync(selected.Box, uids), uids?.Count ?? selected.Told.Count, ct);
        return error == StoreError.None ? session.TellExpunged("EXPUNGE completed") : ImapReply.No(error);
    }
}
