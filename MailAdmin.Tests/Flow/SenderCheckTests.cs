using System.Security.Cryptography;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Store;

namespace MailAdmin.Tests.Flow;

/// <summary>Who did not send a message is not told what became of it: refusals, reports and answers. RFC 5429 §2.1</summary>
public sealed class SenderCheckTests : IAsyncLifetime
{
    readonly DnsServer _dns = new();
    readonly SmtpSink _sink = new();
    MailRig _rig = null!;
    SieveScripts _scripts = null!;

    public async Task InitializeAsync()
    {
        _dns.Txt("forged.test", "v=spf1 ip4:192.0.2.1 -all").Txt("honest.test", "v=spf1 ip4:127.0.0.1 -all").Txt("soft.test", "v=spf1 ~all")
            .Txt("_dmarc.bank.test", "v=DMARC1; p=none").A("bank.test", "192.0.2.1").A("silent.test", "192.0.2.1").Code("broken.test", 2)
            .Txt("unsure.test", "v=spf1 include:broken.test -all");
        foreach (string domain in new[] { "forged", "honest", "soft", "bank", "silent", "mail.bank", "unsure" })
            _dns.Mx(domain + ".test", 10, "mx.test");
        _dns.A("mx.test", "127.0.0.1");
        _rig = await MailRig.StartAsync(options =>
        {
            options.Dns.Servers = [_dns.Address];
            options.Queue.Port = _sink.Port;
            options.Checks.ChecksLoopback = true;   // the clients of these tests are outside
            options.Checks.TrustedServers = ["front.example.test"];
        });
        _scripts = new SieveScripts(_rig.Accounts.Database);
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _dns.Dispose();
        _sink.Dispose();
    }

    async Task GivenScriptAsync(string script)
    {
        var who = new Administrator(_rig.Ann, "test", "");
        Assert.Equal(ScriptFault.None, await _scripts.PutAsync(who, _rig.Ann, "main", Encoding.UTF8.GetBytes(script), 100, default));
        Assert.Equal(ScriptFault.None, await _scripts.ActivateAsync(who, _rig.Ann, "main", default));
    }

    async Task SendAsync(string from, string to, string answer, string header = "", MailProtocol by = MailProtocol.Smtp, string wishes = "")
    {
        await using WireScript client = await _rig.ConnectAsync(by);
        await client.PlayAsync($"S: 220 *\nC: {(by == MailProtocol.Lmtp ? "LHLO" : "EHLO")} mta.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync($"C: MAIL FROM:<{from}>\nS: 250 *");
        foreach (string recipient in to.Split(' '))
            await client.PlayAsync($"C: RCPT TO:<{recipient}>{wishes}\nS: 250 *");
        await client.PlayAsync("C: DATA\nS: 354 *");
        await client.SendAsync($"{header}Subject: Offer\r\nMessage-ID: <{Guid.NewGuid():N}@x.test>\r\n\r\nx\r\n.\r\n");
        await client.PlayAsync(answer);
    }

    async Task<string> TraceOfAsync(string address) => string.Join('\n', (await _rig.Trace.FindAsync(address)).Select(line => line.Text));

    [Theory]
    [InlineData("reject", "spam@forged.test", "", "spf=fail")]
    [InlineData("ereject", "spam@forged.test", "", "spf=fail")]
    [InlineData("reject", "spam@soft.test", "", "spf=softfail")]
    [InlineData("reject", "spam@silent.test", "From: <ceo@bank.test>\r\n", "dmarc=fail")]
    [InlineData("ereject", "spam@silent.test", "From: <ceo@mail.bank.test>\r\n", "dmarc=fail")]
    [InlineData("reject", "spam@honest.test", "From: <a@honest.test>, <ceo@bank.test>\r\n", "dmarc=fail")]
    [InlineData("reject", "spam@silent.test", "Authentication-Results: front.example.test 1; dkim=none; spf=fail (not\r\n them) smtp.mailfrom=silent.test\r\n", "spf=fail, says front.example.test")]
    public async Task When_a_script_refuses_mail_of_a_sender_that_failed_then_he_is_not_told(string action, string from, string header, string why)
    {
        await GivenScriptAsync($"require \"{action}\"; {action} \"No, thanks\";");
        await SendAsync(from, "ann@example.test bob@example.test", "S: 250 2.0.0 *", header);
        await QueueWatch.EmptyAsync(_rig);
        Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.Empty(await _rig.MessagesAsync(_rig.Ann));
        Assert.Contains($"the sender is not told: {why}", await TraceOfAsync("ann@example.test"));
        Assert.True(_sink.IsEmpty);
    }

    [Theory]
    [InlineData("reject", "zoe@honest.test", "From: <zoe@honest.test>\r\n")]
    [InlineData("ereject", "zoe@honest.test", "")]
    [InlineData("reject", "zoe@silent.test", "")]
    [InlineData("reject", "zoe@silent.test", "Authentication-Results: front.example.test; spf=fail smtp.helo=mta.test\r\n")]
    [InlineData("reject", "zoe@silent.test", "Authentication-Results: front.example.test; spf=fail smtp.mailfrom=list@other.test\r\n")]
    [InlineData("reject", "zoe@silent.test", "From: <\uFFFE@silent.test>\r\n")]
    [InlineData("reject", "zoe@silent.test", "Authentication-Results: anybody.test; spf=fail smtp.mailfrom=silent.test\r\n")]
    public async Task When_nothing_is_against_the_sender_then_he_is_told(string action, string from, string header)
    {
        await GivenScriptAsync($"require \"{action}\"; {action} \"No, thanks\";");
        await SendAsync(from, "ann@example.test bob@example.test", "S: 250 2.0.0 *", header);
        SunkMail notice = await _sink.TakeAsync();
        Assert.Equal("MAIL FROM:<>", notice.MailLine.Split(" BODY")[0]);
        Assert.Equal([$"RCPT TO:<{from}>"], notice.RcptLines.Select(line => line.Split(" NOTIFY")[0]));
        Assert.Contains("multipart/report", notice.Data);
    }

    [Theory]
    [InlineData("soft.test", "zoe@soft.test", "zoe@soft.test", true)]
    [InlineData("mail.bank.test", "zoe@silent.test", "zoe@bank.test", true)]
    [InlineData("evil.test", "zoe@soft.test", "zoe@evil.test", false)]
    [InlineData("soft.test", "victim@soft.test", "spammer@soft.test", false)]   // a signed message of his own, sent again in the name of another
    [InlineData("evil.test", "ceo@bank.test", "zoe@evil.test", false)]   // who has a policy and no SPF record
    [InlineData("evil.test", "bounces@honest.test", "zoe@evil.test", true)]
    [InlineData("evil.test", "zoe@silent.test", "zoe@bank.test", false)]
    public async Task When_the_domain_has_signed_the_message_then_the_sender_is_who_he_says(string signer, string from, string author, bool isTold)   // RFC 6376 §1.2
    {
        using var key = RSA.Create(1024);
        _dns.Txt($"sel._domainkey.{signer}", [.. $"v=DKIM1; p={Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())}".Chunk(200).Select(piece => new string(piece))]);
        string field = $"DKIM-Signature: v=1; a=rsa-sha256; d={signer}; s=sel; h=from; bh={Convert.ToBase64String(SHA256.HashData("x\r\n"u8))}; b=";
        string signature = Convert.ToBase64String(key.SignData(Encoding.ASCII.GetBytes($"From: <{author}>\r\n{field}"), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        await GivenScriptAsync("require \"reject\"; reject \"No, thanks\";");
        await SendAsync(from, "ann@example.test bob@example.test", "S: 250 2.0.0 *", $"{field}{signature}\r\nFrom: <{author}>\r\n");
        await QueueWatch.EmptyAsync(_rig);
        Assert.Equal(isTold, !_sink.IsEmpty);
        Assert.Equal(isTold, !(await TraceOfAsync("ann@example.test")).Contains("the sender is not told"));
    }

    [Fact]
    public async Task When_the_client_can_be_told_then_it_is_and_no_name_server_is_asked()
    {
        await GivenScriptAsync("require \"reject\"; reject \"No, thanks\";");
        int before = _dns.Questions;
        await SendAsync("spam@forged.test", "ann@example.test", "S: 550 5.7.1 No, thanks");
        Assert.Equal(before, _dns.Questions);
    }

    [Theory]
    [InlineData("reject")]
    [InlineData("ereject")]
    public async Task When_no_name_server_answers_then_the_mail_is_kept(string action)
    {
        await GivenScriptAsync($"require \"{action}\"; {action} \"No, thanks\";");
        await SendAsync("spam@broken.test", "ann@example.test bob@example.test", "S: 250 2.0.0 *");
        await QueueWatch.EmptyAsync(_rig);
        Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.Contains("INBOX; it was to be refused, but nobody knows who sent it: a name server did not answer", await TraceOfAsync("ann@example.test"));
        Assert.True(_sink.IsEmpty);
    }

    [Theory]
    [InlineData(MailProtocol.Lmtp)]
    [InlineData(MailProtocol.Smtp)]
    public async Task When_one_of_those_behind_an_address_refuses_then_the_others_have_it_once_and_the_sender_hears_of_the_one(MailProtocol by)
    {
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "team", _rig.Ann, _rig.Bob);
        await GivenScriptAsync("require \"ereject\"; ereject \"No, thanks\";");
        await SendAsync("zoe@honest.test", "team@example.test", "S: 250 2.0.0 *", by: by);
        string report = (await _sink.TakeAsync()).Data;
        Assert.Contains("No, thanks", report);
        await QueueWatch.EmptyAsync(_rig);
        Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.Empty(await _rig.MessagesAsync(_rig.Ann));
        Assert.True(_sink.IsEmpty);
    }

    [Theory]
    [InlineData("front.example.test; spf=pass; dmarc=fail header.from=bank.test", "S: 250 2.0.0 *")]
    [InlineData("front.example.test; spf=pass; dmarc=pass header.from=bank.test", "S: 550 5.7.1 No, thanks")]
    [InlineData("other.test; dmarc=fail", "S: 550 5.7.1 No, thanks")]
    public async Task When_a_server_in_front_says_that_the_sender_failed_then_it_is_not_given_a_refusal_to_pass_on(string results, string answer)
    {
        await GivenScriptAsync("require \"ereject\"; ereject \"No, thanks\";");
        await SendAsync("ceo@bank.test", "ann@example.test", answer, $"Authentication-Results: {results}\r\n", MailProtocol.Lmtp);
        Assert.Empty(await _rig.MessagesAsync(_rig.Ann));
        Assert.Equal(answer.StartsWith("S: 250", StringComparison.Ordinal), (await TraceOfAsync("ann@example.test")).Contains("the sender is not told: dmarc=fail, says front.example.test"));
    }

    [Fact]
    public async Task When_somebody_is_away_then_a_sender_that_failed_is_not_told()   // RFC 5230 §4.6
    {
        await GivenScriptAsync("require \"vacation\"; vacation \"Away\";");
        await SendAsync("spam@forged.test", "ann@example.test", "S: 250 2.0.0 *", "To: ann@example.test\r\n");
        await SendAsync("who@unsure.test", "ann@example.test", "S: 250 2.0.0 *", "To: ann@example.test\r\n");
        await SendAsync("zoe@honest.test", "ann@example.test", "S: 250 2.0.0 *", "To: ann@example.test\r\n");
        SunkMail answer = await _sink.TakeAsync();
        Assert.StartsWith("RCPT TO:<zoe@honest.test>", Assert.Single(answer.RcptLines));
        await QueueWatch.EmptyAsync(_rig);
        Assert.True(_sink.IsEmpty);
        Assert.Equal(3, (await _rig.MessagesAsync(_rig.Ann)).Count);
        string trace = await TraceOfAsync("ann@example.test");
        Assert.Contains("no answer of somebody who is away: spf=fail", trace);
        Assert.Contains("no answer of somebody who is away: a name server did not answer", trace);
    }

    [Theory]
    [InlineData("spam@forged.test", "", false)]
    [InlineData("zoe@honest.test", "", true)]
    [InlineData("zoe@unsure.test", "", true)]   // nobody knows: a report is sent
    [InlineData("list@honest.test", "From: <ceo@bank.test>\r\n", true)]   // a mailing list: who may use the reverse path can be told
    public async Task When_mail_that_is_sent_on_comes_back_then_only_a_sender_that_sent_it_has_a_report(string from, string header, bool isTold)
    {
        await GivenScriptAsync("redirect \"nobody@nowhere.test\";");
        await SendAsync(from, "ann@example.test", "S: 250 2.0.0 *", header);
        if (isTold)
            Assert.Contains("nobody@nowhere.test", (await _sink.TakeAsync()).Data);
        await QueueWatch.EmptyAsync(_rig);
        Assert.Equal(!isTold, (await TraceOfAsync("nobody@nowhere.test")).Contains("the sender is not told: spf=fail"));
        Assert.True(_sink.IsEmpty);
    }

    [Fact]
    public async Task When_scripts_did_something_then_their_owner_finds_it_and_only_that()   // RFC 5228 §2.10.6
    {
        await GivenScriptAsync("""
            require ["fileinto", "mailbox", "reject"];
            if header "X" "file" { fileinto :create "Lists"; }
            elsif header "X" "fail" { fileinto "INBOX"; reject "both"; }
            elsif header "X" "refuse" { reject "No, thanks"; }
            elsif header "X" "on" { redirect "zoe@honest.test"; }
            """);
        foreach (string what in new[] { "file", "fail", "none", "on" })
            await SendAsync("bob@honest.test", "ann@example.test", "S: 250 2.0.0 *", $"X: {what}\r\n");
        await SendAsync("bob@honest.test", "ann@example.test", "S: 550 5.7.1 No, thanks", "X: refuse\r\n");
        await SendAsync("bob@honest.test", "bob@example.test", "S: 250 2.0.0 *");
        Assert.Equal(["Delivered Lists", "Filtered Sieve: the script refuses a message and does something else with it too", "Queued sent on by a script", "Rejected 550 5.7.1 No, thanks"],
            (await _rig.Trace.OfAccountAsync(_rig.Ann)).Select(step => $"{step.Step} {step.Text}"));
        Assert.Empty(await _rig.Trace.OfAccountAsync(_rig.Bob));
        Assert.Empty(await _rig.Trace.OfAccountAsync(0));
    }

    [Fact]
    public async Task When_a_client_asks_for_reports_of_success_in_the_name_of_somebody_else_then_there_are_none()   // RFC 3461 §5.2.3
    {
        await SendAsync("spam@forged.test", "ann@example.test", "S: 250 2.0.0 *", wishes: " NOTIFY=SUCCESS");
        await QueueWatch.EmptyAsync(_rig);
        Assert.Contains("the sender is not told: spf=fail", await TraceOfAsync("ann@example.test"));
        Assert.True(_sink.IsEmpty);
    }
}
