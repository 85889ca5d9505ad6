using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>A link that is good at this moment, for the page behind it.</summary>
public sealed record LinkFacts(LinkPurpose Purpose, string Login, string DisplayName, string SentTo, DateTimeOffset EndsAt);

/// <summary>Makes one-time links and says whether one is still good. Looking at one does not use it up: programs that read mail for their
/// users follow links.</summary>
static class OneTimeLinks
{
    /// <summary>Adds a link; written with the next SaveChanges. An invitation, or a link for an address, takes the place of the one before.</summary>
    /// <returns>What the link carries; the database has only its hash.</returns>
    public static async Task<string> IssueAsync(
        AccountsContext db, Account account, LinkPurpose purpose, DateTimeOffset now, TimeSpan goodFor, string sentTo, CancellationToken ct)
    {
        await db.OneTimeLinks.Where(l => l.EndsAt <= now || (purpose != LinkPurpose.NewPassword && l.AccountId == account.Id && l.Purpose == purpose)).ExecuteDeleteAsync(ct);
        string token = OneTimeLink.NewToken();
        db.OneTimeLinks.Add(new OneTimeLink
        {
            AccountId = account.Id,
            Purpose = purpose,
            TokenHash = OneTimeLink.HashOf(token)!,
            CreatedAt = now,
            EndsAt = now + goodFor,
            Stamp = purpose == LinkPurpose.NewPassword ? account.SecurityStamp ?? "" : "",
            SentTo = sentTo,
        });
        return token;
    }

    /// <returns>Null: there is no such link, its time is over, it was used, or its account may not use it now.</returns>
    public static async Task<(OneTimeLink Link, Account Account)?> FindAsync(AccountsContext db, string? token, DateTimeOffset now, CancellationToken ct)
    {
        if (OneTimeLink.HashOf(token) is not { } hash
            || await db.OneTimeLinks.FirstOrDefaultAsync(l => l.TokenHash == hash && l.EndsAt > now, ct) is not { } link
            || await db.Accounts.FirstOrDefaultAsync(a => a.Id == link.AccountId, ct) is not { } account
            || !await IsOnAsync(db, account, ct))
            return null;
        bool good = link.Purpose switch
        {
            LinkPurpose.Invitation => account.PasswordHash is null,
            LinkPurpose.NewPassword => account.SecurityStamp == link.Stamp && account.Services.HasFlag(MailServices.Panel),
            _ => true,
        };
        return good ? (link, account) : null;
    }

    /// <summary>False: a link would be of no use to the account, its domain or itself being switched off.</summary>
    public static async Task<bool> IsOnAsync(AccountsContext db, Account account, CancellationToken ct) =>
        account.State != AccountState.Suspended && !await db.Domains.AnyAsync(d => d.Id == account.DomainId && !d.Enabled, ct);
}
