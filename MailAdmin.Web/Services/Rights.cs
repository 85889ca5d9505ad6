using MailEngine.Accounts;

namespace MailAdmin.Web.Services;

/// <summary>What an actor may do at this moment.</summary>
public sealed record Rights
{
    static readonly Rights s_none = new() { AccountId = null, IsSuperuser = false, MasterOf = new HashSet<long>() };

    /// <summary>Null: nobody, or an account that is gone or switched off.</summary>
    public required long? AccountId { get; init; }

    public required bool IsSuperuser { get; init; }

    /// <summary>Ids of the domains the actor is master of.</summary>
    public required IReadOnlySet<long> MasterOf { get; init; }

    public bool IsAdmin => IsSuperuser || MasterOf.Count > 0;

    public bool MayManage(long? domainId) => IsSuperuser || (domainId is { } id && MasterOf.Contains(id));

    /// <summary>Reads them; in a write, with the context of its transaction.</summary>
    internal static async Task<Rights> OfAsync(AccountsContext db, Actor actor, DateTimeOffset now, CancellationToken ct)
    {
        if (actor.OwnsTheMachine)
            return s_none with { IsSuperuser = true };
        if (actor.AccountId is not { } id)
            return s_none;
        AdminRights rights = await AdminRights.OfAsync(db, id, now, ct);
        return rights.IsActive ? new Rights { AccountId = id, IsSuperuser = rights.IsSuperuser, MasterOf = rights.MasterOf } : s_none;
    }
}

/// <summary>Rights for menus and pages; services do not trust these, they read their own.</summary>
public sealed class Access(AccountsDatabase database)
{
    public async Task<Rights> RightsAsync(Actor actor, CancellationToken ct = default)
    {
        await using AccountsContext db = database.NewContext();
        return await Rights.OfAsync(db, actor, database.Clock.GetUtcNow(), ct);
    }
}
