using System.Diagnostics;
using System.Net.Sockets;
using MailAdmin.Tests.Rig;
using MailAdmin.Tests.Services;

namespace MailAdmin.Tests.Cli;

/// <summary>The command line as an administrator uses it: a process of its own beside the running server.</summary>
public sealed class RunningServerTests
{
    [Fact]
    public async Task When_the_command_line_changes_accounts_then_the_running_server_knows_within_a_second()
    {
        using var folder = new TempFolder();
        await using var server = new ServerProcess(folder["data"]);
        await server.StartAsync();
        async Task Must(string? input, params string[] arguments)
        {
            (int exit, _, string errors) = await server.CliAsync(input, arguments);
            Assert.True(exit == 0, errors);
        }

        Assert.StartsWith("550", await ReplyToRcptAsync(server, "ann@example.test"), StringComparison.Ordinal);
        await Must(null, "domain", "add", "example.test");
        await Must(ServicesRig.Password, "account", "add", "ann@example.test", "--password-stdin");
        await WaitForAsync(server, "ann@example.test", "250");
        Assert.StartsWith("550", await ReplyToRcptAsync(server, "bob@example.test"), StringComparison.Ordinal);
        await Must(null, "alias", "add", "bob@example.test", "ann@example.test");
        await WaitForAsync(server, "bob@example.test", "250");
        await Must(null, "account", "remove", "ann@example.test");
        await WaitForAsync(server, "ann@example.test", "550");
        Assert.Equal(2, (await server.CliAsync(null, "no", "such")).Exit);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task When_mail_is_exported_and_imported_beside_the_running_server_then_it_is_the_server_that_does_it()
    {
        using var folder = new TempFolder();
        await using var server = new ServerProcess(folder["data"]);
        await server.StartAsync();
        async Task<string> Must(string? input, params string[] arguments)
        {
            (int exit, string output, string errors) = await server.CliAsync(input, arguments);
            Assert.True(exit == 0, errors);
            return output;
        }

        await Must(null, "domain", "add", "example.test");
        await Must(ServicesRig.Password, "account", "add", "ann@example.test", "--password-stdin");
        await Must(ServicesRig.Password, "account", "add", "bob@example.test", "--password-stdin");
        var file = new System.Text.StringBuilder();
        for (int i = 0; i < 500; i++)
            file.Append("From x Sat Nov 21 04:00:00 2026\nSubject: ").Append(i).Append("\n\n>From the start\n\n");
        await File.WriteAllTextAsync(folder["in.mbox"], file.ToString());
        Assert.Contains("500 messages", await Must(null, "mail", "import", "ann@example.test", folder["in.mbox"]));
        Assert.Contains("500 messages", await Must(null, "mail", "export", "ann@example.test", folder["out.tar"]));
        Assert.Contains("500 messages", await Must(null, "mail", "import", "bob@example.test", folder["out.tar"], "--keep-uids"));
        Assert.Contains("500 messages", await Must(null, "mail", "export", "bob@example.test", folder["out"], "--format", "mbox"));
        (int exit, _, string refused) = await server.CliAsync(null, "mail", "export", "bob@example.test", folder["out.tar"]);
        Assert.Equal(1, exit);
        Assert.Contains("exists already", refused);
        Assert.Equal(2, (await server.CliAsync(null, "mail", "import", "bob@example.test", folder["in.mbox"], "--format", "zip")).Exit);
        Assert.Equal(0, await server.StopAsync());
    }

    // The bound is a second; a busy machine is given more before the test calls it broken.
    static async Task WaitForAsync(ServerProcess server, string address, string code)
    {
        var time = Stopwatch.StartNew();
        string reply;
        do
            reply = await ReplyToRcptAsync(server, address);
        while (!reply.StartsWith(code, StringComparison.Ordinal) && time.Elapsed < TimeSpan.FromSeconds(5));
        Assert.StartsWith(code, reply, StringComparison.Ordinal);
    }

    static async Task<string> ReplyToRcptAsync(ServerProcess server, string address)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Port(25));
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { NewLine = "\r\n", AutoFlush = true };
        await reader.ReadLineAsync();
        string reply = "";
        foreach (string command in new[] { "HELO client.example", "MAIL FROM:<x@example.org>", $"RCPT TO:<{address}>" })
        {
            await writer.WriteLineAsync(command);
            reply = await reader.ReadLineAsync() ?? "";
        }
        return reply;
    }
}
