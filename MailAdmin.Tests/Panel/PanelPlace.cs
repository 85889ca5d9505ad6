using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using MailAdmin.Tests.Rig;
using MailAdmin.Web;
using MailAdmin.Web.Components.Layout;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Sieve.Rules;
using MailEngine.Store;
using Microsoft.AspNetCore.Components;

namespace MailAdmin.Tests.Panel;

/// <summary>A domain with one of everything a page can be about, and the addresses of those pages.</summary>
/// <param name="Inbox">Mailbox of <paramref name="Account"/>; it is shared with the domain.</param>
/// <param name="Shared">Mailbox of the domain.</param>
sealed partial record PanelPlace(long Domain, long Account, string Login, long Alias, long Inbox, long Shared)
{
    /// <summary>A script of the account and of the domain.</summary>
    public const string Script = "what.i.wrote.on.a.long.evening.and.never.looked.at.again";

    const string LongSubject = "a-subject-without-any-place-where-a-line-could-be-broken-so-that-it-must-be-broken-anywhere";

    public static async Task<PanelPlace> GivenAsync(PanelRig rig, string name, string localPart = "ann", string alias = "sales", string team = "Team", string gone = "Gone")
    {
        string login = $"{localPart}@{name}";
        long domain = await rig.GivenDomainAsync(name);
        long account = await rig.GivenAccountAsync(domain, localPart);
        await rig.GivenAliasAsync(domain, alias, login);
        var store = rig.Server.Get<MailStore>();
        await store.GivenExpungedAsync(account, LongSubject);
        await store.GivenDeletedMailboxAsync(account, gone);
        long inbox = (await store.OpenAsync(account, MailboxName.Inbox))!.Id;
        await store.SetAclAsync(inbox, "$@" + name, AclChangeMode.Replace, AclRights.All & ~AclRights.Post);
        await store.SetAclAsync(inbox, "-" + AclIdentifier.Anyone, AclChangeMode.Replace, AclRights.Read);
        MailboxName shared = MailboxName.Parse(team);
        await store.CreateAsync(MailStore.SharedTree(domain), shared);
        foreach (ScriptOwner owner in (ScriptOwner[])[ScriptOwner.Account(account), ScriptOwner.Domain(domain)])
        {
            await rig.Server.Get<ScriptService>().PutAsync(rig.Superuser, owner, Script, System.Text.Encoding.UTF8.GetBytes($"require \"fileinto\";\r\nif header :contains \"Subject\" \"{LongSubject}\" {{\r\n    fileinto \"Lists\";   # all of it\r\n}}\r\n"));
            await rig.Server.Get<ScriptService>().PutAsync(rig.Superuser, owner, Script, "# nothing any more\r\nkeep;\r\n"u8.ToArray());
        }
        Assert.True((await rig.Server.Get<ContactService>().AddAsync(rig.Superuser, account, new ContactForm { Address = $"{LongSubject[..60]}@{name}", Name = LongSubject })).Ok);
        var filters = rig.Server.Get<FilterService>();
        Assert.True((await filters.SetRulesAsync(rig.Superuser, account, new RulesOf([], ""), [
            new Rule($"About {LongSubject}", true, RuleMatch.Any, [new RuleCondition(RuleField.Subject, "", RuleOperator.Contains, LongSubject), new RuleCondition(RuleField.Size, "", RuleOperator.Over, "5M")],
                [new RuleAction(RuleVerb.MarkSeen, ""), new RuleAction(RuleVerb.FileInto, team)], true),
            new Rule("Off for now", false, RuleMatch.All, [], [new RuleAction(RuleVerb.Discard, "")], false)])).Ok);
        PageOf<AddressRow> found = (await rig.Server.Get<AddressService>().ListAsync(rig.Superuser, new AddressQuery(new PageRequest(Filter: alias), domain))).Value!;
        return new PanelPlace(domain, account, login, found.Items[0].Id, inbox, store.Find(MailStore.SharedTree(domain), shared)!.Id);
    }

    /// <summary>Every page there is, found by its routes, so that a new one is looked at too; numbers in them are those of the place.</summary>
    public IReadOnlyList<(string Path, bool IsStatic)> EveryPage() =>
    [
        .. from type in typeof(PanelSetup).Assembly.GetTypes()
           from route in type.GetCustomAttributes<RouteAttribute>()
           orderby route.Template
           select (Filled(route.Template) + (route.Template.Contains(":long}/filters/", StringComparison.Ordinal) && !route.Template.EndsWith("/rules", StringComparison.Ordinal) ? $"?name={Script}" : ""), type.IsDefined(typeof(ExcludeFromInteractiveRoutingAttribute)) || type.GetCustomAttribute<LayoutAttribute>()?.LayoutType == typeof(BareLayout)),
    ];

    string Filled(string template)
    {
        string root = template.Split('/')[1];
        int at = 0;
        return Parameter().Replace(template, _ => (at++, root) switch
        {
            (0, "domains") => Text(Domain),
            (0, "accounts") => Text(Account),
            (0, "addresses") => Text(Alias),
            (0, "roles") => "3",
            (_, "domains") => Text(Shared),
            _ => Text(Inbox),
        });
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex("""\{[^}]+\}""")]
    private static partial Regex Parameter();
}
