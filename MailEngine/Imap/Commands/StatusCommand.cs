using System.Text;
using MailEngine.Imap.Access;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>STATUS: figures of a mailbox that is not selected.</summary>
/// <remarks>RFC 9051 §6.3.11; needs the right "r": RFC 4314 §4; RECENT: RFC 3501 §6.3.10; SIZE: RFC 8438 §3; HIGHESTMODSEQ: RFC 7162 §3.1.7; MAILBOXID: RFC 8474 §4.3; APPENDLIMIT: RFC 7889 §3.1</remarks>
internal sealed record StatusCommand(MailboxName Name, StatusItems Items) : ImapCommand
{
    // status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" (RFC 9051 §9)
    public static StatusCommand Parse(ref ImapReader r)
    {
        MailboxName name = r.SpMailbox();
        r.Sp();
        return new(name, ParseItems(ref r));
    }

    /// <summary>"(" status-att *(SP status-att) ")"</summary>
    internal static StatusItems ParseItems(ref ImapReader r)
    {
        r.Take((byte)'(');
        var items = default(StatusItems);
        do
        {
            ReadOnlySpan<byte> word = r.Word();
            if (Ascii.EqualsIgnoreCase(word, "DELETED-STORAGE"u8))
                items |= StatusItems.DeletedStorage;
            else if (!Ascii.EqualsIgnoreCase(word, "DELETEDSTORAGE"u8) && !r.Failed && char.IsAsciiLetter((char)word[0]) && Enum.TryParse(Encoding.ASCII.GetString(word), ignoreCase: true, out StatusItems item))
                items |= item;
            else
                r.Fail("Unknown status item");
        }
        while (!r.Failed && r.TryTake((byte)' '));
        r.Take((byte)')');
        return items;
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        Visit visit = await session.Access.FindAsync(Name, ct);
        if (visit.Refusal(AclRights.Read) is { } refusal)
            return refusal;
        await WriteAsync(session, Name, visit.Info!, Items, ct);
        return ImapReply.Ok("STATUS completed");
    }

    /// <summary>One STATUS response; LIST writes them too. RFC 5819 §2</summary>
    /// <param name="shown">Its name to this user.</param>
    internal static async ValueTask WriteAsync(ImapSession session, MailboxName shown, MailboxInfo info, StatusItems items, CancellationToken ct)
    {
        if (items.HasFlag(StatusItems.HighestModSeq))
            session.EnableCondStore();
        if ((items & (StatusItems.Unseen | StatusItems.Recent)) != 0)
            info = await session.Access.AsSeenAsync(info, ct);
        ImapWriter w = session.Writer;
        w.Write("* STATUS "u8);
        w.WriteMailbox(shown.Value);
        w.Write(" ("u8);
        bool any = false;
        Put(StatusItems.Messages, info.Count);
        if (items.HasFlag(StatusItems.Recent))
            Put(StatusItems.Recent, await RecentAsync(session, info));
        Put(StatusItems.UidNext, info.UidNext);
        Put(StatusItems.UidValidity, info.UidValidity);
        Put(StatusItems.Unseen, info.Unseen);
        Put(StatusItems.Size, info.Bytes);
        if ((items & (StatusItems.Deleted | StatusItems.DeletedStorage)) != 0)
        {
            (long messages, long bytes) = await DeletedAsync(session, info);
            Put(StatusItems.Deleted, messages);
            Put(StatusItems.DeletedStorage, (bytes + 1023) / 1024);   // units of 1024 octets: RFC 9208 §5.1
        }
        Put(StatusItems.AppendLimit, session.Limits.MessageBytes);
        Put(StatusItems.HighestModSeq, (long)info.HighestModSeq);
        if (items.HasFlag(StatusItems.MailboxId))
            w.WriteAscii($"{(any ? " " : "")}MAILBOXID ({ObjectIds.Mailbox(info.AccountId, info.UidValidity)})");
        w.Write(")\r\n"u8);

        void Put(StatusItems item, long value)
        {
            if (!items.HasFlag(item))
                return;
            if (any)
                w.Write((byte)' ');
            any = true;
            w.WriteAscii(item == StatusItems.DeletedStorage ? "DELETED-STORAGE" : item.ToString().ToUpperInvariant());
            w.Write((byte)' ');
            w.WriteNumber(value);
        }
    }

    static async ValueTask<(long Messages, long Bytes)> DeletedAsync(ImapSession session, MailboxInfo info)
    {
        long deleted = 0, bytes = 0;
        if (info.Count == 0 || (await session.Store.OpenAsync(info.AccountId, info.Name))?.Current is not { } snapshot)
            return (0, 0);
        foreach (Chunk chunk in snapshot.Chunks)
        {
            foreach (ref readonly MessageEntry entry in chunk.Messages)
            {
                if ((entry.Flags & MessageFlags.Deleted) == 0)
                    continue;
                deleted++;
                bytes += entry.Size;
            }
        }
        return (deleted, bytes);
    }

    static async ValueTask<long> RecentAsync(ImapSession session, MailboxInfo info)
    {
        if (info.RecentFrom >= info.UidNext)
            return 0;
        MailboxSnapshot? snapshot = (await session.Store.OpenAsync(info.AccountId, info.Name))?.Current;
        return snapshot is null ? 0 : snapshot.Count - snapshot.LowerBound(info.RecentFrom);
    }
}

/// <summary>What STATUS was asked for.</summary>
[Flags]
internal enum StatusItems
{
    Messages = 1,
    Recent = 2,
    UidNext = 4,
    UidValidity = 8,
    Unseen = 16,
    Size = 32,
    HighestModSeq = 64,
    MailboxId = 128,
    Deleted = 256,
    /// <summary>RFC 9208 §4.1.4</summary>
    DeletedStorage = 512,
    AppendLimit = 1 << 16,
}
