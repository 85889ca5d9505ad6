using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;
using MailEngine.Store;

namespace MailAdmin.Tests.Flow;

/// <summary>Reverse paths of what is sent on, and mail that comes back to them.</summary>
public sealed class SenderRewritingTests
{
    static readonly EmailAddress s_ann = EmailAddress.Parse("ann@example.test"), s_outside = EmailAddress.Parse("ann@elsewhere.example");

    readonly ManualClock _clock = new();

    Task<SenderRewriting> OpenAsync(AccountsRig rig) => SenderRewriting.OpenAsync(rig.Database, new SieveOptions { RewriteSender = true }, _clock);

    static string Read(SenderRewriting senders, string address) => senders.TryRead(EmailAddress.Parse(address), out EmailAddress? sender) ? sender.Value.ToString() : "no";

    [Fact]
    public async Task When_a_sender_is_rewritten_then_he_is_found_again_for_some_weeks_and_nobody_else_can_make_such_an_address()
    {
        await using AccountsRig rig = await AccountsRig.OpenAsync();
        SenderRewriting senders = await OpenAsync(rig);
        string path = senders.Rewrite(EmailAddress.Parse("Tim.O+x=y@sender.example"), s_ann, s_outside);
        Assert.Matches("^SRS0=[a-z2-7]{8}=[a-z2-7]{2}=sender.example=Tim.O\\+x=y@example.test$", path);
        Assert.Equal("Tim.O+x=y@sender.example", Read(senders, path));
        Assert.Equal("tim.o+x=y@sender.example", Read(senders, path.ToLowerInvariant()));   // some servers do not keep case
        Assert.Equal("Tim.O+x=y@sender.example", Read(await OpenAsync(rig), path));   // the secret is kept

        for (int i = 5; i < path.IndexOf('@', StringComparison.Ordinal); i++)
            Assert.Equal("no", Read(senders, path[..i] + (path[i] == 'q' ? 'r' : 'q') + path[(i + 1)..]));
        Assert.Equal(["no", "no", "no", "no"], new[] { "SRS0=@example.test", "SRS0=aaaaaaaa=aa=b=c@example.test", "srs1=aaaaaaaa==@example.test", "SRS0=aaaaaaaaaaaa@example.test" }.Select(a => Read(senders, a)));
        _clock.SetWall(TimeSpan.FromDays(21));
        Assert.Equal("Tim.O+x=y@sender.example", Read(senders, path));
        _clock.SetWall(TimeSpan.FromDays(1));
        Assert.Equal("no", Read(senders, path));
        await using AccountsRig other = await AccountsRig.OpenAsync();
        _clock.SetWall(TimeSpan.FromDays(-22 + 1024));   // the day counts round
        Assert.Equal("Tim.O+x=y@sender.example", Read(senders, path));
        Assert.Equal("no", Read(await OpenAsync(other), path));
    }

    [Fact]
    public async Task When_others_rewrote_the_sender_before_then_the_address_does_not_grow_and_leads_back_to_them()
    {
        await using AccountsRig rig = await AccountsRig.OpenAsync();
        SenderRewriting senders = await OpenAsync(rig);
        string second = senders.Rewrite(EmailAddress.Parse("SRS0=HHH=TT=a.example=tim@first.example"), s_ann, s_outside);
        Assert.Matches("^SRS1=[a-z2-7]{8}=first.example==HHH=TT=a.example=tim@example.test$", second);
        Assert.Equal("SRS0=HHH=TT=a.example=tim@first.example", Read(senders, second));
        string third = senders.Rewrite(EmailAddress.Parse("SRS1=GGG=first.example==HHH=TT=a.example=tim@second.example"), s_ann, s_outside);
        Assert.Equal(second, third);
        string tooLong = senders.Rewrite(EmailAddress.Parse($"{new string('x', 50)}@a-long-domain.example"), s_ann, s_outside);
        Assert.Equal("ann@example.test", tooLong);   // RFC 5321 §4.5.3.1.1
        Assert.Equal("", senders.Rewrite(null, s_ann, s_outside));
        Assert.Equal("tim@a.example", senders.Rewrite(EmailAddress.Parse("tim@a.example"), s_ann, EmailAddress.Parse("bob@example.test")));
        Assert.Equal("bob@example.test", senders.Rewrite(EmailAddress.Parse("bob@example.test"), s_ann, s_outside));
    }

    [Fact]
    public async Task When_mail_that_a_script_sent_on_is_returned_then_its_sender_gets_it()
    {
        using var dns = new DnsServer { Answer = _ => null };
        await using MailRig rig = await MailRig.StartAsync(options =>
        {
            options.Dns.Servers = [dns.Address];
            options.Sieve.RewriteSender = true;
        });
        var scripts = new SieveScripts(rig.Accounts.Database);
        var who = new Administrator(rig.Ann, "test", "");
        await scripts.PutAsync(who, rig.Ann, "main", "redirect \"ann@elsewhere.example\";"u8.ToArray(), 10, default);
        await scripts.ActivateAsync(who, rig.Ann, "main", default);
        await using WireScript client = await rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: HELO mx.test\nS: 250 *\nC: MAIL FROM:<tim@sender.example>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: Subject: x\nC: \nC: y\nC: .\nS: 250 *");
        QueueEntry sent = Assert.Single(rig.Store.ReadQueue());
        Assert.StartsWith("SRS0=", sent.ReversePath, StringComparison.Ordinal);

        await client.PlayAsync($"C: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:<{sent.ReversePath.Replace("tim@", "tom@")}>\nS: 550 5.1.1 *\nC: RCPT TO:<{sent.ReversePath}>\nS: 250 *\nC: DATA\nS: 354 *\nC: Subject: returned\nC: \nC: y\nC: .\nS: 250 *");
        Assert.Single(rig.Store.ReadQueue(), row => row.Recipient.ToString() == "tim@sender.example" && row.ReversePath.Length == 0);
    }
}
