using System.Reflection;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Every service method times every role, on an object of own.test: so each role meets what is its own and what is foreign. What a
/// role may is written down here a second time, on purpose. A new method without a row here fails.</summary>
public sealed class AuthorizationMatrixTests
{
    public enum Role
    {
        Superuser, MasterOfServer, MasterOfIt, MasterOfAnother, HelpdeskOfServer, HelpdeskOfIt, HelpdeskOfAnother, AuditorOfServer, AuditorOfIt, AuditorOfAnother,
        AppointerOfIt, EndedMaster, Owner, OtherUser, Nobody,
    }

    /// <param name="Needs">A permission on the object.</param>
    /// <param name="Anywhere">A permission on any object.</param>
    /// <param name="OnServer">A permission on the server.</param>
    sealed record Row(
        Func<ServicesRig, Actor, Task<ServiceResult>> Call, Permissions? Needs = null, Permissions? Anywhere = null, Permissions? OnServer = null,
        bool OwnerToo = false, bool Everybody = false, Func<ServicesRig, Task>? Given = null);

    const Permissions AuditorMay = Permissions.See | Permissions.SeeMailboxes | Permissions.Audit;
    const Permissions HelpdeskMay = Permissions.See | Permissions.Passwords | Permissions.Switches;
    const Permissions MasterMay = AuditorMay | HelpdeskMay | Permissions.Accounts | Permissions.Delete | Permissions.Addresses | Permissions.Mailboxes | Permissions.Domain;

    /// <summary>What each role holds on the server, on own.test and on other.test.</summary>
    static (Permissions Server, Permissions Own, Permissions Other) HeldBy(Role role) => role switch
    {
        Role.Superuser => (Permissions.All, 0, 0),
        Role.MasterOfServer => (MasterMay, 0, 0),
        Role.MasterOfIt => (0, MasterMay, 0),
        Role.MasterOfAnother => (0, 0, MasterMay),
        Role.HelpdeskOfServer => (HelpdeskMay, 0, 0),
        Role.HelpdeskOfIt => (0, HelpdeskMay, 0),
        Role.HelpdeskOfAnother => (0, 0, HelpdeskMay),
        Role.AuditorOfServer => (AuditorMay | Permissions.SeeServer, 0, 0),
        Role.AuditorOfIt => (0, AuditorMay, 0),
        Role.AuditorOfAnother => (0, 0, AuditorMay),
        Role.AppointerOfIt => (0, MasterMay | Permissions.Appoint, 0),
        _ => (0, 0, 0),
    };

    /// <summary>A superuser without a mailbox has no addresses of his own.</summary>
    static ServiceResult IfHasMail(ServicesRig rig, Actor actor, ServiceResult result) =>
        actor.AccountId == rig.Superuser && result.Refusal == Refusal.NotFound ? ServiceResult.Done() : result;

    static bool IsAllowed(Row row, Role role)
    {
        (Permissions server, Permissions own, Permissions other) = HeldBy(role);
        return row.Everybody ? role != Role.Nobody
            : row.OwnerToo && role == Role.Owner ? true
            : row.Needs is { } needs ? (server | own).HasFlag(needs)
            : row.Anywhere is { } anywhere && ((server | own).HasFlag(anywhere) || (server | other).HasFlag(anywhere)) ? true
            : row.OnServer is { } onServer && server.HasFlag(onServer);
    }

    static async Task<Actor> GivenActorAsync(ServicesRig rig, Role role)
    {
        switch (role)
        {
            case Role.Superuser:
                return rig.Super;
            case Role.Owner:
                return ServicesRig.As(rig.OwnUser);
            case Role.OtherUser:
                return ServicesRig.As(rig.OtherUser);
            case Role.Nobody:
                return ServicesRig.Nobody;
        }
        string name = role.ToString();
        bool another = name.EndsWith("Another", StringComparison.Ordinal);
        long account = await rig.Accounts.GivenAccountAsync(another ? "actor@other.test" : "actor@own.test", ServicesRig.Password);
        long set = name.StartsWith("Helpdesk", StringComparison.Ordinal) ? PermissionSet.Helpdesk
            : name.StartsWith("Auditor", StringComparison.Ordinal) ? PermissionSet.Auditor
            : role == Role.AppointerOfIt ? await rig.GivenSetAsync("appointer", MasterMay | Permissions.Appoint)
            : PermissionSet.Master;
        long? domain = name.EndsWith("Server", StringComparison.Ordinal) ? null : another ? rig.OtherDomain : rig.OwnDomain;
        await rig.GivenGrantAsync(account, set, domain, role == Role.EndedMaster ? rig.Accounts.Clock.GetUtcNow() : null);
        return ServicesRig.As(account);
    }

    static readonly Dictionary<string, Row> s_rows = new()
    {
        ["DomainService.ListAsync"] = new(async (r, a) => await r.Get<DomainService>().ListAsync(a, new PageRequest()), Anywhere: Permissions.See),
        ["DomainService.ChoicesAsync"] = new(async (r, a) =>
        {
            ServiceResult<PageOf<DomainRow>> result = await r.Get<DomainService>().ChoicesAsync(a, new PageRequest(), Permissions.Accounts);
            return result.Ok && result.Value!.Items.All(d => d.Id != r.OwnDomain) ? ServiceResult.NotFound("domain") : result;
        }, Permissions.Accounts),
        ["DomainService.GetAsync"] = new(async (r, a) => await r.Get<DomainService>().GetAsync(a, r.OwnDomain), Permissions.See),
        ["DomainService.CreateAsync"] = new(async (r, a) => await r.Get<DomainService>().CreateAsync(a, new DomainForm { Name = "new.test" }), OnServer: Permissions.Domains),
        ["DomainService.UpdateAsync"] = new(async (r, a) => await r.Get<DomainService>().UpdateAsync(a, r.OwnDomain, new DomainForm { Name = "own.test" }), Permissions.Domain),
        ["DomainService.DeleteAsync"] = new((r, a) => r.Get<DomainService>().DeleteAsync(a, r.OwnDomain, withAccounts: true), OnServer: Permissions.Domains),
        ["AccountService.ListAsync"] = new(async (r, a) => await r.Get<AccountService>().ListAsync(a, new AccountQuery(new PageRequest(), r.OwnDomain)), Permissions.See),
        ["AccountService.GetAsync"] = new(async (r, a) => await r.Get<AccountService>().GetAsync(a, r.OwnUser), Permissions.See),
        ["AccountService.CreateAsync"] = new(async (r, a) => await r.Get<AccountService>().CreateAsync(
            a, new AccountForm { DomainId = r.OwnDomain, LocalPart = "new", Password = ServicesRig.Password }), Permissions.Accounts),
        ["AccountService.UpdateAsync"] = new((r, a) => r.Get<AccountService>().UpdateAsync(a, r.OwnUser, new AccountForm { DisplayName = "Ann" }), Permissions.Accounts),
        ["AccountService.DeleteAsync"] = new((r, a) => r.Get<AccountService>().DeleteAsync(a, r.SecondUser), Permissions.Delete),
        ["AccountService.OwnAsync"] = new(async (r, a) => await r.Get<AccountService>().OwnAsync(a), Everybody: true),
        ["AccountImport.ImportAsync"] = new(async (r, a) =>
        {
            // A file may hold rows of several domains: those that are none of the actor's business are left out, one by one.
            using var csv = new StringReader("address,password\nnew@own.test,correct horse 7 stairs\n");
            ServiceResult<ImportReport> result = await r.Get<AccountImport>().ImportAsync(a, csv);
            return result is { Ok: true, Value.Imported: 0 } ? ServiceResult.NotFound("domain") : result;
        }, Permissions.Accounts),
        ["AccountImport.PreviewAsync"] = new(async (r, a) =>
        {
            using var csv = new StringReader("address,password\nnew@own.test,correct horse 7 stairs\n");
            ServiceResult<ImportReport> result = await r.Get<AccountImport>().PreviewAsync(a, csv);
            return result is { Ok: true, Value.Imported: 0 } ? ServiceResult.NotFound("domain") : result;
        }, Permissions.Accounts),
        ["AddressService.ListAsync"] = new(async (r, a) => await r.Get<AddressService>().ListAsync(a, new AddressQuery(new PageRequest(), r.OwnDomain)), Permissions.See),
        ["AddressService.GetAsync"] = new(async (r, a) => await r.Get<AddressService>().GetAsync(a, r.OwnAlias), Permissions.See),
        ["AddressService.CreateAsync"] = new(async (r, a) => await r.Get<AddressService>().CreateAsync(
            a, new AddressForm { DomainId = r.OwnDomain, LocalPart = "new", Targets = ["x@example.org"] }), Permissions.Addresses),
        ["AddressService.UpdateAsync"] = new((r, a) => r.Get<AddressService>().UpdateAsync(a, r.OwnAlias, new AddressForm { Targets = ["x@example.org"] }), Permissions.Addresses),
        ["AddressService.DeleteAsync"] = new((r, a) => r.Get<AddressService>().DeleteAsync(a, r.OwnAlias), Permissions.Addresses),
        ["GrantService.AddSuperuserAsync"] = new(async (r, a) => await r.Get<GrantService>().AddSuperuserAsync(
            a, new SuperuserForm { Login = "second", Password = ServicesRig.Password }), OnServer: Permissions.All),
        ["PasswordService.ChangeOwnAsync"] = new((r, a) => r.Get<PasswordService>().ChangeOwnAsync(
            a, new OwnPasswordForm { Current = ServicesRig.Password, New = "lagoon trombone 9", Repeat = "lagoon trombone 9" }), Everybody: true),
        ["PasswordService.ResetAsync"] = new((r, a) => r.Get<PasswordService>().ResetAsync(
            a, r.OwnUser, new NewPasswordForm { New = "lagoon trombone 9", Repeat = "lagoon trombone 9" }), Permissions.Passwords),
        ["QueueService.ListAsync"] = new(async (r, a) => await r.Get<QueueService>().ListAsync(a, new PageRequest()), OnServer: Permissions.SeeServer),
        ["QueueService.RetryAsync"] = new(async (r, a) => await r.Get<QueueService>().RetryAsync(a, [1]), OnServer: Permissions.Queue),
        ["QueueService.HoldAsync"] = new(async (r, a) => await r.Get<QueueService>().HoldAsync(a, [1]), OnServer: Permissions.Queue),
        ["QueueService.ReleaseAsync"] = new(async (r, a) => await r.Get<QueueService>().ReleaseAsync(a, [1]), OnServer: Permissions.Queue),
        ["QueueService.RemoveAsync"] = new(async (r, a) => await r.Get<QueueService>().RemoveAsync(a, [1], tellSender: false), OnServer: Permissions.Queue),
        ["QueueOrderService.ChangeAsync"] = new(async (r, a) => await r.Get<QueueOrderService>().ChangeAsync(a, QueueVerb.Hold, [1]), OnServer: Permissions.Queue),
        ["TraceService.FindAsync"] = new(async (r, a) => await r.Get<TraceService>().FindAsync(a, "<none@own.test>"), OnServer: Permissions.SeeServer),
        ["DeletedMailService.ListAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().ListAsync(a, r.OwnUser, new PageRequest()), Permissions.SeeMailboxes, OwnerToo: true),
        ["DeletedMailService.MailboxesAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().MailboxesAsync(a, r.OwnUser), Permissions.SeeMailboxes, OwnerToo: true),
        ["DeletedMailService.RestoreMessagesAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().RestoreMessagesAsync(a, r.OwnUser, [1]), Permissions.Mailboxes, OwnerToo: true),
        ["DeletedMailService.RestoreMailboxAsync"] = new(async (r, a) => await r.Get<DeletedMailService>().RestoreMailboxAsync(
            a, r.OwnUser, (await r.Store!.GivenDeletedMailboxAsync(r.OwnUser)).Id), Permissions.Mailboxes, OwnerToo: true),
        ["MailboxService.ListAsync"] = new(async (r, a) => await r.Get<MailboxService>().ListAsync(a, MailTree.OfAccount(r.OwnUser), new PageRequest()), Permissions.SeeMailboxes, OwnerToo: true),
        ["MailboxService.GetAsync"] = new(async (r, a) => await r.Get<MailboxService>().GetAsync(a, MailTree.OfAccount(r.OwnUser), await r.InboxOfAsync(r.OwnUser)), Permissions.SeeMailboxes, OwnerToo: true),
        ["MailboxService.GrantAsync"] = new(async (r, a) => await r.Get<MailboxService>().GrantAsync(
            a, MailTree.OfAccount(r.OwnUser), await r.InboxOfAsync(r.OwnUser), new AccessForm { Who = "bob@own.test", Rights = AclRights.Lookup }), Permissions.Mailboxes, OwnerToo: true),
        ["MailboxService.RevokeAsync"] = new(async (r, a) =>
        {
            long inbox = await r.InboxOfAsync(r.OwnUser);
            await r.Store!.SetAclAsync(inbox, AclIdentifier.Anyone, AclChangeMode.Replace, AclRights.Post);
            return await r.Get<MailboxService>().RevokeAsync(a, MailTree.OfAccount(r.OwnUser), inbox, AclIdentifier.Anyone);
        }, Permissions.Mailboxes, OwnerToo: true),
        ["MailboxService.PutBackAsync"] = new(async (r, a) =>
            await r.Get<MailboxService>().PutBackAsync(a, MailTree.OfAccount(r.OwnUser), await r.InboxOfAsync(r.OwnUser), AclIdentifier.Anyone, AclRights.None, AclRights.Lookup),
            Permissions.Mailboxes, OwnerToo: true),
        ["MailboxService.LimitsAsync"] = new(async (r, a) => await r.Get<MailboxService>().LimitsAsync(a, MailTree.OfAccount(r.OwnUser)), Permissions.SeeMailboxes, OwnerToo: true),
        ["MailboxService.SetLimitsAsync"] = new((r, a) => r.Get<MailboxService>().SetLimitsAsync(a, MailTree.OfAccount(r.OwnUser), new MailLimitsForm { MaxMessages = 10 }), Permissions.Mailboxes),
        ["MailboxService.CreateAsync"] = new(async (r, a) => await r.Get<MailboxService>().CreateAsync(a, r.OwnDomain, new SharedMailboxForm { Name = "Team" }), Permissions.Mailboxes),
        ["MailboxService.DeleteAsync"] = new(async (r, a) => await r.Get<MailboxService>().DeleteAsync(a, r.OwnDomain, await r.GivenSharedMailboxAsync("Team")), Permissions.Mailboxes),
        // They name files of the server: for who owns the machine alone.
        ["ExchangeService.ExportAsync"] = new(async (r, a) => await r.Get<ExchangeService>().ExportAsync(a, r.OwnUser, "/nowhere/x.tar", MailEngine.Store.Exchange.ArchiveFormat.Tar, null)),
        ["ExchangeService.ImportAsync"] = new(async (r, a) => await r.Get<ExchangeService>().ImportAsync(a, r.OwnUser, "/nowhere/x.tar", MailEngine.Store.Exchange.ArchiveFormat.Tar, false, null)),
        ["OverviewService.GetAsync"] = new(async (r, a) => await r.Get<OverviewService>().GetAsync(a), Anywhere: Permissions.See),
        ["DomainNameService.RenameAsync"] = new((r, a) => r.Get<DomainNameService>().RenameAsync(a, r.OwnDomain, new DomainNameForm { Name = "renamed.test" }), Permissions.Domains),
        ["DomainNameService.LossesAsync"] = new(async (r, a) => await r.Get<DomainNameService>().LossesAsync(a, r.OwnDomain), Permissions.Domains),
        ["AccountNameService.RenameAsync"] = new((r, a) => r.Get<AccountNameService>().RenameAsync(a, r.OwnUser, new AccountNameForm { LocalPart = "anna" }), Permissions.Accounts),
        ["ManyAccountsService.CreateAsync"] = new(async (r, a) => await r.Get<ManyAccountsService>().CreateAsync(
            a, new ManyAccountsForm { DomainId = r.OwnDomain, Lines = "one\ntwo, Two" }), Permissions.Accounts),
        ["SearchService.FindAsync"] = new(async (r, a) => await r.Get<SearchService>().FindAsync(a, "ann"), Anywhere: Permissions.See),
        ["VacationService.GetAsync"] = new(async (r, a) => await r.Get<VacationService>().GetAsync(a, r.OwnUser), Permissions.See, OwnerToo: true),
        ["VacationService.SetAsync"] = new((r, a) => r.Get<VacationService>().SetAsync(a, r.OwnUser, new VacationForm { Enabled = true, Text = "Away" }), Permissions.Accounts, OwnerToo: true),
        ["ContactService.ListAsync"] = new(async (r, a) => await r.Get<ContactService>().ListAsync(a, r.OwnUser, new PageRequest()), Permissions.SeeMailboxes, OwnerToo: true),
        ["ContactService.ExportAsync"] = new(async (r, a) => await r.Get<ContactService>().ExportAsync(a, r.OwnUser), Permissions.SeeMailboxes, OwnerToo: true),
        ["ContactService.AddAsync"] = new((r, a) => r.Get<ContactService>().AddAsync(a, r.OwnUser, new ContactForm { Address = "x@example.org" }), Permissions.Accounts, OwnerToo: true),
        ["ContactService.ImportAsync"] = new(async (r, a) => await r.Get<ContactService>().ImportAsync(a, r.OwnUser, "x@example.org"u8.ToArray()), Permissions.Accounts, OwnerToo: true),
        ["ContactService.FindAsync"] = new(async (r, a) => await r.Get<ContactService>().FindAsync(a, r.OwnUser, "x@example.org"), Permissions.SeeMailboxes, OwnerToo: true,
            Given: r => r.Get<ContactService>().AddAsync(r.Super, r.OwnUser, new ContactForm { Address = "x@example.org" })),
        ["ContactService.NameAsync"] = new(async (r, a) =>
        {
            ServiceResult<ContactRow> there = await r.Get<ContactService>().FindAsync(r.Super, r.OwnUser, "x@example.org");
            return await r.Get<ContactService>().NameAsync(a, r.OwnUser, there.Value!.Id, "X");
        }, Permissions.Accounts, OwnerToo: true, Given: r => r.Get<ContactService>().AddAsync(r.Super, r.OwnUser, new ContactForm { Address = "x@example.org" })),
        ["ContactService.RemoveAsync"] = new(async (r, a) =>
        {
            ServiceResult<PageOf<ContactRow>> there = await r.Get<ContactService>().ListAsync(r.Super, r.OwnUser, new PageRequest());
            return await r.Get<ContactService>().RemoveAsync(a, r.OwnUser, there.Value!.Items.Single().Id);
        }, Permissions.Accounts, OwnerToo: true, Given: r => r.Get<ContactService>().AddAsync(r.Super, r.OwnUser, new ContactForm { Address = "x@example.org" })),
        ["ScriptService.ListAsync"] = new(async (r, a) => await r.Get<ScriptService>().ListAsync(a, r.OwnUser), Permissions.SeeMailboxes, OwnerToo: true),
        ["ScriptService.ListAsync/domain"] = new(async (r, a) => await r.Get<ScriptService>().ListAsync(a, ScriptOwner.Domain(r.OwnDomain)), Permissions.See),
        ["ScriptService.ListAsync/server"] = new(async (r, a) => await r.Get<ScriptService>().ListAsync(a, ScriptOwner.Server), OnServer: Permissions.SeeServer),
        ["ScriptService.ReadAsync"] = new(async (r, a) => await r.Get<ScriptService>().ReadAsync(a, r.OwnUser, "mine"), Permissions.SeeMailboxes, OwnerToo: true, Given: GivenScriptAsync),
        ["ScriptService.ReadPanelAsync"] = new(async (r, a) => await r.Get<ScriptService>().ReadPanelAsync(a, r.OwnUser), Permissions.SeeMailboxes, OwnerToo: true),
        ["ScriptService.PutAsync"] = new(async (r, a) => await r.Get<ScriptService>().PutAsync(a, r.OwnUser, "new", "keep;"u8.ToArray()), Permissions.Accounts, OwnerToo: true),
        ["ScriptService.PutAsync/domain"] = new(async (r, a) => await r.Get<ScriptService>().PutAsync(a, ScriptOwner.Domain(r.OwnDomain), "new", "keep;"u8.ToArray()), Permissions.Domain),
        ["ScriptService.PutAsync/server"] = new(async (r, a) => await r.Get<ScriptService>().PutAsync(a, ScriptOwner.Server, "new", "keep;"u8.ToArray()), OnServer: Permissions.Server),
        ["ScriptService.SaveAsync"] = new(async (r, a) => await r.Get<ScriptService>().SaveAsync(
            a, r.OwnUser, new ScriptForm { OldName = "mine", Name = "other", Version = 1, Text = "discard;"u8.ToArray(), Activate = true }), Permissions.Accounts, OwnerToo: true, Given: GivenScriptAsync),
        ["ScriptService.SaveAsync/server"] = new(async (r, a) => await r.Get<ScriptService>().SaveAsync(
            a, ScriptOwner.Server, new ScriptForm { Name = "new", Text = "keep;"u8.ToArray(), Place = ScriptPlace.Before }), OnServer: Permissions.Server),
        ["ScriptService.MayChangeAsync"] = new(async (r, a) => await r.Get<ScriptService>().MayChangeAsync(a, r.OwnUser), Permissions.Accounts, OwnerToo: true),
        ["ScriptService.DeleteAsync"] = new(async (r, a) => await r.Get<ScriptService>().DeleteAsync(a, r.OwnUser, "mine"), Permissions.Accounts, OwnerToo: true, Given: GivenScriptAsync),
        ["ScriptService.RenameAsync"] = new(async (r, a) => await r.Get<ScriptService>().RenameAsync(a, r.OwnUser, "mine", "other"), Permissions.Accounts, OwnerToo: true, Given: GivenScriptAsync),
        ["ScriptService.ActivateAsync"] = new(async (r, a) => await r.Get<ScriptService>().ActivateAsync(a, r.OwnUser, "mine"), Permissions.Accounts, OwnerToo: true, Given: GivenScriptAsync),
        ["ScriptService.PlaceAsync"] = new(async (r, a) => await r.Get<ScriptService>().PlaceAsync(a, ScriptOwner.Domain(r.OwnDomain), "all", ScriptPlace.After), Permissions.Domain, Given: GivenScriptAsync),
        ["ScriptService.SetPanelAsync"] = new(async (r, a) => await r.Get<ScriptService>().SetPanelAsync(a, r.OwnUser, "keep;"u8.ToArray()), Permissions.Accounts, OwnerToo: true),
        ["FilterService.CheckAsync"] = new(async (r, a) => await r.Get<FilterService>().CheckAsync(a, "keep;"u8.ToArray()), Everybody: true),
        ["FilterService.RecentAsync"] = new(async (r, a) => await r.Get<FilterService>().RecentAsync(a), Everybody: true),
        ["FilterService.RecipientAsync"] = new(async (r, a) => await r.Get<FilterService>().RecipientAsync(a, r.OwnUser), Permissions.SeeMailboxes, OwnerToo: true),
        ["FilterService.TryAsync"] = new(async (r, a) => await r.Get<FilterService>().TryAsync(
            a, r.OwnUser, new TrialForm { Script = "keep;"u8.ToArray(), Message = "Subject: x\n\n"u8.ToArray(), To = "ann@own.test" }), Permissions.Accounts, OwnerToo: true),
        ["FilterService.HistoryAsync"] = new(async (r, a) => await r.Get<FilterService>().HistoryAsync(a, r.OwnUser, "mine"), Permissions.SeeMailboxes, OwnerToo: true, Given: GivenScriptAsync),
        ["FilterService.VersionAsync"] = new(async (r, a) => await r.Get<FilterService>().VersionAsync(a, r.OwnUser, "mine", 1), Permissions.SeeMailboxes, OwnerToo: true, Given: GivenScriptAsync),
        ["FilterService.TakeBackAsync"] = new((r, a) => r.Get<FilterService>().TakeBackAsync(a, r.OwnUser, "mine", 1), Permissions.Accounts, OwnerToo: true, Given: GivenScriptAsync),
        ["FilterService.RulesAsync"] = new(async (r, a) => await r.Get<FilterService>().RulesAsync(a, r.OwnUser), Permissions.SeeMailboxes, OwnerToo: true),
        ["FilterService.SetRulesAsync"] = new((r, a) => r.Get<FilterService>().SetRulesAsync(a, r.OwnUser, new RulesOf([], ""),
            [new MailEngine.Sieve.Rules.Rule("all", true, MailEngine.Sieve.Rules.RuleMatch.All, [], [new MailEngine.Sieve.Rules.RuleAction(MailEngine.Sieve.Rules.RuleVerb.Keep, "")], false)]),
            Permissions.Accounts, OwnerToo: true),
        ["FilterService.SetRulesTextAsync"] = new((r, a) => r.Get<FilterService>().SetRulesTextAsync(a, r.OwnUser, new RulesOf([], ""), "keep;"u8.ToArray()), Permissions.Accounts, OwnerToo: true),
        ["PreferencesService.GetAsync"] = new(async (r, a) =>
            await r.Get<PreferencesService>().GetAsync(a) is not null && a.AccountId is not null ? ServiceResult.Done() : ServiceResult.Forbidden(), Everybody: true),
        ["PreferencesService.SetAsync"] = new((r, a) => r.Get<PreferencesService>().SetAsync(a, new PreferencesForm()), Everybody: true),
        ["TraceService.OwnFiltersAsync"] = new(async (r, a) => await r.Get<TraceService>().OwnFiltersAsync(a), Everybody: true),
        ["OwnHistoryService.ListAsync"] = new(async (r, a) => await r.Get<OwnHistoryService>().ListAsync(a, new PageRequest()), Everybody: true),
        ["OwnHistoryService.LoginsAsync"] = new(async (r, a) => await r.Get<OwnHistoryService>().LoginsAsync(a), Everybody: true),
        ["OwnMailService.ForwardAsync"] = new(async (r, a) => IfHasMail(r, a, await r.Get<OwnMailService>().ForwardAsync(a)), Everybody: true),
        ["OwnMailService.SetForwardAsync"] = new(async (r, a) => IfHasMail(r, a, await r.Get<OwnMailService>().SetForwardAsync(a, new ForwardForm { Targets = ["x@example.org"] })), Everybody: true),
        ["OwnMailService.AddressesAsync"] = new(async (r, a) => IfHasMail(r, a, await r.Get<OwnMailService>().AddressesAsync(a)), Everybody: true),
        ["OwnMailService.AddAddressAsync"] = new(async (r, a) =>
        {
            await r.Accounts.WriteAsync(async db => await db.Domains.ExecuteUpdateAsync(s => s.SetProperty(d => d.MaxOwnAliases, 5)));
            return IfHasMail(r, a, await r.Get<OwnMailService>().AddAddressAsync(a, "nick"));
        }, Everybody: true),
        ["OwnMailService.RemoveAddressAsync"] = new(async (r, a) =>
        {
            await r.Accounts.WriteAsync(async db => await db.Domains.ExecuteUpdateAsync(s => s.SetProperty(d => d.MaxOwnAliases, 5)));
            ServiceResult<long> made = await r.Get<OwnMailService>().AddAddressAsync(a, "nick");
            return IfHasMail(r, a, await r.Get<OwnMailService>().RemoveAddressAsync(a, made.Value));
        }, Everybody: true),
        ["AuditService.ListAsync"] = new(async (r, a) => await r.Get<AuditService>().ListAsync(a, new AuditQuery(new PageRequest())), Anywhere: Permissions.Audit),
        ["AccountService.UpdateAsync/switches"] = new((r, a) => r.Get<AccountService>().UpdateAsync(a, r.OwnUser, new AccountForm { Services = MailServices.Imap }), Permissions.Switches),
        ["AccountService.UpdateAsync/both"] = new((r, a) => r.Get<AccountService>().UpdateAsync(
            a, r.OwnUser, new AccountForm { DisplayName = "Ann", State = AccountState.ReceiveOnly }), Permissions.Switches | Permissions.Accounts),
        ["AccountService.GetAsync/superuser"] = new(async (r, a) => await r.Get<AccountService>().GetAsync(a, r.Superuser), OnServer: Permissions.See),
        ["PasswordService.ResetAsync/superuser"] = new((r, a) => r.Get<PasswordService>().ResetAsync(
            a, r.Superuser, new NewPasswordForm { New = "lagoon trombone 9", Repeat = "lagoon trombone 9" }), OnServer: Permissions.All),
        ["PasswordService.ResetAsync/master"] = new((r, a) => r.Get<PasswordService>().ResetAsync(
            a, r.OwnMaster, new NewPasswordForm { New = "lagoon trombone 9", Repeat = "lagoon trombone 9" }), MasterMay),
        ["GrantService.ListAsync"] = new(async (r, a) => await r.Get<GrantService>().ListAsync(a), Anywhere: Permissions.Appoint, OnServer: Permissions.SeeServer),
        ["GrantService.GiveAsync"] = new(async (r, a) => await r.Get<GrantService>().GiveAsync(
            a, new GrantForm { AccountId = r.SecondUser, DomainId = r.OwnDomain, SetId = PermissionSet.Helpdesk }), Permissions.Appoint | HelpdeskMay),
        ["GrantService.GiveAsync/more than his own"] = new(async (r, a) => await r.Get<GrantService>().GiveAsync(
            a, new GrantForm { AccountId = r.SecondUser, DomainId = r.OwnDomain, SetId = await r.GivenSetAsync("more", MasterMay | Permissions.LogInAs) }),
            Permissions.Appoint | MasterMay | Permissions.LogInAs),
        ["GrantService.GiveAsync/server"] = new(async (r, a) => await r.Get<GrantService>().GiveAsync(
            a, new GrantForm { AccountId = r.SecondUser, SetId = PermissionSet.Superuser }), OnServer: Permissions.All),
        ["GrantService.TakeAsync"] = new(async (r, a) => await r.Get<GrantService>().TakeAsync(a, await r.GrantOfAsync(r.OwnMaster)), Permissions.Appoint | MasterMay),
        ["PermissionSetService.ListAsync"] = new(async (r, a) => await r.Get<PermissionSetService>().ListAsync(a), Anywhere: Permissions.Appoint, OnServer: Permissions.SeeServer),
        ["PermissionSetService.GetAsync"] = new(async (r, a) => await r.Get<PermissionSetService>().GetAsync(a, PermissionSet.Master), Anywhere: Permissions.Appoint, OnServer: Permissions.SeeServer),
        ["PermissionSetService.CreateAsync"] = new(async (r, a) => await r.Get<PermissionSetService>().CreateAsync(
            a, new PermissionSetForm { Name = "Watch", Permissions = Permissions.See }), OnServer: Permissions.Appoint | Permissions.See),
        ["PermissionSetService.UpdateAsync"] = new(async (r, a) => await r.Get<PermissionSetService>().UpdateAsync(
            a, await r.GivenSetAsync("Watch", Permissions.See), new PermissionSetForm { Name = "Watch", Permissions = AuditorMay }), OnServer: Permissions.Appoint | AuditorMay),
        ["PermissionSetService.DeleteAsync"] = new(async (r, a) => await r.Get<PermissionSetService>().DeleteAsync(
            a, await r.GivenSetAsync("Watch", Permissions.See)), OnServer: Permissions.Appoint | Permissions.See),
        ["PermissionSetService.RequireSecondFactorAsync"] = new(async (r, a) => await r.Get<PermissionSetService>().RequireSecondFactorAsync(
            a, PermissionSet.Helpdesk, r.Accounts.Clock.GetUtcNow()), OnServer: Permissions.Appoint | HelpdeskMay),
        ["AuditService.ExportAsync"] = new(async (r, a) => await r.Get<AuditService>().ExportAsync(
            a, new AuditQuery(new PageRequest(), DomainId: r.OwnDomain), AuditFormat.Json, () => Stream.Null), Permissions.Audit),
        ["RevertService.RevertAsync"] = new(async (r, a) => await r.Get<RevertService>().RevertAsync(a, (await r.LastEntryAsync()).Id), Permissions.Audit | Permissions.Accounts,
            Given: r => r.Get<AccountService>().UpdateAsync(ServicesRig.Root, r.OwnUser, new AccountForm { DisplayName = "Ann" })),
        ["AppPasswordService.ListAsync"] = new(async (r, a) => await r.Get<AppPasswordService>().ListAsync(a, r.OwnUser), Permissions.Passwords, OwnerToo: true),
        ["AppPasswordService.CreateAsync"] = new(async (r, a) => await r.Get<AppPasswordService>().CreateAsync(a, new AppPasswordForm { Name = "x", Password = ServicesRig.Password }), Everybody: true),
        ["AppPasswordService.RemoveAsync"] = new(async (r, a) => await r.Get<AppPasswordService>().RemoveAsync(a, r.OwnUser, await r.GivenAppPasswordIdAsync(r.OwnUser)), Permissions.Passwords, OwnerToo: true),
        ["SecondFactorService.StatusAsync"] = new(async (r, a) => await r.Get<SecondFactorService>().StatusAsync(a, r.OwnUser), Permissions.See, OwnerToo: true),
        ["SecondFactorService.StartAsync"] = new(async (r, a) => await r.Get<SecondFactorService>().StartAsync(a), Everybody: true),
        ["SecondFactorService.ConfirmAsync"] = new(async (r, a) => await r.GivenSecondFactorAsync(a), Everybody: true),
        ["SecondFactorService.RenewCodesAsync"] = new(async (r, a) =>
        {
            await r.GivenSecondFactorAsync(a);
            return await r.Get<SecondFactorService>().RenewCodesAsync(a, ServicesRig.Password);
        }, Everybody: true),
        ["SecondFactorService.TurnOffAsync"] = new((r, a) => r.Get<SecondFactorService>().TurnOffAsync(a, ServicesRig.Password), Everybody: true),
        ["SecondFactorService.TakeAwayAsync"] = new((r, a) => r.Get<SecondFactorService>().TakeAwayAsync(a, r.OwnUser), Permissions.Passwords),
        ["SecondFactorService.TakeAwayAsync/superuser"] = new((r, a) => r.Get<SecondFactorService>().TakeAwayAsync(a, r.Superuser), OnServer: Permissions.All),
        ["RecoveryService.StatusAsync"] = new(async (r, a) => await r.Get<RecoveryService>().StatusAsync(a, r.OwnUser), Permissions.Passwords, OwnerToo: true),
        ["RecoveryService.SetOwnAsync"] = new((r, a) => r.Get<RecoveryService>().SetOwnAsync(a, new RecoveryForm { Password = ServicesRig.Password }), Everybody: true),
        ["RecoveryService.SetForAsync"] = new((r, a) => r.Get<RecoveryService>().SetForAsync(a, r.OwnUser, "ann@example.net"), Permissions.Passwords),
        ["RecoveryService.SetForAsync/superuser"] = new((r, a) => r.Get<RecoveryService>().SetForAsync(a, r.Superuser, "ann@example.net"), OnServer: Permissions.All),
        ["InvitationService.InviteAsync"] = new(async (r, a) => await r.Get<InvitationService>().InviteAsync(a, r.OwnUser, mail: false), Permissions.Passwords,
            Given: r => r.GivenNoPasswordAsync(r.OwnUser)),
        ["InvitationService.InviteAsync/superuser"] = new(async (r, a) => await r.Get<InvitationService>().InviteAsync(a, r.Superuser, mail: false), OnServer: Permissions.All,
            Given: r => r.GivenNoPasswordAsync(r.Superuser)),
        ["AccountService.CreateAsync/invited"] = new(async (r, a) => await r.Get<AccountService>().CreateAsync(
            a, new AccountForm { DomainId = r.OwnDomain, LocalPart = "new", Invite = true }), Permissions.Accounts | Permissions.Passwords),
        ["PasskeyService.ListAsync"] = new(async (r, a) => await r.Get<PasskeyService>().ListAsync(a, r.OwnUser), Permissions.Passwords, OwnerToo: true),
        ["PasskeyService.AskNewAsync"] = new(async (r, a) => await r.Get<PasskeyService>().AskNewAsync(a, r.GivenRequest()), Everybody: true),
        ["PasskeyService.AddAsync"] = new(async (r, a) =>
        {
            using var device = new SoftAuthenticator();
            return await r.GivenPasskeyAsync(a, device, "telephone");
        }, Everybody: true),
        ["PasskeyService.RenameAsync"] = new(async (r, a) => await r.Get<PasskeyService>().RenameAsync(
            a, (await r.Get<PasskeyService>().ListAsync(ServicesRig.As(r.OwnUser), null)).Value!.Single().Id, "other"), OwnerToo: true, Given: r => r.GivenPasskeyOfOwnUserAsync()),
        ["PasskeyService.RemoveAsync"] = new(async (r, a) => await r.Get<PasskeyService>().RemoveAsync(
            a, r.OwnUser, (await r.Get<PasskeyService>().ListAsync(ServicesRig.As(r.OwnUser), null)).Value!.Single().Id), Permissions.Passwords, OwnerToo: true,
            Given: r => r.GivenPasskeyOfOwnUserAsync()),
        ["SessionService.ListAsync"] = new(async (r, a) => await r.Get<SessionService>().ListAsync(a, r.OwnUser), Permissions.Passwords, OwnerToo: true),
        ["SessionService.EndAsync"] = new(async (r, a) => await r.Get<SessionService>().EndAsync(a, r.OwnUser, await r.GivenSessionAsync(r.OwnUser)), Permissions.Passwords, OwnerToo: true),
        ["LogInAsService.StartAsync"] = new(async (r, a) => await r.Get<LogInAsService>().StartAsync(a, r.OwnUser, "He asked me to.", await r.KeyOfAsync(a), "a browser"), Permissions.LogInAs | Permissions.OnDomains),
        ["PartitionService.ListAsync"] = new(async (r, a) => await r.Get<PartitionService>().ListAsync(a), OnServer: Permissions.SeeServer),
        ["PartitionService.MoveAsync"] = new(async (r, a) => await r.Get<PartitionService>().MoveAsync(a, r.OwnUser, "default", null), OnServer: Permissions.Server),
        ["PartitionService.FindAsync"] = new(async (r, a) => await r.Get<PartitionService>().FindAsync(a, r.OwnUser), OnServer: Permissions.SeeServer),
    };

    /// <summary>A script of the user, and one of the domain.</summary>
    static async Task GivenScriptAsync(ServicesRig rig)
    {
        Assert.True((await rig.Get<ScriptService>().PutAsync(rig.Super, rig.OwnUser, "mine", "keep;"u8.ToArray())).Ok);
        Assert.True((await rig.Get<ScriptService>().PutAsync(rig.Super, ScriptOwner.Domain(rig.OwnDomain), "all", "keep;"u8.ToArray())).Ok);
    }

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
        Assert.Equal(methods.Order(), s_rows.Keys.Select(key => key.Split('/')[0]).Distinct().Order());
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task When_a_role_calls_a_service_then_it_gets_what_it_may_and_nothing_else(string method, Role role)
    {
        bool withQueue = method.StartsWith("Queue", StringComparison.Ordinal) || method.StartsWith("Trace", StringComparison.Ordinal);
        bool withStore = withQueue || method.StartsWith("DeletedMail", StringComparison.Ordinal) || method.StartsWith("Mailbox", StringComparison.Ordinal)
            || method.StartsWith("Partition", StringComparison.Ordinal);
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore, withQueue);
        Actor actor = await GivenActorAsync(rig, role);
        if (s_rows[method].Given is { } given)
            await given(rig);
        long before = await AuditCountAsync(rig);
        ServiceResult result = await s_rows[method].Call(rig, actor);
        if (IsAllowed(s_rows[method], role))
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
        await rig.GivenGrantAsync(rig.OwnUser, PermissionSet.Superuser);
        await rig.GivenGrantAsync(rig.SecondUser, PermissionSet.Master, rig.OtherDomain);
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
        Assert.Empty((await rig.Get<AuditService>().ListAsync(rig.Master, new AuditQuery(new PageRequest()))).Value!.Items);
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
