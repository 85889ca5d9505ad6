using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Requests sent side by side against every limit: together they get no further than one after the other would.</summary>
public sealed class ParallelLimitTests : IAsyncLifetime
{
    const int Requests = 12;

    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    Task LimitAsync(Action<Domain> change) => _rig.Accounts.WriteAsync(async db =>
    {
        change(await db.Domains.SingleAsync(d => d.Id == _rig.OwnDomain));
        await db.SaveChangesAsync();
    });

    static async Task<int> DoneOfAsync<TResult>(Func<int, Task<TResult>> request) where TResult : ServiceResult =>
        (await Task.WhenAll(Enumerable.Range(0, Requests).Select(i => Task.Run(() => request(i))))).Count(r => r.Ok);

    [Fact]
    public async Task When_accounts_are_made_at_once_then_the_domain_takes_no_more_than_it_may_have()
    {
        await LimitAsync(d => d.MaxAccounts = 5);   // three are there
        Assert.Equal(2, await DoneOfAsync(i => _rig.Get<AccountService>().CreateAsync(
            _rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = $"new{i}", Password = ServicesRig.Password })));
    }

    [Fact]
    public async Task When_quotas_are_raised_at_once_then_their_sum_stays_within_the_domains()
    {
        await LimitAsync(d => (d.DefaultQuotaBytes, d.TotalQuotaBytes) = (1 << 20, 10 << 20));
        Assert.Equal(3, await DoneOfAsync(i => _rig.Get<AccountService>().CreateAsync(
            _rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = $"new{i}", Password = ServicesRig.Password, QuotaBytes = 2 << 20 })));
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Equal(9 << 20, await DomainQuotas.GivenAsync(db, await db.Domains.SingleAsync(d => d.Id == _rig.OwnDomain), default));
    }

    [Fact]
    public async Task When_addresses_are_made_at_once_then_the_domain_takes_no_more_than_it_may_have()
    {
        await LimitAsync(d => d.MaxAddresses = 4);   // one is there
        Assert.Equal(3, await DoneOfAsync(i => _rig.Get<AddressService>().CreateAsync(
            _rig.Master, new AddressForm { DomainId = _rig.OwnDomain, LocalPart = $"new{i}", Targets = ["x@example.org"] })));
    }

    [Fact]
    public async Task When_scripts_and_own_addresses_are_made_at_once_then_there_are_no_more_than_there_may_be()
    {
        _rig.Options.Sieve.Scripts = 5;
        Assert.Equal(5, await DoneOfAsync(i => _rig.Get<ScriptService>().PutAsync(ServicesRig.As(_rig.OwnUser), _rig.OwnUser, $"new{i}", "keep;"u8.ToArray())));
        await LimitAsync(d => d.MaxOwnAliases = 3);
        Assert.Equal(3, await DoneOfAsync(i => _rig.Get<OwnMailService>().AddAddressAsync(ServicesRig.As(_rig.OwnUser), $"nick{i}")));
    }

    [Fact]
    public async Task When_one_name_is_wanted_by_all_at_once_then_one_gets_it()
    {
        Assert.Equal(1, await DoneOfAsync(_ => _rig.Get<AccountService>().CreateAsync(
            _rig.Master, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = "same", Password = ServicesRig.Password })));
        Assert.Equal(1, await DoneOfAsync(_ => _rig.Get<PermissionSetService>().CreateAsync(_rig.Super, new PermissionSetForm { Name = "Same" })));
    }

    [Fact]
    public async Task When_app_passwords_are_made_at_once_then_there_are_no_more_than_there_may_be()
    {
        for (int i = 0; i < 45; i++)
            await _rig.GivenAppPasswordIdAsync(_rig.OwnUser);
        Assert.Equal(5, await DoneOfAsync(i => _rig.Get<AppPasswordService>().CreateAsync(
            ServicesRig.As(_rig.OwnUser), new AppPasswordForm { Name = $"new{i}", Password = ServicesRig.Password })));
    }

    [Fact]
    public async Task When_passkeys_are_added_at_once_then_there_are_no_more_than_there_may_be()
    {
        var devices = new List<SoftAuthenticator>();
        for (int i = 0; i < 15; i++)
            devices.Add(await GivenPasskeyAsync($"old{i}"));
        // Each was asked for before any came back.
        var waiting = new List<(PasskeyQuestion Question, SoftAuthenticator Device)>();
        for (int i = 0; i < Requests; i++)
        {
            var device = new SoftAuthenticator();
            devices.Add(device);
            waiting.Add(((await _rig.Get<PasskeyService>().AskNewAsync(ServicesRig.As(_rig.OwnUser), _rig.GivenRequest())).Value!, device));
        }
        Assert.Equal(5, await DoneOfAsync(i => _rig.Get<PasskeyService>().AddAsync(ServicesRig.As(_rig.OwnUser), new PasskeyForm
        {
            Name = $"new{i}", Password = ServicesRig.Password, Ticket = waiting[i].Question.Ticket, Credential = waiting[i].Device.Create(waiting[i].Question.Options),
        }, _rig.GivenRequest())));
        devices.ForEach(device => device.Dispose());
    }

    async Task<SoftAuthenticator> GivenPasskeyAsync(string name)
    {
        var device = new SoftAuthenticator();
        Assert.True((await _rig.GivenPasskeyAsync(ServicesRig.As(_rig.OwnUser), device, name)).Ok);
        return device;
    }

    [Fact]
    public async Task When_mailboxes_and_messages_come_at_once_then_there_are_no_more_than_there_may_be()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        Mailbox inbox = (await rig.Store.OpenAsync(StoreLoad.Account, MailboxName.Inbox))!;
        await rig.Store.SetLimitsAsync(StoreLoad.Account, new AccountLimits(null, 5, (await rig.Store.ListAsync(StoreLoad.Account)).Count + 3));
        StoreError[] made = await Task.WhenAll(Enumerable.Range(0, Requests).Select(i => Task.Run(() => rig.Store.CreateAsync(StoreLoad.Account, MailboxName.Parse($"new{i}")))));
        Assert.Equal(3, made.Count(error => error == StoreError.None));
        StoreError[] came = await Task.WhenAll(Enumerable.Range(0, Requests).Select(i => Task.Run(async () =>
        {
            using BodyWriter writer = rig.Store.NewBody();
            writer.Write("Subject: x\r\n\r\nx\r\n"u8);
            using Body body = writer.Complete();
            return (await rig.Store.AppendAsync(inbox, 0, [new AppendItem { Body = body }])).Error;
        })));
        Assert.Equal(5, came.Count(error => error == StoreError.None));
        Assert.Equal(5, inbox.Current.Count);
    }

    [Fact]
    public async Task When_all_superusers_are_taken_at_once_in_every_way_then_one_is_left()
    {
        await _rig.GivenGrantAsync(_rig.OwnUser, PermissionSet.Superuser);
        await _rig.GivenGrantAsync(_rig.SecondUser, PermissionSet.Superuser);
        (long chief, long ann, Actor bob) = (await _rig.GrantOfAsync(_rig.Superuser), _rig.OwnUser, ServicesRig.As(_rig.SecondUser));
        ServiceResult[] results = await Task.WhenAll(
            Task.Run(() => _rig.Get<GrantService>().TakeAsync(bob, chief)),
            Task.Run(() => _rig.Get<AccountService>().UpdateAsync(_rig.Super, ann, new AccountForm { State = AccountState.Suspended })),
            Task.Run(() => _rig.Get<AccountService>().DeleteAsync(ServicesRig.As(ann), _rig.SecondUser)),
            Task.Run(() => _rig.Get<DomainService>().DeleteAsync(_rig.Super, _rig.OwnDomain, withAccounts: true)));
        Assert.Contains(results, r => !r.Ok);
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.True(await Superusers.AnyAsync(db, default));
    }
}
