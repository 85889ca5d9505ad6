using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Targets of an address as people write them, and back. An account is written by its log-in name; one of its addresses does too.</summary>
static class TargetTexts
{
    /// <summary>The targets of these addresses in the order they were made, at most <paramref name="most"/> of each.</summary>
    public static async Task<ILookup<long, string>> FirstOfAsync(AccountsContext db, long[] addressIds, int most, CancellationToken ct)
    {
        // No provider-independent query takes the first few of each group, and a list may have ten thousand targets:
        // short ones are read together, long ones each for itself.
        var counts = await db.Targets.Where(t => addressIds.Contains(t.AddressId)).GroupBy(t => t.AddressId)
            .Select(g => new { Id = g.Key, Count = g.Count() }).ToListAsync(ct);
        long[] brief = [.. counts.Where(c => c.Count <= most).Select(c => c.Id)];
        var texts = new List<TargetText>();
        if (brief.Length > 0)
            texts.AddRange(await Rows(db.Targets.Where(t => brief.Contains(t.AddressId))).ToListAsync(ct));
        foreach (var c in counts.Where(c => c.Count > most))
            texts.AddRange(await Rows(db.Targets.Where(t => t.AddressId == c.Id)).Take(most).ToListAsync(ct));
        return texts.ToLookup(t => t.AddressId, t => t.Login ?? t.Outside ?? "");
    }

    static IQueryable<TargetText> Rows(IQueryable<Target> targets) =>
        targets.OrderBy(t => t.Id).Select(t => new TargetText(t.AddressId, t.Account == null ? null : t.Account.UserName, t.Outside));

    sealed record TargetText(long AddressId, string? Login, string? Outside);

    /// <summary>Makes the targets of <paramref name="address"/> those that are written; ones that stay keep their rows.</summary>
    public static async Task FillAsync(
        AccountsContext db, Rights rights, Domain domain, Address address, IList<string> written, int most, Problems problems, CancellationToken ct)
    {
        const string Field = nameof(AddressForm.Targets);
        string[] texts = [.. written.Select(t => t.Trim()).Where(t => t.Length > 0).Distinct(StringComparer.OrdinalIgnoreCase)];
        if (texts.Length == 0)
            problems.Add(Field, Texts.Of("Error.NoTarget"));
        if (texts.Length > most)
            problems.Add(Field, Texts.Of("Error.MostTargets", most));
        if (texts.Length > most)
            return;   // what each of them is takes a look into the database

        Dictionary<string, long> accounts = await AccountsOfAsync(db, rights, address, texts, ct);
        var wantedAccounts = new HashSet<long>();
        var wantedOutside = new HashSet<string>(StringComparer.Ordinal);
        string self = AddressParts.Join(address.LocalPart, domain.Name)?.Canonical ?? "";
        foreach (string text in texts)
        {
            if (accounts.TryGetValue(Account.CanonicalLogin(text) ?? "", out long id))
                wantedAccounts.Add(id);
            else if (!EmailAddress.TryParse(text, out EmailAddress outside) || outside.Local == Address.CatchAll)
                problems.Add(Field, Texts.Of("Error.TargetUnknown", text));
            else if (outside.Canonical == self && !address.IsCatchAll)
                problems.Add(Field, Texts.Of("Error.TargetSelf"));
            else
                wantedOutside.Add(outside.ToString());
        }
        // "Free" addresses: those of an account in domains other than its own.
        long[] strangers = [.. wantedAccounts.Except(address.Targets.Select(t => t.AccountId ?? 0))];
        if (await db.Accounts.Where(a => strangers.Contains(a.Id) && a.DomainId != null && a.DomainId != domain.Id && db.Domains.Any(d => d.Id == a.DomainId && !d.FreeAddresses))
            .Select(a => a.UserName).FirstOrDefaultAsync(ct) is { } bound)
            problems.Add(Field, Texts.Of("Error.NoFreeAddresses", bound));
        foreach (Target old in address.Targets.ToArray())
        {
            bool stays = old.AccountId is { } id ? wantedAccounts.Remove(id) : wantedOutside.Remove(old.Outside!);
            if (!stays)
                address.Targets.Remove(old);
        }
        foreach (long id in wantedAccounts)
            address.Targets.Add(new Target { AccountId = id });
        foreach (string outside in wantedOutside)
            address.Targets.Add(new Target { Outside = outside });
    }

    // By log-in name or primary address: accounts the actor administers, and those the address leads to already.
    static async Task<Dictionary<string, long>> AccountsOfAsync(
        AccountsContext db, Rights rights, Address address, string[] texts, CancellationToken ct)
    {
        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        long[] already = [.. address.Targets.Where(t => t.AccountId != null).Select(t => t.AccountId!.Value)];
        string[] names = [.. texts.Select(t => Account.CanonicalLogin(t) ?? "").Where(n => n.Length > 0).Distinct()];
        foreach (string[] some in names.Chunk(400))
        {
            string[] locals = [.. some.Select(n => EmailAddress.TryParse(n, out EmailAddress a) ? a.CanonicalLocal : "").Where(l => l.Length > 0).Distinct()];
            Reach reach = rights.Where(Permissions.See);
            IQueryable<Account> mine = db.Accounts.AsNoTracking();
            if (!reach.All)
                mine = mine.Where(a => already.Contains(a.Id) || (a.DomainId != null && reach.Domains.Contains(a.DomainId.Value)));
            foreach (var row in await mine.Where(a => some.Contains(a.NormalizedUserName!)).Select(a => new { a.NormalizedUserName, a.Id }).ToListAsync(ct))
                found[row.NormalizedUserName!] = row.Id;
            var byAddress = await (
                from a in mine
                join p in db.Addresses on a.PrimaryAddressId equals (long?)p.Id
                where locals.Contains(p.LocalPart)
                join d in db.Domains on p.DomainId equals d.Id
                select new { p.LocalPart, d.Name, a.Id }).ToListAsync(ct);
            foreach (var row in byAddress)
                found.TryAdd($"{row.LocalPart}@{row.Name}", row.Id);
        }
        return found;
    }
}
