using MailEngine.Imap.Access;
using MailEngine.Imap.Append;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>APPEND: puts messages into a mailbox, all or none. Their octets go straight into the store while they arrive.</summary>
/// <remarks>RFC 9051 §6.3.12; needs the right "i": RFC 4314 §4; several messages: RFC 3502 §6.3.11; APPENDUID: RFC 4315 §3</remarks>
/// <param name="Parser">Has read the command up to its first literal.</param>
internal sealed record AppendCommand(MailboxName Name, AppendParser Parser) : ImapCommand
{
    public override bool ReadsItsLiterals => true;

    // append = "APPEND" SP mailbox 1*append-message (RFC 3502 §6.3.11)
    public static AppendCommand Parse(ref ImapReader r)
    {
        MailboxName name = r.SpMailbox();
        var parser = new AppendParser();
        parser.Read(ref r);
        return new(name, parser);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        Visit visit = await session.Access.OpenAsync(Name, ct);
        ImapReply? forbidden = visit.Refusal(AclRights.Insert, ImapReply.TryCreate);
        Owner owner = forbidden is null ? await session.Access.OwnerAsync(visit.Place!.Value, ct) : default;
        using var run = new AppendRun(session, Parser, owner);
        if (await run.ReadAsync(forbidden, ct) is { } refusal)
            return refusal;
        AppendOutcome outcome = await session.Store.AppendAsync(visit.Box!, owner.QuotaBytes, run.Items);
        if (outcome.Error == StoreError.None)
            await MailboxScripts.AddedAsync(session, visit.Box!, SieveEvent.AppendCause, outcome.Uids);
        return outcome.Error switch
        {
            StoreError.None => ImapReply.Ok($"[APPENDUID {outcome.UidValidity} {SequenceSet.Text(outcome.Uids)}] APPEND completed"),
            StoreError.NoSuchMailbox => ImapReply.TryCreate,
            _ => ImapReply.No(outcome.Error),
        };
    }
}
