using MailEngine.Store;

namespace MailAdmin.Tests.Imap.Model;

/// <summary>Several sessions at the very same moment: nobody knows who comes first, yet in the end all agree.</summary>
public class CrowdTests
{
    static readonly string[] s_flags = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "k1", "K2"];

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task When_sessions_work_at_the_same_time_then_all_agree_in_the_end(int seed)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        ModelMailbox[] boxes = [new("A"), new("B")];
        foreach (ModelMailbox box in boxes)
            await rig.Mail.Store.CreateAsync(rig.Mail.Ann, MailboxName.Parse(box.Name));
        await rig.GivenMessagesAsync(150, "A");
        await rig.GivenMessagesAsync(20, "B");
        var clients = new List<ModelClient>();
        for (int i = 0; i < 5; i++)
        {
            // A history of its own each: which state a mod-sequence stands for is compared by the sequential runs.
            var client = new ModelClient(rig, (ClientKind)((seed + i) % 4), ((char)('a' + i)).ToString(), []);
            await client.ConnectAsync();
            await client.SelectAsync(boxes[i == 4 ? 1 : 0]);
            clients.Add(client);
        }
        try
        {
            await Task.WhenAll(clients.Select((client, i) => Task.Run(() => WorkAsync(client, new Random(seed * 100 + i)))));
            var fresh = new ModelClient(rig, ClientKind.Plain, "z", []);
            await fresh.ConnectAsync();
            foreach (ModelClient client in clients)
            {
                await client.RunAsync("NOOP");
                await client.FillAsync();
                await fresh.SelectAsync(client.Box!);
                Assert.Equal(fresh.Text, client.Text);
            }
            await fresh.DisconnectAsync();
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"seed {seed}: {e.Message}\n{string.Join("\n\n", clients.Select(c => $"-- {c.Name} {c.Kind}\n{c.Transcript}"))}\n{e.StackTrace}");
        }
        foreach (ModelClient client in clients)
            await client.DisconnectAsync();
    }

    static async Task WorkAsync(ModelClient c, Random random)
    {
        for (int step = 0; step < 120; step++)
        {
            List<int> places = [.. Enumerable.Range(0, c.Picture.Count).Where(i => c.Picture[i].Uid != 0 && random.Next(12) == 0)];
            bool uid = c.UidsOnly || random.Next(2) == 0;
            string set = NumberSet.Of(places.Select(i => uid ? c.Picture[i].Uid : (uint)i + 1)), verb = uid ? "UID " : "";
            string flags = string.Join(' ', s_flags.Where(_ => random.Next(4) == 0));
            switch (random.Next(10))
            {
                case 0 or 1:
                    string literal = $"Subject: {c.Name} {step}\r\n\r\nx\r\n";
                    await c.RunAsync($"APPEND {c.Box!.Name} ({flags}) {{{literal.Length}+}}", literal + "\r\n");
                    break;
                case 2 or 3 or 4 when places.Count > 0:
                    await c.RunAsync($"{verb}STORE {set} {"+-"[random.Next(2)]}FLAGS ({flags})");
                    break;
                case 5 when places.Count > 0:
                    await c.RunAsync($"{verb}MOVE {set} {(c.Box!.Name == "A" ? "B" : "A")}");
                    break;
                case 6:
                    await c.RunAsync("EXPUNGE");
                    break;
                case 7 when c.Kind is ClientKind.QResync or ClientKind.UidOnly:
                    await c.DisconnectAsync();
                    await c.ConnectAsync();
                    await c.CatchUpAsync(random);
                    break;
                case 8:
                    await c.RunAsync("IDLE");
                    break;
                default:
                    await c.RunAsync("NOOP");
                    break;
            }
            await c.FillAsync();
        }
    }
}
