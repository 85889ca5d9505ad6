using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MailEngine.Io;

namespace MailEngine.Store;

/// <summary>An entry of the index: a message in a mailbox, or one that was expunged from it.</summary>
internal readonly record struct EntryKey(long MailboxId, uint Uid, bool Expunged);

/// <summary>Takes one entry of the index.</summary>
internal delegate void EntryVisitor(EntryKey key, in MessageEntry entry);

/// <summary>Shows every place that rows name: live and deleted mailboxes, expunged messages, the queue.</summary>
internal static class RowPlaces
{
    /// <summary>All of them, of one moment.</summary>
    /// <exception cref="SqliteException">Some cannot be read: then nobody may say that bytes are garbage.</exception>
    public static void Visit(IndexReader reader, EntryVisitor entry, Action<QueueEntry> queued, CancellationToken ct)
    {
        reader.Database.Execute("BEGIN");
        try
        {
            foreach (MailboxRow box in reader.AllMailboxes())
            {
                ct.ThrowIfCancellationRequested();
                foreach (Chunk chunk in reader.Chunks(box.Id))
                {
                    foreach (ref readonly MessageEntry message in chunk.Messages)
                        entry(new EntryKey(box.Id, message.Uid, Expunged: false), message);
                }
            }
            using SqliteStatement expunged = reader.Database.Prepare("SELECT id, entry FROM expunged");
            while (expunged.Step())
            {
                if (expunged.Blob(1).Length != Unsafe.SizeOf<MessageEntry>())
                    throw new SqliteException(11, $"{reader.Database.Path}: expunged row {expunged.Int64(0)} is damaged");
                MessageEntry message = MemoryMarshal.Read<MessageEntry>(expunged.Blob(1));
                entry(new EntryKey(IndexSchema.MailboxOf(expunged.Int64(0)), message.Uid, Expunged: true), message);
            }
            foreach (QueueEntry row in reader.Queue())
                queued(row);
        }
        finally
        {
            reader.Database.Execute("COMMIT");
        }
    }
}
