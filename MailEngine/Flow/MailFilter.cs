using System.Data.Common;
using MailEngine.Accounts;
using MailEngine.Mime;
using MailEngine.Net;
using MailEngine.Sieve;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;
using MailEngine.Store;
using Microsoft.Extensions.Logging;

namespace MailEngine.Flow;

/// <summary>Runs the scripts that count for a recipient over a message that has come in, before its commit.</summary>
/// <remarks>Decides nothing by itself: <see cref="DeliveryPlan"/> turns the actions into deposits and rows. A script with a fault keeps the mail
/// (RFC 5228 §2.10.6), and its owner finds the reason in the trace.</remarks>
sealed class MailFilter(SieveScripts scripts, AccountDirectory directory, MailStore store, ServerName hostname, EngineOptions options, TraceLog trace, ILogger log)
{
    /// <summary>Makes reverse paths of what is sent on; null: those of the senders stay.</summary>
    public SenderRewriting? Senders { get; init; }

    public SievePrograms Programs { get; } = new(scripts, options.Sieve);

    public ExternalLists Lists { get; } = new(directory, store, options.Limits);

    public FilterSurroundings Surroundings { get; } = new(store, hostname, options.Sieve);

    /// <summary>One message; scripts of several recipients look at it one after the other.</summary>
    public Pass NewPass(Envelope envelope, Body body, DateTimeOffset now) => new(this, envelope, body, now);

    /// <summary>What scripts know of one message, read and decoded once for all of them.</summary>
    internal sealed class Pass(MailFilter filter, Envelope envelope, Body body, DateTimeOffset now)
    {
        MessageView? _view;

        /// <returns>Null: no script counts for the account, and its mail goes where it always goes.</returns>
        /// <exception cref="DbException">A script cannot be read now: try the recipient again later.</exception>
        /// <exception cref="DirectoryUnavailableException">A list cannot be looked up now.</exception>
        /// <exception cref="IOException">The message, or mail of the recipient, cannot be read now.</exception>
        public async ValueTask<SieveOutcome?> RunAsync(EnvelopeRecipient recipient, Route.Deposit route, CancellationToken ct)
        {
            IReadOnlyList<FilterScript> scripts = route.Account.Scripts;
            if (scripts.Count == 0)
                return null;
            var steps = new SieveStep[scripts.Count];
            for (int i = 0; i < steps.Length; i++)
                steps[i] = new SieveStep(filter.Programs.Find(scripts[i].Script), scripts[i].Label) { IsShared = scripts[i].IsShared };
            SieveLibrary? library = await filter.Programs.LibraryAsync(steps, route.Account.AccountId, ct);
            SieveSurroundings around = filter.Surroundings.Of(envelope, recipient, route, now);
            if (library is { UsesLists: true } || Array.Exists(steps, step => step.Program is { UsesLists: true }))
                around = around with { List = await filter.Lists.OpenAsync(route.Account) };
            _view = _view is null or { IsChanged: true } ? new MessageView(body.Read, body.Length, body.Summary.Layout) : _view;
            SieveOutcome outcome = Interpreter.Run(steps, _view, around, filter.Limits, library);
            foreach (string note in outcome.Notes)
                filter.Tell(envelope, body, route, $"Sieve: note: {note}", now);
            if (outcome.Fault is { } fault)
            {
                FlowLog.ScriptFailed(filter.Log, envelope.MessageKey, route.Account.AccountId);
                filter.Tell(envelope, body, route, $"Sieve: {fault}", now);
            }
            return outcome;
        }
    }

    SieveOptions Limits => options.Sieve;

    ILogger Log => log;

    void Tell(Envelope envelope, Body body, Route.Deposit route, string text, DateTimeOffset now) => trace.Add(
        new TraceEvent(now, TraceStep.Filtered, envelope.MessageKey, body.Summary.MessageId ?? "", envelope.ReversePathText, route.At.ToString(), envelope.Peer, Reply.Clean(text))
        { AccountId = route.Account.AccountId });

    /// <summary>Of what a script says or fails at where no mail comes in.</summary>
    public void Tell(string key, string messageId, AccountEntry account, string peer, string text, DateTimeOffset now) =>
        trace.Add(new TraceEvent(now, TraceStep.Filtered, key, messageId, "", account.Primary?.ToString() ?? account.Login, peer, Reply.Clean(text)) { AccountId = account.AccountId });
}
