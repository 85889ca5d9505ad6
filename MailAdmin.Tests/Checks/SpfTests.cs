using System.Diagnostics;
using System.Net;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Checks;
using MailEngine.Dns;

namespace MailAdmin.Tests.Checks;

/// <summary>check_host() against zones of a real name server, and beside another implementation. RFC 7208 §4</summary>
public sealed class SpfTests : IDisposable
{
    readonly DnsServer _dns = new();

    public void Dispose() => _dns.Dispose();

    Spf GivenSpf(TimeSpan? timeout = null) =>
        new(new Resolver(new DnsOptions { Servers = [_dns.Address], Timeout = timeout ?? TimeSpan.FromSeconds(5) }, TimeProvider.System));

    /// <summary>"name TYPE value", one a line.</summary>
    void Given(string zone)
    {
        foreach (string line in zone.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] words = line.Split(' ', 3);
            switch (words[1])
            {
                case "TXT":
                    _dns.Txt(words[0], [.. words[2].Split('|')]);
                    break;
                case "A":
                    _dns.A(words[0], words[2]);
                    break;
                case "AAAA":
                    _dns.Aaaa(words[0], words[2]);
                    break;
                case "MX":
                    _dns.Mx(words[0], 10, words[2]);
                    break;
                case "PTR":
                    _dns.Ptr(words[0], words[2]);
                    break;
                case "CNAME":
                    _dns.Cname(words[0], words[2]);
                    break;
                case "FAIL":
                    _dns.Code(words[0], 2);
                    break;
                default:
                    throw new ArgumentException(line);
            }
        }
    }

    Task<SpfResult> CheckAsync(string domain, string client, string localPart = "ann", string helo = "mta.client.test") =>
        GivenSpf().CheckAsync(IPAddress.Parse(client), localPart, domain, helo, default).AsTask();

    const string Zone = """
        plain.test TXT v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all
        empty.test TXT v=spf1
        other.test TXT v=spf10 -all
        two.test TXT v=spf1 -all
        two.test TXT v=spf1 +all
        among.test TXT something else
        among.test TXT v=spf1 -all
        joined.test TXT v=spf1 ip4:192.0|.2.5 -a|ll
        case.test TXT V=SPF1 IP4:192.0.2.5 -ALL
        soft.test TXT v=spf1 ~all
        quest.test TXT v=spf1 ?all
        late.test TXT v=spf1 ip4:192.0.2.5 -all moo
        typo.test TXT v=spf1 ip4:192.0.2.5 -al
        alldom.test TXT v=spf1 all:foo.test
        bad4.test TXT v=spf1 ip4:192.0.2 -all
        hex4.test TXT v=spf1 ip4:0xc0.0.2.5 -all
        zero4.test TXT v=spf1 ip4:192.0.02.5 -all
        bits4.test TXT v=spf1 ip4:192.0.2.5/33 -all
        lead4.test TXT v=spf1 ip4:192.0.2.5/024 -all
        zone6.test TXT v=spf1 ip6:fe80::1%eth0 -all
        map6.test TXT v=spf1 ip6:::ffff:192.0.2.5 -all
        redir.test TXT v=spf1 redirect=plain.test
        redir0.test TXT v=spf1 redirect=nothing.test
        redir2.test TXT v=spf1 redirect=plain.test redirect=plain.test
        redirall.test TXT v=spf1 ?all redirect=plain.test
        inc.test TXT v=spf1 include:plain.test ~all
        inc0.test TXT v=spf1 include:nothing.test -all
        incp.test TXT v=spf1 include:late.test -all
        incf.test TXT v=spf1 include:down.test -all
        down.test FAIL
        loop.test TXT v=spf1 include:loop.test -all
        loopr.test TXT v=spf1 redirect=loopr.test
        a.test TXT v=spf1 a -all
        a.test A 192.0.2.5
        a.test AAAA 2001:db8::5
        acidr.test TXT v=spf1 a:a.test/24//64 -all
        aonly6.test TXT v=spf1 a:a.test//64 -all
        alabel.test TXT v=spf1 a:host -all
        anum.test TXT v=spf1 a:host.123 -all
        adot.test TXT v=spf1 a:a.test. -all
        mx.test TXT v=spf1 mx -all
        mx.test MX host1.test
        mx.test MX host2.test
        host1.test A 192.0.2.1
        host2.test A 192.0.2.5
        host2.test AAAA 2001:db8::5
        mx6.test TXT v=spf1 mx -all
        mx6.test MX host1.test
        mx6.test MX h.test
        mx6.test MX a4.test
        mx6.test MX host2.test
        a4.test A 192.0.2.9
        predir.test TXT v=spf1 exists:%{p}.no.test redirect=pinner.test
        pinner.test TXT v=spf1 exists:%{p}.%{d}.yes.test -all
        www.ptr.test.pinner.test.yes.test A 127.0.0.2
        mxnone.test TXT v=spf1 mx ~all
        mxnone.test A 192.0.2.5
        ptr.test TXT v=spf1 ptr -all
        5.2.0.192.in-addr.arpa PTR www.ptr.test
        5.2.0.192.in-addr.arpa PTR liar.test
        www.ptr.test A 192.0.2.5
        liar.test A 192.0.2.6
        ptrliar.test TXT v=spf1 ptr:liar.test -all
        ex.test TXT v=spf1 exists:%{ir}.%{v}.%{l}._spf.%{d2} -all
        5.2.0.192.in-addr.ann._spf.ex.test A 127.0.0.2
        exhelo.test TXT v=spf1 exists:%{h}.%{o}.ok.test -all
        mta.client.test.exhelo.test.ok.test A 127.0.0.2
        exlocal.test TXT v=spf1 exists:%{l1r-+}.l.test -all
        ann.l.test A 127.0.0.2
        exesc.test TXT v=spf1 exists:%{S}.s.test -all
        ann%40exesc.test.s.test A 127.0.0.2
        pmacro.test TXT v=spf1 exists:%{p}.p.test -all
        www.ptr.test.p.test A 127.0.0.2
        badmacro.test TXT v=spf1 exists:%{x}.test -all
        badmacro2.test TXT v=spf1 exists:%{d0}.test -all
        badmacro3.test TXT v=spf1 exists:%d.test -all
        badmacro4.test TXT v=spf1 exists:%{c}.test -all
        mod.test TXT v=spf1 moo=%{d} ip4:192.0.2.5 -all
        mod2.test TXT v=spf1 moo=%x ip4:192.0.2.5 -all
        exp.test TXT v=spf1 exp=%{d}.why.test -all
        exp2.test TXT v=spf1 exp=a.test exp=a.test -all
        spaces.test TXT v=spf1   ip4:192.0.2.5   -all
        tab.test TXT v=spf1	ip4:192.0.2.5 -all
        alias.test CNAME plain.test
        voids.test TXT v=spf1 a:void1.test a:void2.test a:void3.test ip4:192.0.2.5 -all
        voids2.test TXT v=spf1 a:void1.test a:void2.test ip4:192.0.2.5 -all
        ten.test TXT v=spf1 a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test ip4:192.0.2.5 -all
        eleven.test TXT v=spf1 a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test ip4:192.0.2.5 -all
        h.test A 192.0.2.77
        mask4.test TXT v=spf1 ip4:192.0.2.6/29 -all
        mask6.test TXT v=spf1 ip6:2001:db8:0:10::/60 -all
        mx29.test TXT v=spf1 mx/30 -all
        mx29.test MX host2.test
        bits6.test TXT v=spf1 ip6:2001:db8::/129 -all
        incs.test TXT v=spf1 include:soft.test -all
        incq.test TXT v=spf1 include:quest.test -all
        ex6.test TXT v=spf1 exists:h.test -all
        voidptr.test TXT v=spf1 a:void1.test a:void2.test ptr ip4:192.0.2.60 -all
        voidex.test TXT v=spf1 a:void1.test a:void2.test exists:void3.test ip4:192.0.2.5 -all
        omacro.test TXT v=spf1 redirect=oinner.test
        oinner.test TXT v=spf1 exists:%{o}.o.test -all
        omacro.test.o.test A 127.0.0.2
        i6.test TXT v=spf1 exists:%{i}.%{v}.i6.yes.test -all
        2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.ip6.i6.yes.test A 127.0.0.2
        ptrdot.test TXT v=spf1 ptr:tr.test -all
        ptrcase.test TXT v=spf1 ptr:PTR.test -all
        pord.test TXT v=spf1 exists:%{p}.pp.test -all
        www.pord.test.pp.test A 127.0.0.2
        50.2.0.192.in-addr.arpa PTR other.test
        50.2.0.192.in-addr.arpa PTR www.pord.test
        other.test A 192.0.2.50
        www.pord.test A 192.0.2.50
        unk.test TXT v=spf1 exists:%{p}.u.test -all
        unknown.u.test A 127.0.0.2
        escapes.test TXT v=spf1 exists:a%-b.%%.e.test -all
        a%20b.%.e.test A 127.0.0.2
        """;

    /// <summary>What each zone above says of 192.0.2.5, and of 2001:db8::5 where that is another thing.</summary>
    public static TheoryData<string, string, string> Cases() => new()
    {
        { "plain.test", "192.0.2.5", "pass" }, { "plain.test", "192.0.3.5", "fail" }, { "plain.test", "2001:db8::5", "pass" }, { "plain.test", "::ffff:192.0.2.5", "pass" },
        { "empty.test", "192.0.2.5", "neutral" }, { "other.test", "192.0.2.5", "none" }, { "two.test", "192.0.2.5", "permerror" }, { "among.test", "192.0.2.5", "fail" },
        { "joined.test", "192.0.2.5", "pass" }, { "case.test", "192.0.2.5", "pass" }, { "soft.test", "192.0.2.5", "softfail" }, { "quest.test", "192.0.2.5", "neutral" },
        { "late.test", "192.0.2.5", "permerror" }, { "typo.test", "192.0.2.5", "permerror" }, { "alldom.test", "192.0.2.5", "permerror" }, { "bad4.test", "192.0.2.5", "permerror" },
        { "hex4.test", "192.0.2.5", "permerror" }, { "bits4.test", "192.0.2.5", "permerror" }, { "lead4.test", "192.0.2.5", "permerror" },
        { "zone6.test", "192.0.2.5", "permerror" }, { "map6.test", "192.0.2.5", "fail" }, { "redir.test", "192.0.2.5", "pass" }, { "redir.test", "192.0.3.5", "fail" },
        { "redir0.test", "192.0.2.5", "permerror" }, { "redir2.test", "192.0.2.5", "permerror" }, { "redirall.test", "192.0.3.5", "neutral" }, { "inc.test", "192.0.2.5", "pass" },
        { "inc.test", "192.0.3.5", "softfail" }, { "inc0.test", "192.0.2.5", "permerror" }, { "incp.test", "192.0.2.5", "permerror" }, { "incf.test", "192.0.2.5", "temperror" },
        { "down.test", "192.0.2.5", "temperror" }, { "loop.test", "192.0.2.5", "permerror" }, { "loopr.test", "192.0.2.5", "permerror" }, { "a.test", "192.0.2.5", "pass" },
        { "a.test", "2001:db8::5", "pass" }, { "a.test", "192.0.2.6", "fail" }, { "acidr.test", "192.0.2.77", "pass" }, { "acidr.test", "2001:db8::77", "pass" },
        { "acidr.test", "2001:db8:1::5", "fail" }, { "aonly6.test", "192.0.2.6", "fail" }, { "aonly6.test", "2001:db8::77", "pass" }, { "alabel.test", "192.0.2.5", "permerror" },
        { "anum.test", "192.0.2.5", "permerror" }, { "adot.test", "192.0.2.5", "pass" }, { "mx.test", "192.0.2.5", "pass" }, { "mx.test", "192.0.2.6", "fail" },
        { "mx6.test", "2001:db8::5", "pass" }, { "predir.test", "192.0.2.5", "pass" },
        { "mxnone.test", "192.0.2.5", "softfail" }, { "ptr.test", "192.0.2.5", "pass" }, { "ptr.test", "192.0.2.6", "fail" }, { "ptrliar.test", "192.0.2.5", "fail" },
        { "ex.test", "192.0.2.5", "pass" }, { "ex.test", "192.0.2.6", "fail" }, { "exhelo.test", "192.0.2.6", "pass" }, { "exlocal.test", "192.0.2.6", "pass" },
        { "exesc.test", "192.0.2.6", "pass" }, { "pmacro.test", "192.0.2.5", "pass" }, { "badmacro.test", "192.0.2.5", "permerror" }, { "badmacro2.test", "192.0.2.5", "permerror" },
        { "badmacro3.test", "192.0.2.5", "permerror" }, { "badmacro4.test", "192.0.2.5", "permerror" }, { "mod.test", "192.0.2.5", "pass" }, { "mod2.test", "192.0.2.5", "permerror" },
        { "exp.test", "192.0.2.5", "fail" }, { "exp2.test", "192.0.2.5", "permerror" }, { "spaces.test", "192.0.2.5", "pass" }, { "tab.test", "192.0.2.5", "none" },
        { "alias.test", "192.0.2.5", "pass" }, { "voids.test", "192.0.2.5", "permerror" }, { "voids2.test", "192.0.2.5", "pass" }, { "ten.test", "192.0.2.5", "pass" },
        { "eleven.test", "192.0.2.5", "permerror" }, { "nothing.test", "192.0.2.5", "none" }, { "nodots", "192.0.2.5", "none" }, { "zero4.test", "192.0.2.5", "permerror" },
        { "mask4.test", "192.0.2.1", "pass" }, { "mask4.test", "192.0.2.9", "fail" }, { "mask6.test", "2001:db8:0:1f::5", "pass" }, { "mask6.test", "2001:db8:0:20::5", "fail" },
        { "mx29.test", "192.0.2.6", "pass" }, { "mx29.test", "192.0.2.8", "fail" }, { "bits6.test", "192.0.2.5", "permerror" }, { "incs.test", "192.0.2.5", "fail" },
        { "incq.test", "192.0.2.5", "fail" }, { "ex6.test", "2001:db8::5", "pass" }, { "voidptr.test", "192.0.2.60", "permerror" }, { "voidex.test", "192.0.2.5", "permerror" },
        { "omacro.test", "192.0.2.5", "pass" }, { "i6.test", "2001:db8::5", "pass" }, { "i6.test", "2001:db8::6", "fail" }, { "ptrdot.test", "192.0.2.5", "fail" },
        { "ptrcase.test", "192.0.2.5", "pass" }, { "pord.test", "192.0.2.50", "pass" }, { "unk.test", "192.0.2.60", "pass" }, { "escapes.test", "192.0.2.5", "pass" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task When_a_domain_is_asked_about_a_client_then_its_record_decides(string domain, string client, string result)
    {
        Given(Zone);
        Assert.Equal(result, (await CheckAsync(domain, client)).ToString().ToLowerInvariant());
    }

    [Fact]
    public async Task When_another_implementation_is_asked_then_it_says_the_same()
    {
        Given(Zone);
        // Where it is looser than RFC 7208 §12 (zeros in front) and RFC 7208 §7.3 ("%{d0}"), what it does not take (an IPv4 address in IPv6 form),
        // and where we are: hosts of an "mx" without an address of the client's kind are no answers without records.
        object[][] cases = [.. Cases().Select(row => row.ToArray()).Where(row => row is not ["zero4.test" or "badmacro2.test" or "mx6.test", ..] and not [_, "::ffff:192.0.2.5", _])];
        const string Script = """
            import sys, dns.resolver, spf
            host, port = sys.argv[1].rsplit(':', 1)
            dns.resolver.default_resolver = server = dns.resolver.Resolver(configure=False)
            server.nameservers, server.port = [host], int(port)
            for line in sys.stdin:
                domain, client = line.split()
                q = spf.query(i=client, s='ann@' + domain, h='mta.client.test', strict=True)
                print(q.check()[0], flush=True)
            """;
        var start = new ProcessStartInfo("/usr/bin/python3", ["-W", "ignore", "-c", Script, _dns.Address]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process python = Process.Start(start)!;
        Task<string> errors = python.StandardError.ReadToEndAsync(), said = python.StandardOutput.ReadToEndAsync();
        foreach (object[] row in cases)
            await python.StandardInput.WriteLineAsync($"{row[0]} {row[1]}");
        python.StandardInput.Close();
        string[] answers = (await said).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(answers.Length == cases.Length, await errors);
        string[] different = [.. cases.Zip(answers).Where(pair => (string)pair.First[2] != pair.Second).Select(pair => $"{string.Join(' ', pair.First)}, it says {pair.Second}")];
        Assert.True(different.Length == 0, string.Join('\n', different));
    }

    [Theory]   // RFC 7208 §4.6.4
    [InlineData("a:a.test")]
    [InlineData("mx:mx.test")]
    [InlineData("ptr:ptr.test")]
    [InlineData("exists:h.test")]
    [InlineData("include:plain.test")]
    [InlineData("redirect=plain.test")]
    public async Task When_ten_questions_were_made_then_no_term_of_any_kind_may_make_another(string term)
    {
        Given(Zone);
        string ten = string.Concat(Enumerable.Repeat("a:h.test ", 10));
        _dns.Txt("over.test", $"v=spf1 {ten}{term}").Txt("under.test", $"v=spf1 {ten[9..]}{term}");
        Assert.Equal(SpfResult.Pass, await CheckAsync("under.test", "192.0.2.5"));
        Assert.Equal(SpfResult.PermError, await CheckAsync("over.test", "192.0.2.5"));
    }

    [Fact]
    public async Task When_a_macro_asks_for_the_name_of_the_client_then_that_is_a_question_like_others()   // RFC 7208 §4.6.4
    {
        Given(Zone);
        string nine = string.Concat(Enumerable.Repeat("a:h.test ", 9));
        _dns.Txt("over.test", $"v=spf1 {nine}exists:%{{p}}.p.test").Txt("under.test", $"v=spf1 {nine[9..]}exists:%{{p}}.p.test");
        Assert.Equal(SpfResult.Pass, await CheckAsync("under.test", "192.0.2.5"));
        Assert.Equal(SpfResult.PermError, await CheckAsync("over.test", "192.0.2.5"));
    }

    [Theory]   // RFC 7208 §7.3, RFC 7208 §7.4
    [InlineData("%{l1r-}", "ann-news", "ann")]
    [InlineData("%{l1-}", "ann-news", "news")]
    [InlineData("%{l2r+-}", "a+b-c", "b.a")]
    [InlineData("%{l}", "ann-news", "ann-news")]
    [InlineData("%{l1r}", "ann.news", "ann")]
    [InlineData("%{l}", "", "postmaster")]   // RFC 7208 §4.3
    [InlineData("%{s1}", "ann", "test")]
    [InlineData("%{S1r-}", "a$b-c", "a%24b")]
    public async Task When_a_macro_transforms_then_its_parts_are_taken_from_the_right_after_they_are_turned_round(string macro, string localPart, string becomes)
    {
        _dns.Txt("macro.test", $"v=spf1 exists:{macro}.m.test -all").A($"{becomes}.m.test", "127.0.0.2");
        Assert.Equal(SpfResult.Pass, await CheckAsync("macro.test", "192.0.2.5", localPart));
    }

    [Fact]
    public async Task When_a_name_gets_too_long_then_it_loses_labels_on_the_left()   // RFC 7208 §7.3
    {
        string local = new('x', 60);
        _dns.Txt("long.test", "v=spf1 exists:%{l}.%{l}.%{l}.%{l}.%{l}.ok.long.test -all").A($"{local}.{local}.{local}.ok.long.test", "127.0.0.2");
        Assert.Equal(SpfResult.Pass, await CheckAsync("long.test", "192.0.2.5", local));
    }

    [Fact]
    public async Task When_a_policy_has_a_hundred_hosts_then_it_is_a_fault_and_few_questions_are_asked()   // attack case A20
    {
        _dns.Txt("many.test", "v=spf1 mx -all");
        for (int i = 0; i < 100; i++)
            _dns.Mx("many.test", i, $"h{i}.many.test");
        Assert.Equal(SpfResult.PermError, await CheckAsync("many.test", "192.0.2.5"));
        Assert.InRange(_dns.Questions, 1, 3);
    }

    [Fact]
    public async Task When_policies_branch_then_questions_are_counted_over_all_of_them()   // attack case A20
    {
        for (int i = 0; i < 12; i++)
            _dns.Txt($"d{i}.test", $"v=spf1 include:d{i + 1}.test include:d{i + 1}.test include:d{i + 1}.test ?all");
        Assert.Equal(SpfResult.PermError, await CheckAsync("d0.test", "192.0.2.5"));
        Assert.InRange(_dns.Questions, 1, 12);
    }

    [Fact]
    public async Task When_a_record_is_huge_then_it_is_read_in_time_that_grows_with_it()   // attack case A20
    {
        string[] pieces = [.. Enumerable.Repeat(string.Concat(Enumerable.Repeat("ip4:1.2.3.4 ", 21)), 200)];
        _dns.Txt("huge.test", ["v=spf1 ", .. pieces, "-all"]);
        _dns.Txt("braces.test", ["v=spf1 exists:", .. Enumerable.Repeat(string.Concat(Enumerable.Repeat("%{s128r.-+,/_=}", 17)), 200), ".test -all"]);
        Assert.Equal(SpfResult.Fail, await CheckAsync("huge.test", "192.0.2.5"));
        Assert.Equal(SpfResult.Fail, await CheckAsync("braces.test", "192.0.2.5", new string('a', 64)));
    }

    [Fact]
    public async Task When_the_time_is_over_then_the_question_ends()
    {
        _dns.Answer = _ => null;
        using var over = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await GivenSpf(TimeSpan.FromSeconds(60)).CheckAsync(IPAddress.Parse("192.0.2.5"), "ann", "slow.test", "mta.test", over.Token));
    }

    [Fact]
    public void When_a_record_is_anything_then_reading_it_ends()
    {
        var random = new Random(7208);
        string[] words = ["v=spf1", " ", "a", "mx", "ptr", "all", "include:", "exists:", "ip4:", "ip6:", "redirect=", "exp=", "x=", "%{", "}", "%%", "%_", "%-", "d", "r", "128", "/", "//", "24",
            "64", ".", "-", "~", "?", "+", "test", "1.2.3.4", "::", ":", "=", "\u0080", "\t"];
        for (int round = 0; round < 20_000; round++)
        {
            var text = new StringBuilder("v=spf1 ");
            for (int i = random.Next(20); i > 0; i--)
                text.Append(words[random.Next(words.Length)]);
            SpfRecord? record = SpfRecord.Parse(text.ToString());
            Assert.True(record is null || record.Directives.Count <= 20);
        }
    }
}
