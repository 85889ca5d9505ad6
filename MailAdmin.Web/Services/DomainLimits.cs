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
            long given = await DomainQuotas.GivenAsync(db, domain, ct);
            errors.Require(given + quotaAdded <= domain.TotalQuotaBytes, "QuotaBytes",
                $"The quotas of {domain.DisplayName} may add up to {Size.Text(domain.TotalQuotaBytes)}, and {Size.Text(Math.Max(0, domain.TotalQuotaBytes - given))} are left.");
        }
    }

    /// <summary>Is the quota one that an account of the domain may have?</summary>
    /// <param name="quota">Null: the default.</param>
    public static void CheckQuota(Domain domain, long? quota, Problems errors)
    {
        string? problem = DomainQuotas.Check(domain, quota) switch
        {
            QuotaRefusal.Negative => "Write a size, or nothing for the domain's default.",
            QuotaRefusal.Unlimited => $"Accounts of {domain.DisplayName} must have a limit. Write a size.",
            QuotaRefusal.AboveLargest => $"An account of {domain.DisplayName} may have {Size.Text(domain.MaxQuotaBytes)} at most.",
            _ => null,
        };
        if (problem is not null)
            errors.Add("QuotaBytes", problem);
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
            long given = await DomainQuotas.GivenAsync(db, domain, ct);
            errors.Require(given <= domain.TotalQuotaBytes, nameof(DomainForm.TotalQuotaBytes),
                $"The quotas of its accounts add up to {Size.Text(given)} already.");
        }
    }

    /// <summary>Accounts there are, and the sum of their quotas where that has a limit.</summary>
    public static async Task<(int Accounts, long QuotaBytes)> UsedAsync(AccountsContext db, Domain domain, CancellationToken ct) =>
        (domain.MaxAccounts > 0 ? await db.Accounts.CountAsync(a => a.DomainId == domain.Id, ct) : 0,
            domain.TotalQuotaBytes > 0 ? await DomainQuotas.GivenAsync(db, domain, ct) : 0);

    static Task<int> CountAddressesAsync(AccountsContext db, long domainId, CancellationToken ct) =>
        db.Addresses.CountAsync(a => a.DomainId == domainId && !a.IsRole && !db.Accounts.Any(x => x.PrimaryAddressId == a.Id), ct);
}
