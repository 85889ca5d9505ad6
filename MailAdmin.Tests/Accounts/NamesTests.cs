using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Accounts;

/// <summary>Domains and accounts that get another name, and addresses that outlive their owners.</summary>
public sealed class NamesTests : IAsyncLifetime
{
    AccountsRig _rig = null!;
    long _domain;

    public async Task InitializeAsync()
    {
        _rig = await AccountsRig.OpenAsync();
        _domain = await _rig.GivenDomainAsync("old.test");
    }

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    Task RenameDomainAsync(string to, bool keepOld) => _rig.WriteAsync(async db =>
        await DomainRename.RenameAsync(db, await db.Domains.SingleAsync(d => d.Id == _domain), DomainName.Parse(to), keepOld, _rig.Clock.GetUtcNow(), default));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_a_domain_is_renamed_then_addresses_and_log_ins_follow_and_the_old_name_stays_only_if_wished(bool keepOld)
    {
        long ann = await _rig.GivenAccountAsync("ann@old.test", change: a =>
        {
            a.DisplayName = "Ann Älter";
            a.RefreshSearchText();
        });
        long dotted = await _rig.GivenAccountAsync("bob@old.test", change: a => a.SetLogin("bob.old.test"));
        long numbered = await _rig.GivenAccountAsync("cid@old.test", change: a => a.SetLogin("web0001"));
        long other = await _rig.GivenDomainAsync("other.test");
        long stranger = await _rig.GivenAccountAsync("x@other.test", change: a => a.SetLogin("x.bold.test"));
        await _rig.GivenAddressAsync(other, "all", "ann@old.test", "bob@bold.test", "y@new.test", "y@old.test");
        string stamp = (await _rig.Directory.FindAccountAsync(ann, default))!.SecurityStamp;

        await RenameDomainAsync("new.test", keepOld);

        AccountEntry entry = (await _rig.Directory.FindLoginAsync("ann@new.test", default))!;
        Assert.Equal((ann, "ann@new.test", "ann@new.test"), (entry.AccountId, entry.Login, entry.Primary!.Value.ToString()));
        Assert.NotEqual(stamp, entry.SecurityStamp);
        Assert.Equal(dotted, (await _rig.Directory.FindLoginAsync("bob.new.test", default))!.AccountId);
        Assert.Equal(numbered, (await _rig.Directory.FindLoginAsync("web0001", default))!.AccountId);
        Assert.Equal(stranger, (await _rig.Directory.FindLoginAsync("x.bold.test", default))!.AccountId);
        Resolution list = await _rig.Directory.ResolveAsync(EmailAddress.Parse("all@other.test"), default);
        Assert.Equal(["ann@new.test", "bob@bold.test", "y@new.test"], list.Address!.Targets.Select(t => t.Outside.ToString()).Order());
        Resolution old = await _rig.Directory.ResolveAsync(EmailAddress.Parse("ann@old.test"), default);
        Assert.Equal(keepOld, old.Domain is not null);
        Assert.Equal(keepOld ? ann : null, old.Address?.Targets[0].Account?.AccountId);
        Assert.Equal(keepOld, await _rig.Directory.FindLoginAsync("ann@old.test", default) is not null);
        await using AccountsContext db = _rig.Database.NewContext();
        Assert.Equal("ann@new.test\nann älter", (await db.Accounts.SingleAsync(a => a.Id == ann)).SearchText);
        Assert.Equal("old.test\nnew.test", (await db.StoreTasks.SingleAsync(t => t.Kind == StoreTaskKind.RenameDomain)).Details);
    }

    [Fact]
    public async Task When_a_log_in_name_would_be_taken_then_it_is_found_before()
    {
        await _rig.GivenAccountAsync("bob@old.test", change: a => a.SetLogin("bob.old.test"));
        await _rig.GivenDomainAsync("other.test");
        await _rig.GivenAccountAsync("x@other.test", change: a => a.SetLogin("bob.new.test"));
        await using AccountsContext db = _rig.Database.NewContext();
        Domain domain = await db.Domains.SingleAsync(d => d.Id == _domain);
        Assert.Equal("bob.new.test", await DomainRename.FindTakenLoginAsync(db, domain, DomainName.Parse("new.test"), default));
        Assert.Null(await DomainRename.FindTakenLoginAsync(db, domain, DomainName.Parse("newer.test"), default));
    }

    Task<AccountFault> RenameAsync(long account, WantedName wanted) => _rig.WriteAsync(async db => await AccountRows.RenameAsync(
        db, await db.Domains.SingleAsync(d => d.Id == _domain), await db.Accounts.Include(a => a.PrimaryAddress).SingleAsync(a => a.Id == account), wanted, _rig.Clock.GetUtcNow(), default));

    [Fact]
    public async Task When_an_account_is_renamed_then_its_log_in_follows_the_scheme_it_had_and_the_old_address_stays_if_wished()
    {
        long ann = await _rig.GivenAccountAsync("ann@old.test");
        long bob = await _rig.GivenAccountAsync("bob@old.test", change: a => a.SetLogin("bob.old.test"));
        long cid = await _rig.GivenAccountAsync("cid@old.test", change: a => a.SetLogin("web0001"));

        Assert.Equal(AccountFault.None, await RenameAsync(ann, new WantedName("Anna", KeepOld: true)));
        Assert.Equal(AccountFault.None, await RenameAsync(bob, new WantedName("robert")));
        Assert.Equal(AccountFault.None, await RenameAsync(cid, new WantedName("sid")));
        Assert.Equal(AccountFault.AddressTaken, await RenameAsync(cid, new WantedName("robert")));
        Assert.Equal(AccountFault.LocalPart, await RenameAsync(cid, new WantedName("a b")));

        AccountEntry anna = (await _rig.Directory.FindLoginAsync("anna@old.test", default))!;
        Assert.Equal((ann, "anna@old.test"), (anna.AccountId, anna.Login));
        Assert.Equal(["Anna@old.test", "abuse@old.test", "ann@old.test", "postmaster@old.test"], anna.Addresses.Select(a => a.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal("robert.old.test", (await _rig.Directory.FindAccountAsync(bob, default))!.Login);
        Assert.Null((await _rig.Directory.ResolveAsync(EmailAddress.Parse("bob@old.test"), default)).Address);
        Assert.Equal("web0001", (await _rig.Directory.FindAccountAsync(cid, default))!.Login);
        // And back: its own other address changes places with the main one.
        Assert.Equal(AccountFault.None, await RenameAsync(ann, new WantedName("ann", KeepOld: true)));
        Assert.Equal("ann@old.test", (await _rig.Directory.FindAccountAsync(ann, default))!.Login);
    }

    [Fact]   // RFC 2142 §5
    public async Task When_the_owner_of_postmaster_goes_then_a_master_of_the_domain_has_it()
    {
        long ann = await _rig.GivenAccountAsync("ann@old.test");
        await _rig.GivenAccountAsync("bob@old.test");
        long master = await _rig.GivenAccountAsync("master@old.test");
        await _rig.WriteAsync(async db =>
        {
            db.Grants.Add(new Grant { AccountId = master, DomainId = _domain, SetId = PermissionSet.Master });
            await RoleAddresses.EnsureAsync(db, _domain, ann, _rig.Clock.GetUtcNow(), default);
            await db.SaveChangesAsync();
        });
        await _rig.WriteAsync(async db =>
        {
            await AccountRemoval.RemoveAsync(db, [ann], _rig.Clock.GetUtcNow(), default);
            await db.SaveChangesAsync();
        });
        foreach (string role in RoleAddresses.Names)
            Assert.Equal(master, (await _rig.Directory.ResolveAsync(EmailAddress.Parse($"{role}@old.test"), default)).Address!.Targets.Single().Account!.AccountId);
    }
}
