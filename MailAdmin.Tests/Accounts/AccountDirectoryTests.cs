using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Accounts;

public sealed class AccountDirectoryTests : IAsyncLifetime
{
    AccountsRig _rig = null!;

    public async Task InitializeAsync() => _rig = await AccountsRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    Task<Resolution> Resolve(string address) => _rig.Directory.ResolveAsync(EmailAddress.Parse(address), default).AsTask();

    [Fact]
    public async Task When_the_exact_address_is_there_then_it_wins_over_detail_and_catch_all()
    {
        long domain = await _rig.GivenDomainAsync("example.test");
        long ann = await _rig.GivenAccountAsync("ann@example.test");
        long bob = await _rig.GivenAccountAsync("bob@example.test");
        await _rig.GivenAddressAsync(domain, "ann+lists", bob);
        await _rig.GivenAddressAsync(domain, "*", "elsewhere@example.org");

        Assert.Equal(bob, (await Resolve("ANN+Lists@Example.TEST")).Address!.Targets.Single().Account!.AccountId);
        Resolution detail = await Resolve("Ann+Work@example.test");
        Assert.Equal((ann, "Work"), (detail.Address!.Targets.Single().Account!.AccountId, detail.Detail));
        Assert.Equal("work", (await Resolve("ann+work@example.test")).Detail);
        Resolution other = await Resolve("nobody+x@example.test");
        Assert.True(other.Address!.IsCatchAll);
        Assert.Equal("", other.Detail);
        Assert.Equal("elsewhere@example.org", other.Address.Targets.Single().Outside.ToString());
    }

    [Fact]
    public async Task When_nobody_has_the_address_then_the_domain_is_told_and_no_address()
    {
        await _rig.GivenDomainAsync("example.test");
        Resolution unknown = await Resolve("nobody@example.test");
        Assert.Equal("example.test", unknown.Domain!.Name.Value);
        Assert.Null(unknown.Address);
        Assert.Null((await Resolve("nobody@example.org")).Domain);
    }

    [Fact]
    public async Task When_a_domain_is_another_name_of_one_then_it_is_followed_and_a_circle_ends()
    {
        long real = await _rig.GivenDomainAsync("example.test");
        long ann = await _rig.GivenAccountAsync("ann@example.test");
        await _rig.GivenDomainAsync("example.net", d => (d.Kind, d.AliasOfId) = (DomainKind.AliasOf, real));
        Resolution followed = await Resolve("ann@example.net");
        Assert.Equal("example.test", followed.Domain!.Name.Value);
        Assert.Equal(ann, followed.Address!.Targets.Single().Account!.AccountId);
        Assert.Contains(EmailAddress.Parse("ann@example.net"), followed.Address.Targets[0].Account!.Addresses);

        long one = await _rig.GivenDomainAsync("one.test");
        long two = await _rig.GivenDomainAsync("two.test", d => (d.Kind, d.AliasOfId) = (DomainKind.AliasOf, one));
        await _rig.WriteAsync(db => db.Domains.Where(d => d.Id == one)
            .ExecuteUpdateAsync(s => s.SetProperty(d => d.Kind, DomainKind.AliasOf).SetProperty(d => d.AliasOfId, two)));
        Assert.Null((await Resolve("x@one.test")).Address);
    }

    [Fact]
    public async Task When_an_alias_name_or_the_domain_is_off_then_the_resolution_says_so()
    {
        long real = await _rig.GivenDomainAsync("example.test");
        await _rig.GivenAccountAsync("ann@example.test");
        await _rig.GivenDomainAsync("example.net", d => (d.Kind, d.AliasOfId, d.Enabled) = (DomainKind.AliasOf, real, false));
        Assert.False((await Resolve("ann@example.net")).Domain!.Enabled);
        Assert.True((await Resolve("ann@example.test")).Domain!.Enabled);
    }

    [Fact]
    public async Task When_an_account_is_found_then_its_entry_carries_all_that_the_engine_asks()
    {
        await _rig.GivenDomainAsync("example.test", d => d.DefaultQuotaBytes = 1000);
        long domain = (await Resolve("x@example.test")).Domain!.DomainId;
        long id = await _rig.GivenAccountAsync("ann@example.test", change: a => (a.DisplayName, a.Services) = ("Ann", MailServices.Imap | MailServices.Sending | MailServices.Receiving));
        await _rig.GivenAddressAsync(domain, "info", id);
        AccountEntry ann = (await _rig.Directory.FindAccountAsync(id, default))!;
        Assert.Equal("ann@example.test", ann.Login);
        Assert.Equal("ann@example.test", ann.Primary!.Value.ToString());
        Assert.Equal(1000, ann.QuotaBytes);
        Assert.Equal("example.test", ann.Domain.Value);
        Assert.True(ann.MayReceive && ann.MaySend);
        Assert.False((ann with { Services = MailServices.Imap | MailServices.Sending }).MayReceive);
        Assert.Equal(["ann@example.test", "info@example.test"], ann.Addresses.Select(a => a.ToString()).Order());
    }

    [Fact]
    public async Task When_somebody_logs_in_then_the_name_or_an_address_of_his_own_will_do()
    {
        long domain = await _rig.GivenDomainAsync("example.test");
        long ann = await _rig.GivenAccountAsync("ann@example.test", change: a => a.SetLogin("web0001"));
        long bob = await _rig.GivenAccountAsync("bob@example.test");
        await _rig.GivenAddressAsync(domain, "both", ann, bob);
        await _rig.GivenAddressAsync(domain, "away", ann, "ann@example.org");
        await _rig.GivenAddressAsync(domain, "*", bob);
        async Task<long?> Find(string name) => (await _rig.Directory.FindLoginAsync(name, default))?.AccountId;
        Assert.Equal(ann, await Find("WEB0001"));
        Assert.Equal(ann, await Find("Ann@EXAMPLE.test"));
        Assert.Null(await Find("both@example.test"));
        Assert.Null(await Find("away@example.test"));
        Assert.Null(await Find("anything@example.test"));
        Assert.Null(await Find("ann+x@example.test"));
        Assert.Null(await Find(""));
        Assert.Null(await Find("a\0b"));
        Assert.Null(await Find(new string('x', 400)));
    }

    [Fact]
    public async Task When_a_row_changes_here_then_the_next_question_gets_the_new_answer()
    {
        long domain = await _rig.GivenDomainAsync("example.test");
        Assert.Null((await Resolve("ann@example.test")).Address);
        long ann = await _rig.GivenAccountAsync("ann@example.test");
        Assert.NotNull((await Resolve("ann@example.test")).Address);
        await _rig.WriteAsync(db => db.Accounts.Where(a => a.Id == ann).ExecuteUpdateAsync(s => s.SetProperty(a => a.State, AccountState.Suspended)));
        Assert.Equal(AccountState.Suspended, (await Resolve("ann@example.test")).Address!.Targets[0].Account!.State);
        await _rig.WriteAsync(db => db.Addresses.Where(a => a.DomainId == domain).ExecuteDeleteAsync());
        Assert.Null((await Resolve("ann@example.test")).Address);
    }

    [Fact]
    public async Task When_another_process_changes_a_row_then_it_is_seen_within_a_second_and_listeners_hear_it()
    {
        await _rig.GivenDomainAsync("example.test");
        Assert.Null((await Resolve("ann@example.test")).Address);
        var heard = new TaskCompletionSource();
        using IDisposable listening = _rig.Directory.OnChange(() => heard.TrySetResult());
        // A second set of connections to the same file is what another process is to SQLite.
        await using AccountsDatabase other = await AccountsDatabase.OpenAsync(_rig.Folder, new ManualClock(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<AccountsDatabase>.Instance);
        await other.WriteAsync(async db =>
        {
            long domain = await db.Domains.Select(d => d.Id).SingleAsync();
            db.Addresses.Add(new Address { DomainId = domain, LocalPart = "ann", DisplayLocal = "ann", Targets = { new Target { Outside = "a@example.org" } } });
            return await db.SaveChangesAsync();
        }, _ => true);
        Assert.Null((await Resolve("ann@example.test")).Address);
        _rig.Hands.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull((await Resolve("ann@example.test")).Address);
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task When_a_write_is_not_kept_then_nothing_changed()
    {
        await _rig.Database.WriteAsync(async db =>
        {
            db.Domains.Add(new Domain { Name = "example.test", DisplayName = "example.test" });
            return await db.SaveChangesAsync();
        }, keep: _ => false);
        Assert.Null((await Resolve("x@example.test")).Domain);
    }

    [Fact]
    public async Task When_the_database_does_not_answer_then_known_answers_stay_and_others_are_a_temporary_fault()
    {
        await _rig.GivenDomainAsync("example.test");
        await _rig.GivenAccountAsync("ann@example.test");
        Assert.NotNull((await Resolve("ann@example.test")).Address);
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        string path = Path.Combine(_rig.Folder, "accounts.db");
        File.Move(path, path + ".gone");
        System.IO.Directory.CreateDirectory(path);
        Assert.NotNull((await Resolve("ann@example.test")).Address);
        await Assert.ThrowsAsync<DirectoryUnavailableException>(() => Resolve("bob@example.test"));
    }

    [Fact]
    public async Task When_a_thousand_tasks_ask_while_rows_change_then_nobody_is_told_an_old_answer_after_the_change()
    {
        long domain = await _rig.GivenDomainAsync("example.test");
        using var stop = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                await Resolve("ann@example.test");
        }))];
        for (int i = 0; i < 50; i++)
        {
            long id = await _rig.GivenAddressAsync(domain, "ann", $"a{i}@example.org");
            Assert.Equal($"a{i}@example.org", (await Resolve("ann@example.test")).Address!.Targets[0].Outside.ToString());
            await _rig.WriteAsync(db => db.Addresses.Where(a => a.Id == id).ExecuteDeleteAsync());
            Assert.Null((await Resolve("ann@example.test")).Address);
        }
        await stop.CancelAsync();
        await Task.WhenAll(readers);
    }
}
