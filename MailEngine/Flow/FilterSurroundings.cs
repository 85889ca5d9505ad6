using MailEngine.Accounts;
using MailEngine.Net;
using MailEngine.Sieve;
using MailEngine.Sieve.Language;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>What scripts of a recipient can ask about beside the message.</summary>
/// <param name="store">Null: this process has no store open, and the recipient seems to have no mailboxes.</param>
sealed class FilterSurroundings(MailStore? store, ServerName hostname, SieveOptions options)
{
    public SieveSurroundings Of(Envelope envelope, EnvelopeRecipient recipient, Route.Deposit route, DateTimeOffset now) =>
        Of(route.Account, route.Account.AccountId, envelope.ClientAddress?.ToString() ?? "", now) with
        {
            EnvelopeFrom = Octets.OfText(envelope.ReversePathText),
            EnvelopeTo = Octets.OfText(recipient.Address.ToString()),
            SubaddressSeparator = route.Separator,
            Wishes = WishesOf(envelope, recipient),
        };

    /// <summary>Where no mail comes in.</summary>
    /// <param name="tree">Whose mailboxes they are.</param>
    /// <param name="client">Its address; empty: there is none.</param>
    public SieveSurroundings Of(AccountEntry account, long tree, string client, DateTimeOffset now) => new()
    {
        WasSeen = key => store is not null && store.WasAnswered(DeliveryPlan.SeenKey(account.AccountId, key)),
        Mailboxes = () => store is null ? [] : [.. store.MailboxesOf(tree).Where(box => box.Id != 0)
            .Select(box => new SieveMailbox(box.Name.Value, MailboxIds.Of(box.AccountId, box.UidValidity), box.SpecialUse))],
        Annotation = (mailbox, entry) => AnnotationOf(account.AccountId, tree, mailbox, entry),
        Verdicts = new SieveVerdicts(options.SpamField, options.SpamMaximum, options.VirusField),
        MailboxExists = name => Exists(tree, name),
        Now = now,
        Environment = new SieveEnvironment(Octets.OfText(account.Domain.ToString()), hostname.Name, client)
        {
            User = Octets.OfText(account.Login), Configured = options.Environment,
        },
    };

    /// <summary>Has the account a mailbox of this name, whatever it is?</summary>
    public bool Exists(long account, string name) => store is not null && MailboxName.TryParse(name, out MailboxName mailbox) && store.Find(account, mailbox) is not null;

    // With the rights of the account, whose own mailboxes these are. RFC 5490 §3.3, RFC 5490 §4.1
    string? AnnotationOf(long account, long tree, string? mailbox, string entry)
    {
        if (store is null)
            return null;
        long id = Annotation.OfServer;
        if (mailbox is not null)
        {
            if (!MailboxName.TryParse(mailbox, out MailboxName name) || store.Find(tree, name) is not { } box)
                return null;
            id = box.Id;
        }
        foreach (Annotation annotation in store.AnnotationsOf(id, account))
        {
            if (annotation.Value is { } value && annotation.Entry.Equals(entry, StringComparison.OrdinalIgnoreCase))
                return Octets.Of(value);
        }
        return null;
    }

    static IReadOnlyDictionary<string, string> WishesOf(Envelope envelope, EnvelopeRecipient recipient)
    {
        if (envelope.Parameters == SenderParameters.None && recipient.Parameters == RecipientParameters.None)
            return SieveSurroundings.NoWishes;
        var wishes = new Dictionary<string, string>();
        if (recipient.Parameters.Notify != DsnNotify.Default)
            wishes["notify"] = recipient.Parameters.NotifyText;
        if (recipient.Parameters.OriginalRecipient.Length > 0)
            wishes["orcpt"] = EsmtpWords.FromXtext(recipient.Parameters.OriginalRecipient);
        if (envelope.Parameters.Return.Length > 0)
            wishes["ret"] = envelope.Parameters.Return;
        if (envelope.Parameters.EnvelopeId.Length > 0)
            wishes["envid"] = EsmtpWords.FromXtext(envelope.Parameters.EnvelopeId);
        return wishes;
    }
}
