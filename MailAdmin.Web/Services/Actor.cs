using System.Globalization;
using System.Security.Claims;

namespace MailAdmin.Web.Services;

/// <summary>Who asks. Says nothing about rights: every service reads those from the database inside its own transaction, because a circuit
/// lives for hours and what it was told at log-in may be over.</summary>
public sealed record Actor
{
    public const int MaxReason = 400;

    /// <summary>Of a principal: the administrator who is here in its place, his log-in name, and why.</summary>
    internal const string InPlaceClaim = "in-place", InPlaceNameClaim = "in-place-name", ReasonClaim = "reason";

    /// <summary>Of a principal: network address of the request, from <c>Http.RequestClaims</c>.</summary>
    internal const string ClientClaim = "client";

    Actor(long? accountId, string name, string client, bool ownsTheMachine)
    {
        AccountId = accountId;
        Name = name;
        Client = client;
        OwnsTheMachine = ownsTheMachine;
    }

    /// <summary>Null: nobody who is logged in.</summary>
    public long? AccountId { get; }

    /// <summary>The administrator who acts in the account's place: the audit names him. Null: nobody does.</summary>
    public long? AdministratorId { get; private init; }

    public bool InPlaceOf => AdministratorId is not null;

    /// <summary>For the audit.</summary>
    public string Name { get; }

    /// <summary>Network address; empty: this machine.</summary>
    public string Client { get; }

    /// <summary>Why, in his own words, for the audit; empty: he gave none. At most <see cref="MaxReason"/> characters.</summary>
    public string Reason { get; private init; } = "";

    /// <summary>Where he counts days.</summary>
    public TimeZoneInfo Zone { get; private init; } = TimeZoneInfo.Utc;

    /// <summary>The audit entry whose change he takes back.</summary>
    internal long? RevertsEntry { get; private init; }

    /// <summary>True for the command line: who may read and write the data folder may do all that can be done with it.</summary>
    internal bool OwnsTheMachine { get; }

    public static Actor Account(long accountId, string name, string client) => new(accountId, name, client, ownsTheMachine: false);

    /// <summary>The user of a circuit or request; an anonymous one has no rights at all.</summary>
    /// <param name="client">Null: where its request came from.</param>
    public static Actor Of(ClaimsPrincipal user, string? client = null)
    {
        string clientAddress = client ?? user.FindFirstValue(ClientClaim) ?? "";
        if (IdIn(user, ClaimTypes.NameIdentifier) is not { } id)
            return new(null, "anonymous", clientAddress, ownsTheMachine: false);
        string name = user.Identity?.Name ?? "";
        return IdIn(user, InPlaceClaim) is { } administrator
            ? new Actor(id, $"{user.FindFirstValue(InPlaceNameClaim)} as {name}", clientAddress, ownsTheMachine: false)
            {
                AdministratorId = administrator, Reason = user.FindFirstValue(ReasonClaim) ?? "",
            }
            : new(id, name, clientAddress, ownsTheMachine: false);
    }

    static long? IdIn(ClaimsPrincipal user, string claim) =>
        long.TryParse(user.FindFirstValue(claim), NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : null;

    /// <summary>The same with a reason; one that is too long is cut.</summary>
    public Actor Because(string reason)
    {
        string plain = string.Concat(reason.Trim().Select(c => char.IsControl(c) ? ' ' : c));
        return this with { Reason = plain.Length > MaxReason ? plain[..MaxReason] : plain };
    }

    public Actor In(TimeZoneInfo zone) => this with { Zone = zone };

    internal Actor Reverting(long entry) => this with { RevertsEntry = entry };

    public static Actor Cli(string osUser) => new Actor(null, $"cli:{osUser}", "", ownsTheMachine: true) { Zone = TimeZoneInfo.Local };

    /// <summary>Who holds a one-time link of an account: he acts as its owner, as far as the link goes.</summary>
    internal static Actor ByLink(long? accountId, string login, string clientAddress) => new(accountId, login, clientAddress, ownsTheMachine: false);

    /// <summary>Who holds the set-up token.</summary>
    internal static Actor Setup(string clientAddress) => new(null, "set-up", clientAddress, ownsTheMachine: false);
}
