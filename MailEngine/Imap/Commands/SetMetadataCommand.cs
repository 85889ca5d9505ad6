using MailEngine.Imap.Access;
using MailEngine.Imap.Search;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>SETMETADATA: sets and removes annotations of a mailbox, or of the server; all or none.</summary>
/// <remarks>RFC 5464 §4.3. Private ones need what RFC 5464 §3.3 says; shared ones also "w", since everybody sees them change. Those of the
/// server that all share are the superusers'.</remarks>
/// <param name="Name">Null: the server.</param>
internal sealed record SetMetadataCommand(MailboxName? Name, IReadOnlyList<Annotation> Annotations) : ImapCommand
{
    // setmetadata = "SETMETADATA" SP mailbox SP entry-values (RFC 5464 §5)
    public static SetMetadataCommand Parse(ref ImapReader r)
    {
        r.Sp();
        MailboxName? name = r.MailboxOrServer();
        r.Sp();
        r.Take((byte)'(');
        var annotations = new List<Annotation>();
        do
        {
            string entry = MetadataEntries.Read(ref r);
            if (entry.EndsWith('*'))
                r.Fail("Not the name of an entry");
            r.Sp();
            annotations.Add(new Annotation(entry, r.NstringBytes()));
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return new(name, annotations);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        int most = session.Limits.MetadataBytes;
        if (Annotations.Any(a => a.Value?.Length > most))
            return ImapReply.No($"[METADATA MAXSIZE {most}] A value is too long");
        if (Name is null && Annotations.Any(a => !SearchFilters.MayBeSet(a, session.Limits.Depth)))
            return ImapReply.No("[CANNOT] Not the name of a filter, or not whole search criteria");   // RFC 5466 §3.2
        bool shares = Annotations.Any(a => !a.IsPrivate);
        long mailbox = Annotation.OfServer;
        if (Name is { } name)
        {
            Visit visit = await session.Access.FindAsync(name, ct);
            if (visit.Refusal(AclRights.Lookup) is { } refusal)
                return refusal;
            MailboxPlace place = visit.Place!.Value;
            bool may = MetadataEntries.MayUse(visit.Rights) && (!shares || visit.Rights.HasFlag(AclRights.Write));
            if (!may && !(place.Administered && await session.Access.RecordAsync(place, "mailbox.metadata", name, new { entries = Annotations.Select(a => a.Entry) }, ct)))
                return ImapReply.NoPermission;
            mailbox = visit.Info!.Id;
        }
        else if (shares && (Annotations.Any(a => a.Entry == MetadataEntries.Admin) || !await session.Services.Administration.RecordAsync(
            session.Access.Actor, "server.metadata", "", null, null, new { entries = Annotations.Select(a => a.Entry) }, ct)))
        {
            return ImapReply.NoPermission;
        }
        StoreError error = await session.Store.SetAnnotationsAsync(mailbox, session.AccountId, Annotations, by: session);
        return error switch
        {
            StoreError.None => ImapReply.Ok("SETMETADATA completed"),
            StoreError.Limit => ImapReply.No("[METADATA TOOMANY] No more entries"),
            _ => ImapReply.No(error),
        };
    }

    /// <summary>Keeps values out of logs that print commands.</summary>
    public override string ToString() => nameof(SetMetadataCommand);
}
