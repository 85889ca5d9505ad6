using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Io;
using MailEngine.Store;

namespace MailAdmin.Tests.Rig;

/// <summary>All that anybody can see of an account, as lines: what must be the same wherever it lives.</summary>
static class AccountPicture
{
    public static async Task<string> TakeAsync(MailStore store, long account)
    {
        var lines = new List<string>();
        void Add(FormattableString line) => lines.Add(line.ToString(CultureInfo.InvariantCulture));
        foreach (MailboxInfo info in (await store.ListAsync(account)).OrderBy(info => info.Name.Value, StringComparer.Ordinal))
        {
            Add($"mailbox {info.Name} id {info.Id} use {info.SpecialUse} subscribed {info.Subscribed} validity {info.UidValidity} next {info.UidNext} modseq {info.HighestModSeq} count {info.Count} unseen {info.Unseen} bytes {info.Bytes} recent {info.RecentFrom}");
            foreach (AclEntry entry in info.Acl.Entries)
                Add($"  acl {entry.Identifier} {AclText.Format(entry.Rights)}");
            if (info.Id == 0)
                continue;
            Mailbox box = (await store.OpenAsync(account, info.Name))!;
            MailboxSnapshot now = box.Current;
            Add($"  key {store.FindUrlKey(box)}");
            using DetailsReader details = store.OpenDetails(box);
            for (int i = 0; i < now.Count; i++)
            {
                MessageEntry e = now[i];
                string row = details.Seek(e.Uid, compute: false) ? $"{Hash(details.Envelope)} {Hash(details.BodyStructure)} {Encoding.ASCII.GetString(details.EmailId)} {details.Preview.Length}" : "no row";
                Add($"  {e.Uid} modseq {e.ModSeq} {e.Flags} [{string.Join(' ', now.KeywordSets[e.KeywordSet])}] {e.InternalDate} {e.SentDate} {e.SaveDate} {Hash(Encoding.ASCII.GetBytes(store.Read(now, i)))} {row}");
            }
            ExpungedSince expunged = store.ExpungedSince(box, 0);
            Add($"  expunged {string.Join(',', expunged.Uids)} whole {expunged.IsWhole}");
            foreach (long reader in new long[] { 0, 2, 3 })
            {
                foreach (Annotation annotation in store.AnnotationsOf(info.Id, reader))
                    Add($"  annotation {reader} {annotation.Entry} {Convert.ToHexString(annotation.Value!)}");
                Add($"  seen {reader} {Convert.ToHexString(store.Partitions.Of(account).Read(r => r.Seen(info.Id, reader)).Write())}");
            }
        }
        AccountUse use = await store.UseAsync(account);
        Add($"use {use.Messages} {use.Bytes} limits {store.LimitsOf(account)} subscriptions {string.Join(',', store.SubscriptionsOf(account).Order(StringComparer.Ordinal))}");
        foreach (DeletedMailbox box in store.DeletedMailboxes(account))
            Add($"deleted mailbox {box.Id} {box.Name} {box.DeletedAt:O} {box.Messages} {box.Bytes}");
        foreach (DeletedMessage message in store.DeletedMessages(account, "", matchText: true, 0, 10_000).Page)
            Add($"deleted {message.Id} {message.Mailbox} {message.DeletedAt:O} {message.Bytes} {message.Flags} {message.From} {message.Subject}");
        return string.Join('\n', lines);
    }

    static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes).AsSpan(0, 6));

    /// <summary>Rows that a partition has of an account, in any table.</summary>
    public static long RowsIn(Partition partition, long account) => partition.Read(reader =>
        new[] { "mailbox", "chunk", "message", "expunged", "acl", "seen", "annotation", "subscription", "url_key", "delivered", "quota" }
            .Sum(table => reader.Database.ReadNumber($"SELECT count(*) FROM {table} WHERE account={account.ToString(CultureInfo.InvariantCulture)}") ?? 0)
        + (reader.Account(account) is null ? 0 : 1));
}
