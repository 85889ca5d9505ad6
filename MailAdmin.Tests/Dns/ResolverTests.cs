using System.Net;
using MailAdmin.Tests.Net;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Dns;

namespace MailAdmin.Tests.Dns;

public sealed class ResolverTests : IDisposable
{
    readonly DnsServer _server = new();
    readonly JumpingClock _clock = new();

    Resolver GivenResolver(params string[] servers) => new(
        new DnsOptions { Servers = servers.Length > 0 ? servers : [_server.Address], Timeout = TimeSpan.FromSeconds(20) }, _clock);

    static DomainName Name(string name) => DomainName.Parse(name);

    [Fact]
    public async Task When_there_are_MX_records_then_they_come_by_preference_and_equals_in_any_order()
    {
        _server.Mx("example.test", 20, "c.example.test").Mx("example.test", 10, "a.example.test").Mx("example.test", 10, "b.example.test");
        Resolver resolver = GivenResolver();
        var firsts = new HashSet<string>();
        for (int i = 0; i < 60; i++)
        {
            MailExchangers found = await MailExchangers.FindAsync(resolver, Name("example.test"), default);
            Assert.Equal([10, 10, 20], found.Hosts.Select(h => (int)h.Preference));
            firsts.Add(found.Hosts[0].Host.Value);
        }
        Assert.Equal(["a.example.test", "b.example.test"], firsts.Order());
        Assert.Equal(1, _server.Questions);   // the rest came from the cache
    }

    [Fact]
    public async Task When_there_is_no_MX_then_the_domain_itself_is_the_host()
    {
        _server.A("example.test", "127.0.0.1");
        MailExchangers found = await MailExchangers.FindAsync(GivenResolver(), Name("example.test"), default);
        Assert.Equal([(0, "example.test")], found.Hosts.Select(h => ((int)h.Preference, h.Host.Value)));
    }

    [Fact]   // RFC 7505
    public async Task When_the_MX_is_null_then_the_domain_takes_no_mail()
    {
        _server.Mx("example.test", 0, "");
        MailExchangers found = await MailExchangers.FindAsync(GivenResolver(), Name("example.test"), default);
        Assert.True(found.IsNull);
        Assert.Empty(found.Hosts);
    }

    [Fact]
    public async Task When_the_name_is_unknown_empty_or_unanswered_then_each_is_told_apart()
    {
        _server.A("hasa.test", "127.0.0.1").Code("broken.test", 2).Code("refused.test", 5);
        Resolver resolver = GivenResolver();
        Assert.Equal(DnsStatus.NoSuchName, (await resolver.AskAsync(Name("nothing.test"), DnsType.Mx, default)).Status);
        Assert.Equal(DnsStatus.NoData, (await resolver.AskAsync(Name("hasa.test"), DnsType.Mx, default)).Status);
        Assert.Equal(DnsStatus.Failed, (await resolver.AskAsync(Name("broken.test"), DnsType.Mx, default)).Status);
        Assert.Equal(DnsStatus.Failed, (await resolver.AskAsync(Name("refused.test"), DnsType.Mx, default)).Status);
        Assert.Equal(DnsStatus.Ok, (await resolver.AskAsync(Name("hasa.test"), DnsType.A, default)).Status);
    }

    [Fact]
    public async Task When_the_UDP_answer_is_cut_off_then_TCP_is_asked()
    {
        _server.Truncate = true;
        for (int i = 0; i < 60; i++)
            _server.Mx("big.test", i, $"a-rather-long-host-name-{i}.example.test");
        DnsAnswer answer = await GivenResolver().AskAsync(Name("big.test"), DnsType.Mx, default);
        Assert.Equal(60, answer.Records.Count);
    }

    [Fact]
    public async Task When_the_TTL_ends_then_the_server_is_asked_again()
    {
        _server.Ttl = 60;
        _server.A("example.test", "127.0.0.1");
        Resolver resolver = GivenResolver();
        await resolver.AskAsync(Name("example.test"), DnsType.A, default);
        _clock.Jump(TimeSpan.FromSeconds(59));
        await resolver.AskAsync(Name("example.test"), DnsType.A, default);
        Assert.Equal(1, _server.Questions);
        _clock.Jump(TimeSpan.FromSeconds(2));
        await resolver.AskAsync(Name("example.test"), DnsType.A, default);
        Assert.Equal(2, _server.Questions);
    }

    [Fact]
    public async Task When_aliases_lead_on_then_they_are_followed_and_a_ring_of_them_ends()
    {
        _server.Cname("www.test", "mid.test").Cname("mid.test", "end.test").A("end.test", "127.0.0.9");
        _server.Cname("ring1.test", "ring2.test").Cname("ring2.test", "ring1.test");
        Resolver resolver = GivenResolver();
        DnsAnswer answer = await resolver.AskAsync(Name("www.test"), DnsType.A, default);
        Assert.Equal("end.test", answer.CanonicalName);
        Assert.Equal(IPAddress.Parse("127.0.0.9"), Assert.IsType<DnsRecord.Address>(Assert.Single(answer.Records)).Value);
        Assert.Equal(DnsStatus.Failed, (await resolver.AskAsync(Name("ring1.test"), DnsType.A, default)).Status);
    }

    [Fact]
    public async Task When_both_kinds_of_address_are_there_then_IPv6_comes_first()
    {
        _server.A("example.test", "127.0.0.1").Aaaa("example.test", "::1");
        (DnsStatus status, IReadOnlyList<IPAddress> addresses) = await GivenResolver().AddressesAsync(Name("example.test"), default);
        Assert.Equal(DnsStatus.Ok, status);
        Assert.Equal([IPAddress.IPv6Loopback, IPAddress.Loopback], addresses);
    }

    [Fact]
    public async Task When_text_and_pointers_are_asked_for_then_they_are_read()
    {
        _server.Txt("example.test", "v=spf1 ", "-all").Ptr("1.0.0.127.in-addr.arpa", "localhost.test");
        Resolver resolver = GivenResolver();
        DnsAnswer text = await resolver.AskAsync(Name("example.test"), DnsType.Txt, default);
        Assert.Equal("v=spf1 -all", Assert.IsType<DnsRecord.Text>(Assert.Single(text.Records)).Value);
        DnsAnswer pointer = await resolver.AskPointerAsync(IPAddress.Loopback, default);
        Assert.Equal("localhost.test", Assert.IsType<DnsRecord.Pointer>(Assert.Single(pointer.Records)).Target);
    }

    [Fact]
    public async Task When_the_first_server_is_dead_then_the_next_one_answers()
    {
        _server.A("example.test", "127.0.0.1");
        string dead;
        using (var gone = new DnsServer())
            dead = gone.Address;
        DnsAnswer answer = await GivenResolver(dead, _server.Address).AskAsync(Name("example.test"), DnsType.A, default);
        Assert.Equal(DnsStatus.Ok, answer.Status);
    }

    [Fact]
    public async Task When_nobody_answers_in_time_then_the_question_failed_and_is_not_remembered()
    {
        _server.Answer = _ => null;
        var resolver = new Resolver(new DnsOptions { Servers = [_server.Address], Timeout = TimeSpan.FromMilliseconds(100) }, _clock);
        Assert.Equal(DnsStatus.Failed, (await resolver.AskAsync(Name("example.test"), DnsType.A, default)).Status);
        _server.Answer = null;
        _server.A("example.test", "127.0.0.1");
        Assert.Equal(DnsStatus.Ok, (await resolver.AskAsync(Name("example.test"), DnsType.A, default)).Status);
    }

    [Fact]   // RFC 5452 §9.1
    public async Task When_a_forged_answer_comes_first_then_the_right_one_counts()
    {
        _server.A("example.test", "127.0.0.1");
        int count = 0;
        _server.Answer = query =>
        {
            byte[] answer = _server.AnswerTo(query);
            if (count++ == 0)
                answer[0] ^= 0xFF;
            return answer;
        };
        var resolver = new Resolver(new DnsOptions { Servers = [_server.Address], Timeout = TimeSpan.FromMilliseconds(300) }, _clock);
        Assert.Equal(DnsStatus.Ok, (await resolver.AskAsync(Name("example.test"), DnsType.A, default)).Status);
    }

    public void Dispose() => _server.Dispose();
}

/// <summary>What is remembered of answers has a bound: whoever sends us mail chooses whose we ask for.</summary>
public sealed class DnsCacheTests
{
    static DnsAnswer Answer(int length) => new(DnsStatus.Ok, [new DnsRecord.Text("x.test", TimeSpan.FromHours(1), new string('x', length))], "x.test");

    [Fact]
    public void When_answers_are_large_then_few_are_kept_and_one_that_is_too_large_is_not()
    {
        var cache = new DnsCache(TimeProvider.System, most: 100, mostBytes: 20_000);
        cache.Keep("huge.test", DnsType.Txt, Answer(1000), TimeSpan.FromHours(1));
        Assert.Null(cache.Find("huge.test", DnsType.Txt));
        for (int i = 0; i < 50; i++)
        {
            for (int again = 0; again < 2; again++)
                cache.Keep($"n{i}.test", DnsType.Txt, Answer(400), TimeSpan.FromHours(1));
            Assert.NotNull(cache.Find($"n{i}.test", DnsType.Txt));
        }
        Assert.InRange(Enumerable.Range(0, 50).Count(i => cache.Find($"n{i}.test", DnsType.Txt) is not null), 1, 20);
    }

    [Fact]
    public void When_time_is_over_then_an_answer_is_forgotten_before_those_that_hold()
    {
        var cache = new DnsCache(TimeProvider.System, most: 2);
        cache.Keep("old.test", DnsType.Txt, Answer(1), TimeSpan.FromTicks(1));
        cache.Keep("new.test", DnsType.Txt, Answer(1), TimeSpan.FromHours(1));
        cache.Keep("more.test", DnsType.Txt, Answer(1), TimeSpan.FromHours(1));
        Assert.NotNull(cache.Find("new.test", DnsType.Txt));
        Assert.NotNull(cache.Find("more.test", DnsType.Txt));
    }
}
