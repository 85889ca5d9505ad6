using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Store.Partitions;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Runs a change: one transaction that holds authorization, validation, rows and audit; then the signal to the engine.</summary>
public sealed class Changes(AccountsDatabase database)
{
    static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    /// <summary>Runs <paramref name="work"/> in a transaction and keeps it when it says Ok. The rights are the actor's inside that transaction.</summary>
    internal async Task<TResult> RunAsync<TResult>(
        Actor actor, Func<AccountsContext, Rights, Task<TResult>> work, Func<ServiceResult.Refused, TResult> refuse, CancellationToken ct)
        where TResult : ServiceResult
    {
        try
        {
            return await database.WriteAsync(
                async db =>
                {
                    Rights rights = await actor.RightsAsync(db, database.Clock.GetUtcNow(), ct);
                    db.ActingRole = rights.Roles;
                    return await work(db, rights);
                },
                keep: result => result.Ok, ct);
        }
        catch (PartitionMissingException)
        {
            return refuse(ServiceResult.Unavailable());
        }
        catch (LastSuperuserException)
        {
            return refuse(ServiceResult.Invalid("", Texts.Of("Error.LastSuperuser")));
        }
        catch (DbUpdateConcurrencyException)
        {
            return refuse(ServiceResult.Conflict());
        }
        catch (DbUpdateException e) when (e.InnerException is SqliteException { SqliteErrorCode: 19 })   // SQLITE_CONSTRAINT
        {
            // Every service looks for doubles itself and says which; what is left is a reference to a row that went away.
            return refuse(ServiceResult.Conflict());
        }
    }

    internal Task<ServiceResult<T>> RunAsync<T>(Actor actor, Func<AccountsContext, Rights, Task<ServiceResult<T>>> work, CancellationToken ct) =>
        RunAsync(actor, work, refused => (ServiceResult<T>)refused, ct);

    internal Task<ServiceResult> RunAsync(Actor actor, Func<AccountsContext, Rights, Task<ServiceResult>> work, CancellationToken ct) =>
        RunAsync(actor, work, refused => (ServiceResult)refused, ct);

    /// <summary>Reads with the actor's rights of now; no transaction.</summary>
    internal async Task<ServiceResult<T>> ReadAsync<T>(Actor actor, Func<AccountsContext, Rights, Task<ServiceResult<T>>> read, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        db.ChangeTracker.QueryTrackingBehavior = QueryTrackingBehavior.NoTracking;
        try
        {
            return await read(db, await actor.RightsAsync(db, database.Clock.GetUtcNow(), ct));
        }
        catch (PartitionMissingException)
        {
            return ServiceResult.Unavailable();
        }
    }

    internal DateTimeOffset Now => database.Clock.GetUtcNow();

    /// <summary>Adds the audit row of a change to its transaction.</summary>
    /// <param name="before">What was, null: nothing; only fields that people may read later, never a password.</param>
    internal void Audit(AccountsContext db, Actor actor, string action, string what, long? domainId, object? before, object? after) =>
        db.Record(AuditOf(db, actor, action, what, null, domainId, before, after));

    /// <summary>The same for what happens to an account: its owner will find it.</summary>
    internal void Audit(AccountsContext db, Actor actor, string action, Account account, object? before, object? after) =>
        db.Record(AuditOf(db, actor, action, account.UserName ?? "", account.Id, account.DomainId, before, after));

    /// <param name="accountId">Whom it happens to; null: no account.</param>
    internal AuditEntry AuditOf(AccountsContext db, Actor actor, string action, string what, long? accountId, long? domainId, object? before, object? after) => new()
    {
        Time = Now,
        ActorId = actor.AdministratorId ?? actor.AccountId,
        Actor = actor.Name,
        Role = db.ActingRole.Length > 200 ? db.ActingRole[..200] : db.ActingRole,
        Reason = actor.Reason,
        RevertsId = actor.RevertsEntry,
        Action = action,
        Object = what.Length > 400 ? what[..400] : what,
        AccountId = accountId,
        DomainId = domainId,
        Before = before is null ? "" : JsonSerializer.Serialize(before, s_json),
        After = after is null ? "" : JsonSerializer.Serialize(after, s_json),
        Client = actor.Client.Length > 64 ? actor.Client[..64] : actor.Client,
    };
}
