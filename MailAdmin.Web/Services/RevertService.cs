using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Takes a change back that the audit tells of.</summary>
/// <remarks>By the same service that made it: its checks, limits and rights hold, and it writes an entry that names the one it takes back. Before
/// that, what is there now must be what the change left; where a form carries a version, nobody can come between. What is lost for good (mail,
/// passwords) cannot be taken back.</remarks>
public sealed class RevertService(
    Changes changes, AccountService accounts, AccountNameService accountNames, AddressService addresses, DomainService domains, DomainNameService domainNames,
    GrantService grants, PermissionSetService sets, MailboxService mailboxes)
{
    static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true, Converters = { new JsonStringEnumConverter() } };

    // Not in a form under the same name, or no part of what is taken back.
    static readonly string[] s_leftOut = ["login", "HasMailbox", "Name", "AliasOfId"];

    /// <summary>True for what can be taken back as long as nothing else has changed it.</summary>
    public static bool Can(string action) => action is "account.update" or "account.quota" or "account.rename"
        or "address.create" or "address.update" or "address.replace" or "address.delete" or "alias.create" or "domain.update" or "domain.rename"
        or "grant.give" or "grant.change" or "grant.take" or "role.create" or "role.update" or "role.delete" or "mailbox.acl" or "mailbox.quota" or "forward.set" or "alias.delete";

    /// <summary>Why an entry cannot be taken back, as a text of the panel; null: it can, as long as nothing else has changed it.</summary>
    public static string? WhyNot(string action, string before, string after) => action switch
    {
        "mailbox.acl" when !(before + after).Contains("\"mailbox\":", StringComparison.Ordinal) => "NoRevert.OverImap",
        "mailbox.quota" when before.Length == 0 => "NoRevert.OverImap",
        "mailbox.metadata" or "server.metadata" => "NoRevert.OverImap",
        _ when Can(action) => null,
        "account.create" or "account.import" or "superuser.create" or "domain.create" or "mailbox.create" or "apppassword.create" => "NoRevert.Made",
        "account.delete" or "domain.delete" or "mailbox.delete" or "mail.restore" or "mail.import" or "mail.export" => "NoRevert.Mail",
        "account.move" or "mailbox.rename" or "role.secondfactor" or "recovery.set" or "recovery.ask"
            or "sieve.rename" or "sieve.activate" or "sieve.place" => "NoRevert.ThereAgain",
        "sieve.put" or "sieve.delete" or "sieve.panel" => "NoRevert.Script",
        "vacation.set" => "NoRevert.Vacation",
        "contact.add" or "contact.remove" or "contact.name" => "NoRevert.Contact",
        "setting.update" => "NoRevert.First",
        _ => action.Split('.')[0] switch
        {
            "password" or "passkey" or "invitation" or "secondfactor" or "apppassword" => "NoRevert.Secret",
            "queue" => "NoRevert.Queue",
            "login" or "session" or "account" => "NoRevert.Event",
            _ => "NoRevert.Other",
        },
    };

    /// <summary>Whether to offer it: the service that does it looks closer.</summary>
    internal static bool MayTry(Rights rights, string action, string before, string after, long? domainId) => WhyNot(action, before, after) is null && action.Split('.')[0] switch
    {
        "account" when action == "account.rename" => rights.May(Permissions.Accounts, domainId),
        "domain" when action == "domain.rename" => rights.May(Permissions.Domains),
        "mailbox" => rights.May(Permissions.Mailboxes, domainId),
        "alias" or "forward" => rights.May(Permissions.Addresses, domainId),
        "account" => rights.May(Permissions.Accounts, domainId) || rights.May(Permissions.Switches, domainId),
        "address" => rights.May(Permissions.Addresses, domainId),
        "domain" => rights.May(Permissions.Domain, domainId) || rights.May(Permissions.Domains),
        _ => rights.May(Permissions.Appoint, domainId),
    };

    /// <param name="actor">With his reason: <see cref="Actor.Because"/>.</param>
    public async Task<ServiceResult> RevertAsync(Actor actor, long entryId, CancellationToken ct = default)
    {
        ServiceResult<AuditEntry> found = await changes.ReadAsync<AuditEntry>(actor, async (db, rights) =>
        {
            if (await db.Audit.FirstOrDefaultAsync(e => e.Id == entryId, ct) is not { } entry || !rights.May(Permissions.Audit, entry.DomainId))
                return ServiceResult.NotFound("entry");
            if (WhyNot(entry.Action, entry.Before, entry.After) is { } why)
                return ServiceResult.Invalid("", Texts.Of(why));
            return entry;
        }, ct);
        if (!found.Ok)
            return new ServiceResult.Refused(found.Refusal, found.Errors);
        AuditEntry was = found.Value!;
        actor = actor.Reverting(entryId);
        return was.Action switch
        {
            "account.rename" => await AccountNameAsync(actor, was, ct),
            "domain.rename" => await DomainNameAsync(actor, was, ct),
            "mailbox.acl" => await AccessAsync(actor, was, ct),
            "mailbox.quota" => await LimitsAsync(actor, was, ct),
            "forward.set" => await ForwardAsync(actor, was, ct),
            "account.update" or "account.quota" => await AccountAsync(actor, was, ct),
            "domain.update" => await DomainAsync(actor, was, ct),
            ['g', 'r', 'a', 'n', 't', ..] => await GrantAsync(actor, was, ct),
            ['r', 'o', 'l', 'e', ..] => await RoleAsync(actor, was, ct),
            _ => await AddressAsync(actor, was, ct),
        };
    }

    // What an entry names is found by its number, and what was written before entries had one by the name.
    async Task<long?> AccountOfAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        string? login = Account.CanonicalLogin(was.Object.StartsWith("user/", StringComparison.Ordinal) ? was.Object[5..] : was.Object);
        return was.AccountId ?? await IdAsync(actor, db => db.Accounts.Where(a => a.NormalizedUserName == login).Select(a => a.Id), ct);
    }

    sealed record NameShown(string? Login, string? Address, string? Name);

    async Task<ServiceResult> AccountNameAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        NameShown? before = ReadAs<NameShown>(was.Before), after = ReadAs<NameShown>(was.After);
        if (before is null || after is null || await AccountOfAsync(actor, was, ct) is not { } id)
            return Changed();
        ServiceResult<AccountForm> now = await accounts.GetAsync(actor, id, ct);
        if (!now.Ok)
            return now;
        // Over IMAP the log-in name is the address, and the entry has no other.
        string? local = before.Address ?? (EmailAddress.TryParse(before.Login ?? "", out EmailAddress old) ? old.Local : null);
        return local is null || now.Value!.Login != after.Login ? Changed()
            : await accountNames.RenameAsync(actor, id, new AccountNameForm { LocalPart = local, Login = before.Login ?? "", KeepOld = false }, ct);
    }

    async Task<ServiceResult> DomainNameAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        NameShown? before = ReadAs<NameShown>(was.Before), after = ReadAs<NameShown>(was.After);
        if (was.DomainId is not { } id || before?.Name is null || after?.Name is null)
            return Changed();
        ServiceResult<DomainForm> now = await domains.GetAsync(actor, id, ct);
        return !now.Ok ? now
            : !DomainName.TryParse(now.Value!.Name, out DomainName name) || name.Value != after.Name ? Changed()
            : await domainNames.RenameAsync(actor, id, new DomainNameForm { Name = before.Name, KeepOld = false }, ct);
    }

    static MailTree? TreeOf(AuditEntry was) =>
        was.AccountId is { } account ? MailTree.OfAccount(account) : was.DomainId is { } domain ? MailTree.OfDomain(domain) : null;

    sealed record AccessShown(long Mailbox, string Identifier, string Rights);

    async Task<ServiceResult> AccessAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        AccessShown? before = ReadAs<AccessShown>(was.Before), after = ReadAs<AccessShown>(was.After);
        if (TreeOf(was) is not { } tree || (after ?? before) is not { Mailbox: > 0, Identifier.Length: > 0 } shown
            || !AclText.TryParse(after?.Rights ?? "", out AclRights left) || !AclText.TryParse(before?.Rights ?? "", out AclRights wanted))
            return Changed();
        return await mailboxes.PutBackAsync(actor, tree, shown.Mailbox, shown.Identifier, left, wanted, ct);
    }

    sealed record LimitsShown(long? Bytes, long? Messages, long? Mailboxes);

    async Task<ServiceResult> LimitsAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        if (TreeOf(was) is not { } tree || ReadAs<LimitsShown>(was.Before) is not { } before || ReadAs<LimitsShown>(was.After) is not { } after)
            return Changed();
        ServiceResult<MailLimits> now = await mailboxes.LimitsAsync(actor, tree, ct);
        return !now.Ok ? now
            : (now.Value!.MaxBytes, now.Value.MaxMessages, now.Value.MaxMailboxes) != (after.Bytes, after.Messages, after.Mailboxes) ? Changed()
            : await mailboxes.SetLimitsAsync(actor, tree, new MailLimitsForm { MaxBytes = before.Bytes, MaxMessages = before.Messages, MaxMailboxes = before.Mailboxes }, ct);
    }

    async Task<ServiceResult> AccountAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        if (await AccountOfAsync(actor, was, ct) is not { } id)
            return Changed();
        ServiceResult<AccountForm> now = await accounts.GetAsync(actor, id, ct);
        return !now.Ok ? now : Fill(now.Value!, was) ? await accounts.UpdateAsync(actor, id, now.Value!, ct) : Changed();
    }

    async Task<ServiceResult> DomainAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        if (was.DomainId is not { } id || !SameField(was, "AliasOfId"))
            return Changed();
        ServiceResult<DomainForm> now = await domains.GetAsync(actor, id, ct);
        return !now.Ok ? now : Fill(now.Value!, was) ? await domains.UpdateAsync(actor, id, now.Value!, ct) : Changed();
    }

    async Task<ServiceResult> AddressAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        int at = was.Object.LastIndexOf('@');
        if (at < 0 || was.DomainId is not { } domainId)
            return Changed();
        string display = was.Object[..at];
        string local = display == Address.CatchAll ? display : EmailAddress.TryParse(was.Object, out EmailAddress parsed) ? parsed.CanonicalLocal : display;
        long? id = await IdAsync(actor, db => db.Addresses.Where(a => a.DomainId == domainId && a.LocalPart == local).Select(a => a.Id), ct);
        if (was.Action == "alias.delete")
        {
            // Its owner's again, as it was: it counts among those that he may give himself.
            string? owner = was.AccountId is { } him ? (await changes.ReadAsync<string>(actor, async (db, _) =>
                await db.Accounts.Where(a => a.Id == him).Select(a => a.UserName).FirstOrDefaultAsync(ct) ?? "", ct)).Value : null;
            return id is null && owner is { Length: > 0 }
                ? await addresses.CreateAsync(actor, new AddressForm { DomainId = domainId, LocalPart = display, Targets = [owner], MadeById = was.AccountId }, ct) : Changed();
        }
        if (was.Action == "address.delete")
        {
            var form = new AddressForm { DomainId = domainId, LocalPart = display };
            return id is null && Read(was.Before) is { } before && Set(form, before) ? await addresses.CreateAsync(actor, form, ct) : Changed();
        }
        if (id is not { } address)
            return Changed();
        ServiceResult<AddressForm> now = await addresses.GetAsync(actor, address, ct);
        if (!now.Ok)
            return now;
        if (was.Action == "alias.create")
            return await addresses.DeleteAsync(actor, address, ct);
        if (was.Action is "address.update" or "address.replace")
            return Fill(now.Value!, was) ? await addresses.UpdateAsync(actor, address, now.Value!, ct) : Changed();
        return Read(was.After) is { } after && Matches(now.Value!, after) ? await addresses.DeleteAsync(actor, address, ct) : Changed();
    }

    sealed record ForwardShown(IReadOnlyList<string> Targets, bool Copy);

    /// <summary>The user's own doing is put back by who may change his address.</summary>
    async Task<ServiceResult> ForwardAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        ForwardShown? before = ReadAs<ForwardShown>(was.Before), after = ReadAs<ForwardShown>(was.After);
        if (before is null || after is null || was.AccountId is not { } account
            || await IdAsync(actor, db => db.Accounts.Where(a => a.Id == account).Select(a => a.PrimaryAddressId ?? 0), ct) is not { } address)
            return Changed();
        ServiceResult<AddressForm> now = await addresses.GetAsync(actor, address, ct);
        ServiceResult<AccountForm> owner = await accounts.GetAsync(actor, account, ct);
        if (!now.Ok || !owner.Ok)
            return now.Ok ? owner : now;
        string[] With(ForwardShown shown) => [.. shown.Targets, .. shown.Copy ? [owner.Value!.Login] : Array.Empty<string>()];
        if (!now.Value!.Targets.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(With(after)))
            return Changed();
        now.Value.Targets = With(before);
        return await addresses.UpdateAsync(actor, address, now.Value, ct);
    }

    sealed record GrantShown(string Role, string On, DateTimeOffset? EndsAt);

    async Task<ServiceResult> GrantAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        GrantShown? before = ReadAs<GrantShown>(was.Before), after = ReadAs<GrantShown>(was.After);
        if ((after ?? before) is not { } shown
            || await AccountOfAsync(actor, was, ct) is not { } account
            || await IdAsync(actor, db => db.PermissionSets.Where(s => s.Name == shown.Role).Select(s => s.Id), ct) is not { } set)
            return Changed();
        var now = await changes.ReadAsync<GrantNow>(actor, async (db, _) => await db.Grants
            .Where(g => g.AccountId == account && g.DomainId == was.DomainId && g.SetId == set).Select(g => new GrantNow(g.Id, g.EndsAt)).FirstOrDefaultAsync(ct) ?? new GrantNow(0, null), ct);
        GrantNow grant = now.Value!;
        if (after is null ? grant.Id != 0 : grant.Id == 0 || grant.EndsAt != after.EndsAt)
            return Changed();
        return before is null
            ? await grants.TakeAsync(actor, grant.Id, ct)
            : await grants.GiveAsync(actor, new GrantForm { AccountId = account, DomainId = was.DomainId, SetId = set, EndsAt = before.EndsAt }, ct);
    }

    sealed record GrantNow(long Id, DateTimeOffset? EndsAt);

    sealed record RoleShown(string Name, Permissions May);

    async Task<ServiceResult> RoleAsync(Actor actor, AuditEntry was, CancellationToken ct)
    {
        RoleShown? before = ReadAs<RoleShown>(was.Before), after = ReadAs<RoleShown>(was.After);
        string name = (after ?? before)?.Name ?? "";
        long? id = await IdAsync(actor, db => db.PermissionSets.Where(s => s.Name == name).Select(s => s.Id), ct);
        if (after is null)
            return id is null && before is not null ? await sets.CreateAsync(actor, new PermissionSetForm { Name = before.Name, Permissions = before.May }, ct) : Changed();
        if (id is not { } set)
            return Changed();
        ServiceResult<PermissionSetForm> now = await sets.GetAsync(actor, set, ct);
        if (!now.Ok)
            return now;
        if (now.Value!.Permissions != after.May)
            return Changed();
        if (before is null)
            return await sets.DeleteAsync(actor, set, ct);
        (now.Value.Name, now.Value.Permissions) = (before.Name, before.May);
        return await sets.UpdateAsync(actor, set, now.Value, ct);
    }

    async Task<long?> IdAsync(Actor actor, Func<AccountsContext, IQueryable<long>> query, CancellationToken ct) =>
        (await changes.ReadAsync<long>(actor, async (db, _) => await query(db).FirstOrDefaultAsync(ct), ct)).Value is > 0 and var id ? id : null;

    static ServiceResult.Refused Changed() => ServiceResult.Invalid("", Texts.Of("Error.RevertChanged"));

    /// <summary>Puts back what a change took away, when the form still is as the change left it.</summary>
    static bool Fill(object form, AuditEntry was) => Read(was.Before) is { } before && Read(was.After) is { } after && Matches(form, after) && Set(form, before);

    static bool Matches(object form, Dictionary<string, JsonElement> fields)
    {
        foreach ((string name, JsonElement value) in fields)
        {
            if (s_leftOut.Contains(name))
                continue;
            if (PropertyOf(form, name) is not { } property)
                return false;
            object? now = property.GetValue(form);
            object? then = value.Deserialize(property.PropertyType, s_json);
            bool same = now is IEnumerable<string> texts && then is IEnumerable<string> others
                ? texts.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(others)
                : Equals(now, then);
            if (!same)
                return false;
        }
        return true;
    }

    static bool Set(object form, Dictionary<string, JsonElement> fields)
    {
        foreach ((string name, JsonElement value) in fields)
        {
            // Lists are cut in the audit; half a list must not be put back.
            if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() >= 100)
                return false;
            if (!s_leftOut.Contains(name))
                PropertyOf(form, name)?.SetValue(form, value.Deserialize(PropertyOf(form, name)!.PropertyType, s_json));
        }
        return true;
    }

    static PropertyInfo? PropertyOf(object form, string name) =>
        form.GetType().GetProperty(name, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase) is { CanWrite: true } property ? property : null;

    static bool SameField(AuditEntry was, string name) =>
        Read(was.Before)?.GetValueOrDefault(name).ToString() == Read(was.After)?.GetValueOrDefault(name).ToString();

    static Dictionary<string, JsonElement>? Read(string json) => ReadAs<Dictionary<string, JsonElement>>(json);

    static T? ReadAs<T>(string json) where T : class => json.Length == 0 ? null : JsonSerializer.Deserialize<T>(json, s_json);
}
