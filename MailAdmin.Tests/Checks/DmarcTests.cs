using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Checks;
using MailEngine.Dns;

namespace MailAdmin.Tests.Checks;

/// <summary>Which domain says what of whom. RFC 7489 §6.6</summary>
public sealed class DmarcTests : IDisposable
{
    readonly DnsServer _dns = new();

    public void Dispose() => _dns.Dispose();

    async Task<DmarcResult> CheckAsync(string author, string reversePath = "", params string[] signatures)
    {
        var dmarc = new Dmarc(new Resolver(new DnsOptions { Servers = [_dns.Address] }, TimeProvider.System));
        IReadOnlyList<DkimSignature> signed = [.. signatures.Select(text => text.Split(' ')).Select(words =>
            new DkimSignature(DomainName.Parse(words[0]), "s", words.Length > 1 ? Enum.Parse<DkimResult>(words[1]) : DkimResult.Pass, ""))];
        return await dmarc.CheckAsync(DomainName.Parse(author), reversePath.Length == 0 ? null : DomainName.Parse(reversePath), () => ValueTask.FromResult(signed), default);
    }

    void GivenZone() => _dns.Txt("_dmarc.bank.test", "v=DMARC1; p=reject").Txt("_dmarc.strict.test", "v=DMARC1;p=none;adkim=s;aspf=s").Txt("_dmarc.two.test", "v=DMARC1; p=none")
        .Txt("_dmarc.two.test", "v=DMARC1; p=reject").Txt("_dmarc.old.test", "v=DMARC1; p=what; rua=mailto:a@old.test").Txt("_dmarc.bad.test", "v=DMARC1; p=what")
        .Txt("_dmarc.suffix.test", "v=DMARC1; p=none; psd=y").Txt("_dmarc.own.bank.test", "v=DMARC1; p=none; psd=n").Code("_dmarc.down.test", 2)
        .Txt("_dmarc.dkim.test", "v=DMARC1; p=none; adkim=s").Txt("_dmarc.spf.test", "v=DMARC1; p=none; aspf=s")
        .Txt("_dmarc.big.test", "v=DMARC1; p=none").Txt("_dmarc.sub.big.test", "v=DMARC1; p=none; aspf=s")
        .Txt("_dmarc.up.test", "v=DMARC1; p=none").Txt("_dmarc.suffix.up.test", "v=DMARC1; p=none; psd=y")
        .Code("_dmarc.down.bank.test", 2).Txt("_dmarc.half.down.test", "v=DMARC1; p=none");

    [Theory]
    [InlineData("none.test", "none.test", "", DmarcResult.None)]
    [InlineData("bank.test", "bank.test", "", DmarcResult.Pass)]
    [InlineData("bank.test", "", "", DmarcResult.Fail)]
    [InlineData("bank.test", "other.test", "", DmarcResult.Fail)]
    [InlineData("bank.test", "notbank.test", "", DmarcResult.Fail)]
    [InlineData("bank.test", "bounces.mail.bank.test", "", DmarcResult.Pass)]
    [InlineData("www.bank.test", "bounces.mail.bank.test", "", DmarcResult.Pass)]
    [InlineData("bank.test", "", "mail.bank.test", DmarcResult.Pass)]
    [InlineData("bank.test", "", "bank.test Fail", DmarcResult.Fail)]
    [InlineData("bank.test", "", "bank.test TempError", DmarcResult.TempError)]
    [InlineData("bank.test", "", "bank.test Policy|evil.test", DmarcResult.Fail)]
    [InlineData("bank.test", "evil.test", "evil.test|bank.test", DmarcResult.Pass)]
    [InlineData("strict.test", "mail.strict.test", "mail.strict.test", DmarcResult.Fail)]
    [InlineData("strict.test", "", "strict.test", DmarcResult.Pass)]
    [InlineData("mail.strict.test", "mail.strict.test", "", DmarcResult.Pass)]
    [InlineData("two.test", "", "", DmarcResult.None)]
    [InlineData("old.test", "", "", DmarcResult.Fail)]
    [InlineData("bad.test", "", "", DmarcResult.None)]
    [InlineData("down.test", "down.test", "", DmarcResult.TempError)]
    [InlineData("www.down.test", "", "", DmarcResult.TempError)]
    [InlineData("a.suffix.test", "b.suffix.test", "", DmarcResult.Fail)]   // each below a suffix is an organization of its own
    [InlineData("x.a.suffix.test", "y.a.suffix.test", "", DmarcResult.Pass)]
    [InlineData("own.bank.test", "bank.test", "", DmarcResult.Fail)]
    [InlineData("own.bank.test", "a.own.bank.test", "", DmarcResult.Pass)]
    [InlineData("bank.test", "a.own.bank.test", "", DmarcResult.Fail)]
    [InlineData("a.b.c.d.e.f.g.h.i.j.k.bank.test", "bank.test", "", DmarcResult.Pass)]
    [InlineData("dkim.test", "mail.dkim.test", "", DmarcResult.Pass)]   // each of the two is strict by itself
    [InlineData("dkim.test", "", "mail.dkim.test", DmarcResult.Fail)]
    [InlineData("spf.test", "mail.spf.test", "", DmarcResult.Fail)]
    [InlineData("spf.test", "", "mail.spf.test", DmarcResult.Pass)]
    [InlineData("a.sub.big.test", "b.big.test", "", DmarcResult.Pass)]   // the organization is the highest with a record
    [InlineData("sub.big.test", "big.test", "", DmarcResult.Fail)]   // its own record counts before that of the organization
    [InlineData("sub.big.test", "", "big.test", DmarcResult.Pass)]
    [InlineData("suffix.up.test", "other.up.test", "", DmarcResult.Pass)]   // a suffix that sends mail itself is one of its parent's
    [InlineData("bank.test", "down.bank.test", "", DmarcResult.TempError)]   // whose organization it is nobody says
    [InlineData("half.down.test", "", "", DmarcResult.TempError)]
    [InlineData("half.down.test", "half.down.test", "", DmarcResult.Pass)]
    public async Task When_a_domain_is_in_From_then_it_must_be_proved(string author, string reversePath, string signatures, DmarcResult result)
    {
        GivenZone();
        Assert.Equal(result, await CheckAsync(author, reversePath, signatures.Split('|', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task When_a_name_has_a_hundred_labels_then_eight_questions_are_asked()   // attack case A20
    {
        Assert.Equal(DmarcResult.None, await CheckAsync(string.Concat(Enumerable.Repeat("a.", 100)) + "test"));
        Assert.Equal(8, _dns.Questions);
    }

    [Theory]
    [InlineData("v=DMARC1; p=reject; sp=none", "Reject None")]
    [InlineData("v=DMARC1;p=QUARANTINE;", "Quarantine Quarantine")]
    [InlineData(" v = DMARC1 ; p = none ", "None None")]
    [InlineData("v=DMARC1; rua=mailto:x@y.test", "None None")]
    [InlineData("v=DMARC1; p=reject; pct=0; np=none; t=y; fo=1; moo=1", "Reject Reject")]   // how much a policy is applied changes nothing of what was found
    [InlineData("v=DMARC1", "")]
    [InlineData("v=dmarc1; p=none", "")]
    [InlineData("p=none; v=DMARC1", "")]
    [InlineData("v=DMARC12; p=none", "")]
    [InlineData("", "")]
    public void When_a_record_is_read_then_it_is_what_it_says(string text, string policies) =>
        Assert.Equal(policies, DmarcRecord.Parse(text) is { } record ? $"{record.Policy} {record.Subdomains}" : "");

    [Fact]
    public void When_a_record_is_anything_then_reading_it_ends()
    {
        var random = new Random(7489);
        string[] words = ["v=DMARC1", ";", " ", "p=", "sp=", "none", "reject", "psd=", "y", "n", "=", "adkim=s", "rua=", "\u00ff", "\0", ","];
        for (int round = 0; round < 10_000; round++)
            _ = DmarcRecord.Parse(string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => words[random.Next(words.Length)])));
    }
}
