using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Addresses and where they lead.</summary>
public sealed class AddressService(Changes changes, EngineOptions options)
{
    const int ShownTargets = 5;

    /// <summary>Sorts by Address.</summary>
    public Task<ServiceResult<PageOf<AddressRow>>> ListAsync(Actor actor, AddressQuery query, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<AddressRow>>(actor, async (db, rights) =>
        {
            if (!rights.IsAdmin)
                return ServiceResult.Forbidden();
            if (query.DomainId is { } wanted && !rights.May(Permissions.See, wanted))
                return ServiceResult.NotFound("domain");
            PageRequest page = query.Page;
            IQueryable<Address> addresses = query.DomainId is { } domainId
                ? db.Addresses.Where(a => a.DomainId == domainId)
                : db.Addresses.Within(rights.Where(Permissions.See));
            if (query.AccountId is { } accountId)
                addresses = addresses.Where(a => db.Targets.Any(t => t.AddressId == a.Id && t.AccountId == accountId));
            if (page.Needle is { Length: > 0 } needle)
                addresses = addresses.Matching(db, needle);
            int total = await addresses.CountAsync(ct);
            var sorted = page.Descending
                ? addresses.OrderByDescending(a => a.LocalPart).ThenByDescending(a => a.DomainId)
                : addresses.OrderBy(a => a.LocalPart).ThenBy(a => a.DomainId);
            long[] ids = await sorted.Select(a => a.Id).Skip(page.SafeSkip).Take(page.SafeTake).ToArrayAsync(ct);
            IQueryable<Address> shown = db.Addresses.Where(a => ids.Contains(a.Id));
            var rows = await (page.Descending
                    ? shown.OrderByDescending(a => a.LocalPart).ThenByDescending(a => a.DomainId)
                    : shown.OrderBy(a => a.LocalPart).ThenBy(a => a.DomainId))
                .Select(a => new
                {
                    a.Id, a.LocalPart, a.DisplayLocal, a.Enabled, a.DomainId,
                    Domain = db.Domains.Where(d => d.Id == a.DomainId).Select(d => d.Name).First(),
                    IsPrimary = db.Accounts.Any(x => x.PrimaryAddressId == a.Id),
                    Count = a.Targets.Count,
                }).ToListAsync(ct);
            ILookup<long, string> targets = await TargetTexts.FirstOfAsync(db, [.. rows.Select(r => r.Id)], ShownTargets, ct);
            return new PageOf<AddressRow>([.. rows.Select(r => new AddressRow(
                r.Id, Text(r.DisplayLocal, r.Domain), r.LocalPart == Address.CatchAll, r.IsPrimary, r.Enabled, r.DomainId, [.. targets[r.Id]], r.Count))], total);
        }, ct);

    public Task<ServiceResult<AddressForm>> GetAsync(Actor actor, long addressId, CancellationToken ct = default) =>
        changes.ReadAsync<AddressForm>(actor, async (db, rights) =>
        {
            if (await db.Addresses.FirstOrDefaultAsync(a => a.Id == addressId, ct) is not { } address || !rights.May(Permissions.See, address.DomainId))
                return ServiceResult.NotFound("address");
            ILookup<long, string> targets = await TargetTexts.FirstOfAsync(db, [addressId], int.MaxValue, ct);
            return new AddressForm
            {
                DomainId = address.DomainId,
                LocalPart = address.DisplayLocal,
                Enabled = address.Enabled,
                Targets = [.. targets[addressId]],
                Version = address.Version.ToString(),
                DomainName = await db.Domains.Where(d => d.Id == address.DomainId).Select(d => d.DisplayName).FirstAsync(ct),
                IsPrimary = await db.Accounts.AnyAsync(a => a.PrimaryAddressId == addressId, ct),
            };
        }, ct);

    public Task<ServiceResult<long>> CreateAsync(Actor actor, AddressForm form, CancellationToken ct = default) =>
        changes.RunAsync<long>(actor, async (db, rights) =>
        {
            if (form.DomainId == 0 && rights.MayAnywhere(Permissions.Addresses))
            {
                var missing = new Problems();
                missing.Add(nameof(form.DomainId), Texts.Of("DomainPicker.Choose"));
                missing.Require(form.LocalPart.Trim().Length > 0, nameof(form.LocalPart), Texts.Of("Error.LocalPart"));
                missing.Require(form.Targets.Count > 0, nameof(form.Targets), Texts.Of("Error.NoTarget"));
                return missing.Refuse();
            }
            if (rights.Refuse(Permissions.Addresses, form.DomainId, "domain") is { } refused)
                return refused;
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == form.DomainId, ct) is not { } domain)
                return ServiceResult.NotFound("domain");
            var problems = new Problems();
            string local = Address.CatchAll;
            string display = local;
            if (form.LocalPart.Trim() != Address.CatchAll)
            {
                EmailAddress parsed = NewAddress.Parse(form.LocalPart, domain, problems);
                (local, display) = parsed.IsEmpty ? ("", "") : (parsed.CanonicalLocal, parsed.Local);
            }
            else if (domain.Kind != DomainKind.Local)
            {
                problems.Add(nameof(form.DomainId), Texts.Of("Error.DomainNotLocal", domain.DisplayName));
            }
            Address? there = await db.Addresses.FirstOrDefaultAsync(a => a.DomainId == domain.Id && a.LocalPart == local, ct);
            bool replaces = there is { IsCatchAll: true } && form.ReplaceCatchAll;
            if (there is { IsCatchAll: true } && !replaces)
                problems.Add(nameof(form.ReplaceCatchAll), Texts.Of("Error.CatchAllExists", domain.DisplayName, string.Join(", ", (await TargetTexts.FirstOfAsync(db, [there.Id], ShownTargets, ct))[there.Id])));
            else
                problems.Require(there is null || replaces, nameof(form.LocalPart), Texts.Of("Error.AddressExists", Text(display, domain.Name)));
            if (!replaces)
                await DomainLimits.CheckAddressesAsync(db, domain, problems, ct);
            var address = new Address { DomainId = domain.Id, LocalPart = local, DisplayLocal = display, Enabled = form.Enabled, MadeById = form.MadeById, CreatedAt = changes.Now };
            await TargetTexts.FillAsync(db, rights, domain, address, form.Targets, options.Limits.AliasExpansion, problems, ct);
            if (problems.Any)
                return problems.Refuse();
            object? before = null;
            if (replaces)
            {
                before = new { there!.Enabled, Targets = (await TargetTexts.FirstOfAsync(db, [there.Id], 100, ct))[there.Id] };
                db.Addresses.Remove(there);
                await db.SaveChangesAsync(ct);
            }
            db.Addresses.Add(address);
            await db.SaveChangesAsync(ct);
            changes.Audit(db, actor, replaces ? "address.replace" : "address.create", Text(display, domain.Name), domain.Id, before, new { address.Enabled, form.Targets });
            await db.SaveChangesAsync(ct);
            return address.Id;
        }, ct);

    public Task<ServiceResult> UpdateAsync(Actor actor, long addressId, AddressForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            ServiceResult<Address> found = await FindToChangeAsync(db.Addresses.Include(a => a.Targets), rights, addressId, ct);
            if (found.Value is not { } address)
                return found;
            if (form.Version.Length > 0 && form.Version != address.Version.ToString())
                return ServiceResult.Conflict();
            Domain domain = await db.Domains.FirstAsync(d => d.Id == address.DomainId, ct);
            var problems = new Problems();
            problems.Require(form.Enabled || !RoleAddresses.Names.Contains(address.LocalPart), nameof(form.Enabled), Texts.Of("Error.RoleOff", Text(address.DisplayLocal, domain.Name)));
            ILookup<long, string> before = await TargetTexts.FirstOfAsync(db, [addressId], 100, ct);
            await TargetTexts.FillAsync(db, rights, domain, address, form.Targets, options.Limits.AliasExpansion, problems, ct);
            if (problems.Any)
                return problems.Refuse();
            db.Record(changes.AuditOf(db, actor, "address.update", Text(address.DisplayLocal, domain.Name), await OwnerOfAsync(db, address, ct), domain.Id,
                new { address.Enabled, Targets = before[addressId] }, new { form.Enabled, Targets = form.Targets.Take(100) }));
            address.Enabled = form.Enabled;
            address.Version = Guid.NewGuid();
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    public Task<ServiceResult> DeleteAsync(Actor actor, long addressId, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            ServiceResult<Address> found = await FindToChangeAsync(db.Addresses, rights, addressId, ct);
            if (found.Value is not { } address)
                return found;
            string domain = await db.Domains.Where(d => d.Id == address.DomainId).Select(d => d.Name).FirstAsync(ct);
            if (await db.Accounts.AnyAsync(a => a.PrimaryAddressId == addressId, ct))
                return ServiceResult.Invalid("", Texts.Of("Error.AddressIsPrimary"));
            if (RoleAddresses.Names.Contains(address.LocalPart))
                return ServiceResult.Invalid("", Texts.Of("Error.RoleGone", Text(address.DisplayLocal, domain)));
            ILookup<long, string> before = await TargetTexts.FirstOfAsync(db, [addressId], 100, ct);
            db.Record(changes.AuditOf(db, actor, "address.delete", Text(address.DisplayLocal, domain), address.MadeById, address.DomainId,
                new { address.Enabled, Targets = before[addressId] }, null));
            db.Addresses.Remove(address);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    static async Task<ServiceResult<Address>> FindToChangeAsync(IQueryable<Address> addresses, Rights rights, long addressId, CancellationToken ct)
    {
        if (await addresses.FirstOrDefaultAsync(a => a.Id == addressId, ct) is not { } address)
            return ServiceResult.NotFound("address");
        return rights.Refuse(Permissions.Addresses, address.DomainId, "address") is { } refused ? refused : address;
    }

    /// <summary>The account whose main address it is, or that gave it to itself; null: nobody's own.</summary>
    static async Task<long?> OwnerOfAsync(AccountsContext db, Address address, CancellationToken ct) =>
        await db.Accounts.Where(a => a.PrimaryAddressId == address.Id).Select(a => (long?)a.Id).FirstOrDefaultAsync(ct) ?? address.MadeById;

    static string Text(string local, string domain) => AddressParts.Join(local, domain)?.ToString() ?? $"{local}@{domain}";
}
