using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

/// <summary>Sessions over real sockets on a real store.</summary>
sealed class ImapRig : IAsyncDisposable
{
    ImapRig(MailRig mail) => Mail = mail;

    public MailRig Mail { get; }

    public static async Task<ImapRig> StartAsync(Action<EngineOptions>? change = null, TimeProvider? clock = null) => new(await MailRig.StartAsync(options =>
    {
        options.AllowPlaintextAuth = true;
        options.Store.Sync = false;
        change?.Invoke(options);
    }, clock));

    /// <summary>Connected, greeting read, not logged in.</summary>
    public async Task<WireScript> ConnectAsync(bool tls = false)
    {
        WireScript client = await Mail.ConnectAsync(MailProtocol.Imap, tls);
        await client.PlayAsync("S: * OK [CAPABILITY *");
        return client;
    }

    public async Task<WireScript> LogInAsync(string user = "ann@example.test")
    {
        WireScript client = await ConnectAsync();
        await client.PlayAsync($"C: l LOGIN {user} \"{MailRig.Password}\"\nS: l OK [CAPABILITY *");
        return client;
    }

    /// <summary>Logged in as ann with the mailbox selected.</summary>
    public async Task<WireScript> SelectAsync(string mailbox = "INBOX")
    {
        WireScript client = await LogInAsync();
        await client.SendAsync($"s SELECT {mailbox}\r\n");
        await client.ReadUntilAsync("s OK");
        return client;
    }

    public async Task GivenMessagesAsync(int count, string mailbox = "INBOX", Func<int, string>? text = null)
    {
        Mailbox box = (await Mail.Store.OpenAsync(Mail.Ann, MailboxName.Parse(mailbox)))!;
        for (int done = 0; done < count;)
        {
            var items = new List<AppendItem>();
            for (int i = 0; i < 500 && done < count; i++, done++)
                items.Add(new AppendItem { Body = BodyOf(text?.Invoke(done + 1) ?? $"Subject: message {done + 1}\r\n\r\nHello {done + 1}\r\n") });
            AppendOutcome outcome = await Mail.Store.AppendAsync(box, 0, items);
            Assert.Equal(StoreError.None, outcome.Error);
            foreach (AppendItem item in items)
                item.Body.Dispose();
        }
    }

    /// <summary>Messages that no session is told of as \Recent.</summary>
    public async Task GivenOldMessagesAsync(int count, string mailbox = "INBOX", Func<int, string>? text = null)
    {
        await GivenMessagesAsync(count, mailbox, text);
        await Mail.Store.ClaimRecentAsync((await Mail.Store.OpenAsync(Mail.Ann, MailboxName.Parse(mailbox)))!);
    }

    public async Task GivenMessageAsync(Mailbox box, int count = 1)
    {
        for (int i = 0; i < count; i++)
        {
            using Body body = BodyOf("Subject: one\r\n\r\nHello\r\n\r\n");
            Assert.Equal(StoreError.None, (await Mail.Store.AppendAsync(box, 0, [new AppendItem { Body = body }])).Error);
        }
    }

    Body BodyOf(string text)
    {
        using BodyWriter writer = Mail.Store.NewBody();
        writer.Write(Encoding.Latin1.GetBytes(text));
        return writer.Complete();
    }

    public ValueTask DisposeAsync() => Mail.DisposeAsync();
}
