using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Store;

namespace MailAdmin.Tests.Flow;

/// <summary>Of several behind an address one cannot have his copy, and the row of the queue for him cannot be written either: the disk got full between the two
/// commits. Invariant S1: who has neither copy nor row is not said to be served.</summary>
public sealed class SecondCommitTests : IAsyncLifetime
{
    readonly DnsServer _dns = new();
    readonly SmtpSink _sink = new();
    MailRig _rig = null!;
    long _cid;

    public async Task InitializeAsync()
    {
        _dns.Mx("honest.test", 10, "mx.test").A("mx.test", "127.0.0.1");
        _rig = await MailRig.StartAsync(options =>
        {
            options.Dns.Servers = [_dns.Address];
            options.Queue.Port = _sink.Port;
            options.Store.ReserveBytes = 0;   // nothing is kept aside, so that there is room as soon as there is
        });
        _cid = await _rig.Accounts.GivenAccountAsync("cid@example.test");
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "team", _rig.Ann, _rig.Bob);
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _dns.Dispose();
        _sink.Dispose();
    }

    async Task GivenAnnRefusesAsync()
    {
        var scripts = new SieveScripts(_rig.Accounts.Database);
        var who = new Administrator(_rig.Ann, "test", "");
        Assert.Equal(ScriptFault.None, await scripts.PutAsync(who, _rig.Ann, "main", "require \"ereject\"; ereject \"No, thanks\";"u8.ToArray(), 100, default));
        Assert.Equal(ScriptFault.None, await scripts.ActivateAsync(who, _rig.Ann, "main", default));
    }

    async Task GivenAnnIsFullAsync(long quota) => await _rig.Accounts.WriteAsync(async db =>
    {
        (await db.Accounts.FindAsync(_rig.Ann))!.QuotaBytes = quota;
        await db.SaveChangesAsync();
    });

    /// <summary>The commit behind the one that gives Bob his copy finds the disk full.</summary>
    /// <returns>How often it did.</returns>
    async Task<Func<int>> GivenFullDiskAsync()
    {
        await _rig.Store.CreateAsync(_rig.Bob, MailboxName.Inbox);
        Mailbox bob = (await _rig.Store.OpenAsync(_rig.Bob, MailboxName.Inbox))!;
        int faults = 0;
        _rig.Store.Default.StepReached = step =>
        {
            if (step == CommitStep.Taken && bob.Current.Count > 0)
            {
                faults++;
                throw new IOException("No space left on device", 28);
            }
        };
        return () => faults;
    }

    async Task SendAsync(MailProtocol by, string answers)
    {
        await using WireScript client = await _rig.ConnectAsync(by);
        await client.PlayAsync($"S: 220 *\nC: {(by == MailProtocol.Lmtp ? "LHLO" : "EHLO")} mta.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: MAIL FROM:<zoe@honest.test>\nS: 250 *\nC: RCPT TO:<team@example.test>\nS: 250 *\nC: RCPT TO:<cid@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync("Subject: Offer\r\nMessage-ID: <one@x.test>\r\n\r\nx\r\n.\r\n");
        await client.PlayAsync(answers);
    }

    async Task<(int Ann, int Bob, int Cid)> CopiesAsync() =>
        ((await _rig.MessagesAsync(_rig.Ann)).Count, (await _rig.MessagesAsync(_rig.Bob)).Count, (await _rig.MessagesAsync(_cid)).Count);

    [Theory]
    [InlineData(MailProtocol.Smtp, "S: 451 4.3.0 *", "S: 250 2.0.0 *")]   // one answer for all: who has his copy is not given it twice
    [InlineData(MailProtocol.Lmtp, "S: 451 4.3.0 *\nS: 250 2.0.0 *", "S: 250 2.0.0 *\nS: 250 2.0.0 *")]
    public async Task When_one_refuses_and_the_row_for_him_cannot_be_written_then_the_client_comes_again_and_the_sender_hears_of_the_one(MailProtocol by, string full, string free)
    {
        await GivenAnnRefusesAsync();
        Func<int> faults = await GivenFullDiskAsync();
        await SendAsync(by, full);
        Assert.NotEqual(0, faults());
        Assert.Equal((0, 1, 1), await CopiesAsync());
        Assert.Equal(0, _rig.Queue.Count);

        _rig.Store.Default.StepReached = null;
        await SendAsync(by, free);
        Assert.Contains("No, thanks", (await _sink.TakeAsync()).Data, StringComparison.Ordinal);
        await QueueWatch.EmptyAsync(_rig);
        Assert.Equal((0, 1, 1), await CopiesAsync());
        Assert.True(_sink.IsEmpty);
    }

    [Theory]
    [InlineData(MailProtocol.Smtp, "S: 451 4.3.0 *", "S: 250 2.0.0 *")]
    [InlineData(MailProtocol.Lmtp, "S: 452 4.2.2 *\nS: 250 2.0.0 *", "S: 250 2.0.0 *\nS: 250 2.0.0 *")]
    public async Task When_one_is_full_and_the_row_for_him_cannot_be_written_then_the_client_comes_again_and_he_has_his_copy_once_there_is_room(MailProtocol by, string full, string free)
    {
        await GivenAnnIsFullAsync(10);
        Func<int> faults = await GivenFullDiskAsync();
        await SendAsync(by, full);
        Assert.NotEqual(0, faults());
        Assert.Equal((0, 1, 1), await CopiesAsync());
        Assert.Equal(0, _rig.Queue.Count);

        _rig.Store.Default.StepReached = null;
        await SendAsync(by, free);
        Assert.Equal(1, _rig.Queue.Count);
        await GivenAnnIsFullAsync(0);
        Assert.Equal(1, await _rig.Control.RetryAsync(null));
        await QueueWatch.EmptyAsync(_rig);
        Assert.Equal((1, 1, 1), await CopiesAsync());
        Assert.True(_sink.IsEmpty);
    }
}
