using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

/// <summary>Fault case C14: after a start all clients come back at the same moment.</summary>
public sealed class StormTests
{
    const int Accounts = 20;
    const int ClientsOfEach = 20;

    [Fact]
    public async Task When_all_clients_come_back_at_once_then_all_get_in_and_mail_is_delivered_meanwhile()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        for (int i = 0; i < Accounts; i++)
            await rig.Mail.Accounts.GivenAccountAsync($"u{i}@example.test", MailRig.Password);
        // Nobody's password is remembered: every one of them has to be looked at anew.
        Task<WireScript>[] storm = [.. Enumerable.Range(0, Accounts * ClientsOfEach).Select(i => Task.Run(() => ComeBackAsync(rig, $"u{i % Accounts}@example.test")))];
        await using (WireScript sender = await rig.Mail.ConnectAsync())
            await sender.PlayAsync("S: 220 *\nC: HELO c\nS: 250 *\nC: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: hello\nC: .\nS: 250 *");
        WireScript[] clients = await Task.WhenAll(storm);
        Assert.Single(await rig.Mail.MessagesAsync(rig.Mail.Ann));
        Assert.Equal(clients.Length, rig.Mail.Sessions.List().Count(s => s.AccountId != 0));

        // They are all there for good: each hears of new mail.
        long first = (await rig.Mail.Accounts.Directory.FindLoginAsync("u0@example.test", default))!.AccountId;
        await rig.GivenMessageAsync((await rig.Mail.Store.OpenAsync(first, MailboxName.Inbox))!);
        for (int i = 0; i < clients.Length; i += Accounts)
            await clients[i].PlayAsync("S: * 1 EXISTS");

        // The server stops: each is told, and they can come back again.
        rig.Mail.Sessions.EndAll();
        foreach (WireScript client in clients)
        {
            await client.ReadUntilAsync("* BYE");
            await client.DisposeAsync();
        }
        foreach (WireScript client in await Task.WhenAll(Enumerable.Range(0, clients.Length).Select(i => Task.Run(() => ComeBackAsync(rig, $"u{i % Accounts}@example.test")))))
            await client.DisposeAsync();
    }

    // As clients do: an answer that says "not now" is no reason to ask for another password.
    static async Task<WireScript> ComeBackAsync(ImapRig rig, string user)
    {
        WireScript client = await rig.ConnectAsync();
        while (true)
        {
            await client.SendAsync($"l LOGIN {user} \"{MailRig.Password}\"\r\n");
            string answer = (await client.ReadUntilAsync("l "))[^1];
            if (answer.StartsWith("l OK", StringComparison.Ordinal))
                break;
            Assert.StartsWith("l NO [UNAVAILABLE]", answer, StringComparison.Ordinal);
        }
        await client.SendAsync("s SELECT INBOX\r\n");
        Assert.StartsWith("s OK", (await client.ReadUntilAsync("s "))[^1], StringComparison.Ordinal);
        await client.PlayAsync("C: i IDLE\nS: + idling");
        return client;
    }
}
