using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Checks a domain's limits. Call inside the transaction of the change: there nobody can slip in between check and commit.</summary>
static class DomainLimits
{
    /// <summary>May the domain take this many more accounts with these quotas?</summary>
    /// <param name="quotaAdded">Effective quotas of the new accounts, or the growth of a changed one, octets.</param>
    public static async Task CheckAccountsAsync(
        AccountsContext db, Domain domain, int accountsAdded, long quotaAdded, Problems errors, CancellationToken ct)
    {
        if (domain.MaxAccounts > 0 && accountsAdded > 0)
        {
            int now = await db.Accounts.CountAsync(a => a.DomainId == domain.Id, ct);
            errors.Require(now + accountsAdded <= domain.MaxAccounts, "",
                $"{domain.DisplayName} may have {domain.MaxAccounts} accounts and has {now}. Remove one, or ask for a higher limit.");
        }
        if (domain.TotalQuotaBytes > 0 && quotaAdded > 0)
        {
            long given = await GivenAsync(db, domain, ct);
            errors.Require(given + quotaAdded <= domain.TotalQuotaBytes, "QuotaBytes",
                $"The quotas of {domain.DisplayName} may add up to {Size.Text(domain.TotalQuotaBytes)}, and {Size.Text(Math.Max(0, domain.TotalQuotaBytes - given))} are left.");
        }
    }

    /// <summary>Is the quota one that an account of the domain may have?</summary>
    /// <param name="quota">Null: the default.</param>
    public static void CheckQuota(Domain domain, long? quota, Problems errors)
    {
        long effective = quota ?? domain.DefaultQuotaBytes;
        if (quota is < 0)
            errors.Add("QuotaBytes", "Write a size, or nothing for the domain's default.");
        else if (effective == 0 && (domain.MaxQuotaBytes > 0 || domain.TotalQuotaBytes > 0))
            errors.Add("QuotaBytes", $"Accounts of {domain.DisplayName} must have a limit. Write a size.");
        else if (domain.MaxQuotaBytes > 0 && effective > domain.MaxQuotaBytes)
            errors.Add("QuotaBytes", $"An account of {domain.DisplayName} may have {Size.Text(domain.MaxQuotaBytes)} at most.");
    }

    public static async Task CheckAddressesAsync(AccountsContext db, Domain domain, Problems errors, CancellationToken ct)
    {
        if (domain.MaxAddresses <= 0)
            return;
        int now = await CountAddressesAsync(db, domain.Id, ct);
        errors.Require(now < domain.MaxAddresses, "",
            $"{domain.DisplayName} may have {domain.MaxAddresses} addresses beside those of its accounts and has {now}. Remove one, or ask for a higher limit.");
    }

    /// <summary>After a change of the limits themselves: does what is there still fit?</summary>
    public static async Task CheckWholeAsync(AccountsContext db, Domain domain, Problems errors, CancellationToken ct)
    {
        if (domain.MaxAccounts > 0)
        {
            int now = await db.Accounts.CountAsync(a => a.DomainId == domain.Id, ct);
            errors.Require(now <= domain.MaxAccounts, nameof(DomainForm.MaxAccounts), $"The domain has {now} accounts already.");
        }
        if (domain.MaxAddresses > 0)
        {
            int now = await CountAddressesAsync(db, domain.Id, ct);
            errors.Require(now <= domain.MaxAddresses, nameof(DomainForm.MaxAddresses), $"The domain has {now} addresses already.");
        }
        if (domain.MaxQuotaBytes > 0)
        {
            int above = await db.Accounts.CountAsync(a => a.DomainId == domain.Id && (a.QuotaBytes == 0 || a.QuotaBytes > domain.MaxQuotaBytes), ct);
            errors.Require(above == 0, nameof(DomainForm.MaxQuotaBytes), $"{above} accounts have more, or no limit. Lower those first.");
        }
        if (domain.TotalQuotaBytes > 0)
        {
            bool unlimited = await db.Accounts.AnyAsync(a => a.DomainId == domain.Id && a.QuotaBytes == 0, ct);
            errors.Require(!unlimited, nameof(DomainForm.TotalQuotaBytes), "Some accounts have no limit. Give them one first.");
            long given = await GivenAsync(db, domain, ct);
            errors.Require(given <= domain.TotalQuotaBytes, nameof(DomainForm.TotalQuotaBytes),
                $"The quotas of its accounts add up to {Size.Text(given)} already.");
        }
    }

    /// <summary>Accounts there are, and the sum of their quotas where that has a limit.</summary>
    public static async Task<(int Accounts, long QuotaBytes)> UsedAsync(AccountsContext db, Domain domain, CancellationToken ct) =>
        (domain.MaxAccounts > 0 ? await db.Accounts.CountAsync(a => a.DomainId == domain.Id, ct) : 0,
            domain.TotalQuotaBytes > 0 ? await GivenAsync(db, domain, ct) : 0);

    // The domain's own object, not its row: its default may just be changing.
    static async Task<long> GivenAsync(AccountsContext db, Domain domain, CancellationToken ct) =>
        await db.Accounts.Where(a => a.DomainId == domain.Id && a.QuotaBytes != null).SumAsync(a => a.QuotaBytes ?? 0, ct)
        + (await db.Accounts.CountAsync(a => a.DomainId == domain.Id && a.QuotaBytes == null, ct) * domain.DefaultQuotaBytes);

    static Task<int> CountAddressesAsync(AccountsContext db, long domainId, CancellationToken ct) =>
        db.Addresses.CountAsync(a => a.DomainId == domainId && !a.IsRole && !db.Accounts.Any(x => x.PrimaryAddressId == a.Id), ct);
}
