using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>What senders are told, by the vacation action of a script. RFC 5230 §4</summary>
/// <param name="Handle">Names the answer: a sender has it once in the interval.</param>
sealed record AwayAnswer(string Subject, string Text, TimeSpan Interval, string Handle)
{
    /// <summary>Who answers, as far as it is he; none: the main address.</summary>
    public IReadOnlyList<NamedAddress> From { get; init; } = [];

    /// <summary>Also his.</summary>
    public IReadOnlyList<EmailAddress> Addresses { get; init; } = [];

    /// <summary>Where a copy of the answer is kept; null: nowhere. RFC 8580 §3</summary>
    public SieveAction.Store? Fcc { get; init; }

    /// <summary>Of the message, as scripts have changed it; null: as it came. RFC 5293 §7</summary>
    public byte[]? Header { get; init; }

    /// <summary>The text has a header of its own. RFC 5230 §4.4</summary>
    public bool IsMime { get; init; }
}

/// <summary>Answers for those recipients of a message who are away: made before its commit, sent with it.</summary>
/// <remarks>The answer and the note that the sender had it are one commit with the copy that they are about, so a crash neither answers twice nor
/// for nothing. A message that is delivered again has no copy of its own and is not answered. The null reverse path of an answer ends every loop.</remarks>
sealed class Vacations(MailStore store)
{
    /// <summary>Adds the answers of a plan to <paramref name="answers"/>; the caller disposes their bodies.</summary>
    /// <param name="away">With the copy that each hangs on.</param>
    public void Add(
        Envelope envelope, Body body, IReadOnlyList<(SieveAction.Vacation Answer, Route.Deposit Route, int Deposit)> away, DateTimeOffset now, List<AutomaticAnswer> answers)
    {
        foreach ((SieveAction.Vacation action, Route.Deposit route, int deposit) in away)
        {
            var wanted = new AwayAnswer(action.Subject, action.Reason, action.Interval, HandleOf(action))
            {
                From = action.From, Addresses = action.Addresses, IsMime = action.IsMime, Header = action.Header, Fcc = action.Fcc,
            };
            if (Answer(envelope, body, route, wanted, deposit, now) is { } answer)
                answers.Add(answer);
        }
    }

    // Answers of the panel's form are remembered by its own name of them, as they were before the form became a script.
    static string HandleOf(SieveAction.Vacation action) => action.IsOfPanel ? action.Handle[("h ".Length + VacationScript.HandleMark.Length)..] : action.Handle;

    AutomaticAnswer? Answer(Envelope envelope, Body body, Route.Deposit route, AwayAnswer vacation, int deposit, DateTimeOffset now)
    {
        AccountEntry account = route.Account;
        // RFC 5321 §4.5.5: nobody answers the null reverse path.
        if (envelope.ReversePath is not { } sender || account.Primary is not { } address || !VacationRules.IsPerson(sender))
            return null;
        if (account.Addresses.Any(own => own.Canonical == sender.Canonical))
            return null;
        var key = new AnswerKey(account.AccountId, sender.Canonical, vacation.Handle);
        try
        {
            if (store.WasAnswered(key) || Read(body, vacation.Header, OwnOf(route, vacation.Addresses)) is not { } about)
                return null;
            return AnswerOf(account, address, sender, vacation, about, key, deposit, now);
        }
        catch (IOException)
        {
            return null;   // the disk is full, or the mail of the account is not to be read now: the message matters more than the answer
        }
    }

    static AnsweredMessage? Read(Body body, byte[]? header, HashSet<string> own) => header is null ? VacationRules.Read(body, own) : VacationRules.Read(header, own);

    AutomaticAnswer AnswerOf(
        AccountEntry account, EmailAddress address, EmailAddress sender, AwayAnswer vacation, AnsweredMessage about, AnswerKey key, int deposit, DateTimeOffset now)
    {
        string messageKey = MessageKey.Next(now);
        // Nobody answers in the name of somebody else: another address than his own is passed over. RFC 5230 §4.3
        NamedAddress[] from = [.. vacation.From.Where(wanted => account.Addresses.Any(own => own.Canonical == wanted.Address.Canonical)).DistinctBy(wanted => wanted.Address.Canonical)];
        if (from.Length == 0)
            from = [new NamedAddress(account.DisplayName, address)];
        using BodyWriter writer = store.NewBody();
        VacationMessage.Write(writer, messageKey, account, from, sender, vacation, about, now);
        return new AutomaticAnswer(deposit, key, now + vacation.Interval, writer.Complete(), new QueueEntry
        {
            MessageKey = messageKey,
            ReversePath = "",   // RFC 5230 §5.1
            Recipient = sender,
            Parameters = QueueParameters.Write(
                SenderParameters.None with { Utf8 = from.Any(one => one.Address.NeedsUtf8) || sender.NeedsUtf8, EightBit = vacation.IsMime && !Ascii.IsValid(vacation.Text) }, new RecipientParameters(DsnNotify.Never, "")),
            QueuedAt = now,
            NextAttempt = now,
        })
        {
            Filed = FiledCopy.Of(vacation.Fcc, account, store, now),
        };
    }

    // RFC 5230 §4.5: the user's own addresses, and the one it came by, when that is one of them with a detail.
    static HashSet<string> OwnOf(Route.Deposit route, IReadOnlyList<EmailAddress> more)
    {
        var own = route.Account.OwnAddresses.Concat(more).Select(address => address.Canonical).ToHashSet(StringComparer.Ordinal);
        string local = route.At.CanonicalLocal;
        if (route.Detail.Length > 0 && local.Length > route.Detail.Length + 1
            && AddressParts.Join(local[..^(route.Detail.Length + 1)], route.At.Domain.Value) is { } plain && own.Contains(plain.Canonical))
            own.Add(route.At.Canonical);
        return own;
    }
}
