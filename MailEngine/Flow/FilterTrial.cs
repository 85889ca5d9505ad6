using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Net;
using MailEngine.Sieve;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>A text that may become a script, in the place where it would run, and a message to try it with.</summary>
public sealed record FilterTrial
{
    public required SieveProgram Program { get; init; }

    /// <summary>Whose script it is.</summary>
    public required ScriptOwner Owner { get; init; }

    /// <summary>Where it runs. One that runs only when others include it is tried as an account's active script.</summary>
    public ScriptPlace Place { get; init; }

    public string Name { get; init; } = "";

    /// <summary>The stored script whose text it is to become; null: a new one.</summary>
    public long? ScriptId { get; init; }

    /// <summary>Whose scripts and mailboxes count beside it; null: nobody's, those of the domain and the server alone.</summary>
    public AccountEntry? Account { get; init; }

    /// <summary>Without an account: of the domain; null: of the server alone.</summary>
    public long? DomainId { get; init; }

    /// <summary>True: the account's owner tries it. Whom somebody has written to, what came before and what he notes for himself is nobody else's
    /// business, an administrator's neither.</summary>
    public bool ByOwner { get; init; }

    /// <summary>MAIL FROM; null: the null reverse path.</summary>
    public EmailAddress? From { get; init; }

    /// <summary>RCPT TO.</summary>
    public required EmailAddress To { get; init; }

    public required ReadOnlyMemory<byte> Message { get; init; }
}

/// <summary>What would become of a message.</summary>
/// <param name="Row">The scripts that decide about it, in their order.</param>
/// <param name="Tried">Which of them is the one that was tried.</param>
/// <param name="Kept">Where mail goes that is kept: INBOX, or the folder that the recipient's subaddress names.</param>
public sealed record FilterTrialOutcome(SieveOutcome Outcome, IReadOnlyList<FilterScript> Row, int Tried, MailboxName Kept);

/// <summary>Runs the whole row of scripts over a message as a delivery does, one of them as it may become. Nothing is done.</summary>
/// <param name="store">Null: this process has no store open, and recipients seem to have no mailboxes.</param>
public sealed class FilterTrials(SieveScripts scripts, AccountDirectory directory, MailStore? store, ServerName hostname, EngineOptions options)
{
    readonly SievePrograms _programs = new(scripts, options.Sieve);
    readonly FilterSurroundings _surroundings = new(store, hostname, options.Sieve);
    readonly ExternalLists _lists = new(directory, store, options.Limits);
    readonly ExternalLists _listsOfOthers = new(directory, null, options.Limits);

    /// <summary>Has the account a mailbox of this name (text)?</summary>
    public bool MailboxExists(long accountId, string name) => _surroundings.Exists(accountId, name);

    /// <exception cref="DirectoryUnavailableException">The accounts cannot be read now.</exception>
    /// <exception cref="System.Data.Common.DbException">A script cannot be read now.</exception>
    public async Task<FilterTrialOutcome> RunAsync(FilterTrial trial, DateTimeOffset now, CancellationToken ct)
    {
        (List<FilterScript> row, int tried) = Place(trial, trial.Account?.Scripts ?? await directory.SharedScriptsAsync(trial.DomainId, ct));
        var steps = new SieveStep[row.Count];
        for (int i = 0; i < steps.Length; i++)
            steps[i] = new SieveStep(i == tried ? trial.Program : _programs.Find(row[i].Script), row[i].Label) { IsShared = row[i].IsShared };
        SieveLibrary? library = await _programs.LibraryAsync(steps, async name =>
        {
            if (await scripts.FindIncludedAsync(trial.Account?.AccountId ?? 0, name.IsGlobal, name.Name, ct, trial.DomainId) is not { } script)
                return (false, null);
            return (true, script.ScriptId == trial.ScriptId ? trial.Program : _programs.Find(script));
        });
        Resolution resolution = await directory.ResolveAsync(trial.To, ct);
        AccountEntry account = trial.Account ?? Nobody(resolution.Domain?.Name ?? trial.To.Domain);
        bool isHis = resolution.Address?.Targets.Any(target => target.Account?.AccountId == account.AccountId) is true;
        var route = new Route.Deposit(account, trial.To, isHis ? resolution.Detail : "", 0, resolution.Domain?.SubaddressSeparator ?? "+");
        var recipient = new EnvelopeRecipient(trial.To, [route]);
        var envelope = new Envelope { MessageKey = "", ReversePath = trial.From, ReceivedAt = now, With = TransmissionType.Internal };
        SieveSurroundings surroundings = _surroundings.Of(envelope, recipient, route, now);
        Func<string?, string, string?> annotation = surroundings.Annotation;
        if (!trial.ByOwner)
            surroundings = surroundings with { Annotation = (mailbox, entry) => IsPrivate(entry) ? null : annotation(mailbox, entry), WasSeen = _ => false };
        if (trial.Account is not null && (library is { UsesLists: true } || Array.Exists(steps, step => step.Program is { UsesLists: true })))
            surroundings = surroundings with { List = await (trial.ByOwner ? _lists : _listsOfOthers).OpenAsync(trial.Account) };
        SieveOutcome outcome = Interpreter.Run(steps, MessageView.Of(trial.Message), surroundings, options.Sieve, library);
        MailboxName kept = store is null || route.Detail.Length == 0 ? MailboxName.Inbox : await new DeliveryPlan(envelope, oneAnswer: false, now).FolderOfAsync(route, store);
        return new FilterTrialOutcome(outcome, row, tried, kept);
    }

    // RFC 5464 §3.2
    static bool IsPrivate(string entry) => entry.StartsWith("/private/", StringComparison.OrdinalIgnoreCase);

    static (List<FilterScript> Row, int Tried) Place(FilterTrial trial, IReadOnlyList<FilterScript> stored)
    {
        var draft = new FilterScript(default, "") { Place = trial.Place, DomainId = trial.Owner.DomainId, Name = trial.Name };
        bool isOne = draft.Turn == FilterScript.TurnOf(ScriptPlace.Panel, null) || draft.Turn == FilterScript.TurnOf(ScriptPlace.None, null);   // no others beside it
        List<FilterScript> row = [.. stored.Where(s => s.Script.ScriptId != trial.ScriptId && !(isOne && s.Turn == draft.Turn))];
        int at = row.FindIndex(s => s.Turn > draft.Turn || (s.Turn == draft.Turn && string.CompareOrdinal(s.Name, draft.Name) > 0));
        at = at < 0 ? row.Count : at;
        row.Insert(at, draft);
        return (row, at);
    }

    static AccountEntry Nobody(DomainName domain) => new()
    {
        AccountId = 0, Login = "", DisplayName = "", PasswordHash = null, State = AccountState.Active, Services = MailServices.None, Primary = null, Addresses = [],
        QuotaBytes = 0, SecurityStamp = "", HasMailbox = false, Domain = domain,
    };
}
