using System.Net;
using System.Security.Cryptography;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Checks;
using MailEngine.Dns;

namespace MailAdmin.Tests.Checks;

/// <summary>What is held against a sender, row by row (docs/senders.md); what follows of it: <see cref="Flow.SenderCheckTests"/>.</summary>
public sealed class SenderVerdictTests : IDisposable
{
    readonly DnsServer _dns = new();
    readonly ChecksOptions _options = new() { TrustedServers = ["front.test"] };
    SenderChecks? _checks;

    public SenderVerdictTests() => _dns.Txt("fail.test", "v=spf1 -all").Txt("pass.test", "v=spf1 ip4:192.0.2.1 -all").Txt("soft.test", "v=spf1 ~all").Txt("quest.test", "v=spf1 ?all")
        .Txt("_dmarc.bank.test", "v=DMARC1; p=none").Txt("_dmarc.pass.test", "v=DMARC1; p=none; aspf=s").Txt("unsure.test", "v=spf1 include:down.test -all").Code("down.test", 2)
        .Code("_dmarc.silent.test", 2).Code("sel._domainkey.soft.test", 2).Txt("wrong.test", "v=spf1 moo");

    public void Dispose() => _dns.Dispose();

    SenderChecks Checks => _checks ??= new SenderChecks(new Resolver(new DnsOptions { Servers = [_dns.Address] }, TimeProvider.System), _options, TimeProvider.System);

    async Task<string> VerdictAsync(string from, string header = "", string client = "192.0.2.1", DateTimeOffset? at = null)
    {
        byte[] mail = Encoding.UTF8.GetBytes($"{header}Subject: x\r\n\r\nx\r\n");
        SenderVerdict verdict = await Checks.CheckAsync(client.Length == 0 ? null : IPAddress.Parse(client), "mta.client.test", EmailAddress.Parse(from), at ?? DateTimeOffset.UtcNow, (offset, to) =>
        {
            int count = (int)Math.Min(to.Length, Math.Max(0, mail.Length - offset));
            mail.AsSpan((int)Math.Min(offset, mail.Length), count).CopyTo(to);
            return count;
        }, default);
        return verdict.IsForged ? $"forged {verdict.Why}{(verdict.MayUsePath ? ", may use the path" : "")}" : verdict.IsUnsure ? $"unsure {verdict.Why}" : $"believed{verdict.Why}";
    }

    [Theory]
    [InlineData("a@pass.test", "", "believed")]
    [InlineData("a@fail.test", "", "forged spf=fail")]
    [InlineData("a@soft.test", "", "forged spf=softfail")]
    [InlineData("a@soft.test", "From: <a@soft.test>\r\n", "forged spf=softfail")]
    [InlineData("a@quest.test", "", "believed")]
    [InlineData("a@none.test", "", "believed")]
    [InlineData("a@wrong.test", "", "believed")]   // a record that cannot be read says nothing
    [InlineData("a@unsure.test", "", "unsure a name server did not answer")]   // though nothing is wrong with its DMARC
    [InlineData("a@silent.test", "", "unsure a name server did not answer")]   // though it has no SPF
    [InlineData("a@bank.test", "", "forged dmarc=fail")]   // a policy and no SPF: also where it is in no From
    [InlineData("a@none.test", "From: <b@bank.test>\r\n", "forged dmarc=fail")]
    [InlineData("a@none.test", "From: <b@none.test>, <c@mail.bank.test>\r\n", "forged dmarc=fail")]
    [InlineData("a@pass.test", "From: <b@bank.test>\r\n", "forged dmarc=fail, may use the path")]
    [InlineData("a@pass.test", "From: <b@pass.test>\r\n", "believed")]   // aligned by SPF
    [InlineData("a@pass.test", "From: <b@mail.pass.test>\r\n", "forged dmarc=fail, may use the path")]   // strict
    [InlineData("a@pass.test", "From: <b@silent.test>\r\n", "believed")]   // whose name servers fail is chosen by who sends it
    [InlineData("a@none.test", "From: <b@silent.test>\r\n", "believed")]
    [InlineData("a@soft.test", "From: <a@soft.test>\r\nDKIM-Signature: v=1; a=rsa-sha256; d=soft.test; s=sel; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=aGVsbG8=\r\n",
        "unsure a name server did not answer")]   // his signature may be good
    [InlineData("a@soft.test", "From: <b@soft.test>\r\nDKIM-Signature: v=1; a=rsa-sha256; d=soft.test; s=sel; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=aGVsbG8=\r\n",
        "forged spf=softfail")]
    [InlineData("a@none.test", "Authentication-Results: front.test; spf=hardfail smtp.mailfrom=none.test\r\n", "forged spf=hardfail, says front.test")]
    [InlineData("a@pass.test", "Authentication-Results: FRONT.test; dmarc=fail\r\n", "forged dmarc=fail, says FRONT.test")]
    [InlineData("a@fail.test", "Authentication-Results: front.test; spf=pass smtp.mailfrom=fail.test; dmarc=pass\r\n", "forged spf=fail")]   // anybody could have written that
    public async Task When_somebody_sent_a_message_then_this_is_held_against_him(string from, string header, string verdict) => Assert.Equal(verdict, await VerdictAsync(from, header));

    [Theory]
    [InlineData("10.1.2.3", "believed")]
    [InlineData("::ffff:10.1.2.3", "believed")]
    [InlineData("fd00::1", "believed")]
    [InlineData("127.0.0.1", "believed")]
    [InlineData("", "believed")]   // made here
    [InlineData("11.1.2.3", "forged spf=fail")]
    [InlineData("2001:db8::1", "forged spf=fail")]
    public async Task When_the_client_brings_mail_of_others_then_nobody_is_asked(string client, string verdict)
    {
        Assert.Equal(verdict, await VerdictAsync("a@fail.test", client: client));
        Assert.Equal(verdict == "believed", _dns.Questions == 0);
    }

    [Fact]
    public async Task When_it_is_switched_off_then_nobody_is_asked_anything()
    {
        _options.Senders = false;
        Assert.Equal("believed", await VerdictAsync("a@fail.test", "Authentication-Results: front.test; dmarc=fail\r\n"));
        Assert.Equal(0, _dns.Questions);
    }

    [Fact]
    public async Task When_the_name_servers_of_the_path_say_nothing_then_that_is_remembered_and_others_do_not_wait_for_them()
    {
        _dns.Answer = query => NameOf(query) == "slow.test" ? null : _dns.AnswerTo(query);
        _options.Timeout = TimeSpan.FromMilliseconds(200);
        Assert.Equal("unsure the name servers took too long", await VerdictAsync("a@slow.test"));
        int asked = _dns.Questions;
        Assert.Equal("unsure the name servers took too long", await VerdictAsync("b@slow.test"));
        Assert.Equal(asked, _dns.Questions);
        _options.Timeout = TimeSpan.FromSeconds(20);
        Assert.Equal("forged spf=fail", await VerdictAsync("a@fail.test"));
    }

    [Fact]
    public async Task When_the_name_servers_of_the_author_say_nothing_then_the_path_is_believed()
    {
        _dns.Answer = query => NameOf(query) == "_dmarc.slow.test" ? null : _dns.AnswerTo(query);
        _options.Timeout = TimeSpan.FromSeconds(3);   // also of the question about the path, which is answered
        Assert.Equal("believed", await VerdictAsync("a@pass.test", "From: <b@slow.test>\r\n"));
    }

    static string NameOf(byte[] query)
    {
        int at = 12;
        DnsMessage.TryReadName(query, ref at, out string name);
        return name;
    }

    [Fact]
    public async Task When_a_domain_that_proves_nothing_here_has_signed_then_its_key_is_not_asked_for()
    {
        var asked = new System.Collections.Concurrent.ConcurrentQueue<string>();
        _dns.Answer = query =>
        {
            asked.Enqueue(NameOf(query));
            return _dns.AnswerTo(query);
        };
        const string Signature = "DKIM-Signature: v=1; a=rsa-sha256; d={0}; s=sel; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=aGVsbG8=\r\n";
        string signatures = string.Concat(new[] { "evil.test", "mail.bank.test", "notbank.test" }.Select(signer => Signature.Replace("{0}", signer, StringComparison.Ordinal)));
        Assert.Equal("forged dmarc=fail", await VerdictAsync("a@bank.test", signatures + "From: <a@bank.test>\r\n"));
        Assert.Equal(["sel._domainkey.mail.bank.test"], asked.Where(name => name.Contains("_domainkey", StringComparison.Ordinal)).Distinct());
    }

    [Theory]
    [InlineData(-2, "believed")]
    [InlineData(0, "forged spf=softfail")]
    public async Task When_a_signature_has_run_out_since_the_message_came_then_it_was_good_then(int days, string verdict)   // RFC 6376 §3.5
    {
        using var key = RSA.Create(1024);
        _dns.Txt("old._domainkey.soft.test", [.. $"v=DKIM1; p={Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())}".Chunk(200).Select(piece => new string(piece))]);
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string field = $"DKIM-Signature: v=1; a=rsa-sha256; d=soft.test; s=old; t={now - (3 * 86400)}; x={now - 86400}; h=from; bh={Convert.ToBase64String(SHA256.HashData("x\r\n"u8))}; b=";
        string signature = Convert.ToBase64String(key.SignData(Encoding.ASCII.GetBytes($"From: <a@soft.test>\r\n{field}"), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Assert.Equal(verdict, await VerdictAsync("a@soft.test", $"{field}{signature}\r\nFrom: <a@soft.test>\r\n", at: DateTimeOffset.UtcNow.AddDays(days)));
    }
}
