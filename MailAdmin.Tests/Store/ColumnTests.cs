using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Io;
using MailEngine.Store;
using MailEngine.Store.Columns;

namespace MailAdmin.Tests.Store;

/// <summary>Columns of a mailbox larger than one block of rows.</summary>
public sealed class ColumnTests
{
    const int First = 500, Copies = 19;   // 10,000 messages

    [Fact]
    public async Task When_rows_are_expunged_or_lost_then_every_message_still_has_its_own_values()
    {
        await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions { TextIndex = false });
        for (int i = 0; i < First; i++)
            await rig.DeliverAsync(StoreRig.Mail($"m{i:d4}-{i * 7919 % First:d4}"), StoreRig.To(1));
        Mailbox box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        uint[] all = [.. Enumerable.Range(1, First).Select(uid => (uint)uid)];
        for (int i = 0; i < Copies; i++)
            await rig.Store.CopyAsync(box, all, box, 0);
        var gone = new List<uint>();
        for (uint uid = 3; uid <= First * (Copies + 1); uid += 7)
            gone.Add(uid);
        gone.AddRange(Enumerable.Range(4000, 200).Select(uid => (uint)uid));   // about the end of the first block
        await rig.Store.StoreFlagsAsync(box, [.. gone.Distinct().Order()], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await rig.Store.ExpungeAsync(box, null);
        string index = Path.Combine(rig.Folder, "partitions", "default", "index.db");
        await rig.CloseAsync();
        using (var db = new SqliteDatabase(index, SqliteOpen.ReadWrite))
            db.Execute($"DELETE FROM message WHERE id & 0xFFFFFFFF BETWEEN 4190 AND 4230 OR id & 0xFFFFFFFF BETWEEN 9980 AND 10000 OR id & 0xFFFFFFFF = 1");
        await rig.ReopenAsync();
        box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        MailboxSnapshot snapshot = box.Current;
        Assert.True(snapshot.Count > 8192);

        ColumnView view = rig.Store.OpenColumns(box, snapshot, ColumnSet.Subject | ColumnSet.Threads);

        (int[] numbers, int[] ranks) = view.Texts(ColumnSet.Subject);
        string[] subjects = [.. Enumerable.Range(0, First).Select(i => $"M{i:d4}-{i * 7919 % First:d4}").Order(StringComparer.Ordinal)];
        var numberOf = new Dictionary<string, int>();
        for (int i = 0; i < snapshot.Count; i++)
        {
            int which = (int)((snapshot[i].Uid - 1) % First);
            string subject = $"M{which:d4}-{which * 7919 % First:d4}";
            int number = numbers[view.RowOf(i)];
            Assert.Equal(number, numberOf.TryGetValue(subject, out int known) ? known : numberOf[subject] = number);
        }
        Assert.Equal(First, numberOf.Values.Distinct().Count());
        Assert.Equal(subjects, numberOf.OrderBy(pair => ranks[pair.Value]).Select(pair => pair.Key));
        Assert.Equal(First, Enumerable.Range(0, snapshot.Count).Select(i => view.Threads.Own[view.RowOf(i)]).Distinct().Count());
    }
}
