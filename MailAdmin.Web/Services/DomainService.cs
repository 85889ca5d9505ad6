using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Domains: made, limited and removed by who runs the server; a master sees his own and sets what concerns daily use.</summary>
public sealed class DomainService(Changes changes, StoreTaskRunner tasks)
{
    static readonly string[] s_specialUses = ["", "\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash"];   // RFC 6154 §2

    /// <summary>Sorts by Name or Accounts.</summary>
    public Task<ServiceResult<PageOf<DomainRow>>> ListAsync(Actor actor, PageRequest page, CancellationToken ct = default) =>
        ChoicesAsync(actor, page, Permissions.See, ct);

    /// <summary>Those where the actor may do something, for a form to choose from.</summary>
    public Task<ServiceResult<PageOf<DomainRow>>> ChoicesAsync(Actor actor, PageRequest page, Permissions may, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<DomainRow>>(actor, async (db, rights) =>
        {
            if (!rights.IsAdmin)
                return ServiceResult.Forbidden();
            IQueryable<Domain> domains = db.Domains.Within(rights.Where(Permissions.See | may));
            if (page.Needle is { Length: > 0 } needle)
                domains = domains.Where(d => d.Name.Contains(needle) || d.DisplayName.Contains(needle));
            int total = await domains.CountAsync(ct);
            IQueryable<Domain> sorted = (page.Sort, page.Descending) switch
            {
                (nameof(DomainRow.Accounts), false) => domains.OrderBy(d => db.Accounts.Count(a => a.DomainId == d.Id)).ThenBy(d => d.Name),
                (nameof(DomainRow.Accounts), true) => domains.OrderByDescending(d => db.Accounts.Count(a => a.DomainId == d.Id)).ThenBy(d => d.Name),
                (_, true) => domains.OrderByDescending(d => d.Name),
                _ => domains.OrderBy(d => d.Name),
            };
            List<DomainRow> rows = await sorted.Skip(page.SafeSkip).Take(page.SafeTake)
                .Select(d => new DomainRow(d.Id, d.Name, d.DisplayName, d.Kind, d.Enabled,
                    db.Accounts.Count(a => a.DomainId == d.Id), d.MaxAccounts,
                    db.Addresses.Count(a => a.DomainId == d.Id), d.MaxAddresses, d.TotalQuotaBytes))
                .ToListAsync(ct);
            return new PageOf<DomainRow>(rows, total);
        }, ct);

    public Task<ServiceResult<DomainForm>> GetAsync(Actor actor, long domainId, CancellationToken ct = default) =>
        changes.ReadAsync<DomainForm>(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.See, domainId) || await db.Domains.FirstOrDefaultAsync(d => d.Id == domainId, ct) is not { } d)
                return ServiceResult.NotFound("domain");
            return await FormOfAsync(db, d, ct);
        }, ct);

    /// <summary>Makes a domain with postmaster and abuse (RFC 2142 §5), which go to whoever makes it, else to its first account.</summary>
    public Task<ServiceResult<long>> CreateAsync(Actor actor, DomainForm form, CancellationToken ct = default) =>
        changes.RunAsync<long>(actor, async (db, rights) => rights.May(Permissions.Domains)
            ? await CreateAsync(db, actor, form, rights.AccountId, ct)
            : ServiceResult.Forbidden(), ct);

    /// <summary>The same inside the transaction of a caller that has checked the right to do it.</summary>
    internal async Task<ServiceResult<long>> CreateAsync(AccountsContext db, Actor actor, DomainForm form, long? roleOwner, CancellationToken ct)
    {
        var errors = new Problems();
        Domain domain = await CheckNewAsync(db, form, errors, ct);
        if (errors.Any)
            return errors.Refuse();
        db.Domains.Add(domain);
        await db.SaveChangesAsync(ct);
        if (domain.Kind == DomainKind.Local && roleOwner is { } owner
            && await db.Accounts.AnyAsync(a => a.Id == owner && a.HasMailbox, ct))
            await RoleAddresses.EnsureAsync(db, domain.Id, owner, changes.Now, ct);
        changes.Audit(db, actor, "domain.create", domain.Name, domain.Id, null, Shown(domain));
        await db.SaveChangesAsync(ct);
        return domain.Id;
    }

    /// <summary>Finds all that is wrong with the form of a new domain.</summary>
    /// <returns>The domain, not yet added to anything.</returns>
    internal async Task<Domain> CheckNewAsync(AccountsContext db, DomainForm form, Problems errors, CancellationToken ct)
    {
        if (!DomainName.TryParse(form.Name.Trim(), out DomainName name) || !name.Value.Contains('.', StringComparison.Ordinal))
            errors.Add(nameof(form.Name), Texts.Of("Error.DomainName"));
        else if (await db.Domains.AnyAsync(d => d.Name == name.Value, ct))
            errors.Add(nameof(form.Name), Texts.Of("Error.DomainExists", name.Display));
        var domain = new Domain { Name = name.Value, DisplayName = name.Display, CreatedAt = changes.Now };
        await FillAsync(db, domain, form, errors, ct);
        return domain;
    }

    public Task<ServiceResult> UpdateAsync(Actor actor, long domainId, DomainForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Domains) && rights.Refuse(Permissions.Domain, domainId, "domain") is { } refused)
                return refused;
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == domainId, ct) is not { } domain)
                return ServiceResult.NotFound("domain");
            if (form.Version.Length > 0 && form.Version != domain.Version.ToString())
                return ServiceResult.Conflict();
            var errors = new Problems();
            object before = Shown(domain);
            if (rights.May(Permissions.Domains))
            {
                errors.Require(DomainName.TryParse(form.Name, out DomainName name) && name.Value == domain.Name,
                    nameof(form.Name), Texts.Of("Error.DomainRename"));
                await FillAsync(db, domain, form, errors, ct);
            }
            else
            {
                // What a master may set; the rest of his form is not looked at.
                DomainForm own = await FormOfAsync(db, domain, ct);
                own.DefaultQuotaBytes = form.DefaultQuotaBytes;
                own.SubaddressSeparator = form.SubaddressSeparator;
                own.StandardFolders = form.StandardFolders;
                own.UsersMayForward = form.UsersMayForward;
                own.MaxOwnAliases = form.MaxOwnAliases;
                // He may ask for more than the server does, not for less.
                errors.Require(own.SecondFactorFrom is not { } asked || form.SecondFactorFrom <= asked, nameof(form.SecondFactorFrom), Texts.Of("Error.SecondFactorLess"));
                own.SecondFactorFrom = form.SecondFactorFrom;
                await FillAsync(db, domain, own, errors, ct);
            }
            if (errors.Any)
                return errors.Refuse();
            domain.Version = Guid.NewGuid();
            changes.Audit(db, actor, "domain.update", domain.Name, domain.Id, before, Shown(domain));
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    /// <summary>Removes a domain with its addresses; with <paramref name="withAccounts"/> also its accounts and all their mail.</summary>
    public async Task<ServiceResult> DeleteAsync(Actor actor, long domainId, bool withAccounts, CancellationToken ct = default)
    {
        ServiceResult result = await changes.RunAsync(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Domains))
                return ServiceResult.Forbidden();
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == domainId, ct) is not { } domain)
                return ServiceResult.NotFound("domain");
            long[] accounts = await db.Accounts.Where(a => a.DomainId == domainId).Select(a => a.Id).ToArrayAsync(ct);
            if (accounts.Length > 0 && !withAccounts)
                return ServiceResult.Invalid("", Texts.Of("Error.DomainHasAccounts", domain.DisplayName, accounts.Length));
            if (await db.Domains.AnyAsync(d => d.AliasOfId == domainId, ct))
                return ServiceResult.Invalid("", Texts.Of("Error.DomainHasNames", domain.DisplayName));
            object before = Shown(domain);
            await AccountRemoval.RemoveAsync(db, accounts, changes.Now, ct);
            await db.Addresses.Where(a => a.DomainId == domainId).ExecuteDeleteAsync(ct);
            // What led here from elsewhere leads nowhere now: it must not go out into the world instead.
            string ending = "@" + domain.Name;
            long[] broken = await db.Targets.Where(t => t.Outside!.EndsWith(ending)).Select(t => t.AddressId).Distinct().ToArrayAsync(ct);
            await db.Targets.Where(t => t.Outside!.EndsWith(ending)).ExecuteDeleteAsync(ct);
            foreach (long[] some in broken.Chunk(500))
                await db.Addresses.Where(a => some.Contains(a.Id) && !a.IsRole && !db.Targets.Any(t => t.AddressId == a.Id)).ExecuteDeleteAsync(ct);
            db.Domains.Remove(domain);
            db.StoreTasks.Add(new StoreTask { Kind = StoreTaskKind.Remove, AccountId = MailStore.SharedTree(domainId), CreatedAt = changes.Now });
            changes.Audit(db, actor, "domain.delete", domain.Name, domain.Id, before, accounts.Length == 0 ? null : new { removedAccounts = accounts.Length });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
        if (result.Ok)
            await tasks.RunAsync(ct);
        return result;
    }

    static async Task FillAsync(AccountsContext db, Domain domain, DomainForm form, Problems errors, CancellationToken ct)
    {
        errors.Require(form.MaxAccounts >= 0, nameof(form.MaxAccounts), Texts.Of("Error.LimitNumber"));
        errors.Require(form.MaxAddresses >= 0, nameof(form.MaxAddresses), Texts.Of("Error.LimitNumber"));
        errors.Require(form.MaxQuotaBytes >= 0, nameof(form.MaxQuotaBytes), Texts.Of("Error.LimitSize"));
        errors.Require(form.TotalQuotaBytes >= 0, nameof(form.TotalQuotaBytes), Texts.Of("Error.LimitSize"));
        errors.Require(form.MessageBytes >= 0, nameof(form.MessageBytes), Texts.Of("Error.LimitMessage"));
        errors.Require(form.DefaultQuotaBytes >= 0, nameof(form.DefaultQuotaBytes), Texts.Of("Error.LimitSize"));
        if (form.MaxQuotaBytes > 0)
        {
            errors.Require(form.DefaultQuotaBytes > 0 && form.DefaultQuotaBytes <= form.MaxQuotaBytes, nameof(form.DefaultQuotaBytes),
                Texts.Of("Error.DefaultAboveMost"));
        }
        if (form.TotalQuotaBytes > 0)
        {
            errors.Require(form.DefaultQuotaBytes > 0, nameof(form.DefaultQuotaBytes),
                Texts.Of("Error.TotalNeedsDefault"));
        }
        errors.Require(Enum.IsDefined(form.LoginScheme), nameof(form.LoginScheme), Texts.Of("Error.LoginScheme"));
        errors.Require(form.LoginScheme != LoginScheme.PrefixCounter
            || (form.LoginPrefix.Length is > 0 and <= 32 && form.LoginPrefix.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_')),
            nameof(form.LoginPrefix), Texts.Of("Error.LoginPrefix"));
        errors.Require(form.SubaddressSeparator.Length <= 1 && form.SubaddressSeparator.All(c => "+-=_#~".Contains(c, StringComparison.Ordinal)),
            nameof(form.SubaddressSeparator), Texts.Of("Error.Separator"));
        CheckFolders(form, errors);

        errors.Require(form.MaxScripts >= 0, nameof(form.MaxScripts), Texts.Of("Error.LimitNumber"));
        // Below 1 KiB hardly a script fits; the server takes none above 16 MiB.
        errors.Require(form.ScriptBytes is 0 or >= 1024 and <= 16 << 20, nameof(form.ScriptBytes), Texts.Of("Error.LimitScript"));
        errors.Require(form.MaxOwnAliases is >= 0 and <= 1000, nameof(form.MaxOwnAliases), Texts.Of("Error.OwnAliases", 1000));

        domain.FreeAddresses = form.FreeAddresses;
        domain.UsersMayForward = form.UsersMayForward;
        domain.MaxOwnAliases = form.MaxOwnAliases;
        domain.MaxScripts = form.MaxScripts;
        domain.ScriptBytes = (int)Math.Clamp(form.ScriptBytes, 0, int.MaxValue);
        domain.SecondFactorFrom = form.SecondFactorFrom;
        domain.Enabled = form.Enabled;
        domain.MaxAccounts = form.MaxAccounts;
        domain.MaxAddresses = form.MaxAddresses;
        domain.DefaultQuotaBytes = form.DefaultQuotaBytes;
        domain.MaxQuotaBytes = form.MaxQuotaBytes;
        domain.TotalQuotaBytes = form.TotalQuotaBytes;
        domain.MessageBytes = form.MessageBytes;
        domain.LoginScheme = form.LoginScheme;
        domain.LoginPrefix = form.LoginPrefix;
        domain.SubaddressSeparator = form.SubaddressSeparator;
        domain.StandardFolders = form.StandardFolders.Replace("\r", "", StringComparison.Ordinal).Trim();
        await FillKindAsync(db, domain, form, errors, ct);
        if (domain.Id != 0)
            await DomainLimits.CheckWholeAsync(db, domain, errors, ct);
    }

    static async Task FillKindAsync(AccountsContext db, Domain domain, DomainForm form, Problems errors, CancellationToken ct)
    {
        errors.Require(Enum.IsDefined(form.Kind), nameof(form.Kind), Texts.Of("Error.DomainKind"));
        if (form.Kind != DomainKind.Local && domain.Kind == DomainKind.Local && domain.Id != 0
            && (await db.Accounts.AnyAsync(a => a.DomainId == domain.Id, ct) || await db.Addresses.AnyAsync(a => a.DomainId == domain.Id && !a.IsRole, ct)))
            errors.Add(nameof(form.Kind), Texts.Of("Error.DomainInUse"));
        domain.Kind = form.Kind;
        domain.RelayHost = "";
        domain.AliasOfId = null;
        if (form.Kind == DomainKind.Relay)
        {
            domain.RelayHost = form.RelayHost.Trim();
            errors.Require(domain.RelayHost.Length == 0 || HostAndPort.IsValid(domain.RelayHost), nameof(form.RelayHost),
                Texts.Of("Error.RelayHost"));
        }
        if (form.Kind == DomainKind.AliasOf)
        {
            Domain? real = DomainName.TryParse(form.AliasOf.Trim(), out DomainName of)
                ? await db.Domains.AsNoTracking().FirstOrDefaultAsync(d => d.Name == of.Value, ct) : null;
            errors.Require(real is { Kind: DomainKind.Local } && real.Id != domain.Id, nameof(form.AliasOf),
                Texts.Of("Error.AliasOf"));
            domain.AliasOfId = real?.Id;
        }
    }

    static void CheckFolders(DomainForm form, Problems errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, string use) in Domain.ParseFolders(form.StandardFolders))
        {
            if (!MailboxName.TryParse(name, out MailboxName parsed) || parsed.IsInbox || !seen.Add(parsed.Value))
                errors.Add(nameof(form.StandardFolders), Texts.Of("Error.Folder", name));
            else if (!s_specialUses.Contains(use))
                errors.Add(nameof(form.StandardFolders), Texts.Of("Error.SpecialUse", use, string.Join(' ', s_specialUses[1..])));
        }
        errors.Require(form.StandardFolders.Length <= 4000 && seen.Count <= 50, nameof(form.StandardFolders), Texts.Of("Error.MostFolders"));
    }

    static async Task<DomainForm> FormOfAsync(AccountsContext db, Domain d, CancellationToken ct) => new()
    {
        Name = d.DisplayName,
        Enabled = d.Enabled,
        Kind = d.Kind,
        RelayHost = d.RelayHost,
        AliasOf = d.AliasOfId is { } real ? await db.Domains.Where(x => x.Id == real).Select(x => x.DisplayName).FirstAsync(ct) : "",
        MaxAccounts = d.MaxAccounts,
        MaxAddresses = d.MaxAddresses,
        DefaultQuotaBytes = d.DefaultQuotaBytes,
        MaxQuotaBytes = d.MaxQuotaBytes,
        TotalQuotaBytes = d.TotalQuotaBytes,
        MessageBytes = d.MessageBytes,
        LoginScheme = d.LoginScheme,
        LoginPrefix = d.LoginPrefix,
        SubaddressSeparator = d.SubaddressSeparator,
        StandardFolders = d.StandardFolders,
        FreeAddresses = d.FreeAddresses,
        UsersMayForward = d.UsersMayForward,
        MaxOwnAliases = d.MaxOwnAliases,
        MaxScripts = d.MaxScripts,
        ScriptBytes = d.ScriptBytes,
        SecondFactorFrom = d.SecondFactorFrom,
        Version = d.Version.ToString(),
    };

    static object Shown(Domain d) => new
    {
        d.Name, kind = d.Kind.ToString(), d.Enabled, d.RelayHost, d.AliasOfId, d.MaxAccounts, d.MaxAddresses, d.DefaultQuotaBytes,
        d.MaxQuotaBytes, d.TotalQuotaBytes, d.MessageBytes, loginScheme = d.LoginScheme.ToString(), d.LoginPrefix, d.SubaddressSeparator, d.StandardFolders,
        d.FreeAddresses, d.UsersMayForward, d.MaxOwnAliases, d.MaxScripts, d.ScriptBytes, d.SecondFactorFrom,
    };
}
