using MailEngine.Io;

namespace MailEngine.Store.Repair;

/// <summary>What the messages of an account are called whose rows are made anew. RFC 8474 §5.1</summary>
/// <remarks>Inside an account only copies share their bytes. A copy whose row is there tells the name of all; else the segments tell which of
/// them was there first, as long as compaction has left word of it.</remarks>
internal sealed class EmailIds(Partition partition, DepositIndex deposits, long accountId)
{
    Dictionary<long, string>? _known;   // by place of the bytes

    /// <summary>Null: nothing is known but where the message is now.</summary>
    public string? Of(BodyRange body) =>
        (_known ??= partition.Read(Read)).GetValueOrDefault(DepositIndex.PlaceOf(body)) ?? deposits.EmailIdOf(accountId, body);

    Dictionary<long, string> Read(IndexReader reader)
    {
        var known = new Dictionary<long, string>();
        foreach (MailboxRow row in reader.MailboxesOf(accountId).Concat(reader.DeletedMailboxesOf(accountId)))
        {
            var names = new Dictionary<uint, string>();
            using SqliteStatement query = reader.Database.Prepare("SELECT id, email_id FROM message WHERE id>=?1 AND id<?2");
            query.Bind(1, IndexSchema.Key(row.Id, 0)).Bind(2, IndexSchema.Key(row.Id + 1, 0));
            while (query.Step())
            {
                uint uid = IndexSchema.NumberOf(query.Int64(0));
                names[uid] = query.IsNull(1) ? EmailId.Of(accountId, row.Counters.UidValidity, uid) : query.Text(1);
            }
            foreach (MessageEntry entry in Entries(reader, row.Id))
            {
                if (names.TryGetValue(entry.Uid, out string? name))
                    known[DepositIndex.PlaceOf(entry.Body)] = name;
            }
        }
        return known;
    }

    static IEnumerable<MessageEntry> Entries(IndexReader reader, long mailboxId)
    {
        try
        {
            return reader.Chunks(mailboxId).SelectMany(chunk => chunk.Entries);
        }
        catch (SqliteException fault) when (fault.IsDamaged)
        {
            return [];   // its turn comes, from the segments
        }
    }
}
