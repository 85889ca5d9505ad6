using MailAdmin.Tests.Accounts;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;

namespace MailAdmin.Tests.Flow;

public sealed class RouterTests : IAsyncLifetime
{
    AccountsRig _accounts = null!;
    Router _router = null!;
    long _domain;
    long _ann;

    public async Task InitializeAsync()
    {
        _accounts = await AccountsRig.OpenAsync();
        _router = new Router(_accounts.Directory, new EngineOptions { Limits = { AliasExpansion = 50, AliasDepth = 5 } });
        _domain = await _accounts.GivenDomainAsync("example.test");
        _ann = await _accounts.GivenAccountAsync("ann@example.test");
    }

    public async Task DisposeAsync() => await _accounts.DisposeAsync();

    async Task<string> PlanAsync(string address, bool mayRelay = false) => string.Join(' ',
        (await _router.PlanAsync(EmailAddress.Parse(address), mayRelay, default)).Select(r => r switch
        {
            Route.Deposit d => $"deposit:{d.At}{(d.Detail.Length > 0 ? "/" + d.Detail : "")}",
            Route.Relay relay => $"relay:{relay.To}{(relay.Host.Length > 0 ? "@" + relay.Host : "")}",
            Route.Reject { Target: { } target } lost => $"lost:{target}/{lost.Reply.Status}",
            Route.Reject reject => $"reject:{reject.Reply.Code}/{reject.Reply.Status}",
            _ => "?",
        }).Order(StringComparer.Ordinal));

    [Fact]
    public async Task When_the_address_is_plain_then_the_way_is_one_step()
    {
        Assert.Equal("deposit:ann@example.test", await PlanAsync("ann@example.test"));
        Assert.Equal("deposit:ann+work@example.test/work", await PlanAsync("ann+work@example.test"));
        Assert.Equal("reject:550/5.1.1", await PlanAsync("nobody@example.test"));
        Assert.Equal("reject:550/5.7.1", await PlanAsync("zoe@away.test"));
        Assert.Equal("relay:zoe@away.test", await PlanAsync("zoe@away.test", mayRelay: true));
    }

    [Fact]
    public async Task When_the_domain_is_relayed_or_another_name_or_has_a_catch_all_then_the_way_is_that()
    {
        await _accounts.GivenDomainAsync("relay.test", d => (d.Kind, d.RelayHost) = (DomainKind.Relay, "inner.test:2525"));
        await _accounts.GivenDomainAsync("other.test", d => (d.Kind, d.AliasOfId) = (DomainKind.AliasOf, _domain));
        long all = await _accounts.GivenDomainAsync("all.test");
        await _accounts.GivenAddressAsync(all, "*", _ann);
        Assert.Equal("relay:who@relay.test@inner.test:2525", await PlanAsync("who@relay.test"));
        Assert.Equal("deposit:ann@other.test", await PlanAsync("ann@other.test"));
        Assert.Equal("deposit:whoever@all.test", await PlanAsync("whoever@all.test"));
    }

    [Fact]
    public async Task When_an_alias_leads_here_and_away_then_all_its_targets_are_found_once()
    {
        long bob = await _accounts.GivenAccountAsync("bob@example.test");
        await _accounts.GivenAddressAsync(_domain, "list", _ann, "more@example.test", "zoe@away.test");
        await _accounts.GivenAddressAsync(_domain, "more", bob, _ann, "zoe@away.test", "list@example.test");
        Assert.Equal("deposit:list@example.test deposit:more@example.test relay:zoe@away.test", await PlanAsync("list@example.test"));
    }

    [Fact]
    public async Task When_a_target_is_gone_then_the_others_still_get_theirs_and_without_others_it_is_refused()
    {
        await _accounts.GivenAddressAsync(_domain, "half", "gone@example.test", _ann);
        await _accounts.GivenAddressAsync(_domain, "dead", "gone@example.test");
        Assert.Equal("deposit:half@example.test lost:gone@example.test/5.1.1", await PlanAsync("half@example.test"));
        Assert.Equal("reject:550/5.1.1", await PlanAsync("dead@example.test"));
    }

    [Fact]   // fault case C11
    public async Task When_aliases_go_round_or_too_deep_or_too_wide_then_it_ends_and_is_refused()
    {
        await _accounts.GivenAddressAsync(_domain, "self", "self@example.test");
        for (int i = 0; i < 8; i++)
            await _accounts.GivenAddressAsync(_domain, $"deep{i}", $"deep{i + 1}@example.test");
        await _accounts.GivenAddressAsync(_domain, "deep8", _ann);
        await _accounts.GivenAddressAsync(_domain, "wide", [.. Enumerable.Range(0, 60).Select(i => $"z{i}@away.test")]);
        Assert.Equal("reject:550/5.4.6", await PlanAsync("self@example.test"));
        Assert.Equal("reject:550/5.4.6", await PlanAsync("deep0@example.test"));
        Assert.Equal("deposit:deep8@example.test", await PlanAsync("deep6@example.test"));
        Assert.Equal("reject:550/5.4.6", await PlanAsync("wide@example.test"));
    }

    [Theory]
    [InlineData(AccountState.ReceiveOnly, "deposit:sue@example.test")]
    [InlineData(AccountState.SendOnly, "reject:550/5.2.1")]
    [InlineData(AccountState.Suspended, "reject:550/5.2.1")]
    public async Task When_an_account_is_in_a_state_then_it_has_mail_or_not(AccountState state, string plan)
    {
        await _accounts.GivenAccountAsync("sue@example.test", change: a => a.State = state);
        Assert.Equal(plan, await PlanAsync("sue@example.test"));
    }
}
