using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Another name for a domain.</summary>
public sealed class DomainNameForm
{
    public string Name { get; set; } = "";
    /// <summary>The old name stays as another name of the domain: mail to old addresses still arrives.</summary>
    public bool KeepOld { get; set; } = true;
}

/// <summary>All that goes when a domain goes.</summary>
/// <param name="Forwards">Addresses of other domains that lead here, the first of them; they no longer do then.</param>
/// <param name="Bytes">Of all mail of its accounts and of its shared mailboxes.</param>
public sealed record DomainLosses(
    int Accounts, int Addresses, IReadOnlyList<string> OtherNames, IReadOnlyList<string> Forwards, int ForwardCount, int SharedMailboxes, long Messages, long Bytes);

/// <summary>Renames domains, and says beforehand what their removal costs.</summary>
public sealed class DomainNameService(Changes changes, StoreTaskRunner tasks, IStoreDoor door, MailStore? store)
{
    /// <summary>Forwards of other domains that are named one by one.</summary>
    public const int ShownForwards = 20;

    /// <summary>Gives a domain another name: addresses, log-in names, grants, mailboxes and lists follow.</summary>
    public async Task<ServiceResult> RenameAsync(Actor actor, long domainId, DomainNameForm form, CancellationToken ct = default)
    {
        ServiceResult result = await changes.RunAsync(actor, async (db, rights) =>
        {
            if (rights.Refuse(Permissions.Domains, domainId, "domain") is { } refused)
                return refused;
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == domainId, ct) is not { } domain)
                return ServiceResult.NotFound("domain");
            var problems = new Problems();
            if (!DomainName.TryParse(form.Name.Trim(), out DomainName name) || !name.Value.Contains('.', StringComparison.Ordinal))
                problems.Add(nameof(form.Name), Texts.Of("Error.DomainName"));
            else if (name.Value == domain.Name)
                problems.Add(nameof(form.Name), Texts.Of("Error.DomainNameSame"));
            // Its own other name may become its name: the two change places.
            else if (await db.Domains.FirstOrDefaultAsync(d => d.Name == name.Value, ct) is { } there && there.AliasOfId != domainId)
                problems.Add(nameof(form.Name), Texts.Of("Error.DomainExists", name.Display));
            else if (await DomainRename.FindTakenLoginAsync(db, domain, name, ct) is { } login)
                problems.Add(nameof(form.Name), Texts.Of("Error.DomainNameLogin", login));
            if (problems.Any)
                return problems.Refuse();
            if (await db.Domains.FirstOrDefaultAsync(d => d.Name == name.Value, ct) is { } otherName)
            {
                db.Domains.Remove(otherName);
                await db.SaveChangesAsync(ct);
            }
            string before = domain.Name;
            await DomainRename.RenameAsync(db, domain, name, form.KeepOld, changes.Now, ct);
            changes.Audit(db, actor, "domain.rename", before, domain.Id, new { name = before }, new { name = domain.Name, form.KeepOld });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
        if (result.Ok)
            await tasks.RunAsync(CancellationToken.None);
        return result;
    }

    /// <summary>What would go with the domain.</summary>
    public Task<ServiceResult<DomainLosses>> LossesAsync(Actor actor, long domainId, CancellationToken ct = default) =>
        changes.ReadAsync<DomainLosses>(actor, async (db, rights) =>
        {
            if (rights.Refuse(Permissions.Domains, domainId, "domain") is { } refused)
                return refused;
            if (await db.Domains.FirstOrDefaultAsync(d => d.Id == domainId, ct) is not { } domain)
                return ServiceResult.NotFound("domain");
            long[] accounts = await db.Accounts.Where(a => a.DomainId == domainId).Select(a => a.Id).ToArrayAsync(ct);
            string ending = "@" + domain.Name;
            IQueryable<Address> elsewhere = db.Addresses.Where(a => a.DomainId != domainId
                && db.Targets.Any(t => t.AddressId == a.Id && (t.Outside!.EndsWith(ending) || db.Accounts.Any(x => x.Id == t.AccountId && x.DomainId == domainId))));
            var forwards = await elsewhere.OrderBy(a => a.LocalPart).Take(ShownForwards)
                .Join(db.Domains, a => a.DomainId, d => d.Id, (a, d) => new { a.DisplayLocal, d.Name }).ToListAsync(ct);
            var (messages, bytes) = (0L, 0L);
            foreach (long[] some in accounts.Append(MailStore.SharedTree(domainId)).Chunk(1000))
            {
                foreach (AccountUse use in (await door.UseOfAsync(some)).Values)
                    (messages, bytes) = (messages + use.Messages, bytes + use.Bytes);
            }
            return new DomainLosses(accounts.Length,
                await db.Addresses.CountAsync(a => a.DomainId == domainId, ct),
                await db.Domains.Where(d => d.AliasOfId == domainId).OrderBy(d => d.Name).Select(d => d.DisplayName).ToListAsync(ct),
                [.. forwards.Select(f => AddressParts.Join(f.DisplayLocal, f.Name)?.ToString() ?? $"{f.DisplayLocal}@{f.Name}")],
                await elsewhere.CountAsync(ct), store?.MailboxesOf(MailStore.SharedTree(domainId)).Count ?? 0, messages, bytes);
        }, ct);
}
