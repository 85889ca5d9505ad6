using System.Buffers;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Checks;
using MailEngine.Sieve;
using MailEngine.Store;
using MailEngine.Store.Partitions;

namespace MailEngine.Flow;

/// <summary>What one message leads to, worked out before its commit.</summary>
/// <param name="oneAnswer">The client hears one answer for all recipients (SMTP), not one for each (LMTP).</param>
sealed class DeliveryPlan(Envelope envelope, bool oneAnswer, DateTimeOffset now)
{
    readonly List<(int Recipient, int Deposit)> _uses = [];
    readonly List<EmailAddress> _retryAs = [];
    readonly HashSet<int> _queuedRecipients = [];
    readonly List<(int Recipient, Route.Deposit Route, Reply Reply)> _refused = [];
    byte[] _fingerprint = [];
    Dictionary<int, string>? _remarks;
    readonly List<(int Recipient, Route.Deposit Route, string Why)> _unreported = [];

    /// <summary>Place of the copy for each mailbox that gets one, where there can be many; else they are looked through.</summary>
    Dictionary<(long Account, string Mailbox), int>? _known;

    /// <summary>Answers that scripts give, with the copy they hang on.</summary>
    public List<(SieveAction.Vacation Answer, Route.Deposit Route, int Deposit)> Away { get; } = [];

    /// <summary>What duplicate tests are to remember.</summary>
    public List<Sighting> Sightings { get; } = [];

    public List<Deposit> Deposits { get; } = [];

    /// <summary>Copies that scripts send on, and notices of refusals; the caller disposes their bodies.</summary>
    public List<AutomaticAnswer> Redirects { get; } = [];

    /// <summary>For each deposit the address that led to it.</summary>
    public List<EmailAddress> At { get; } = [];

    public List<QueueEntry> Queue { get; } = [];

    /// <summary>Makes reverse paths of what is sent on; null: those of the senders stay.</summary>
    public SenderRewriting? Senders { get; init; }

    /// <summary>Asked before anything goes to the sender; null: he is who he says.</summary>
    public SenderChecks? Checks { get; init; }

    SenderVerdict? _sender;

    /// <summary>Messages as scripts have changed them, by their headers; the caller disposes them.</summary>
    public Dictionary<byte[], Body> Edited { get; } = [];

    /// <param name="filter">Null: nobody's script is asked.</param>
    public async ValueTask AddAsync(Envelope from, Body body, byte[] fingerprint, MailStore store, MailFilter.Pass? filter, CancellationToken ct)
    {
        _fingerprint = fingerprint;
        bool several = from.Recipients.Count > 1 || from.Recipients is [{ Routes.Count: > 1 }];
        Dictionary<(long, string), int>? asked = several ? [] : null;   // by whom of the recipients first
        _known = several ? [] : null;
        HashSet<string>? relayed = several ? new HashSet<string>(StringComparer.Ordinal) : null;
        for (int i = 0; i < from.Recipients.Count; i++)
        {
            EnvelopeRecipient recipient = from.Recipients[i];
            foreach (Route route in recipient.Routes)
            {
                switch (route)
                {
                    case Route.Deposit deposit:
                        MailboxName folder = deposit.Detail.Length == 0 ? MailboxName.Inbox : await FolderOfAsync(deposit, store);
                        // The same mailbox by two ways gets one copy, and one run of the script.
                        if (asked is not null && !asked.TryAdd((deposit.Account.AccountId, folder.Value), i))
                        {
                            ShareFateOf(asked[(deposit.Account.AccountId, folder.Value)], i);
                            break;
                        }
                        await AddDepositAsync(i, recipient, deposit, folder, body, fingerprint, store, filter, ct);
                        break;
                    case Route.Relay relay:
                        if (relayed is null || relayed.Add(relay.To.Canonical))
                            Queue.Add(RowOf(recipient, relay.To));
                        _queuedRecipients.Add(i);
                        break;
                    // The queue asks again and, refused again, tells the sender (RFC 3464); the null reverse path is never told. RFC 5321 §4.5.5
                    case Route.Reject { Target: { } lost } reject when envelope.ReversePath is not null:
                        if (relayed is null || relayed.Add(lost.Canonical))
                            Queue.Add(RowOf(recipient, lost) with { LastReply = reject.Reply.ToString() });
                        _queuedRecipients.Add(i);
                        break;
                }
            }
        }
    }

    async ValueTask AddDepositAsync(
        int place, EnvelopeRecipient recipient, Route.Deposit route, MailboxName folder, Body body, byte[] fingerprint, MailStore store, MailFilter.Pass? filter, CancellationToken ct)
    {
        (int uses, int deposits, int redirects, int away, int sightings) = (_uses.Count, Deposits.Count, Redirects.Count, Away.Count, Sightings.Count);
        (int refused, int unreported) = (_refused.Count, _unreported.Count);
        bool isQueued = _queuedRecipients.Contains(place);
        SieveOutcome? outcome;
        try
        {
            outcome = filter is null ? null : await filter.RunAsync(recipient, route, ct);
            if (outcome is null)
            {
                Add(place, route, folder, [], body, fingerprint);
                return;
            }
            await CarryOutAsync(outcome, place, recipient, route, folder, body, fingerprint, store, ct);
        }
        catch (Exception fault) when (fault is DbException or DirectoryUnavailableException or IOException or PartitionMissingException)
        {
            // Neither filed by nobody's rule nor half done: tried again.
            for (int i = deposits; i < Deposits.Count; i++)
                _known?.Remove((Deposits[i].Owner.AccountId, Deposits[i].Mailbox.Value));
            for (int i = redirects; i < Redirects.Count; i++)
                Redirects[i].Body.Dispose();
            _uses.RemoveRange(uses, _uses.Count - uses);
            Redirects.RemoveRange(redirects, Redirects.Count - redirects);
            Away.RemoveRange(away, Away.Count - away);
            Sightings.RemoveRange(sightings, Sightings.Count - sightings);
            int more = Deposits.Count - deposits;
            Deposits.RemoveRange(deposits, more);
            At.RemoveRange(deposits, more);
            _retryAs.RemoveRange(deposits, more);
            if (!isQueued)
                _queuedRecipients.Remove(place);
            _refused.RemoveRange(refused, _refused.Count - refused);
            _unreported.RemoveRange(unreported, _unreported.Count - unreported);
            _refused.Add((place, route, Reply.StoreOut));
        }
    }

    async ValueTask CarryOutAsync(
        SieveOutcome outcome, int place, EnvelopeRecipient recipient, Route.Deposit route, MailboxName folder, Body body, byte[] fingerprint, MailStore store, CancellationToken ct)
    {
        bool loops = false;
        SieveAction.Vacation? away = null;
        foreach (SieveAction action in outcome.Actions)
        {
            switch (action)
            {
                case SieveAction.Store { Mailbox: SieveAction.Store.Inbox } keep:
                    Add(place, route, folder, keep.Flags, body, fingerprint, edited: EditedOf(keep, body, store));
                    break;
                case SieveAction.Store file:
                    // A mailbox that is not there: the mail is kept all the same. RFC 5228 §4.1
                    (MailboxName? target, string? create) = MailboxOf(file, route.Account.AccountId, store);
                    Add(place, route, target ?? folder, file.Flags, body, fingerprint, target is null ? $"; there is no mailbox {file.Mailbox}" : "", EditedOf(file, body, store), create);
                    break;
                case SieveAction.Vacation answer:
                    away = answer;
                    break;
                case SieveAction.Notify notify:
                    Redirects.AddRange(NotifyMessage.Write(store, envelope, recipient, route.Account, body, fingerprint, notify, now));
                    break;
                case SieveAction.Report report when ReportMessage.Write(store, envelope, recipient, route.Account, body, fingerprint, report, now) is { } made:
                    Redirects.Add(made);
                    break;
                case SieveAction.Reject reject:
                    await RefuseAsync(reject, place, route, recipient, folder, body, fingerprint, store, ct);
                    break;
                case SieveAction.Redirect redirect:
                    if (RedirectMessage.IsLoop(body, route.Account.Primary ?? recipient.Address))
                    {
                        loops = true;
                        break;
                    }
                    Redirects.Add(RedirectMessage.Write(store, Senders, envelope, recipient, route.Account, body, fingerprint, redirect, now));
                    _queuedRecipients.Add(place);
                    break;
            }
        }
        if (loops && !_uses.Exists(use => use.Recipient == place))
            Add(place, route, folder, [], body, fingerprint, "; it was sent on before");
        foreach ((string key, TimeSpan interval) in outcome.Seen)
            Sightings.Add(new Sighting(SeenKey(route.Account.AccountId, key), now + interval, [.. _uses.Where(use => use.Recipient == place).Select(use => use.Deposit)]));
        int kept = _uses.FindIndex(use => use.Recipient == place);
        if (away is not null && (kept >= 0 || !away.IsOfPanel))
            Away.Add((away, route, kept >= 0 ? _uses[kept].Deposit : AutomaticAnswer.Made));
        if (outcome.Actions.All(action => action is SieveAction.Vacation or SieveAction.Notify or SieveAction.Report))
            _queuedRecipients.Add(place);   // dropped, as its owner wants: the sender hears nothing
    }

    /// <summary>How a key of a duplicate test is remembered. RFC 7352 §3.2</summary>
    public static AnswerKey SeenKey(long accountId, string key) => new(accountId, key, "seen");

    /// <summary>Where fileinto puts a copy; null: there is no such mailbox.</summary>
    /// <returns>Create: it is made with the copy, and has this special use.</returns>
    static (MailboxName? Name, string? Create) MailboxOf(SieveAction.Store file, long accountId, MailStore store) =>
        !MailboxName.TryParse(file.Mailbox, out MailboxName name) ? (null, null)
        : store.Find(accountId, name) is not null ? (name, null)
        : file.Create ? (name, file.NewUse) : (null, null);

    /// <summary>The message as a script has changed it; null: as it came.</summary>
    Body? EditedOf(SieveAction action, Body body, MailStore store)
    {
        if (action.Header is not { } header)
            return null;
        if (!Edited.TryGetValue(header, out Body? edited))
            Edited.Add(header, edited = EditedMessage.Write(store, body, action));
        return edited;
    }

    /// <summary>Where the reason cannot be told as it is to the client that brings the message, reject sends it to the sender (RFC 5429 §2.2), if it is
    /// he who sent it: RFC 5429 §2.1 lets a forged sender hear nothing.</summary>
    async ValueTask RefuseAsync(
        SieveAction.Reject reject, int place, Route.Deposit route, EnvelopeRecipient recipient, MailboxName folder, Body body, byte[] fingerprint, MailStore store, CancellationToken ct)
    {
        bool isThere = envelope.With != TransmissionType.FromQueue;
        bool isHeard = isThere && (!oneAnswer || envelope.Recipients.Count == 1);
        bool canSayIt = !reject.InTheseWords || (isHeard && Ascii.IsValid(reject.Reason));
        if (isThere && oneAnswer && canSayIt)
        {
            _refused.Add((place, route, RefusalOf(reject)));
            return;
        }
        if (envelope.ReversePath is not { } sender)
        {
            if (canSayIt)
                _refused.Add((place, route, RefusalOf(reject)));
            else
                Add(place, route, folder, [], body, fingerprint, "; it was to be refused, but has no sender");   // RFC 5321 §4.5.5: nobody to tell
            return;
        }
        SenderVerdict verdict = await SenderAsync(body, ct);
        // Differs from RFC 5429 §2.1.1: a client of LMTP that hears 5xx would tell the sender itself.
        if (verdict.IsForged && !(isThere && oneAnswer))
        {
            _unreported.Add((place, route, verdict.Why));
            _queuedRecipients.Add(place);
            return;
        }
        if (verdict.IsForged || (canSayIt && isThere))
        {
            _refused.Add((place, route, RefusalOf(reject)));
            return;
        }
        if (verdict.IsUnsure)
        {
            Add(place, route, folder, [], body, fingerprint, $"; it was to be refused, but nobody knows who sent it: {verdict.Why}");
            return;
        }
        if (canSayIt)
        {
            _refused.Add((place, route, RefusalOf(reject)));
            return;
        }
        Redirects.Add(RejectNotice.Write(store, route.Account.Primary ?? recipient.Address, route.Account.AccountId, sender, reject.Reason, body, fingerprint, now));
        _queuedRecipients.Add(place);
    }

    /// <summary>Is the message from its reverse path? Asked once.</summary>
    /// <exception cref="IOException">The message cannot be read.</exception>
    public async ValueTask<SenderVerdict> SenderAsync(Body body, CancellationToken ct) =>
        _sender ??= Checks is null || envelope.AccountId != 0 || envelope.ReversePath is not { } sender ? SenderVerdict.Believed
            : envelope.Origin is { } origin ? await Checks.CheckAsync(origin.Client, origin.Name, sender, origin.At ?? now, body.Read, ct) : SenderVerdict.Believed;

    /// <summary>Recipients whose script refuses the message, and why its sender is not told. RFC 5429 §2.1 wants this on record.</summary>
    public IEnumerable<(EmailAddress Recipient, long AccountId, string Why)> Unreported =>
        _unreported.Select(one => (envelope.Recipients[one.Recipient].Address, one.Route.Account.AccountId, one.Why));

    /// <summary>550 with the reason in lines that fit, or, where it is not ASCII, without it. RFC 5429 §2.1.1, RFC 5429 §2.5</summary>
    static Reply RefusalOf(SieveAction.Reject reject)
    {
        if (!Ascii.IsValid(reject.Reason) || reject.Reason.Trim().Length == 0)
            return new Reply(550, "5.7.1", "The mail filter of the recipient refused the message") { Words = WordsOf(reject.Reason) };
        var lines = new List<string>();
        foreach (string line in reject.Reason.Trim().ReplaceLineEndings("\n").Split('\n').Take(20))
            lines.AddRange(line.Length == 0 ? [" "] : line.Chunk(400).Select(chunk => Reply.Clean(new string(chunk))));
        return new Reply(550, "5.7.1", string.Join('\n', lines)) { Words = WordsOf(reject.Reason) };
    }

    /// <summary>The reason as a report has it, in lines that are not too long for mail (RFC 5322 §2.1.1); null: there is none. RFC 5429 §2.1.2</summary>
    static string? WordsOf(string reason)
    {
        const int MostRunes = 200;   // of four octets each
        var words = new StringBuilder();
        int inLine = 0;
        foreach (Rune rune in reason.Trim().ReplaceLineEndings("\n").EnumerateRunes())
        {
            if (rune.Value == '\n' || inLine == MostRunes)
            {
                words.Append('\n');
                inLine = 0;
            }
            if (rune.Value == '\n')
                continue;
            words.Append(Rune.IsControl(rune) ? " " : rune.ToString());
            inLine++;
        }
        return words.Length == 0 ? null : words.ToString();
    }

    void Add(int place, Route.Deposit route, MailboxName mailbox, IReadOnlyList<string> flags, Body body, byte[] fingerprint, string remark = "", Body? edited = null,
        string? create = null)
    {
        // The same mailbox by two ways gets one copy.
        int there = _known is null ? Deposits.FindIndex(d => d.Owner.AccountId == route.Account.AccountId && d.Mailbox == mailbox)
            : _known.GetValueOrDefault((route.Account.AccountId, mailbox.Value), -1);
        if (there >= 0)
        {
            if (!_uses.Contains((place, there)))
                _uses.Add((place, there));
            else   // what a script asked for twice, by another name that led to the same mailbox, has the flags of the last. RFC 5232 §3
                Deposits[there] = Deposits[there] with { Flags = SystemFlags(flags), Keywords = KeywordsOf(flags) };
            return;
        }
        if (remark.Length > 0)
            (_remarks ??= [])[Deposits.Count] = remark;
        _known?.Add((route.Account.AccountId, mailbox.Value), Deposits.Count);
        _uses.Add((place, Deposits.Count));
        Deposits.Add(DepositOf(route, mailbox, flags, body, fingerprint) with { Body = edited, Create = create });
        At.Add(route.At);
        _retryAs.Add(route.Account.Primary ?? route.At);
    }

    /// <summary>Two recipients that are the same person: what becomes of the one becomes of the other.</summary>
    void ShareFateOf(int first, int other)
    {
        if (first == other)
            return;
        for (int i = 0, count = _refused.Count; i < count; i++)
        {
            if (_refused[i].Recipient == first)
                _refused.Add(_refused[i] with { Recipient = other });
        }
        for (int i = 0, count = _uses.Count; i < count; i++)
        {
            if (_uses[i].Recipient == first)
                _uses.Add((other, _uses[i].Deposit));
        }
        if (_queuedRecipients.Contains(first))
            _queuedRecipients.Add(other);
    }

    /// <summary>Recipients whose script refuses the message, and why.</summary>
    public IEnumerable<(EmailAddress Recipient, long AccountId, Reply Reply)> Refusals =>
        _refused.Select(one => (envelope.Recipients[one.Recipient].Address, one.Route.Account.AccountId, one.Reply));

    /// <summary>What the trace says of a copy beside where it is.</summary>
    public string RemarkOn(int deposit) => _remarks?.GetValueOrDefault(deposit) ?? "";

    /// <summary>The answer for each recipient, and the rows for those who must wait though the message is taken.</summary>
    /// <param name="canQueue">False: those rows could not be kept, so whoever needs one is not served, though others behind the same address are.</param>
    public Reply[] RepliesFor(AcceptOutcome outcome, Reply accepted, bool queueFaults, bool canQueue, out List<QueueEntry> again)
    {
        int count = envelope.Recipients.Count;
        var replies = new Reply[count];
        bool any = _queuedRecipients.Count > 0;
        foreach (int recipient in _queuedRecipients)
            replies[recipient] = accepted;
        foreach ((int recipient, int deposit) in _uses)
        {
            if (outcome.Deposits[deposit].Error is StoreError.None or StoreError.Duplicate)
            {
                replies[recipient] = accepted;
                any = true;
            }
        }
        again = [];
        HashSet<int>? asked = null;
        foreach ((int recipient, int deposit) in _uses)
        {
            StoreError error = outcome.Deposits[deposit].Error;
            if (error is StoreError.None or StoreError.Duplicate)
                continue;
            Reply reply = error == StoreError.OverQuota ? Reply.OverQuota : Reply.StoreOut;
            if (canQueue && (replies[recipient] == accepted || (queueFaults && any)))
            {
                replies[recipient] = accepted;
                if ((asked ??= []).Add(deposit))
                    again.Add(RowOf(envelope.Recipients[recipient], _retryAs[deposit]) with { LastReply = reply.ToString(), NextAttempt = now + TimeSpan.FromMinutes(5), Attempts = 1 });
            }
            else
            {
                replies[recipient] = reply;
            }
        }
        // Whose script refuses it, or could not be asked: told so. Where the client hears that others have theirs, he is asked again by the queue,
        // which returns the mail to its sender; he alone, not the others behind the same address.
        foreach ((int recipient, Route.Deposit route, Reply reply) in _refused)
        {
            bool isServed = replies[recipient] == accepted;
            if (!canQueue && isServed)
            {
                replies[recipient] = reply.IsTransient ? reply : Reply.StoreOut;
                continue;
            }
            if (!canQueue || (!isServed && (!queueFaults || !any)))
            {
                replies[recipient] ??= reply;
                continue;
            }
            replies[recipient] = accepted;
            EnvelopeRecipient to = envelope.Recipients[recipient];
            again.Add(RowOf(to, to.Routes.Count > 1 ? route.Account.Primary ?? route.At : to.Address) with { LastReply = reply.IsTransient ? reply.ToString() : "" });
        }
        for (int i = 0; i < again.Count; i++)
            again[i] = again[i] with { Parameters = QueueParameters.WithFingerprint(again[i].Parameters, _fingerprint) };
        foreach ((int recipient, _, _) in _unreported)
        {
            if (!_uses.Exists(use => use.Recipient == recipient) && replies[recipient] == accepted)
                replies[recipient] = Reply.TakenQuietly;
        }
        for (int i = 0; i < count; i++)
            replies[i] ??= Reply.StoreOut;   // a recipient without routes: cannot be, but must not be said to be served
        return replies;
    }

    // Sub-address: the folder of that name (any case) when there is one and its list lets the sender post, else INBOX. RFC 5233 §4, RFC 4314 §2.1 (p)
    public async ValueTask<MailboxName> FolderOfAsync(Route.Deposit deposit, MailStore store)
    {
        if (!MailboxName.TryParse(deposit.Detail, out MailboxName wanted))
            return MailboxName.Inbox;
        long account = deposit.Account.AccountId;
        IReadOnlyList<MailboxInfo> boxes;
        try
        {
            boxes = await store.ListAsync(account);
        }
        catch (PartitionMissingException)
        {
            return MailboxName.Inbox;   // the deposit hears it, and other recipients do not
        }
        foreach (MailboxInfo box in boxes)
        {
            if (box.Id == 0 || !box.Name.Value.Equals(wanted.Value, StringComparison.OrdinalIgnoreCase))
                continue;
            AclRights rights = envelope.AccountId == account ? box.Acl.OwnerRights(account) : box.Acl.RightsOfAnyone;
            return rights.HasFlag(AclRights.Post) ? box.Name : MailboxName.Inbox;
        }
        return MailboxName.Inbox;
    }

    Deposit DepositOf(Route.Deposit route, MailboxName folder, IReadOnlyList<string> flags, Body body, byte[] fingerprint) => new()
    {
        Owner = new Owner(route.Account.AccountId, route.Account.QuotaBytes),
        Mailbox = folder,
        // RFC 5321 §4.4: final delivery writes Return-Path at the top. Delivered-To says which address it came by.
        Prefix = Encoding.UTF8.GetBytes($"Return-Path: <{envelope.ReversePathText}>\r\nDelivered-To: {route.At}\r\n"),
        InternalDate = envelope.ReceivedAt,
        Flags = SystemFlags(flags),
        Keywords = KeywordsOf(flags),
        DuplicateKey = DuplicateKeyOf(route, folder, body, fingerprint),
    };

    static string[] KeywordsOf(IReadOnlyList<string> flags) => flags.Count == 0 ? [] : [.. flags.Where(flag => flag[0] != '\\')];

    /// <summary>Those of the flags that have a backslash.</summary>
    public static MessageFlags SystemFlags(IReadOnlyList<string> flags) => flags.Aggregate(MessageFlags.None, (all, flag) => all | SystemFlag(flag));

    static MessageFlags SystemFlag(string flag) => flag switch
    {
        "\\Answered" => MessageFlags.Answered,
        "\\Flagged" => MessageFlags.Flagged,
        "\\Deleted" => MessageFlags.Deleted,
        "\\Seen" => MessageFlags.Seen,
        "\\Draft" => MessageFlags.Draft,
        _ => MessageFlags.None,
    };

    // Fault case C10: the 250 was lost and the client sends again. Without a Message-ID nothing is held to be the same.
    byte[]? DuplicateKeyOf(Route.Deposit route, MailboxName folder, Body body, byte[] fingerprint)
    {
        if (body.Summary.MessageId is not { Length: > 0 } id)
            return null;
        string text = $"{id}\n{route.Account.AccountId}\n{folder}\n{envelope.ReversePathText}\n";
        int most = Encoding.UTF8.GetMaxByteCount(text.Length) + fingerprint.Length;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            int length = Encoding.UTF8.GetBytes(text, buffer);
            fingerprint.CopyTo(buffer, length);
            return SHA256.HashData(buffer.AsSpan(0, length + fingerprint.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    QueueEntry RowOf(EnvelopeRecipient recipient, EmailAddress to) => new()
    {
        MessageKey = envelope.MessageKey,
        AccountId = envelope.AccountId,
        ReversePath = envelope.ReversePathText,
        Recipient = to,
        Parameters = QueueParameters.Write(envelope.Parameters, recipient.Parameters, envelope.Origin),
        QueuedAt = now,
        NextAttempt = now,
    };
}
