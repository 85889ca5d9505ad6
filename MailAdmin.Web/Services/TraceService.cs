using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Flow;

namespace MailAdmin.Web.Services;

/// <summary>"Where is my mail?" for the panel.</summary>
public sealed class TraceService(Changes changes, TraceLog trace)
{
    /// <summary>Steps looked at for one question.</summary>
    public const int MostSteps = 500;

    /// <summary>Steps of one's own scripts that are shown.</summary>
    public const int MostOwnSteps = 200;

    /// <summary>The messages that <paramref name="what"/> names, the newest first, each with its steps in the order they happened.</summary>
    /// <param name="what">The id of a 250 answer, a Message-ID, or the address of a recipient.</param>
    public Task<ServiceResult<IReadOnlyList<TracedMessage>>> FindAsync(Actor actor, string what, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<TracedMessage>>(actor, async (_, rights) =>
        {
            if (!rights.May(Permissions.SeeServer))
                return ServiceResult.Forbidden();
            if (string.IsNullOrWhiteSpace(what))
                return ServiceResult.Invalid("What", Texts.Of("Error.TraceWhat"));
            IReadOnlyList<TraceEvent> steps = await trace.FindAsync(what, MostSteps, ct);
            return ServiceResult<IReadOnlyList<TracedMessage>>.Of(Messages(steps));
        }, ct);

    /// <summary>What the user's own scripts did and said, the newest first: where mail went, what they sent, what they failed at.</summary>
    public Task<ServiceResult<IReadOnlyList<TraceEvent>>> OwnFiltersAsync(Actor actor, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<TraceEvent>>(actor, async (_, rights) =>
        {
            if (rights.AccountId is not { } account)
                return ServiceResult.Forbidden();
            IReadOnlyList<TraceEvent> steps = await trace.OfAccountAsync(account, MostOwnSteps, ct);
            return ServiceResult<IReadOnlyList<TraceEvent>>.Of([.. steps.Reverse()]);
        }, ct);

    // What was refused before it got a key is a message of its own each time.
    static TracedMessage[] Messages(IReadOnlyList<TraceEvent> steps) =>
    [
        .. steps.Select((step, at) => (step, group: step.MessageKey.Length > 0 ? step.MessageKey : $"#{at}"))
            .GroupBy(s => s.group, s => s.step)
            .Select(g => new TracedMessage(
                g.First().MessageKey, g.Select(s => s.MessageId).FirstOrDefault(id => id.Length > 0) ?? "", g.First().ReversePath, [.. g]))
            .OrderByDescending(m => m.Steps[0].Time),
    ];
}

/// <summary>A message and what became of it.</summary>
/// <param name="Key">The id of the 250 answer; empty: refused before it had one.</param>
/// <param name="ReversePath">Empty: a report.</param>
public sealed record TracedMessage(string Key, string MessageId, string ReversePath, IReadOnlyList<TraceEvent> Steps);
