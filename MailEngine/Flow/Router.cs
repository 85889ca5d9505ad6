using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailEngine.Flow;

/// <summary>Turns a recipient into routes. RCPT TO asks it already, so that an unknown user is refused at once and no bounce is made.</summary>
/// <remarks>Order: exact address, without subaddress, catch-all (the directory's work); domains that are aliases of others are
/// followed. An outage of the directory is a temporary refusal, never a permanent one.</remarks>
public sealed class Router(AccountDirectory directory, EngineOptions options)
{
    /// <summary>Knows the addresses that returned mail comes back to; null: there are none.</summary>
    public SenderRewriting? Senders { get; init; }

    /// <summary>All the way: deposits and relays, and a Reject for each target of an alias that is refused for good; or one Reject alone.</summary>
    /// <param name="mayRelay">True: other people's domains are taken (an account that logged in; a target of our own alias).</param>
    /// <remarks>Expansion goes level by level, without recursion, each address once: <see cref="LimitOptions.AliasDepth"/>,
    /// <see cref="LimitOptions.AliasExpansion"/>.</remarks>
    public async ValueTask<IReadOnlyList<Route>> PlanAsync(EmailAddress recipient, bool mayRelay, CancellationToken ct)
    {
        Route first = await RouteAsync(recipient, mayRelay, ct);
        if (first is not Route.Expand expand)
            return [first];
        return await ExpandAsync(expand, ct);
    }

    /// <summary>One step, without expansion.</summary>
    public async ValueTask<Route> RouteAsync(EmailAddress recipient, bool mayRelay, CancellationToken ct)
    {
        Resolution resolution;
        try
        {
            resolution = await directory.ResolveAsync(recipient, ct);
        }
        catch (DirectoryUnavailableException)
        {
            return new Route.Reject(Reply.DirectoryOut);
        }
        if (resolution.Domain is not { } domain)
            return mayRelay ? new Route.Relay(recipient, "") : new Route.Reject(Reply.RelayDenied);
        if (!domain.Enabled)
            return new Route.Reject(Reply.MailboxDisabled);
        if (domain.Kind == DomainKind.Relay)
            return new Route.Relay(recipient, domain.RelayHost, domain.MessageBytes);
        // Mail that was sent on and is returned: to its sender. Each step is shorter than the one before.
        if (Senders is not null && Senders.TryRead(recipient, out EmailAddress? sender))
            return await RouteAsync(sender.Value, mayRelay: true, ct);
        if (resolution.Address is not { Enabled: true, Targets.Count: > 0 } address)
            return new Route.Reject(Reply.UnknownUser);
        return address.Targets is [{ Account: { } account }]
            ? ToAccount(account, recipient, resolution.Detail, domain.MessageBytes, domain.SubaddressSeparator)
            : new Route.Expand(address.Targets, recipient, resolution.Detail, domain.MessageBytes, domain.SubaddressSeparator);
    }

    /// <summary>Whom <c>&lt;postmaster&gt;</c> without a domain means: that of this host's domain, or of the nearest one above it that is here.</summary>
    /// <remarks>RFC 5321 §4.5.1: it must be taken.</remarks>
    public async ValueTask<EmailAddress> PostmasterAsync(string hostname, CancellationToken ct)
    {
        string name = hostname;
        while (DomainName.TryParse(name, out DomainName domain))
        {
            EmailAddress address = EmailAddress.Parse($"postmaster@{domain}");
            if (await RouteAsync(address, mayRelay: false, ct) is not Route.Reject { Reply.IsPermanent: true })
                return address;
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            if (dot < 0)
                break;
            name = name[(dot + 1)..];
        }
        return EmailAddress.TryParse($"postmaster@{hostname}", out EmailAddress own) ? own : default;
    }

    static Route ToAccount(AccountEntry account, EmailAddress at, string detail, long messageBytes, string separator) =>
        account.MayReceive ? new Route.Deposit(account, at, detail, messageBytes, separator) : new Route.Reject(Reply.MailboxDisabled);

    async ValueTask<IReadOnlyList<Route>> ExpandAsync(Route.Expand start, CancellationToken ct)
    {
        var final = new List<Route>();
        var accounts = new HashSet<long>();
        var seen = new HashSet<string>(StringComparer.Ordinal) { start.At.Canonical };
        var waiting = new Queue<(Route.Expand Expand, int Depth)>();
        waiting.Enqueue((start, 1));
        Route.Reject? refused = null;
        var lost = new List<Route>();
        bool tooDeep = false;
        while (waiting.TryDequeue(out (Route.Expand Expand, int Depth) next))
        {
            foreach (AddressTarget target in next.Expand.Targets)
            {
                Route step;
                EmailAddress? at = target.Outside;
                if (target.Account is { } account)
                {
                    at = account.Primary;
                    step = ToAccount(account, next.Expand.At, next.Expand.Detail, next.Expand.MessageBytes, next.Expand.Separator);
                }
                else
                {
                    if (!seen.Add(target.Outside.Canonical))
                        continue;
                    if (next.Depth >= options.Limits.AliasDepth || seen.Count > options.Limits.AliasExpansion)
                    {
                        tooDeep = true;
                        continue;
                    }
                    step = await RouteAsync(target.Outside, mayRelay: true, ct);
                }
                switch (step)
                {
                    case Route.Expand deeper:
                        waiting.Enqueue((deeper, next.Depth + 1));
                        break;
                    case Route.Reject reject:
                        if (refused is null || reject.Reply.IsTransient)
                            refused = reject;
                        // An account without any address is reported under the alias that leads to it, once: LocalDelivery.
                        Route.Reject named = reject with { Target = at ?? next.Expand.At };
                        if (!lost.Contains(named))
                            lost.Add(named);
                        break;
                    case Route.Deposit deposit when !accounts.Add(deposit.Account.AccountId):
                        break;
                    default:
                        final.Add(step);
                        break;
                }
            }
        }
        // A temporary trouble with one target refuses the whole, so that no copy is lost; a target that is gone for good does not
        // keep the others from theirs, and the sender is told of it.
        if (refused is { Reply.IsTransient: true })
            return [refused];
        if (tooDeep)
            return [new Route.Reject(Reply.AliasLoop)];
        return final.Count > 0 ? [.. final, .. lost] : [refused ?? new Route.Reject(Reply.AliasLoop)];
    }
}
