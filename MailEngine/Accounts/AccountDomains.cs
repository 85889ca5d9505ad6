using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>Tells the domain of an account whose mail is to get its place.</summary>
public static class AccountDomains
{
    /// <param name="id">An account's number, or, negative, that of a domain whose own mailboxes are meant.</param>
    /// <returns>Null: it has none.</returns>
    /// <exception cref="DirectoryUnavailableException">The database does not answer.</exception>
    public static async ValueTask<string?> FindAsync(AccountsDatabase database, long id)
    {
        try
        {
            await using AccountsContext db = database.NewContext();
            long? domain = id < 0 ? -id : await db.Accounts.Where(account => account.Id == id).Select(account => account.DomainId).FirstOrDefaultAsync();
            return await db.Domains.Where(d => d.Id == domain).Select(d => d.Name).FirstOrDefaultAsync();
        }
        catch (System.Data.Common.DbException e)
        {
            throw new DirectoryUnavailableException(e);
        }
    }
}
