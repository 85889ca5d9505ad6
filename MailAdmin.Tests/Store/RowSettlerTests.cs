using System.Diagnostics;
using System.Globalization;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

/// <summary>Rows of deliveries are written behind the commit loop: nobody sees a state without what was acknowledged.</summary>
public sealed class RowSettlerTests
{
    [Fact]
    public async Task When_mail_pours_in_then_every_query_sees_all_that_was_acknowledged_before_it_began()
    {
        await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions { PendingRows = 20 });
        await rig.DeliverAsync(StoreRig.Mail("first"), StoreRig.To(1));
        Mailbox box = (await rig.Store.OpenAsync(1, MailboxName.Inbox))!;
        int acknowledged = 1;
        using var stop = new CancellationTokenSource();
        Task[] senders = [.. Enumerable.Range(0, 4).Select(sender => Task.Run(async () =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                Assert.Equal(StoreError.None, (await rig.DeliverAsync(StoreRig.Mail($"m{sender}-{i}"), StoreRig.To(1))).Fault);
                Interlocked.Increment(ref acknowledged);
            }
        }))];
        for (int i = 0; i < 200; i++)
        {
            int before = Volatile.Read(ref acknowledged);
            (int count, long bytes, long use) = rig.Store.Default.Read(reader =>
            {
                reader.Database.Execute("BEGIN");
                MailboxRow row = reader.Mailbox(box.Id)!;
                long ofAccount = reader.Account(1)!.Value.Messages;
                reader.Database.Execute("COMMIT");
                return (row.Counters.Count, row.Counters.Bytes, ofAccount);
            });
            Assert.True(count >= before, $"{count} rows, {before} acknowledged");
            Assert.Equal(count, use);   // S4
            Assert.True(bytes > 0);
            Assert.True(rig.Store.Default.UseOf(1).Messages >= before);
        }
        await stop.CancelAsync();
        await Task.WhenAll(senders);
        Assert.True((await rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_the_server_starts_then_the_index_is_read_into_memory_once()
    {
        await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions { WarmUpBytes = 0, TextIndex = false });
        for (int i = 0; i < 20; i++)
            await rig.DeliverAsync(StoreRig.Mail($"m{i}"), [.. Enumerable.Range(1, 200).Select(account => StoreRig.To(account))]);
        await rig.CloseAsync();
        string index = Path.Combine(rig.Folder, "partitions", "default", "index.db");
        long size = new FileInfo(index).Length;
        Run("sync", index);
        Run("dd", $"of={index}", "oflag=nocache", "conv=notrunc", "count=0", "status=none");   // out of memory, where the file system lets us

        await using StoreRig again = await StoreRig.OpenAsync(new StoreOptions { TextIndex = false }, rig.Folder);

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (long.Parse(Run("fincore", "--bytes", "--noheadings", "--output", "RES", index), CultureInfo.InvariantCulture) < size)
            await Task.Delay(20, patience.Token);
    }

    static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
