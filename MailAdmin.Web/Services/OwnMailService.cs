using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Where a user's mail is sent on to.</summary>
public sealed class ForwardForm
{
    /// <summary>Addresses; none: it is not sent on.</summary>
    public IList<string> Targets { get; set; } = [];
    /// <summary>True: what is sent on is kept here too.</summary>
    public bool KeepCopy { get; set; } = true;

    public string Address { get; internal set; } = "";
    /// <summary>The domain lets its users do this.</summary>
    public bool IsAllowed { get; internal set; }
}

/// <summary>An address a user has.</summary>
/// <param name="IsOwn">He gave it to himself and may take it back.</param>
public sealed record OwnAddressRow(long Id, string Address, bool IsMain, bool IsOwn, bool Enabled);

/// <summary>The addresses of a user.</summary>
/// <param name="Domain">Where he may make some.</param>
/// <param name="Most">How many; 0: none.</param>
public sealed record OwnAddresses(IReadOnlyList<OwnAddressRow> Rows, string Domain, int Most)
{
    public int Left => Math.Max(0, Most - Rows.Count(r => r.IsOwn));
}

/// <summary>What users do with their own addresses, as far as their domain lets them.</summary>
public sealed class OwnMailService(Changes changes)
{
    /// <summary>Addresses a user may send his mail on to: more is a list, which an administrator makes.</summary>
    public const int MostForwards = 10;

    public Task<ServiceResult<ForwardForm>> ForwardAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<ForwardForm>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, ct) is not ({ } account, { } domain, { } main))
                return ServiceResult.NotFound("address");
            return new ForwardForm
            {
                Targets = [.. main.Targets.Where(t => t.Outside is not null).OrderBy(t => t.Id).Select(t => t.Outside!)],
                KeepCopy = main.Targets.Any(t => t.AccountId == account.Id) || main.Targets.Count == 0,
                Address = AddressParts.Join(main.DisplayLocal, domain.Name)?.ToString() ?? "",
                IsAllowed = domain.UsersMayForward,
            };
        }, ct);

    public Task<ServiceResult> SetForwardAsync(Actor actor, ForwardForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, ct) is not ({ } account, { } domain, { } main))
                return ServiceResult.NotFound("address");
            if (!domain.UsersMayForward)
                return ServiceResult.Invalid("", Texts.Of("Error.NoForwards", domain.DisplayName));
            var problems = new Problems();
            var wanted = new HashSet<string>(StringComparer.Ordinal);
            string own = AddressParts.Join(main.LocalPart, domain.Name)?.Canonical ?? "";
            foreach (string text in form.Targets.Select(t => t.Trim()).Where(t => t.Length > 0))
            {
                if (!EmailAddress.TryParse(text, out EmailAddress to) || to.Local == Address.CatchAll)
                    problems.Add(nameof(form.Targets), Texts.Of("Error.NoAddress", text));
                else if (to.Canonical == own)
                    problems.Add(nameof(form.Targets), Texts.Of("Error.TargetSelf"));
                else
                    wanted.Add(to.ToString());
            }
            problems.Require(wanted.Count <= MostForwards, nameof(form.Targets), Texts.Of("Error.MostForwards", MostForwards));
            if (problems.Any)
                return problems.Refuse();
            var before = new { targets = main.Targets.Where(t => t.Outside is not null).Select(t => t.Outside).ToArray(), copy = main.Targets.Any(t => t.AccountId == account.Id) };
            foreach (Target old in main.Targets.Where(t => t.Outside is not null && !wanted.Remove(t.Outside)).ToArray())
                main.Targets.Remove(old);
            foreach (string to in wanted)
                main.Targets.Add(new Target { Outside = to });
            bool keep = form.KeepCopy || main.Targets.All(t => t.Outside is null);   // mail goes somewhere in any case
            Target? copy = main.Targets.FirstOrDefault(t => t.AccountId == account.Id);
            if (keep && copy is null)
                main.Targets.Add(new Target { AccountId = account.Id });
            else if (!keep && copy is not null)
                main.Targets.Remove(copy);
            main.Version = Guid.NewGuid();
            changes.Audit(db, actor, "forward.set", account, before,
                new { targets = main.Targets.Where(t => t.Outside is not null).Select(t => t.Outside).ToArray(), copy = keep });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    public Task<ServiceResult<OwnAddresses>> AddressesAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<OwnAddresses>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, ct) is not ({ } account, { } domain, _))
                return ServiceResult.NotFound("address");
            var rows = await (
                from t in db.Targets
                where t.AccountId == account.Id
                join a in db.Addresses on t.AddressId equals a.Id
                join d in db.Domains on a.DomainId equals d.Id
                orderby a.LocalPart
                select new { a.Id, a.DisplayLocal, a.MadeById, a.Enabled, d.Name }).ToListAsync(ct);
            return new OwnAddresses([.. rows.Select(r => new OwnAddressRow(r.Id, AddressParts.Join(r.DisplayLocal, r.Name)?.ToString() ?? $"{r.DisplayLocal}@{r.Name}",
                r.Id == account.PrimaryAddressId, r.MadeById == account.Id, r.Enabled))], domain.DisplayName, domain.Kind == DomainKind.Local ? domain.MaxOwnAliases : 0);
        }, ct);

    /// <summary>Gives the user another address in his domain.</summary>
    public Task<ServiceResult<long>> AddAddressAsync(Actor actor, string localPart, CancellationToken ct = default) =>
        changes.RunAsync<long>(actor, async (db, rights) =>
        {
            const string Field = "LocalPart";
            if (await FindAsync(db, rights, ct) is not ({ } account, { } domain, _))
                return ServiceResult.NotFound("address");
            var problems = new Problems();
            EmailAddress parsed = NewAddress.Parse(localPart, domain, problems);
            if (await db.Addresses.CountAsync(a => a.MadeById == account.Id, ct) >= domain.MaxOwnAliases)
                problems.Add("", domain.MaxOwnAliases == 0 ? Texts.Of("Error.NoOwnAliases", domain.DisplayName) : Texts.Of("Error.MostOwnAliases", domain.MaxOwnAliases));
            string local = parsed.CanonicalLocal;
            // Names that others trust (RFC 2142 §3 to §6) are an administrator's to give.
            problems.Require(!ReservedNames.Contains(local), Field, Texts.Of("Error.ReservedName"));
            problems.Require(parsed.IsEmpty || !await db.Addresses.AnyAsync(a => a.DomainId == domain.Id && a.LocalPart == local, ct), Field, Texts.Of("Error.AddressTaken", parsed));
            string canonical = parsed.Canonical;
            problems.Require(parsed.IsEmpty || !await db.Accounts.AnyAsync(a => a.NormalizedUserName == canonical, ct), Field, Texts.Of("Error.AddressTaken", parsed));
            await DomainLimits.CheckAddressesAsync(db, domain, problems, ct);
            if (problems.Any)
                return problems.Refuse();
            var address = new Address { DomainId = domain.Id, LocalPart = local, DisplayLocal = parsed.Local, MadeById = account.Id, CreatedAt = changes.Now };
            address.Targets.Add(new Target { AccountId = account.Id });
            db.Addresses.Add(address);
            db.Record(changes.AuditOf(db, actor, "alias.create", parsed.ToString(), account.Id, domain.Id, null, new { account = account.UserName }));
            await db.SaveChangesAsync(ct);
            return address.Id;
        }, ct);

    /// <summary>Takes away an address that the user gave himself.</summary>
    public Task<ServiceResult> RemoveAddressAsync(Actor actor, long addressId, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id || await db.Addresses.FirstOrDefaultAsync(a => a.Id == addressId && a.MadeById == id, ct) is not { } address)
                return ServiceResult.NotFound("address");
            // Made the main one, or led elsewhere too, by an administrator meanwhile: his from then on.
            if (await db.Accounts.AnyAsync(a => a.PrimaryAddressId == addressId, ct) || await db.Targets.AnyAsync(t => t.AddressId == addressId && t.AccountId != id, ct))
                return ServiceResult.Forbidden();
            string domain = await db.Domains.Where(d => d.Id == address.DomainId).Select(d => d.Name).FirstAsync(ct);
            db.Record(changes.AuditOf(db, actor, "alias.delete", AddressParts.Join(address.DisplayLocal, domain)?.ToString() ?? "", id, address.DomainId, new { account = actor.Name }, null));
            db.Addresses.Remove(address);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    static async Task<(Account? Account, Domain? Domain, Address? Main)> FindAsync(AccountsContext db, Rights rights, CancellationToken ct)
    {
        if (rights.AccountId is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { HasMailbox: true } account)
            return default;
        return (account, await db.Domains.FirstOrDefaultAsync(d => d.Id == account.DomainId, ct),
            await db.Addresses.Include(a => a.Targets).FirstOrDefaultAsync(a => a.Id == account.PrimaryAddressId, ct));
    }
}

/// <summary>Names of roles that nobody takes for himself: mail to them is read as the domain's own word. RFC 2142 §3 to §6.</summary>
static class ReservedNames
{
    static readonly HashSet<string> s_names = new(StringComparer.Ordinal)
    {
        "postmaster", "abuse", "hostmaster", "webmaster", "usenet", "news", "www", "uucp", "ftp", "noc", "security", "info", "marketing", "sales", "support", "admin",
        "administrator", "root", "ssladmin", "ssladministrator", "sysadmin", "mailer-daemon", "noreply", "no-reply", "helpdesk", "billing", "list", "list-request",
    };

    public static bool Contains(string canonicalLocal) => s_names.Contains(canonicalLocal);
}
