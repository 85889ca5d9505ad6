using System.Reflection;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Every service method times every role on an object of own.test. A new method without a row here fails.</summary>
public sealed class AuthorizationMatrixTests
{
    public enum Role { Superuser, MasterOfIt, MasterOfAnother, PlainUser, Nobody }

    sealed record Row(Func<ServicesRig, Actor, Task<ServiceResult>> Call, Role[] Allowed);

    static readonly Role[] s_super = [Role.Superuser];
    static readonly Role[] s_admins = [Role.Superuser, Role.MasterOfIt];
    static readonly Role[] s_owner = [Role.Superuser, Role.MasterOfIt, Role.PlainUser];
    static readonly Role[] s_anyAdmin = [Role.Superuser, Role.MasterOfIt, Role.MasterOfAnother];
    static readonly Role[] s_loggedIn = [Role.Superuser, Role.MasterOfIt, Role.MasterOfAnother, Role.PlainUser];

    static readonly Dictionary<string, Row> s_rows = new()
    {
        ["DomainService.ListAsync"] = new(async (r, a) => await r.Get<DomainService>().ListAsync(a, new PageRequest()), s_anyAdmin),
        ["DomainService.GetAsync"] = new(async (r, a) => await r.Get<DomainService>().GetAsync(a, r.OwnDomain), s_admins),
        ["DomainService.CreateAsync"] = new(async (r, a) => await r.Get<DomainService>().CreateAsync(a, new DomainForm { Name = "new.test" }), s_super),
        ["DomainService.UpdateAsync"] = new(async (r, a) => await r.Get<DomainService>().UpdateAsync(a, r.OwnDomain, new DomainForm { Name = "own.test" }), s_admins),
        ["DomainService.DeleteAsync"] = new((r, a) => r.Get<DomainService>().DeleteAsync(a, r.OwnDomain, withAccounts: true), s_super),
        ["AccountService.ListAsync"] = new(async (r, a) => await r.Get<AccountService>().ListAsync(a, new AccountQuery(new PageRequest(), r.OwnDomain)), s_admins),
        ["AccountService.GetAsync"] = new(async (r, a) => await r.Get<AccountService>().GetAsync(a, r.OwnUser), s_admins),
        ["AccountService.CreateAsync"] = new(async (r, a) => await r.Get<AccountService>().CreateAsync(
            a, new AccountForm { DomainId = r.OwnDomain, LocalPart = "new", Password = ServicesRig.Password }), s_admins),
        ["AccountService.UpdateAsync"] = new((r, a) => r.Get<AccountService>().UpdateAsync(a, r.OwnUser, new AccountForm { DisplayName = "Ann" }), s_admins),
        ["AccountService.DeleteAsync"] = new((r, a) => r.Get<AccountService>().DeleteAsync(a, r.SecondUser), s_admins),
        ["AccountService.OwnAsync"] = new(async (r, a) => await r.Get<AccountService>().OwnAsync(a), s_loggedIn),
        ["AccountImport.ImportAsync"] = new(async (r, a) =>
        {
            // A file may hold rows of several domains: those that are none of the actor's business are left out, one by one.
            using var csv = new StringReader("address,password\nnew@own.test,correct horse 7 stairs\n");
            ServiceResult<ImportReport> result = await r.Get<AccountImport>().ImportAsync(a, csv);
            return result is { Ok: true, Value.Imported: 0 } ? ServiceResult.NotFound("domain") : result;
        }, s_admins),
        ["AddressService.ListAsync"] = new(async (r, a) => await r.Get<AddressService>().ListAsync(a, new AddressQuery(new PageRequest(), r.OwnDomain)), s_admins),
        ["AddressService.GetAsync"] = new(async (r, a) => await r.Get<AddressService>().GetAsync(a, r.OwnAlias), s_admins),
        ["AddressService.CreateAsync"] = new(async (r, a) => await r.Get<AddressService>().CreateAsync(
            a, new AddressForm { DomainId = r.OwnDomain, LocalPart = "new", Targets = ["x@example.org"] }), s_admins),
        ["AddressService.UpdateAsync"] = new((r, a) => r.Get<AddressService>().UpdateAsync(a, r.OwnAlias, new AddressForm { Targets = ["x@example.org"] }), s_admins),
        ["AddressService.DeleteAsync"] = new((r, a) => r.Get<AddressService>().DeleteAsync(a, r.OwnAlias), s_admins),
        ["GrantService.ListAsync"] = new(async (r, a) => await r.Get<GrantService>().ListAsync(a), s_super),
        ["GrantService.MakeMasterAsync"] = new((r, a) => r.Get<GrantService>().MakeMasterAsync(a, r.SecondUser, r.OwnDomain), s_super),
        ["GrantService.UnmakeMasterAsync"] = new((r, a) => r.Get<GrantService>().UnmakeMasterAsync(a, r.OwnMaster, r.OwnDomain), s_super),
        ["GrantService.MakeSuperuserAsync"] = new((r, a) => r.Get<GrantService>().MakeSuperuserAsync(a, r.SecondUser), s_super),
        ["GrantService.UnmakeSuperuserAsync"] = new((r, a) => r.Get<GrantService>().UnmakeSuperuserAsync(a, r.SecondUser), s_super),
        ["GrantService.AddSuperuserAsync"] = new(async (r, a) => await r.Get<GrantService>().AddSuperuserAsync(
            a, new SuperuserForm { Login = "second", Password = ServicesRig.Password }), s_super),
        ["PasswordService.ChangeOwnAsync"] = new((r, a) => r.Get<PasswordService>().ChangeOwnAsync(
            a, new OwnPasswordForm { Current = ServicesRig.Password, New = "lagoon trombone 9", Repeat = "lagoon trombone 9" }), s_loggedIn),
        ["PasswordService.ResetAsync"] = new((r, a) => r.Get<PasswordService>().ResetAsync(
            a, r.OwnUser, new NewPasswordForm { New = "lagoon trombone 9", Repeat = "lagoon trombone 9" }), s_admins),
        ["QueueService.ListAsync"] = new(async (r, a) => await r.Get<QueueService>().ListAsync(a, new PageRequest()), s_super),
        ["QueueService.RetryAsync"] = new(async (r, a) => await r.Get<QueueService>().RetryAsync(a, [1]), s_super),
        ["QueueService.HoldAsync"] = new(async (r, a) => await r.Get<QueueService>().HoldAsync(a, [1]), s_super),
        ["QueueService.ReleaseAsync"] = new(async (r, a) => await r.Get<QueueService>().ReleaseAsync(a, [1]), s_super),
        ["QueueService.RemoveAsync"] = new(async (r, a) => await r.Get<QueueService>().RemoveAsync(a, [1], tellSender: false), s_super),
        ["TraceService.FindAsync"] = new(async (r, a) => await r.Get<TraceService>().FindAsync(a, "<none@own.test>"), s_super),
        ["DeletedMailService.ListAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().ListAsync(a, r.OwnUser, new PageRequest()), s_owner),
        ["DeletedMailService.MailboxesAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().MailboxesAsync(a, r.OwnUser), s_owner),
        ["DeletedMailService.RestoreMessagesAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().RestoreMessagesAsync(a, r.OwnUser, [1]), s_owner),
        ["DeletedMailService.RestoreMailboxAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().RestoreMailboxAsync(
            a, r.OwnUser, (await r.Store!.GivenDeletedMailboxAsync(r.OwnUser)).Id), s_owner),
        ["MailboxService.ListAsync"] = new(async (r, a) => await r.Get<MailboxService>().ListAsync(a, MailTree.OfAccount(r.OwnUser), new PageRequest()), s_owner),
        ["MailboxService.GetAsync"] = new(async (r, a) => await r.Get<MailboxService>().GetAsync(a, MailTree.OfAccount(r.OwnUser), await r.InboxOfAsync(r.OwnUser)), s_owner),
        ["MailboxService.GrantAsync"] = new(async (r, a) => await r.Get<MailboxService>().GrantAsync(
            a, MailTree.OfAccount(r.OwnUser), await r.InboxOfAsync(r.OwnUser), new AccessForm { Who = "bob@own.test", Rights = AclRights.Lookup }), s_owner),
        ["MailboxService.RevokeAsync"] = new(async (r, a) =>
        {
            long inbox = await r.InboxOfAsync(r.OwnUser);
            await r.Store!.SetAclAsync(inbox, AclIdentifier.Anyone, AclChangeMode.Replace, AclRights.Post);
            return await r.Get<MailboxService>().RevokeAsync(a, MailTree.OfAccount(r.OwnUser), inbox, AclIdentifier.Anyone);
        }, s_owner),
        ["MailboxService.LimitsAsync"] = new(async (r, a) => await r.Get<MailboxService>().LimitsAsync(a, MailTree.OfAccount(r.OwnUser)), s_owner),
        ["MailboxService.SetLimitsAsync"] = new((r, a) => r.Get<MailboxService>().SetLimitsAsync(a, MailTree.OfAccount(r.OwnUser), new MailLimitsForm { MaxMessages = 10 }), s_admins),
        ["MailboxService.CreateAsync"] = new(async (r, a) => await r.Get<MailboxService>().CreateAsync(a, r.OwnDomain, new SharedMailboxForm { Name = "Team" }), s_admins),
        ["MailboxService.DeleteAsync"] = new(async (r, a) => await r.Get<MailboxService>().DeleteAsync(a, r.OwnDomain, await r.GivenSharedMailboxAsync("Team")), s_admins),
        // They name files of the server: for who owns the machine alone.
        ["ExchangeService.ExportAsync"] = new(async (r, a) => await r.Get<ExchangeService>().ExportAsync(a, r.OwnUser, "/nowhere/x.tar", MailEngine.Store.Exchange.ArchiveFormat.Tar, null), []),
        ["ExchangeService.ImportAsync"] = new(async (r, a) => await r.Get<ExchangeService>().ImportAsync(a, r.OwnUser, "/nowhere/x.tar", MailEngine.Store.Exchange.ArchiveFormat.Tar, false, null), []),
        ["OverviewService.GetAsync"] = new(async (r, a) => await r.Get<OverviewService>().GetAsync(a), s_anyAdmin),
        ["AuditService.ListAsync"] = new(async (r, a) => await r.Get<AuditService>().ListAsync(a, new PageRequest()), s_anyAdmin),
    };

    public static TheoryData<string, Role> Cases()
    {
        var cases = new TheoryData<string, Role>();
        foreach (string method in s_rows.Keys)
        {
            foreach (Role role in Enum.GetValues<Role>())
                cases.Add(method, role);
        }
        return cases;
    }

    [Fact]
    public void When_a_service_method_takes_an_actor_then_the_matrix_has_a_row_for_it()
    {
        IEnumerable<string> methods =
            from type in typeof(AccountService).Assembly.GetTypes()
            where type.IsPublic && type.Namespace == typeof(AccountService).Namespace && type != typeof(Access)
            from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            where method.GetParameters() is [{ } first, ..] && first.ParameterType == typeof(Actor) && method.Name.EndsWith("Async", StringComparison.Ordinal)
            select $"{type.Name}.{method.Name}";
        Assert.Equal(methods.Order(), s_rows.Keys.Order());
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task When_a_role_calls_a_service_then_it_gets_what_it_may_and_nothing_else(string method, Role role)
    {
        bool withQueue = method.StartsWith("Queue", StringComparison.Ordinal) || method.StartsWith("Trace", StringComparison.Ordinal);
        bool withStore = withQueue || method.StartsWith("DeletedMail", StringComparison.Ordinal) || method.StartsWith("Mailbox", StringComparison.Ordinal);
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore, withQueue);
        Actor actor = role switch
        {
            Role.Superuser => rig.Super,
            Role.MasterOfIt => rig.Master,
            Role.MasterOfAnother => ServicesRig.As(rig.OtherMaster),
            Role.PlainUser => ServicesRig.As(rig.OwnUser),
            _ => ServicesRig.Nobody,
        };
        long before = await AuditCountAsync(rig);
        ServiceResult result = await s_rows[method].Call(rig, actor);
        if (s_rows[method].Allowed.Contains(role))
        {
            Assert.True(result.Ok, result.Text);
        }
        else
        {
            Assert.True(result.Refusal is Refusal.Forbidden or Refusal.NotFound, $"{result.Refusal}: {result.Text}");
            Assert.Equal(before, await AuditCountAsync(rig));
        }
    }

    [Fact]
    public async Task When_an_account_is_suspended_then_its_rights_are_gone_at_once()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync();
        Assert.True((await rig.Get<AccountService>().UpdateAsync(rig.Super, rig.OwnMaster, new AccountForm { State = AccountState.Suspended })).Ok);
        Assert.Equal(Refusal.Forbidden, (await rig.Get<DomainService>().ListAsync(rig.Master, new PageRequest())).Refusal);
    }

    [Fact]
    public async Task When_a_master_reaches_for_an_account_with_more_rights_then_he_is_refused()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync();
        await rig.Get<GrantService>().MakeSuperuserAsync(rig.Super, rig.OwnUser);
        await rig.Get<GrantService>().MakeMasterAsync(rig.Super, rig.SecondUser, rig.OtherDomain);
        foreach (long above in new[] { rig.OwnUser, rig.SecondUser })
        {
            Assert.Equal(Refusal.Forbidden, (await rig.Get<PasswordService>().ResetAsync(
                rig.Master, above, new NewPasswordForm { New = "lagoon trombone 9", Repeat = "lagoon trombone 9" })).Refusal);
            Assert.Equal(Refusal.Forbidden, (await rig.Get<AccountService>().DeleteAsync(rig.Master, above)).Refusal);
            Assert.Equal(Refusal.Forbidden, (await rig.Get<AccountService>().UpdateAsync(rig.Master, above, new AccountForm())).Refusal);
        }
    }

    [Fact]
    public async Task When_a_master_lists_then_nothing_of_other_domains_shows()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync();
        Assert.Equal(["own.test"], (await rig.Get<DomainService>().ListAsync(rig.Master, new PageRequest())).Value!.Items.Select(d => d.Name));
        Assert.All((await rig.Get<AccountService>().ListAsync(rig.Master, new AccountQuery(new PageRequest()))).Value!.Items,
            a => Assert.EndsWith("@own.test", a.Login, StringComparison.Ordinal));
        Assert.All((await rig.Get<AddressService>().ListAsync(rig.Master, new AddressQuery(new PageRequest()))).Value!.Items,
            a => Assert.EndsWith("@own.test", a.Address, StringComparison.Ordinal));
        Assert.Empty((await rig.Get<AccountService>().ListAsync(rig.Master, new AccountQuery(new PageRequest(Filter: "cid")))).Value!.Items);
        await rig.Get<AccountService>().UpdateAsync(rig.Super, rig.OtherUser, new AccountForm { DisplayName = "Cid" });
        Assert.Empty((await rig.Get<AuditService>().ListAsync(rig.Master, new PageRequest())).Value!.Items);
    }

    [Fact]
    public async Task When_a_master_names_a_foreign_account_as_target_then_it_is_only_an_address_to_him()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync();
        var service = rig.Get<AddressService>();
        // By log-in name he could find out who is there; by address he may write to anybody.
        Assert.False((await service.CreateAsync(rig.Master, new AddressForm { DomainId = rig.OwnDomain, LocalPart = "a", Targets = ["chief"] })).Ok);
        long id = (await service.CreateAsync(rig.Master, new AddressForm { DomainId = rig.OwnDomain, LocalPart = "b", Targets = ["cid@other.test"] })).Value;
        await using AccountsContext db = rig.Accounts.Database.NewContext();
        Assert.Equal("cid@other.test", db.Targets.Single(t => t.AddressId == id).Outside);
    }

    static async Task<long> AuditCountAsync(ServicesRig rig)
    {
        await using AccountsContext db = rig.Accounts.Database.NewContext();
        return await db.Audit.LongCountAsync();
    }
}
