using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>What an actor may do, and the two answers to who may not.</summary>
static class ActorRights
{
    /// <summary>Reads them; in a write, with the context of its transaction.</summary>
    public static async Task<Rights> RightsAsync(this Actor actor, AccountsContext db, DateTimeOffset now, CancellationToken ct) =>
        actor.OwnsTheMachine ? Rights.All
        : actor.AccountId is { } id ? await Rights.OfAsync(db, id, now, ct, actor.InPlaceOf)
        : Rights.None;

    /// <summary>Null: it is allowed. What the actor may see but not do so is forbidden; what he may not even see is not there, so that nobody
    /// finds out which numbers are taken.</summary>
    /// <param name="domainId">Domain of the object; null: it belongs to none.</param>
    /// <param name="noun">What it is, of the texts <c>NoSuch.*</c>.</param>
    public static ServiceResult.Refused? Refuse(this Rights rights, Permissions what, long? domainId, string noun) =>
        rights.May(what, domainId) ? null
        : rights.May(Permissions.See, domainId) ? ServiceResult.Forbidden()
        : ServiceResult.NotFound(noun);

    /// <summary>An account that somebody wants to change, or why he may not: he must hold the permission on its domain, and all that it holds.</summary>
    /// <param name="accounts">Where to look, with what is to come with it.</param>
    public static async Task<ServiceResult<Account>> FindToChangeAsync(
        this Rights rights, AccountsContext db, IQueryable<Account> accounts, Permissions what, long accountId, DateTimeOffset now, CancellationToken ct)
    {
        if (await accounts.FirstOrDefaultAsync(a => a.Id == accountId, ct) is not { } account)
            return ServiceResult.NotFound("account");
        if (rights.Refuse(what, account.DomainId, "account") is { } refused)
            return refused;
        return await rights.MayTouchAsync(db, accountId, now, ct) ? account : ServiceResult.Forbidden();
    }
}

/// <summary>Rights for menus and pages; services do not trust these, they read their own.</summary>
public sealed class Access(AccountsDatabase database)
{
    public async Task<Rights> RightsAsync(Actor actor, CancellationToken ct = default)
    {
        await using AccountsContext db = database.NewContext();
        return await actor.RightsAsync(db, database.Clock.GetUtcNow(), ct);
    }

    /// <summary>Has the actor mail of his own? A superuser may have none.</summary>
    public async Task<bool> HasMailboxAsync(Actor actor, CancellationToken ct = default)
    {
        if (actor.AccountId is not { } id)
            return false;
        await using AccountsContext db = database.NewContext();
        return await db.Accounts.AnyAsync(a => a.Id == id && a.HasMailbox, ct);
    }
}
