using System.Diagnostics;
using System.Globalization;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Imap;

/// <summary>Administration over IMAP, under the panel's rules: a superuser everywhere, a master in his domains, nobody else anywhere.</summary>
public class AdministrationTests
{
    internal const string Root = "root";

    /// <summary>A superuser without a mailbox; carl, master of example.test; eve of other.test.</summary>
    internal static async Task<ImapRig> StartAsync()
    {
        ImapRig rig = await ImapRig.StartAsync();
        await rig.Mail.Accounts.GivenDomainAsync("other.test");
        await rig.Mail.Accounts.GivenAccountAsync("eve@other.test", MailRig.Password);
        long carl = await rig.Mail.Accounts.GivenAccountAsync("carl@example.test", MailRig.Password);
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            var root = new Account { PasswordHash = rig.Mail.Accounts.Hashes.Make(MailRig.Password), Services = MailServices.Panel, SecurityStamp = "s" };
            root.SetLogin(Root);
            db.Accounts.Add(root);
            await db.SaveChangesAsync();
            db.Grants.Add(new Grant { AccountId = root.Id, SetId = PermissionSet.Superuser });
            db.Grants.Add(new Grant { AccountId = carl, DomainId = rig.Mail.Domain, SetId = PermissionSet.Master });
            await db.SaveChangesAsync();
        });
        foreach (string user in new[] { "ann@example.test", "bob@example.test", "eve@other.test", "carl@example.test" })
        {
            await using WireScript c = await rig.LogInAsync(user);
            await c.PlayAsync("C: a CREATE Work\nS: a OK *\nC: b STATUS INBOX (MESSAGES)\nS: * STATUS *\nS: b OK *");
        }
        return rig;
    }

    static async Task<List<string>> AuditAsync(ImapRig rig)
    {
        await using AccountsContext db = rig.Mail.Accounts.Database.NewContext();
        return await db.Audit.Where(a => a.Action.StartsWith("mailbox.") || a.Action == "account.quota").OrderBy(a => a.Id)
            .Select(a => a.Actor + " " + a.Action + " " + a.Object).ToListAsync();
    }

    [Fact]
    public async Task When_a_superuser_administers_then_others_mailboxes_are_made_renamed_shared_and_deleted_on_record()
    {
        await using ImapRig rig = await StartAsync();
        await using WireScript c = await rig.LogInAsync(Root);
        await c.PlayAsync("""
            C: a1 NAMESPACE
            S: * NAMESPACE NIL (("user/" "/")) (("" "/"))
            S: a1 OK *
            C: a2 LIST "" user/%
            S: * LIST (\Noselect \HasChildren) "/" "user/ann"
            S: * LIST (\HasNoChildren) "/" "user/ann@example.test"
            S: * LIST (\Noselect \HasChildren) "/" "user/bob"
            S: * LIST (\HasNoChildren) "/" "user/bob@example.test"
            S: * LIST (\Noselect \HasChildren) "/" "user/carl"
            S: * LIST (\HasNoChildren) "/" "user/carl@example.test"
            S: * LIST (\Noselect \HasChildren) "/" "user/eve"
            S: * LIST (\HasNoChildren) "/" "user/eve@other.test"
            S: a2 OK *
            C: a3 CREATE user/ann/New/Below@example.test
            S: a3 OK *
            C: a4 RENAME user/ann/New@example.test user/ann/Old@example.test
            S: a4 OK *
            C: a5 DELETE user/ann/Old/Below@example.test
            S: a5 OK *
            C: a6 SELECT user/ann/Old@example.test
            S: a6 NO [NOPERM] *
            C: a7 SETACL user/ann/Old@example.test root lrs
            S: a7 OK *
            C: a8 GETACL user/ann/Old@example.test
            S: * ACL "user/ann/Old@example.test" ann@example.test lrswipkxteacd root lrs
            S: a8 OK *
            C: a9 STATUS user/ann/Old@example.test (MESSAGES)
            S: * STATUS "user/ann/Old@example.test" (MESSAGES 0)
            S: a9 OK *
            C: b1 CREATE Team/Plans@example.test
            S: b1 OK *
            C: b2 SETACL Team/Plans@example.test anyone lrs
            S: b2 OK *
            C: b3 LIST "" *Plans*
            S: * LIST (\HasNoChildren) "/" "Team/Plans@example.test"
            S: b3 OK *
            C: b4 CREATE user/nobody/Work@example.test
            S: b4 NO [NOPERM] *
            C: b6 RENAME user/ann/Old@example.test user/bob/Old@example.test
            S: b6 NO [CANNOT] *
            C: b7 CREATE INBOX
            S: b7 NO [NOPERM] *
            C: b8 SETQUOTA user/ann@example.test (STORAGE 1000 MESSAGE 50)
            S: * QUOTA "user/ann@example.test" (STORAGE 0 1000 MESSAGE 0 50)
            S: b8 OK *
            C: b9 GETQUOTAROOT user/ann/Old@example.test
            S: * QUOTAROOT "user/ann/Old@example.test" "user/ann@example.test"
            S: * QUOTA "user/ann@example.test" (STORAGE 0 1000 MESSAGE 0 50)
            S: b9 OK *
            C: c1 SETQUOTA shared@example.test (STORAGE 1)
            S: * QUOTA "shared@example.test" (STORAGE 0 1)
            S: c1 OK *
            C: c2 SETQUOTA user/ann@example.test (NOSUCH 5)
            S: c2 NO [CANNOT] *
            C: c3 SETMETADATA "" (/shared/comment "hello")
            S: c3 OK *
            """);
        Assert.Equal(1000 * 1024, (await rig.Mail.Accounts.Directory.FindAccountAsync(rig.Mail.Ann, default))!.QuotaBytes);
        Assert.Equal(
        [
            "root mailbox.create user/ann/New/Below@example.test", "root mailbox.rename user/ann/New@example.test", "root mailbox.delete user/ann/Old/Below@example.test",
            "root mailbox.acl user/ann/Old@example.test", "root mailbox.create Team/Plans@example.test", "root mailbox.acl Team/Plans@example.test",
            "root account.quota user/ann@example.test", "root mailbox.quota user/ann@example.test",
            "root mailbox.quota shared@example.test",
        ], (await AuditAsync(rig)).Select(line => line.Replace("account.quota ann@", "account.quota user/ann@", StringComparison.Ordinal)));
        await using WireScript ann = await rig.LogInAsync();
        await ann.PlayAsync("C: a STATUS Shared/Team/Plans (MESSAGES)\nS: * STATUS \"Shared/Team/Plans\" (MESSAGES 0)\nS: a OK *\nC: b APPEND Shared/Team/Plans {2+}\nC: ab\nS: b NO [NOPERM] *");
    }

    [Theory]
    [InlineData("carl@example.test", "ann", "example.test", true)]      // master, own domain
    [InlineData("carl@example.test", "eve", "other.test", false)]       // master, another one
    [InlineData("ann@example.test", "bob", "example.test", false)]      // no administrator
    [InlineData("eve@other.test", "ann", "example.test", false)]
    [InlineData(Root, "eve", "other.test", true)]
    public async Task When_somebody_administers_then_his_grants_decide_for_every_command(string who, string user, string domain, bool may)
    {
        await using ImapRig rig = await StartAsync();
        await using WireScript c = await rig.LogInAsync(who);
        string[] commands =
        [
            $"CREATE user/{user}/Made@{domain}", $"RENAME user/{user}/Made@{domain} user/{user}/Other@{domain}", $"SETACL user/{user}/Other@{domain} anyone l",
            $"DELETEACL user/{user}/Other@{domain} anyone", $"GETACL user/{user}/Other@{domain}", $"LISTRIGHTS user/{user}/Other@{domain} anyone",
            $"MYRIGHTS user/{user}/Other@{domain}", $"GETQUOTA user/{user}@{domain}", $"GETQUOTAROOT user/{user}@{domain}", $"SETQUOTA user/{user}@{domain} (STORAGE 100)",
            $"SETMETADATA user/{user}/Other@{domain} (/shared/comment \"x\")", $"GETMETADATA user/{user}/Other@{domain} /shared/comment", $"DELETE user/{user}/Other@{domain}",
        ];
        foreach (string command in commands)
        {
            await c.SendAsync($"x {command}\r\n");
            string answer = (await c.ReadUntilAsync("x "))[^1];
            // For who is no administrator "user/..." is a name like any other, of his own.
            bool own = who is "ann@example.test" or "eve@other.test" && !command.Contains("QUOTA ", StringComparison.Ordinal);
            if (!own)
                Assert.True(answer.StartsWith("x OK", StringComparison.Ordinal) == may, $"{who}: {command}: {answer}");
        }
        foreach (string command in new[] { "SELECT", "EXAMINE" })   // an administrator's rights are not those to read
        {
            await c.SendAsync($"x {command} user/{user}/Work@{domain}\r\n");
            Assert.StartsWith("x NO", (await c.ReadUntilAsync("x "))[^1], StringComparison.Ordinal);
        }
        Assert.Equal(may, (await AuditAsync(rig)).Count > 0);
        long owner = (await rig.Mail.Accounts.Directory.FindLoginAsync($"{user}@{domain}", default))!.AccountId;
        Assert.DoesNotContain(rig.Mail.Store.MailboxesOf(owner), box => box.Name.Value is "Made" or "Other");
        Assert.Equal(may ? 100 * 1024 : 0, (await rig.Mail.Accounts.Directory.FindAccountAsync(owner, default))!.QuotaBytes);
    }

    [Fact]
    public async Task When_a_master_would_rise_through_an_account_then_he_does_not_reach_it()
    {
        await using ImapRig rig = await StartAsync();
        await rig.Mail.Accounts.WriteAsync(async db => { db.Grants.Add(new Grant { AccountId = rig.Mail.Bob, SetId = PermissionSet.Superuser }); await db.SaveChangesAsync(); });
        await using WireScript c = await rig.LogInAsync("carl@example.test");
        await c.PlayAsync("""
            C: a LIST "" user/*
            S: * LIST (\HasNoChildren) "/" "user/ann/Work@example.test"
            S: * LIST (\HasNoChildren) "/" "user/ann@example.test"
            S: * LIST (\HasNoChildren) "/" "user/carl/Work@example.test"
            S: * LIST (\HasNoChildren) "/" "user/carl@example.test"
            S: a OK *
            C: b SETACL user/bob@example.test carl@example.test lr
            S: b NO [NONEXISTENT] *
            C: c CREATE Shared/Team
            S: c OK *
            C: d SETACL Shared/Team $@example.test lrs
            S: d OK *
            C: e SETQUOTA user/bob@example.test (STORAGE 5)
            S: e NO [NONEXISTENT] *
            """);
        await rig.Mail.Accounts.WriteAsync(async db => { await db.Grants.Where(g => g.SetId == PermissionSet.Master).ExecuteDeleteAsync(); });
        await c.PlayAsync("C: f SETACL user/ann@example.test carl@example.test lr\nS: f NO [NONEXISTENT] *\nC: g CREATE Shared/More\nS: g NO [NOPERM] *");
    }

    [Fact]
    public async Task When_an_administrator_has_no_mailbox_then_what_he_subscribed_to_or_may_read_has_one_name_everywhere()
    {
        await using ImapRig rig = await StartAsync();
        await using WireScript ann = await rig.LogInAsync();
        await ann.PlayAsync("C: a SETACL Work root lrs\nS: a OK *");
        await rig.GivenMessagesAsync(1, "Work");
        await rig.Mail.Store.CreateAsync(MailStore.SharedTree(rig.Mail.Domain), MailboxName.Parse("Team"));
        await using WireScript c = await rig.LogInAsync(Root);
        await c.PlayAsync("""
            C: a1 SUBSCRIBE user/ann/Work@example.test
            S: a1 OK *
            C: a2 SUBSCRIBE user/bob/Gone@example.test
            S: a2 OK *
            C: a3 SUBSCRIBE Team@example.test
            S: a3 OK *
            C: a4 LSUB "" *
            S: * LSUB () "/" "user/ann/Work@example.test"
            S: * LSUB () "/" "Team@example.test"
            S: * LSUB () "/" "user/bob/Gone@example.test"
            S: a4 OK *
            C: a5 LSUB "" %
            S: * LSUB () "/" "Team@example.test"
            S: * LSUB (\Noselect) "/" "user"
            S: a5 OK *
            C: a6 LIST (SUBSCRIBED) "" *
            S: * LIST (\NonExistent \Subscribed) "/" "user/bob/Gone@example.test"
            S: * LIST (\Subscribed \HasNoChildren) "/" "user/ann/Work@example.test"
            S: * LIST (\Subscribed \HasNoChildren) "/" "Team@example.test"
            S: a6 OK *
            C: a7 LIST "" *Work*
            S: * LIST (\HasNoChildren) "/" "user/ann/Work@example.test"
            S: * LIST (\HasNoChildren) "/" "user/bob/Work@example.test"
            S: * LIST (\HasNoChildren) "/" "user/carl/Work@example.test"
            S: * LIST (\HasNoChildren) "/" "user/eve/Work@other.test"
            S: a7 OK *
            C: a8 ESEARCH IN (subscribed) RETURN (COUNT) ALL
            S: * ESEARCH (TAG "a8" MAILBOX "user/ann/Work@example.test" UIDVALIDITY *
            S: a8 OK *
            C: a9 NOTIFY SET STATUS (subscribed (MessageNew MessageExpunge MailboxName)) (subtree user/ann/Work@example.test (SubscriptionChange))
            S: * STATUS "user/ann/Work@example.test" (MESSAGES 1 *
            S: a9 OK *
            """);
        await rig.GivenMessagesAsync(1, "Work");
        await c.PlayAsync("S: * STATUS \"user/ann/Work@example.test\" (MESSAGES 2 *");
        Assert.Empty(rig.Mail.Store.MailboxesOf((await rig.Mail.Accounts.Directory.FindLoginAsync(Root, default))!.AccountId));   // and none was made for him
    }

    [Fact]
    public async Task When_there_are_more_accounts_than_a_page_then_all_are_listed_and_a_pattern_reads_only_those_it_can_match()
    {
        await using ImapRig rig = await StartAsync();
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            for (int i = 0; i < 1200; i++)
            {
                var account = new Account { DomainId = rig.Mail.Domain, HasMailbox = true, SecurityStamp = "s" };
                account.SetLogin($"many{i:0000}@example.test");
                db.Accounts.Add(account);
            }
            foreach (string login in new[] { "zed", "zed@other.test", "zed@example.test", "zed.x@example.test", "a/b" })
            {
                var account = new Account { DomainId = rig.Mail.Domain, HasMailbox = true, SecurityStamp = "s" };
                account.SetLogin(login);
                db.Accounts.Add(account);
            }
            await db.SaveChangesAsync();
        });
        List<(long Id, string Login)> all;
        await using (AccountsContext db = rig.Mail.Accounts.Database.NewContext())
            all = [.. (await db.Accounts.Where(a => a.HasMailbox).ToListAsync()).Select(a => (a.Id, a.UserName!))];
        await Task.WhenAll(all.Select(account => rig.Mail.Store.ProvisionAsync(account.Id, [(MailboxName.Parse("Work"), "")])));
        await using WireScript c = await rig.LogInAsync(Root);
        async Task<List<string>> ListAsync(string arguments)
        {
            await c.SendAsync($"x LIST {arguments}\r\n");
            List<string> lines = await c.ReadUntilAsync("x ");
            Assert.StartsWith("x OK", lines[^1], StringComparison.Ordinal);
            return [.. lines[..^1].Select(line => line.Split("\"/\" ")[1].Trim('"'))];
        }
        List<string> every = await ListAsync("\"\" *");
        Assert.Equal(2 * all.Count, every.Count);
        Assert.Equal(every.Count, every.Distinct().Count());
        string numbered = $"user/#{all.Single(a => a.Login == "a/b").Id}";
        Assert.Contains(numbered, every);
        Assert.Equal([numbered], await ListAsync($"\"\" {numbered}"));
        Assert.Equal(1200, (await ListAsync("\"\" user/many*/Work*")).Count);
        Assert.Equal(["user/many0007/Work@example.test", "user/many0007@example.test"], await ListAsync("user/ many0007*"));
        Assert.Equal(["user/zed/Work@example.test", "user/zed/Work@other.test", "user/zed@example.test", "user/zed@other.test", "user/zed", "user/zed/Work"],
            (await ListAsync("\"\" (user/zed user/zed/* user/zed@*)")).OrderBy(name => name.Contains('@', StringComparison.Ordinal) ? 0 : 1).ThenBy(name => name, StringComparer.Ordinal));
        Assert.Equal(["user"], await ListAsync("\"\" %"));
        Assert.Empty(await ListAsync("\"\" nowhere*"));
        var rights = await new AccountAdministration(rig.Mail.Accounts.Database).RightsAsync((await rig.Mail.Accounts.Directory.FindLoginAsync(Root, default))!.AccountId, default);
        var administration = new AccountAdministration(rig.Mail.Accounts.Database);
        Assert.Equal(["zed", "zed.x@example.test", "zed@example.test", "zed@other.test"], (await administration.AccountsOfAsync(rights, "zed", "", 10, default)).Select(a => a.Login));
        Assert.Equal(["zed@example.test"], (await administration.AccountsOfAsync(rights, "zed", "zed.x@example.test", 1, default)).Select(a => a.Login));
    }

    [Fact]
    public async Task When_quotas_break_the_rules_of_the_domain_then_they_are_refused()
    {
        await using ImapRig rig = await StartAsync();
        await rig.Mail.Accounts.WriteAsync(async db =>
        {
            Domain domain = (await db.Domains.FindAsync(rig.Mail.Domain))!;
            (domain.MaxQuotaBytes, domain.TotalQuotaBytes, domain.DefaultQuotaBytes) = (3000 * 1024, 5000 * 1024, 1000 * 1024);
            await db.SaveChangesAsync();
        });
        await using WireScript c = await rig.LogInAsync("carl@example.test");
        await c.PlayAsync("""
            C: a SETQUOTA user/ann@example.test (STORAGE 3001)
            S: a NO [LIMIT] *
            C: b SETQUOTA user/ann@example.test (STORAGE 3000)
            S: * QUOTA "user/ann@example.test" (STORAGE 0 3000)
            S: b OK *
            C: c SETQUOTA user/bob@example.test (STORAGE 1001)
            S: c NO [LIMIT] *
            C: d SETQUOTA user/ann@example.test ()
            S: * QUOTA "user/ann@example.test" (STORAGE 0 1000)
            S: d OK *
            C: e SETQUOTA user/ann@example.test (STORAGE 0)
            S: * QUOTA "user/ann@example.test" (STORAGE 0 0)
            S: e OK *
            """);
    }

    [Fact]
    public async Task When_a_stock_cyradm_is_used_then_its_verbs_work()
    {
        await using ImapRig rig = await StartAsync();
        string output = await CyradmAsync(rig, """
            cm user/ann/Projects@example.test
            renm user/ann/Projects@example.test user/ann/Plans@example.test
            sam user/ann/Plans@example.test bob@example.test read
            sam user/ann/Plans@example.test anyone p
            lam user/ann/Plans@example.test
            dam user/ann/Plans@example.test anyone
            sq user/ann@example.test STORAGE 1024
            lq user/ann@example.test
            lqr user/ann/Plans@example.test
            sq user/ann@example.test STORAGE 1024 MESSAGE 50 MAILBOX 20
            lm user/ann/Pl*
            setinfo comment "of the server"
            mboxcfg user/ann/Plans@example.test comment "of the mailbox"
            getmd user/ann/Plans@example.test
            dm user/ann/Work@example.test
            lm *Work*
            quit
            """);
        foreach (string expected in new[]
        {
            "bob@example.test lrs", "anyone p", "STORAGE 0/1024", "user/ann@example.test STORAGE 0/1024", "user/ann/Plans@example.test (\\HasNoChildren)", "of the mailbox",
            "user/bob/Work@example.test (\\HasNoChildren)",
        })
            Assert.True(output.Contains(expected, StringComparison.Ordinal), $"\"{expected}\" is not in:\n{output}");
        Assert.DoesNotContain("user/ann/Work@example.test (", output, StringComparison.Ordinal);
        Assert.Equal(1024 * 1024, (await rig.Mail.Accounts.Directory.FindAccountAsync(rig.Mail.Ann, default))!.QuotaBytes);
        Assert.Equal(new AccountLimits(null, 50, 20), rig.Mail.Store.LimitsOf(rig.Mail.Ann));
        MailboxInfo plans = rig.Mail.Store.Find(rig.Mail.Ann, MailboxName.Parse("Plans"))!;
        Assert.Equal("lrs", AclText.Format(plans.Acl.RightsAt(AclIdentifier.OfAccount(rig.Mail.Bob))));
        Assert.Equal(AclRights.None, plans.Acl.RightsOfAnyone);
        Assert.Null(rig.Mail.Store.Find(rig.Mail.Ann, MailboxName.Parse("Work")));
    }

    internal static async Task<string> CyradmAsync(ImapRig rig, string commands)
    {
        var start = new ProcessStartInfo("cyradm") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            "--user", Root, "--auth", "PLAIN", "--password", MailRig.Password, "--notls", "--port", rig.Mail.Listeners.PortOf(MailProtocol.Imap).ToString(CultureInfo.InvariantCulture), "127.0.0.1",
        })
            start.ArgumentList.Add(argument);
        start.Environment["PERL_RL"] = "Stub";
        using Process cyradm = Process.Start(start)!;
        Task<string> output = cyradm.StandardOutput.ReadToEndAsync(), errors = cyradm.StandardError.ReadToEndAsync();
        await cyradm.StandardInput.WriteAsync(commands + "\n");
        cyradm.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await cyradm.WaitForExitAsync(limit.Token);
        return await output + await errors;
    }
}
