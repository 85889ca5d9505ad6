using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>A permission set in the list.</summary>
/// <param name="Grants">How often it is given.</param>
/// <param name="MayGive">The actor holds all of it, on the server or on some domain.</param>
public sealed record PermissionSetRow(long Id, string Name, bool IsBuiltIn, Permissions Permissions, int Grants, bool MayGive);

/// <summary>A permission set as it is made and edited.</summary>
public sealed class PermissionSetForm
{
    public string Name { get; set; } = "";
    public Permissions Permissions { get; set; } = Permissions.See;
    /// <summary>Carry it from Get to Update unchanged.</summary>
    public string Version { get; set; } = "";
    public bool IsBuiltIn { get; internal set; }
    /// <summary>See <see cref="PermissionSetService.RequireSecondFactorAsync"/>.</summary>
    public DateTimeOffset? SecondFactorFrom { get; internal set; }
}

/// <summary>Permission sets: seen by who appoints, changed by who appoints on the server and holds all that is in them.</summary>
public sealed class PermissionSetService(Changes changes)
{
    const int MaxName = 60;

    public Task<ServiceResult<IReadOnlyList<PermissionSetRow>>> ListAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<PermissionSetRow>>(actor, async (db, rights) =>
        {
            if (!MaySee(rights))
                return ServiceResult.Forbidden();
            var rows = await db.PermissionSets.OrderByDescending(s => s.IsBuiltIn).ThenBy(s => s.IsBuiltIn ? s.Id : 0).ThenBy(s => s.Name)
                .Select(s => new { Set = s, Grants = db.Grants.Count(g => g.SetId == s.Id) }).ToListAsync(ct);
            return ServiceResult<IReadOnlyList<PermissionSetRow>>.Of([.. rows.Select(r => new PermissionSetRow(
                r.Set.Id, r.Set.Name, r.Set.IsBuiltIn, r.Set.Permissions, r.Grants,
                rights.May(Permissions.Appoint | r.Set.Permissions) || rights.MayAnywhere(Permissions.Appoint | (r.Set.Permissions & Permissions.OnDomains))))]);
        }, ct);

    public Task<ServiceResult<PermissionSetForm>> GetAsync(Actor actor, long setId, CancellationToken ct = default) =>
        changes.ReadAsync<PermissionSetForm>(actor, async (db, rights) =>
            !MaySee(rights) ? ServiceResult.Forbidden()
            : await db.PermissionSets.FirstOrDefaultAsync(s => s.Id == setId, ct) is { } set
                ? new PermissionSetForm { Name = set.Name, Permissions = set.Permissions, Version = set.Version.ToString(), IsBuiltIn = set.IsBuiltIn, SecondFactorFrom = set.SecondFactorFrom }
                : ServiceResult.NotFound("role"), ct);

    public Task<ServiceResult<long>> CreateAsync(Actor actor, PermissionSetForm form, CancellationToken ct = default) =>
        changes.RunAsync<long>(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Appoint | form.Permissions))
                return ServiceResult.Forbidden();
            if (await CheckAsync(db, null, form, ct) is { Any: true } problems)
                return problems.Refuse();
            var set = new PermissionSet { Name = form.Name.Trim(), Permissions = form.Permissions };
            db.PermissionSets.Add(set);
            changes.Audit(db, actor, "role.create", set.Name, null, null, Shown(set));
            await db.SaveChangesAsync(ct);
            return set.Id;
        }, ct);

    /// <summary>Changes a set for all who have it; their sessions begin anew.</summary>
    public Task<ServiceResult> UpdateAsync(Actor actor, long setId, PermissionSetForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Appoint))
                return ServiceResult.Forbidden();
            if (await db.PermissionSets.FirstOrDefaultAsync(s => s.Id == setId, ct) is not { } set)
                return ServiceResult.NotFound("role");
            if (!rights.May(set.Permissions | form.Permissions))
                return ServiceResult.Forbidden();
            if (set.IsBuiltIn)
                return ServiceResult.Invalid("", Texts.Of("Error.RoleBuiltIn"));
            if (form.Version.Length > 0 && form.Version != set.Version.ToString())
                return ServiceResult.Conflict();
            if (await CheckAsync(db, setId, form, ct) is { Any: true } problems)
                return problems.Refuse();
            object before = Shown(set);
            if (set.Permissions != form.Permissions)
            {
                foreach (Account account in await db.Accounts.Where(a => db.Grants.Any(g => g.AccountId == a.Id && g.SetId == setId)).ToListAsync(ct))
                    account.SecurityStamp = AccountRows.NewStamp();
            }
            set.Name = form.Name.Trim();
            set.Permissions = form.Permissions;
            set.Version = Guid.NewGuid();
            changes.Audit(db, actor, "role.update", set.Name, null, before, Shown(set));
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    /// <summary>Asks everybody who has the set for a second factor; of the built-in ones too.</summary>
    /// <param name="from">Until then they are only told. Null: none is asked for.</param>
    public Task<ServiceResult> RequireSecondFactorAsync(Actor actor, long setId, DateTimeOffset? from, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Appoint))
                return ServiceResult.Forbidden();
            if (await db.PermissionSets.FirstOrDefaultAsync(s => s.Id == setId, ct) is not { } set)
                return ServiceResult.NotFound("role");
            if (!rights.May(set.Permissions))
                return ServiceResult.Forbidden();
            var before = new { set.SecondFactorFrom };
            set.SecondFactorFrom = from;
            set.Version = Guid.NewGuid();
            changes.Audit(db, actor, "role.secondfactor", set.Name, null, before, new { set.SecondFactorFrom });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    /// <summary>Removes a set that nobody has.</summary>
    public Task<ServiceResult> DeleteAsync(Actor actor, long setId, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Appoint))
                return ServiceResult.Forbidden();
            if (await db.PermissionSets.FirstOrDefaultAsync(s => s.Id == setId, ct) is not { } set)
                return ServiceResult.NotFound("role");
            if (!rights.May(set.Permissions))
                return ServiceResult.Forbidden();
            if (set.IsBuiltIn)
                return ServiceResult.Invalid("", Texts.Of("Error.RoleBuiltIn"));
            if (await db.Grants.CountAsync(g => g.SetId == setId, ct) is var grants and > 0)
                return ServiceResult.Invalid("", Texts.Of("Error.RoleInUse", grants));
            db.PermissionSets.Remove(set);
            changes.Audit(db, actor, "role.delete", set.Name, null, Shown(set), null);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    static bool MaySee(Rights rights) => rights.May(Permissions.SeeServer) || rights.MayAnywhere(Permissions.Appoint);

    static async Task<Problems> CheckAsync(AccountsContext db, long? setId, PermissionSetForm form, CancellationToken ct)
    {
        var problems = new Problems();
        string name = form.Name.Trim();
        problems.Require(name.Length is > 0 and <= MaxName && !name.Any(char.IsControl), nameof(form.Name), Texts.Of("Error.RoleName", MaxName));
        List<string> others = await db.PermissionSets.Where(s => s.Id != setId).Select(s => s.Name).ToListAsync(ct);
        problems.Require(!others.Contains(name, StringComparer.OrdinalIgnoreCase), nameof(form.Name), Texts.Of("Error.RoleExists"));
        problems.Require((form.Permissions & ~Permissions.All) == 0 && form.Permissions != Permissions.None, nameof(form.Permissions), Texts.Of("Error.RoleEmpty"));
        // Without it nothing that the others allow could be found.
        problems.Require((form.Permissions & Permissions.OnDomains) == 0 || form.Permissions.HasFlag(Permissions.See), nameof(form.Permissions), Texts.Of("Error.RoleNeedsSee"));
        return problems;
    }

    static object Shown(PermissionSet set) => new { set.Name, may = set.Permissions.ToString() };
}
