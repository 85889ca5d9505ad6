using MailAdmin.Web.Resources;
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
        foreach (AccountProblem problem in await AccountRows.RoomAsync(db, domain, accountsAdded, quotaAdded, ct))
            errors.Add(domain, problem);
    }

    /// <summary>Is the quota one that an account of the domain may have?</summary>
    /// <param name="quota">Null: the default.</param>
    public static void CheckQuota(Domain domain, long? quota, Problems errors)
    {
        if (DomainQuotas.Check(domain, quota) is var refusal and not QuotaRefusal.None)
            errors.Add(domain, new AccountProblem(AccountFault.Quota, Quota: refusal));
    }

    public static async Task CheckAddressesAsync(AccountsContext db, Domain domain, Problems errors, CancellationToken ct)
    {
        if (domain.MaxAddresses <= 0)
            return;
        int now = await CountAddressesAsync(db, domain.Id, ct);
        errors.Require(now < domain.MaxAddresses, "",
            Texts.Of("Error.MostAddresses", domain.DisplayName, domain.MaxAddresses, now));
    }

    /// <summary>After a change of the limits themselves: does what is there still fit?</summary>
    public static async Task CheckWholeAsync(AccountsContext db, Domain domain, Problems errors, CancellationToken ct)
    {
        if (domain.MaxAccounts > 0)
        {
            int now = await db.Accounts.CountAsync(a => a.DomainId == domain.Id, ct);
            errors.Require(now <= domain.MaxAccounts, nameof(DomainForm.MaxAccounts), Texts.Of("Error.HasAccounts", now));
        }
        if (domain.MaxAddresses > 0)
        {
            int now = await CountAddressesAsync(db, domain.Id, ct);
            errors.Require(now <= domain.MaxAddresses, nameof(DomainForm.MaxAddresses), Texts.Of("Error.HasAddresses", now));
        }
        if (domain.MaxQuotaBytes > 0)
        {
            int above = await db.Accounts.CountAsync(a => a.DomainId == domain.Id && (a.QuotaBytes == 0 || a.QuotaBytes > domain.MaxQuotaBytes), ct);
            errors.Require(above == 0, nameof(DomainForm.MaxQuotaBytes), Texts.Of("Error.AccountsAbove", above));
        }
        if (domain.TotalQuotaBytes > 0)
        {
            bool unlimited = await db.Accounts.AnyAsync(a => a.DomainId == domain.Id && a.QuotaBytes == 0, ct);
            errors.Require(!unlimited, nameof(DomainForm.TotalQuotaBytes), Texts.Of("Error.AccountsUnlimited"));
            long given = await DomainQuotas.GivenAsync(db, domain, ct);
            errors.Require(given <= domain.TotalQuotaBytes, nameof(DomainForm.TotalQuotaBytes),
                Texts.Of("Error.GivenQuota", Size.Text(given)));
        }
    }

    /// <summary>Accounts there are, and the sum of their quotas where that has a limit.</summary>
    public static async Task<(int Accounts, long QuotaBytes)> UsedAsync(AccountsContext db, Domain domain, CancellationToken ct) =>
        (domain.MaxAccounts > 0 ? await db.Accounts.CountAsync(a => a.DomainId == domain.Id, ct) : 0,
            domain.TotalQuotaBytes > 0 ? await DomainQuotas.GivenAsync(db, domain, ct) : 0);

    static Task<int> CountAddressesAsync(AccountsContext db, long domainId, CancellationToken ct) =>
        db.Addresses.CountAsync(a => a.DomainId == domainId && !a.IsRole && !db.Accounts.Any(x => x.PrimaryAddressId == a.Id), ct);
}
