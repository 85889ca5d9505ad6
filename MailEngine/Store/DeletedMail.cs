using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store;

/// <summary>An expunged message that can be brought back.</summary>
public sealed record DeletedMessage
{
    /// <summary>Names it to <see cref="MailStore.RestoreMessagesAsync"/>.</summary>
    public required long Id { get; init; }
    /// <summary>The mailbox it was in.</summary>
    public required MailboxName Mailbox { get; init; }
    public required DateTimeOffset DeletedAt { get; init; }
    /// <summary>INTERNALDATE.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }
    public required long Bytes { get; init; }
    public required MessageFlags Flags { get; init; }
    /// <summary>From field, decoded; empty: none, or the bytes cannot be read.</summary>
    public required string From { get; init; }
    /// <summary>Subject field, decoded; likewise.</summary>
    public required string Subject { get; init; }
}

/// <summary>A deleted mailbox that can be brought back.</summary>
public sealed record DeletedMailbox(long Id, MailboxName Name, DateTimeOffset DeletedAt, int Messages, long Bytes);

/// <summary>What was brought back.</summary>
/// <param name="Error">OverQuota, Limit, NoSuchMailbox or Unavailable: what stopped it.</param>
/// <param name="Mailbox">Name of a mailbox that was brought back; null: messages were.</param>
public readonly record struct RestoreOutcome(StoreError Error, int Messages, string? Mailbox);

/// <summary>Reads what is still there of expunged messages and deleted mailboxes of one account.</summary>
internal sealed class DeletedMail(Partition partition)
{
    const int HeaderBytes = 32 << 10;

    public IReadOnlyList<DeletedMailbox> Mailboxes(long accountId)
    {
        long since = RetainedSince;
        return [.. partition.Read(reader => reader.DeletedMailboxesOf(accountId)).Where(row => row.DeletedAt >= since)
            .OrderByDescending(row => row.DeletedAt)
            .Select(row => new DeletedMailbox(row.Id, row.Name, DateTimeOffset.FromUnixTimeSeconds(row.DeletedAt ?? 0), row.Counters.Count, row.Counters.Bytes))];
    }

    public IReadOnlyList<long> AllIds(long accountId) => [.. Find(accountId, "", false).Select(found => found.Row.Id)];

    public (IReadOnlyList<DeletedMessage> Page, int Total) Messages(long accountId, string filter, bool matchText, int skip, int take)
    {
        List<(ExpungedRow Row, MailboxName Mailbox)> all = Find(accountId, filter, matchText);
        all.Sort((a, b) => b.Row.At != a.Row.At ? b.Row.At.CompareTo(a.Row.At) : b.Row.Id.CompareTo(a.Row.Id));
        return ([.. all.Skip(skip).Take(take).Select(found => Describe(found.Row, found.Mailbox))], all.Count);
    }

    long RetainedSince => (partition.Clock.GetUtcNow() - partition.Options.ExpungeRetention).ToUnixTimeSeconds();

    List<(ExpungedRow Row, MailboxName Mailbox)> Find(long accountId, string filter, bool matchText) => partition.Read(reader =>
    {
        var found = new List<(ExpungedRow, MailboxName)>();
        string folded = UnicodeCasemap.Fold(filter);
        long since = RetainedSince;
        foreach (MailboxRow box in reader.MailboxesOf(accountId).Concat(reader.DeletedMailboxesOf(accountId)))
        {
            bool all = filter.Length == 0 || box.Name.Value.Contains(filter, StringComparison.OrdinalIgnoreCase);
            if (!all && !matchText)
                continue;
            // The sort keys of a message row are folded already (RFC 5256 §3); a plain instr finds in any case.
            foreach (ExpungedRow row in reader.ExpungedOf(box.Id, all ? "" : folded))
            {
                if (row.Reason == ExpungeReason.Expunged && row.At >= since)
                    found.Add((row, box.Name));
            }
        }
        return found;
    });

    DeletedMessage Describe(in ExpungedRow row, MailboxName mailbox)
    {
        (string from, string subject) = HeadersOf(row.Entry);
        return new DeletedMessage
        {
            Id = row.Id, Mailbox = mailbox, DeletedAt = DateTimeOffset.FromUnixTimeSeconds(row.At), Bytes = row.Entry.Size, Flags = row.Entry.Flags,
            ReceivedAt = DateTimeOffset.FromUnixTimeSeconds(row.Entry.InternalDate), From = from, Subject = subject,
        };
    }

    (string From, string Subject) HeadersOf(in MessageEntry entry)
    {
        try
        {
            using var reader = new MessageReader(partition.Segments, default, new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength));
            byte[] header = new byte[Math.Min(reader.Length, HeaderBytes)];
            reader.Read(0, header);
            return (HeaderText.Of(header, "From"u8), HeaderText.Of(header, "Subject"u8));
        }
        catch (IOException)
        {
            return ("", "");   // the segment is lost; the row can be listed all the same (S5)
        }
    }
}
