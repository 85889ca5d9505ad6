using MailAdmin.Tests.Rig;
using MailAdmin.Tests.Services;

namespace MailAdmin.Tests.Pop3;

/// <summary>Deletions under SIGKILL: before QUIT is answered none or all are gone, after it all.</summary>
public sealed class KillTests
{
    const int Messages = 200;

    [Fact]
    public async Task When_the_server_is_killed_around_QUIT_then_the_deletions_are_there_together_or_not_at_all()
    {
        using var folder = TempFolder.OnDisk();
        await using var server = new ServerProcess(folder["data"]);
        server.Set("AllowPlaintextAuth", "true");
        await server.StartAsync();
        foreach ((string? input, string[] verb) in new (string?, string[])[] { (null, ["domain", "add", "example.test"]), (ServicesRig.Password, ["account", "add", "ann@example.test", "--password-stdin"]) })
        {
            (int exit, _, string errors) = await server.CliAsync(input, verb);
            Assert.True(exit == 0, errors);
        }
        await File.WriteAllTextAsync(folder["in.mbox"], string.Concat(Enumerable.Range(0, Messages).Select(i => $"From x Sat Nov 21 04:00:00 2026\nSubject: {i}\n\ntext\n\n")));
        Assert.Equal(0, (await server.CliAsync(null, "mail", "import", "ann@example.test", folder["in.mbox"])).Exit);

        string[] all;
        await using (WireScript open = await LogInAsync(server), quits = await LogInAsync(server))
        {
            all = await IdsAsync(open);
            await MarkAsync(open, 1, Messages / 2);   // nobody says QUIT
            await MarkAsync(quits, (Messages / 2) + 1, Messages);
            await quits.SendAsync("QUIT\r\n");
            await server.KillAsync();
        }
        await server.StartAsync();
        await using (WireScript c = await LogInAsync(server))
        {
            string[] left = await IdsAsync(c);   // the same names after a restart
            Assert.True(left.SequenceEqual(all) || left.SequenceEqual(all.Take(Messages / 2)), $"{left.Length} of {Messages} messages are left");
            await MarkAsync(c, 1, left.Length);
            await c.PlayAsync("C: QUIT\nS: +OK *");
            await server.KillAsync();
        }
        await server.StartAsync();
        await using (WireScript c = await LogInAsync(server))
            await c.PlayAsync("C: STAT\nS: +OK 0 0");
    }

    static async Task<string[]> IdsAsync(WireScript c) => [.. (await c.AskLinesAsync("UIDL")).Lines.Select(line => line.Split(' ')[1])];

    static async Task MarkAsync(WireScript c, int first, int last)
    {
        await c.SendAsync(string.Concat(Enumerable.Range(first, last - first + 1).Select(i => $"DELE {i}\r\n")));
        for (int i = first; i <= last; i++)
            await c.PlayAsync("S: +OK *");
    }

    static async Task<WireScript> LogInAsync(ServerProcess server)
    {
        var tcp = new System.Net.Sockets.TcpClient { NoDelay = true };
        await tcp.ConnectAsync("127.0.0.1", server.Port(110));
        var client = new WireScript(tcp.GetStream());
        await client.PlayAsync($"S: +OK *\nC: USER ann@example.test\nS: +OK *\nC: PASS {ServicesRig.Password}\nS: +OK *");
        return client;
    }
}
