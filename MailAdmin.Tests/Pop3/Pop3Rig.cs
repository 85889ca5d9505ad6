using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;

namespace MailAdmin.Tests.Pop3;

/// <summary>POP3 sessions over real sockets on a real store; one for all tests of a class, each with accounts of its own.</summary>
public sealed class Pop3Rig : IAsyncLifetime, IAsyncDisposable
{
    int _accounts;

    public MailRig Mail { get; private set; } = null!;

    public static async Task<Pop3Rig> StartAsync(Action<EngineOptions>? change = null, TimeProvider? clock = null) => new()
    {
        Mail = await MailRig.StartAsync(options =>
        {
            options.AllowPlaintextAuth = true;
            options.Store.Sync = false;
            change?.Invoke(options);
        }, clock),
    };

    public async Task InitializeAsync() => Mail = (await StartAsync()).Mail;

    Task IAsyncLifetime.DisposeAsync() => Mail.DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => Mail.DisposeAsync();

    public async Task<(long Id, string Name)> GivenAccountAsync()
    {
        string name = $"user{Interlocked.Increment(ref _accounts)}@example.test";
        return (await Mail.Accounts.GivenAccountAsync(name, MailRig.Password), name);
    }

    public async Task<Mailbox> GivenMailboxAsync(long account, string mailbox = "INBOX")
    {
        if (mailbox != "INBOX")
            await Mail.Store.CreateAsync(account, MailboxName.Parse(mailbox));
        return (await Mail.Store.OpenAsync(account, MailboxName.Parse(mailbox)))!;
    }

    public async Task GivenMessagesAsync(long account, string mailbox, params string[] texts)
    {
        Mailbox box = await GivenMailboxAsync(account, mailbox);
        List<AppendItem> items = [.. texts.Select(text => new AppendItem { Body = BodyOf(text) })];
        Assert.Equal(StoreError.None, (await Mail.Store.AppendAsync(box, 0, items)).Error);
        items.ForEach(item => item.Body.Dispose());
    }

    /// <summary>Connected, greeting read, not logged in.</summary>
    public async Task<WireScript> ConnectAsync(bool tls = false)
    {
        WireScript client = await Mail.ConnectAsync(MailProtocol.Pop3, tls);
        await client.PlayAsync($"S: +OK {MailRig.Hostname} ready");
        return client;
    }

    public async Task<WireScript> LogInAsync(string user)
    {
        WireScript client = await ConnectAsync();
        await client.PlayAsync($"C: USER {user}\nS: +OK Now the password\nC: PASS {MailRig.Password}\nS: +OK *");
        return client;
    }

    Body BodyOf(string text)
    {
        using BodyWriter writer = Mail.Store.NewBody();
        writer.Write(Encoding.Latin1.GetBytes(text));
        return writer.Complete();
    }
}

static class Pop3Steps
{
    /// <summary>Sends a command whose answer has several lines: the first one, and the others with the doubled dots taken off.</summary>
    public static async Task<(string First, List<string> Lines)> AskLinesAsync(this WireScript client, string command)
    {
        await client.SendAsync(command + "\r\n");
        return await client.ReadLinesAsync();
    }

    public static async Task<(string First, List<string> Lines)> ReadLinesAsync(this WireScript client)
    {
        string first = await client.ReadLineAsync();
        var lines = new List<string>();
        if (!first.StartsWith("+OK", StringComparison.Ordinal))
            return (first, lines);
        for (string line; (line = await client.ReadLineAsync()) != ".";)
            lines.Add(line.StartsWith('.') ? line[1..] : line);
        return (first, lines);
    }
}
