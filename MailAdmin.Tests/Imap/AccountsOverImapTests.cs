using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Imap;

/// <summary>An administrator makes, renames and removes accounts by the names of their INBOXes, as with Cyrus, under the panel's rules.</summary>
public class AccountsOverImapTests
{
    const string Root = AdministrationTests.Root;

    static async Task<List<string>> AuditAsync(ImapRig rig)
    {
        await using AccountsContext db = rig.Mail.Accounts.Database.NewContext();
        return await db.Audit.Where(a => a.Action.StartsWith("account.")).OrderBy(a => a.Id).Select(a => a.Actor + " " + a.Action + " " + a.Object).ToListAsync();
    }

    static async Task<AccountEntry?> FindAsync(ImapRig rig, string login) => await rig.Mail.Accounts.Directory.FindLoginAsync(login, default);

    static async Task<string> RouteAsync(ImapRig rig, string address)
    {
        Route route = await new Router(rig.Mail.Accounts.Directory, rig.Mail.Options).RouteAsync(EmailAddress.Parse(address), mayRelay: false, default);
        return route is Route.Deposit deposit ? deposit.Account.Login : route.GetType().Name;
    }

    static Task ChangeAsync(ImapRig rig, Func<AccountsContext, Task> change) => rig.Mail.Accounts.WriteAsync(async db =>
    {
        await change(db);
        await db.SaveChangesAsync();
    });

    [Theory]
    [InlineData(Root, "example.test", true)]
    [InlineData(Root, "other.test", true)]
    [InlineData("carl@example.test", "example.test", true)]       // master, own domain
    [InlineData("carl@example.test", "other.test", false)]        // master, another one
    [InlineData("ann@example.test", "example.test", false)]       // no administrator: names of her own
    [InlineData("eve@other.test", "example.test", false)]
    public async Task When_somebody_names_accounts_then_his_grants_decide_for_every_verb(string who, string domain, bool may)
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        await rig.Mail.Accounts.GivenAccountAsync($"there@{domain}", MailRig.Password);
        await using WireScript c = await rig.LogInAsync(who);
        foreach (string command in new[] { $"CREATE user/zoe@{domain}", $"RENAME user/zoe@{domain} user/zoey@{domain}", $"DELETE user/zoey@{domain}", $"RENAME user/there@{domain} user/moved@{domain}", $"DELETE user/moved@{domain}" })
        {
            string answer = (await c.AskAsync(command, "x"))[^1];
            if (who is Root or "carl@example.test")
                Assert.True(answer.StartsWith("x OK", StringComparison.Ordinal) == may, $"{who}: {command}: {answer}");
        }
        Assert.Equal(may ? 5 : 0, (await AuditAsync(rig)).Count(line => line.StartsWith(who + " ", StringComparison.Ordinal)));
        Assert.Null(await FindAsync(rig, $"zoey@{domain}"));
        Assert.Equal(!may, await FindAsync(rig, $"there@{domain}") is not null);
    }

    [Fact]
    public async Task When_an_account_is_made_then_it_is_one_of_the_panel_s_without_a_password()
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        await using WireScript c = await rig.LogInAsync(Root);
        await c.PlayAsync("""
            C: a CREATE user/Zoe@example.test
            S: a OK [MAILBOXID (*
            C: b CREATE user/zoe@example.test
            S: b NO [ALREADYEXISTS] *
            C: c LIST "" user/zoe/S*
            S: * LIST (\HasNoChildren) "/" "user/zoe/Sent@example.test"
            S: c OK *
            C: d SETQUOTA user/zoe@example.test (STORAGE 1024)
            S: * QUOTA "user/zoe@example.test" (STORAGE 0 1024)
            S: d OK *
            """);
        AccountEntry zoe = (await FindAsync(rig, "zoe@example.test"))!;
        Assert.Null(zoe.PasswordHash);
        Assert.Equal("zoe@example.test", await RouteAsync(rig, "zoe@example.test"));
        Assert.Contains("root account.create Zoe@example.test", await AuditAsync(rig));
        await using (WireScript none = await rig.ConnectAsync())
            await none.PlayAsync("C: a LOGIN zoe@example.test \"\"\nS: a NO *\nC: b LOGIN zoe@example.test \"x\"\nS: b NO [AUTHENTICATIONFAILED] *");
        await ChangeAsync(rig, async db => (await db.Accounts.SingleAsync(a => a.Id == zoe.AccountId)).PasswordHash = rig.Mail.Accounts.Hashes.Make(MailRig.Password));
        await using WireScript own = await rig.LogInAsync("zoe@example.test");
        await own.PlayAsync("C: a STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 0)\nS: a OK *");
        await using AccountsContext db = rig.Mail.Accounts.Database.NewContext();
        Assert.Equal(StoreTaskKind.Provision, (await db.StoreTasks.SingleAsync(t => t.AccountId == zoe.AccountId)).Kind);   // should the server have died in between
    }

    [Fact]
    public async Task When_the_rules_of_the_domain_forbid_an_account_then_it_is_not_made()
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        await rig.Mail.Accounts.GivenDomainAsync("relay.test", d => (d.Kind, d.RelayHost) = (DomainKind.Relay, "inner.test"));
        await rig.Mail.Accounts.GivenDomainAsync("counted.test", d => (d.LoginScheme, d.LoginPrefix) = (LoginScheme.PrefixCounter, "web"));
        await rig.Mail.Accounts.GivenDomainAsync("full.test", d => d.MaxAccounts = 1);
        await rig.Mail.Accounts.GivenDomainAsync("quota.test", d => (d.TotalQuotaBytes, d.DefaultQuotaBytes) = (1500, 1000));
        await rig.Mail.Accounts.GivenAddressAsync(rig.Mail.Domain, "alias", "x@away.test");
        await using WireScript c = await rig.LogInAsync(Root);
        await c.PlayAsync("""
            C: a1 CREATE user/a@relay.test
            S: a1 NO [CANNOT] *
            C: a2 CREATE user/a@counted.test
            S: a2 NO [CANNOT] *
            C: a3 CREATE user/a@full.test
            S: a3 OK *
            C: a4 CREATE user/b@full.test
            S: a4 NO [LIMIT] *
            C: a5 CREATE user/a@quota.test
            S: a5 OK *
            C: a6 CREATE user/b@quota.test
            S: a6 NO [LIMIT] *
            C: a7 CREATE user/alias@example.test
            S: a7 NO [ALREADYEXISTS] *
            C: a8 CREATE user/zoe@nowhere.test
            S: a8 NO [NOPERM] *
            C: a9 CREATE "user/z\"oe@example.test"
            S: a9 NO [CANNOT] *
            C: b1 CREATE "user/*@example.test"
            S: b1 NO [CANNOT] *
            C: b2 CREATE "user/zoe@zoe@example.test"
            S: b2 NO [CANNOT] *
            C: b3 CREATE user/zoe
            S: b3 NO [NOPERM] *
            C: b4 CREATE user/zoe/Work@example.test
            S: b4 NO [NOPERM] *
            C: b5 CREATE user/zoe@example.test (USE (\Sent))
            S: b5 NO [NOPERM] *
            C: b6 CREATE user/@example.test
            S: b6 NO *
            C: b7 DELETE user/zoe@example.test
            S: b7 NO [NONEXISTENT] *
            C: b8 RENAME user/zoe@example.test user/zoey@example.test
            S: b8 NO [NONEXISTENT] *
            """);
        Assert.Equal(["root account.create a@full.test", "root account.create a@quota.test"], await AuditAsync(rig));
    }

    [Fact]
    public async Task When_an_account_is_renamed_then_its_mail_aliases_and_rights_stay_with_it_and_its_sessions_end()
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        await rig.GivenMessagesAsync(2);
        await rig.Mail.Accounts.GivenAddressAsync(rig.Mail.Domain, "team", rig.Mail.Ann);
        await using WireScript root = await rig.LogInAsync(Root), ann = await rig.SelectAsync();
        await root.PlayAsync("""
            C: a SETACL user/bob/Work@example.test ann@example.test lr
            S: a OK *
            C: b RENAME user/ann@example.test user/bob@example.test
            S: b NO [ALREADYEXISTS] *
            C: c RENAME user/ann@example.test user/ann@other.test
            S: c NO [CANNOT] *
            C: d RENAME user/ann@example.test user/bob/Old@example.test
            S: d NO [CANNOT] *
            C: e RENAME user/ann/Work@example.test user/new@example.test
            S: e NO *
            C: f RENAME user/ann@example.test user/Anna@example.test
            S: f OK *
            """);
        await ann.ReadUntilAsync("* BYE");
        Assert.Equal(("Reject", "anna@example.test", "anna@example.test"),
            (await RouteAsync(rig, "ann@example.test"), await RouteAsync(rig, "anna@example.test"), await RouteAsync(rig, "team@example.test")));
        Assert.Equal(rig.Mail.Ann, (await FindAsync(rig, "anna@example.test"))!.AccountId);
        Assert.Equal(["root account.rename ann@example.test"], await AuditAsync(rig));
        await using WireScript anna = await rig.LogInAsync("anna@example.test");
        await anna.PlayAsync("C: a STATUS INBOX (MESSAGES)\nS: * STATUS \"INBOX\" (MESSAGES 2)\nS: a OK *\nC: b MYRIGHTS \"Other Users/bob@example.test/Work\"\nS: * MYRIGHTS \"Other Users/bob@example.test/Work\" lr\nS: b OK *");
        await ChangeAsync(rig, async db => (await db.Accounts.SingleAsync(a => a.Id == rig.Mail.Bob)).SetLogin("bobby"));
        await root.PlayAsync("C: g RENAME user/bobby user/bob2@example.test\nS: g NO [CANNOT] *");
    }

    [Fact]
    public async Task When_a_new_name_is_a_role_of_the_domain_then_the_account_takes_it_over()   // RFC 5321 §4.5.1
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        await using WireScript root = await rig.LogInAsync(Root);
        await root.PlayAsync("C: a CREATE user/first@other.test\nS: a OK *");
        Assert.Equal("first@other.test", await RouteAsync(rig, "postmaster@other.test"));
        await root.PlayAsync("C: b RENAME user/eve@other.test user/postmaster@other.test\nS: b OK *\nC: c CREATE user/abuse@other.test\nS: c OK *");
        Assert.Equal(("postmaster@other.test", "abuse@other.test"), (await RouteAsync(rig, "postmaster@other.test"), await RouteAsync(rig, "abuse@other.test")));
    }

    [Fact]
    public async Task When_an_account_is_deleted_then_nobody_logs_in_or_writes_to_it_and_its_mail_is_gone()
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        await rig.GivenMessagesAsync(2);
        await using WireScript root = await rig.LogInAsync(Root), ann = await rig.SelectAsync();
        await root.PlayAsync("""
            C: a SETACL user/ann@example.test root c
            S: a OK *
            C: b DELETE user/ann/Work@example.test
            S: b OK *
            C: c DELETE user/ann@example.test
            S: c OK *
            C: d LIST "" user/ann*
            S: d OK *
            """);
        await ann.ReadUntilAsync("* BYE");
        Assert.Equal("Reject", await RouteAsync(rig, "ann@example.test"));
        Assert.Empty(rig.Mail.Store.MailboxesOf(rig.Mail.Ann));
        Assert.Equal(0, (await rig.Mail.Store.UseAsync(rig.Mail.Ann)).Messages);
        Assert.Equal(["root account.delete ann@example.test"], await AuditAsync(rig));
        await using (AccountsContext db = rig.Mail.Accounts.Database.NewContext())
            Assert.Equal(StoreTaskKind.Remove, (await db.StoreTasks.SingleAsync(t => t.AccountId == rig.Mail.Ann)).Kind);
        await root.PlayAsync("C: e CREATE user/ann@example.test\nS: e OK *");   // the name may be given again, to another account
        Assert.NotEqual(rig.Mail.Ann, (await FindAsync(rig, "ann@example.test"))!.AccountId);
    }

    [Fact]
    public async Task When_it_would_leave_nobody_or_raise_a_master_then_an_account_stays()
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        await ChangeAsync(rig, async db =>
        {
            db.Grants.Add(new Grant { AccountId = rig.Mail.Bob, SetId = PermissionSet.Superuser });
            await db.Grants.Where(g => g.DomainId == null && g.AccountId != rig.Mail.Bob).ExecuteDeleteAsync();
        });
        await using WireScript carl = await rig.LogInAsync("carl@example.test"), bob = await rig.LogInAsync("bob@example.test");
        await carl.PlayAsync("C: a DELETE user/bob@example.test\nS: a NO [NONEXISTENT] *\nC: b RENAME user/bob@example.test user/bobby@example.test\nS: b NO [NONEXISTENT] *");
        await bob.PlayAsync("C: a DELETE user/bob@example.test\nS: a NO [CANNOT] *\nC: b DELETE user/carl@example.test\nS: b OK *");
        Assert.Equal(["bob@example.test account.delete carl@example.test"], await AuditAsync(rig));
        await carl.ReadUntilAsync("* BYE");
    }

    [Fact]
    public async Task When_a_stock_cyradm_makes_accounts_then_they_are_there()
    {
        await using ImapRig rig = await AdministrationTests.StartAsync();
        string output = await AdministrationTests.CyradmAsync(rig, """
            cm user/zoe@example.test
            cm user/yan@example.test
            cm user/zoe/Projects@example.test
            sq user/zoe@example.test STORAGE 2048
            renm user/zoe@example.test user/zoey@example.test
            lm user/zoey*
            sam user/yan@example.test root c
            dm user/yan@example.test
            cm user/zoey@example.test
            quit
            """);
        AccountEntry zoey = (await FindAsync(rig, "zoey@example.test"))!;
        Assert.Equal(2048 * 1024, zoey.QuotaBytes);
        Assert.NotNull(rig.Mail.Store.Find(zoey.AccountId, MailboxName.Parse("Projects")));
        Assert.Null(await FindAsync(rig, "zoe@example.test"));
        Assert.Null(await FindAsync(rig, "yan@example.test"));
        foreach (string expected in new[] { "user/zoey/Projects@example.test (\\HasNoChildren)", "user/zoey@example.test (\\HasNoChildren)", "[ALREADYEXISTS]" })
            Assert.True(output.Contains(expected, StringComparison.Ordinal), $"\"{expected}\" is not in:\n{output}");
    }
}
