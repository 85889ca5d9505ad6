using System.Buffers;
using System.Collections.Concurrent;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Sieve;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;
using MailEngine.Store;
using MailEngine.Store.Partitions;

namespace MailEngine.Flow;

/// <summary>The script of a mailbox for what is done there over IMAP.</summary>
/// <param name="OfServer">An administrator named it, for all mailboxes that have none: it is one of the domain or of the server.</param>
sealed record EventScript(string Name, bool OfServer);

/// <summary>Runs the scripts of mailboxes after messages were put there, or their flags were changed, over IMAP. RFC 6785 §2.2</summary>
/// <remarks>
/// The command is done and durable before its script runs, and a script that fails changes nothing: no message is lost by one. What a script does goes
/// straight to the store and not by a command, so it never leads to another run (RFC 6785 §6). Scripts run for the owner of the mailbox, in a tree of a
/// domain for who did it. Who has no scripts pays for one look into a dictionary.
/// </remarks>
sealed class MailEvents(MailFilter filter, Delivery delivery, AccountDirectory directory, MailStore store, EngineOptions options, TimeProvider clock)
{
    /// <summary>RFC 6785 §2.3.1</summary>
    const string Entry = "/shared/imapsieve/script";

    /// <summary>Mailboxes whose scripts are remembered; more than are open at a time.</summary>
    const int MostKnown = 100_000;

    /// <summary>Scripts by mailbox as annotations were at one time.</summary>
    sealed record Known(long Stamp)
    {
        public ConcurrentDictionary<long, EventScript?> Scripts { get; } = new();
    }

    readonly MinuteCount _mails = new(options.Sieve.EventMails);
    Known _known = new(-1);

    /// <summary>Null: none, and nothing is to be done.</summary>
    public EventScript? Find(Mailbox box)
    {
        Known known = Volatile.Read(ref _known);
        long stamp = store.AnnotationsStamp;
        if (known.Stamp != stamp)
            Volatile.Write(ref _known, known = new Known(stamp));
        if (known.Scripts.TryGetValue(box.Id, out EventScript? script))
            return script;
        // One of the mailbox counts, also when it is empty or leads nowhere; else that of the server.
        string? own = ValueOf(box.Id);
        string? name = own ?? ValueOf(Annotation.OfServer);
        script = string.IsNullOrEmpty(name) ? null : new EventScript(name, own is null);
        if (known.Scripts.Count >= MostKnown)
            known.Scripts.Clear();
        known.Scripts[box.Id] = script;
        return script;
    }

    string? ValueOf(long mailbox)
    {
        foreach (Annotation annotation in store.AnnotationsOf(mailbox, 0))
        {
            if (annotation.Value is { } value && annotation.Entry.Equals(Entry, StringComparison.OrdinalIgnoreCase))
                return Encoding.UTF8.GetString(value);
        }
        return null;
    }

    /// <param name="user">Who did it.</param>
    /// <param name="messages">With the flags that changed.</param>
    /// <param name="isOver">Asked between messages: true, and the others are left as they are.</param>
    public async Task RunAsync(
        Mailbox box, EventScript script, AccountEntry user, string cause, IReadOnlyList<(uint Uid, string Changed)> messages, Func<bool> isOver, CancellationToken ct)
    {
        AccountEntry account = user;
        try
        {
            if (box.AccountId > 0 && box.AccountId != user.AccountId)
            {
                if (await directory.FindAccountAsync(box.AccountId, ct) is not { } owner)
                    return;
                account = owner;
            }
            // Names of ManageSieve; one that is not there is no script. RFC 6785 §2.3.1
            bool isGlobal = script.OfServer || box.AccountId < 0;
            if (await filter.Programs.FindNameAsync(account.AccountId, new IncludedScript(isGlobal, script.Name), ct) is not { } found)
                return;
            SieveStep[] steps = [new SieveStep(filter.Programs.Find(found), isGlobal ? $"the script \"{script.Name}\"" : "") { IsShared = isGlobal }];
            SieveLibrary? library = await filter.Programs.LibraryAsync(steps, account.AccountId, ct);
            Func<ListName, bool, SieveList?>? lists = library is { UsesLists: true } || steps[0].Program is { UsesLists: true } ? await filter.Lists.OpenAsync(account) : null;
            if (await store.OpenAsync(box.AccountId, box.Name) is not { } owners)
                return;
            for (int i = 0; i < messages.Count; i++)
            {
                if (isOver())
                {
                    filter.Tell(MessageKey.Next(clock.GetUtcNow()), "", account, "imap", $"Sieve: the script \"{script.Name}\" of {box.Name} did not run for {messages.Count - i} messages: the session ended", clock.GetUtcNow());
                    return;
                }
                (uint uid, string changed) = messages[i];
                await RunAsync(owners, uid, steps, library, lists, account, user, cause, changed, ct);
            }
        }
        catch (Exception fault) when (fault is DbException or DirectoryUnavailableException or IOException or PartitionMissingException)
        {
            // The messages are where they were put, with the flags they were given.
            filter.Tell(MessageKey.Next(clock.GetUtcNow()), "", account, "imap", $"Sieve: the script \"{script.Name}\" of {box.Name} could not run now", clock.GetUtcNow());
        }
    }

    async Task RunAsync(
        Mailbox box, uint uid, SieveStep[] steps, SieveLibrary? library, Func<ListName, bool, SieveList?>? lists, AccountEntry account, AccountEntry user, string cause, string changed, CancellationToken ct)
    {
        MailboxSnapshot now = box.Current;
        if (now.IndexOf(uid) is not (>= 0 and var index))
            return;   // expunged meanwhile
        MessageEntry entry = now[index];
        List<string> flags = [.. NamesOf(entry.Flags), .. now.KeywordSets[entry.KeywordSet]];
        using MessageReader reader = store.OpenMessage(now, entry);
        using DetailsReader details = store.OpenDetails(box);
        if (!details.Seek(uid))
            return;
        int prefix = reader.PrefixLength;   // what delivery wrote on top is no part of what came
        var view = new MessageView((offset, to) => reader.Read(offset + prefix, to), reader.Length - prefix, details.Layout);
        DateTimeOffset time = clock.GetUtcNow();
        SieveSurroundings around = filter.Surroundings.Of(account, box.AccountId, "", time);
        around = around with
        {
            EnvelopeTo = Octets.OfText(account.Primary?.ToString() ?? ""),
            List = lists ?? around.List,
            Environment = around.Environment with
            {
                Event = new SieveEvent(Octets.OfText(user.Login), Octets.OfText(user.Primary?.ToString() ?? ""), cause, Octets.OfText(box.Name.Value), changed, string.Join(' ', flags)),
            },
        };
        SieveOutcome outcome = Interpreter.Run(steps, view, around, options.Sieve, library);
        string key = MessageKey.Next(time);
        foreach (string note in outcome.Notes)
            filter.Tell(key, details.MessageId, account, "imap", $"Sieve: note: {note}", time);
        if (outcome.Fault is { } fault)
            filter.Tell(key, details.MessageId, account, "imap", $"Sieve: {fault}", time);
        await CarryOutAsync(box, uid, entry, flags, reader, outcome, account, key, time, ct);
    }

    async Task CarryOutAsync(
        Mailbox box, uint uid, MessageEntry entry, List<string> flags, MessageReader reader, SieveOutcome outcome, AccountEntry account, string key, DateTimeOffset time, CancellationToken ct)
    {
        var keep = (SieveAction.Store?)outcome.Actions.FirstOrDefault(action => action is SieveAction.Store { Mailbox: SieveAction.Store.InPlace });
        bool isDone = true;
        Body? body = null;
        var sent = new List<AutomaticAnswer>();
        try
        {
            Body Whole() => body ??= Copy(reader);
            foreach (SieveAction action in outcome.Actions)
            {
                if (action is SieveAction.Store { Mailbox: not SieveAction.Store.InPlace } file)
                    isDone &= await FileAsync(box, uid, entry, file, Whole, account);
                else if (action is not SieveAction.Store)
                    isDone &= Write(action, Whole(), account, key, time, sent);
            }
            if (sent.Count > 0 && !_mails.TryTake(account.AccountId, sent.Count, time, out bool isFirst))
            {
                // Once a minute: a command can touch all messages of a mailbox.
                if (isFirst)
                    filter.Tell(key, "", account, "imap", $"Sieve: scripts of mailboxes send {options.Sieve.EventMails} mails a minute at the most; this one was not sent, nor what else is over it in this minute", time);
                isDone = false;
            }
            else if (sent.Count > 0)
            {
                isDone &= await delivery.SendAsync(Whole(), sent, ct);
            }
            // Cancelled, and all else is done: marked, and taken out by whoever expunges next. RFC 6785 §2.2.4, RFC 6785 §3.5
            if (keep is not null)
                await SetFlagsAsync(box, uid, flags, keep.Flags);
            else if (isDone)
                await store.StoreFlagsAsync(box, [uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        }
        finally
        {
            foreach (AutomaticAnswer answer in sent)
                answer.Body.Dispose();
            body?.Dispose();
        }
    }

    /// <summary>Flags that the script set and took away; others may have been changed by others meanwhile. RFC 6785 §3.8</summary>
    async Task SetFlagsAsync(Mailbox box, uint uid, IReadOnlyList<string> was, IReadOnlyList<string> wanted)
    {
        IReadOnlyList<string> known = FlagList.Valid(was);   // those that a script can name
        string[] added = [.. wanted.Except(known, StringComparer.OrdinalIgnoreCase)], taken = [.. known.Except(wanted, StringComparer.OrdinalIgnoreCase)];
        if (added.Length > 0)
            await store.StoreFlagsAsync(box, [uid], ChangeOf(FlagChangeMode.Add, added));
        if (taken.Length > 0)
            await store.StoreFlagsAsync(box, [uid], ChangeOf(FlagChangeMode.Remove, taken));
    }

    static FlagChange ChangeOf(FlagChangeMode mode, IReadOnlyList<string> flags) =>
        new(mode, DeliveryPlan.SystemFlags(flags), [.. flags.Where(flag => flag[0] != '\\')]);

    /// <summary>A new message in another mailbox. RFC 6785 §3.3</summary>
    /// <returns>False: it is not there, and the message must stay.</returns>
    async Task<bool> FileAsync(Mailbox box, uint uid, MessageEntry entry, SieveAction.Store file, Func<Body> whole, AccountEntry account)
    {
        if (!MailboxName.TryParse(file.Mailbox, out MailboxName name))
            return false;
        if (store.Find(box.AccountId, name) is null && (!file.Create || await store.CreateAsync(box.AccountId, name, file.NewUse) != StoreError.None))
            return false;
        if (await store.OpenAsync(box.AccountId, name) is not { } target)
            return false;
        long quota = box.AccountId > 0 ? account.QuotaBytes : 0;
        if (file.Header is not null)
        {
            using Body edited = EditedMessage.Write(store, whole(), file);
            var item = new AppendItem
            {
                Body = edited, Flags = DeliveryPlan.SystemFlags(file.Flags), Keywords = [.. file.Flags.Where(flag => flag[0] != '\\')],
                InternalDate = DateTimeOffset.FromUnixTimeSeconds(entry.InternalDate),
            };
            return (await store.AppendAsync(target, quota, [item])).Error == StoreError.None;
        }
        CopyOutcome copied = await store.CopyAsync(box, [uid], target, quota);
        if (copied.Error != StoreError.None || copied.TargetUids is not [uint copy])
            return false;
        await store.StoreFlagsAsync(target, [copy], ChangeOf(FlagChangeMode.Replace, file.Flags));
        return true;
    }

    /// <returns>False: it cannot be sent, and the message must stay.</returns>
    bool Write(SieveAction action, Body body, AccountEntry account, string key, DateTimeOffset time, List<AutomaticAnswer> sent)
    {
        if (account.Primary is not { } owner)
            return false;
        // From the owner of the mailbox: who sent the message has nothing to do with it. RFC 6785 §3.4
        var envelope = new Envelope { MessageKey = key, ReversePath = owner, AccountId = account.AccountId, With = TransmissionType.Internal, ReceivedAt = time };
        var recipient = new EnvelopeRecipient(owner, []);
        byte[] fingerprint = RandomNumberGenerator.GetBytes(32);   // another event is another mail
        switch (action)
        {
            case SieveAction.Redirect redirect when !RedirectMessage.IsLoop(body, owner):
                sent.Add(RedirectMessage.Write(store, null, envelope, recipient, account, body, fingerprint, redirect, time));
                return true;
            case SieveAction.Notify notify:
                sent.AddRange(NotifyMessage.Write(store, envelope, recipient, account, body, fingerprint, notify, time));
                return true;
            case SieveAction.Report report:
                if (ReportMessage.Write(store, envelope, recipient, account, body, fingerprint, report, time) is { } made)
                    sent.Add(made);
                return true;
            default:
                return false;
        }
    }

    Body Copy(MessageReader reader)
    {
        using BodyWriter writer = store.NewBody();
        byte[] block = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            long at = reader.PrefixLength;
            for (int count; (count = reader.Read(at, block)) > 0; at += count)
                writer.Write(block.AsSpan(0, count));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        return writer.Complete();
    }

    static readonly (MessageFlags Flag, string Name)[] s_system =
    [
        (MessageFlags.Answered, "\\Answered"), (MessageFlags.Flagged, "\\Flagged"), (MessageFlags.Deleted, "\\Deleted"), (MessageFlags.Seen, "\\Seen"), (MessageFlags.Draft, "\\Draft"),
    ];

    public static IEnumerable<string> NamesOf(MessageFlags flags) => s_system.Where(pair => flags.HasFlag(pair.Flag)).Select(pair => pair.Name);
}
