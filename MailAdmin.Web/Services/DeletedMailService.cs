using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Deleted mail that can be brought back: everybody his own, administrators that of the accounts of their domains.</summary>
/// <remarks>An administrator sees when, where and how large, not sender and subject: he may bring back what is not his, not read it.</remarks>
public sealed class DeletedMailService(Changes changes, IStoreDoor store)
{
    /// <summary>Deleted messages, the last deleted first.</summary>
    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<PageOf<DeletedMessageRow>>> ListAsync(Actor actor, long? accountId, PageRequest page, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<DeletedMessageRow>>(actor, async (db, rights) =>
            await FindAsync(db, actor, rights, Permissions.SeeMailboxes, accountId, ct) is { } owner
                ? await store.DeletedMessagesAsync(new DeletedQuery(owner.Id, page.Filter.Trim(), owner.ShowText, page.SafeSkip, page.SafeTake), ct)
                : ServiceResult.NotFound("account"), ct);

    /// <summary>Deleted mailboxes, the last deleted first.</summary>
    public Task<ServiceResult<IReadOnlyList<DeletedMailboxRow>>> MailboxesAsync(Actor actor, long? accountId, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<DeletedMailboxRow>>(actor, async (db, rights) =>
            await FindAsync(db, actor, rights, Permissions.SeeMailboxes, accountId, ct) is { } owner
                ? ServiceResult<IReadOnlyList<DeletedMailboxRow>>.Of(await store.DeletedMailboxesAsync(owner.Id, ct))
                : ServiceResult.NotFound("account"), ct);

    /// <summary>Brings messages back into the mailboxes they were in.</summary>
    /// <param name="ids">Null: all of them.</param>
    /// <returns>How many came back.</returns>
    public Task<ServiceResult<int>> RestoreMessagesAsync(Actor actor, long? accountId, IReadOnlyCollection<long>? ids, CancellationToken ct = default) =>
        RestoreAsync(actor, accountId, new { messages = ids is null ? "all" : string.Join(' ', ids.Take(100)) }, (id, quota) => new RestoreOrder(id, quota, ids, null), ct);

    /// <summary>Brings a mailbox back with all it held.</summary>
    /// <returns>How many messages it holds.</returns>
    public Task<ServiceResult<int>> RestoreMailboxAsync(Actor actor, long? accountId, long mailboxId, CancellationToken ct = default) =>
        RestoreAsync(actor, accountId, new { mailbox = mailboxId }, (id, quota) => new RestoreOrder(id, quota, null, mailboxId), ct);

    async Task<ServiceResult<int>> RestoreAsync(Actor actor, long? accountId, object asked, Func<long, long, RestoreOrder> order, CancellationToken ct)
    {
        // Audited before it is done: the store has a commit of its own, and nothing may be restored that no audit row tells of.
        ServiceResult<RestoreOrder> allowed = await changes.RunAsync<RestoreOrder>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, actor, rights, Permissions.SeeMailboxes, accountId, ct) is not { } owner)
                return ServiceResult.NotFound("account");
            if (!owner.IsOwn && !(rights.May(Permissions.Mailboxes, owner.DomainId) && await rights.MayTouchAsync(db, owner.Id, changes.Now, ct)))
                return ServiceResult.Forbidden();
            db.Record(changes.AuditOf(db, actor, "mail.restore", owner.Login, owner.Id, owner.DomainId, null, asked));
            await db.SaveChangesAsync(ct);
            return order(owner.Id, owner.QuotaBytes);
        }, ct);
        if (!allowed.Ok)
            return new ServiceResult.Refused(allowed.Refusal, allowed.Errors);
        RestoreOutcome outcome = await store.RestoreAsync(allowed.Value!, ct);
        return outcome.Error switch
        {
            StoreError.None => outcome.Messages,
            StoreError.OverQuota => ServiceResult.Invalid("", Texts.Of("Error.RestoreQuota", outcome.Messages)),
            StoreError.Limit => ServiceResult.Invalid("", Texts.Of("Error.RestoreLimit")),
            StoreError.NoSuchMailbox => ServiceResult.NotFound("mailbox"),
            _ => ServiceResult.Invalid("", Texts.Of("Error.StoreOut")),
        };
    }

    sealed record MailOwner(long Id, string Login, long? DomainId, long QuotaBytes, bool IsOwn, bool ShowText);

    static async Task<MailOwner?> FindAsync(AccountsContext db, Actor actor, Rights rights, Permissions what, long? accountId, CancellationToken ct)
    {
        if ((accountId ?? rights.AccountId) is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
            return null;
        bool isOwn = rights.AccountId == id;
        if (!isOwn && !rights.May(what, account.DomainId))
            return null;
        long quota = account.QuotaBytes ?? await db.Domains.Where(d => d.Id == account.DomainId).Select(d => (long?)d.DefaultQuotaBytes).FirstOrDefaultAsync(ct) ?? 0;
        return new MailOwner(id, account.UserName ?? "", account.DomainId, quota, isOwn, isOwn || actor.OwnsTheMachine);
    }
}

/// <summary>Asks for a page of deleted messages.</summary>
/// <param name="ShowText">False: sender and subject are neither shown nor searched.</param>
public sealed record DeletedQuery(long AccountId, string Filter, bool ShowText, int Skip, int Take);

/// <summary>What to bring back: a mailbox, or messages; both null: all messages.</summary>
public sealed record RestoreOrder(long AccountId, long QuotaBytes, IReadOnlyCollection<long>? Messages, long? Mailbox);

/// <summary>A deleted message for people and programs.</summary>
public sealed record DeletedMessageRow(long Id, string Mailbox, DateTimeOffset DeletedAt, DateTimeOffset ReceivedAt, long Bytes, string From, string Subject);

/// <summary>A deleted mailbox for people and programs.</summary>
public sealed record DeletedMailboxRow(long Id, string Name, DateTimeOffset DeletedAt, int Messages, long Bytes);
