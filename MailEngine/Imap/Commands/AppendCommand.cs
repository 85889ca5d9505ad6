using System.Buffers;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>APPEND: puts a message into a mailbox. Its octets go straight into the store while they arrive.</summary>
/// <remarks>RFC 9051 §6.3.12; APPENDUID: RFC 4315 §3; TOOBIG: RFC 7889 §4</remarks>
/// <param name="Length">Octets of the message.</param>
/// <param name="Waits">The client waits for "+" before it sends them; with "{n+}" they are on their way: RFC 7888 §4.</param>
internal sealed record AppendCommand(
    MailboxName Name, MessageFlags Flags, IReadOnlyList<string> Keywords, DateTimeOffset? Date, long Length, bool Waits) : ImapCommand
{
    const int MaxRestOfLine = 1024;

    // append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal (RFC 9051 §9). The command read ends where the literal begins.
    public static AppendCommand Parse(ref ImapReader r)
    {
        MailboxName name = r.SpMailbox();
        r.Sp();
        (MessageFlags flags, IReadOnlyList<string> keywords) = (MessageFlags.None, (IReadOnlyList<string>)[]);
        if (r.Peek() == (byte)'(')
        {
            (flags, keywords) = r.Flags();
            r.Sp();
        }
        DateTimeOffset? date = null;
        if (r.Peek() == (byte)'"')
        {
            date = r.DateTime();
            r.Sp();
        }
        long length = r.MessageLiteral(out bool waits);
        return new(name, flags, keywords, date, length, waits);
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        Mailbox? box = await session.Store.OpenAsync(session.AccountId, Name);
        ImapReply? refusal = await RefusalAsync(session, box);
        if (refusal is not null && Waits)
            return refusal;
        if (Waits)
            await session.ContinueAsync("Ready for the message", ct);
        using BodyWriter? writer = refusal is null ? session.Store.NewBody() : null;
        if (!await ReadMessageAsync(session, writer, ct) || await session.ReadLineAsync(MaxRestOfLine, ct) is not { } rest)
            return ImapReply.Nothing;
        if (refusal is not null)
            return refusal;
        if (rest.Length > 0)
            return ImapReply.Bad("One message at a time");   // MULTIAPPEND is not announced
        using Body body = writer!.Complete();
        AppendOutcome outcome = await session.Store.AppendAsync(box!, session.Account!.QuotaBytes,
            [new AppendItem { Body = body, Flags = Flags, Keywords = Keywords, InternalDate = Date }]);
        return outcome.Error switch
        {
            StoreError.None => ImapReply.Ok($"[APPENDUID {outcome.UidValidity} {SequenceSet.Text(outcome.Uids)}] APPEND completed"),
            StoreError.NoSuchMailbox => ImapReply.TryCreate,
            _ => ImapReply.No(outcome.Error),
        };
    }

    /// <summary>What can be said before the message comes.</summary>
    async ValueTask<ImapReply?> RefusalAsync(ImapSession session, Mailbox? box)
    {
        if (box is null)
            return ImapReply.TryCreate;
        if (Length > session.Limits.MessageBytes)
            return ImapReply.No("[TOOBIG] The message is larger than this server takes");
        if (Length == 0)
            return ImapReply.No("[CANNOT] A message has at least one octet");   // RFC 3502 §6.3.11 gives up with an empty literal
        long quota = session.Account!.QuotaBytes;
        if (quota > 0 && (await session.Store.UseAsync(session.AccountId)).Bytes + Length > quota)
            return ImapReply.No(StoreError.OverQuota);
        return null;
    }

    /// <summary>Takes the octets off the connection; null: throws them away. False: the session is over.</summary>
    async ValueTask<bool> ReadMessageAsync(ImapSession session, BodyWriter? writer, CancellationToken ct)
    {
        TimeProvider clock = session.Services.Clock;
        long start = clock.GetTimestamp();
        for (long left = Length; left > 0;)
        {
            if (await session.ReadAsync(ct, patience: TimeSpan.FromMinutes(1)) is not { } read)
                return false;
            ReadOnlySequence<byte> piece = read.Buffer.Length > left ? read.Buffer.Slice(0, left) : read.Buffer;
            writer?.Write(piece);
            left -= piece.Length;
            session.Connection.Input.AdvanceTo(piece.End);
            if (read.IsCompleted && left > 0)
            {
                session.End();
                return false;
            }
            double seconds = clock.GetElapsedTime(start).TotalSeconds;
            if (seconds > 60 && (Length - left) / seconds < session.Limits.SlowestBytesPerSecond)   // attack case A21
            {
                session.Bye("Too slow");
                return false;
            }
        }
        return true;
    }
}
