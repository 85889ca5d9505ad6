using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Why an account may not have a quota.</summary>
public enum QuotaRefusal
{
    None,
    Negative,
    /// <summary>Accounts of the domain must have a limit.</summary>
    Unlimited,
    /// <summary>More than one account of the domain may have.</summary>
    AboveLargest,
    /// <summary>More than the domain has left for all its accounts.</summary>
    AboveTotal,
}

/// <summary>A domain's rules on quotas. Ask inside the transaction of the change: there nobody can slip in between check and commit.</summary>
public static class DomainQuotas
{
    /// <summary>Is the quota one that an account of the domain may have?</summary>
    /// <param name="quota">Null: the domain's default. 0: no limit.</param>
    public static QuotaRefusal Check(Domain domain, long? quota)
    {
        long effective = quota ?? domain.DefaultQuotaBytes;
        return quota is < 0 ? QuotaRefusal.Negative
            : effective == 0 && (domain.MaxQuotaBytes > 0 || domain.TotalQuotaBytes > 0) ? QuotaRefusal.Unlimited
            : domain.MaxQuotaBytes > 0 && effective > domain.MaxQuotaBytes ? QuotaRefusal.AboveLargest
            : QuotaRefusal.None;
    }

    /// <summary>Octets that the accounts of a domain have been given in all.</summary>
    /// <remarks>The domain's own object counts, not its row: its default may just be changing.</remarks>
    public static async Task<long> GivenAsync(AccountsContext db, Domain domain, CancellationToken ct) =>
        await db.Accounts.Where(a => a.DomainId == domain.Id && a.QuotaBytes != null).SumAsync(a => a.QuotaBytes ?? 0, ct)
        + (await db.Accounts.CountAsync(a => a.DomainId == domain.Id && a.QuotaBytes == null, ct) * domain.DefaultQuotaBytes);
}
