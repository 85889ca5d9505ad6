using System.Runtime.InteropServices;
using System.Text;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Store;
using MailEngine.Store.Partitions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace MailAdmin.Tests.Rig;

/// <summary>Child process of the kill tests: works on a store with everything at once and writes a line for every answer it got,
/// until it is killed (or kills itself) at a step of the commit.</summary>
/// <remarks>Lines, fields by spaces; the id is in the message's Subject:
/// D mailbox uid modseq id = deposited; Q row id = queued; M id = moved from Work to Done; Y id = moved from Work to the other account's Across,
/// which is in another partition half of the time; X id = expunged from Trash;
/// F mailbox uid = flagged; G mailbox uid = answered, and a draft no more; C name = mailbox created; A name identifier = "lr" given;
/// N mailbox id = annotated. Messages V…/1 and V…/2 in Away are of one sender, who is told once that the owner is away.</remarks>
static partial class StoreLoad
{
    public const long Account = 1, Other = 2;

    /// <param name="partitions">A second one: <see cref="Account"/> moves to and fro meanwhile.</param>
    public static async Task RunAsync(string folder, string step, int nth, int seed, params string[] partitions)
    {
        MailStore store = await MailStore.OpenAsync(folder, new StoreOptions
        {
            InlineBodyBytes = 20_000, SegmentBytes = 300_000, ExpungeRetention = TimeSpan.Zero, CompactionPercent = 98, CompactionBytesPerSecond = int.MaxValue,
            MoveBytesPerSecond = int.MaxValue,
        }.With(partitions), TimeProvider.System, NullLogger<MailStore>.Instance);
        // Answers go to a file by plain writes: whoever watches the writes of this process sees them in their order.
        using SafeFileHandle acks = File.OpenHandle(Path.Combine(folder, "acks"), FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        long at = RandomAccess.GetLength(acks);
        var gate = new object();
        void Say(string line)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(line + "\n");
            lock (gate)
            {
                RandomAccess.Write(acks, bytes, at);
                at += bytes.Length;
            }
        }

        foreach (string name in new[] { "Work", "Done", "Trash", "Away" })
            await store.CreateAsync(Account, MailboxName.Parse(name));
        await store.OpenAsync(Account, MailboxName.Inbox);
        await store.OpenAsync(Other, MailboxName.Inbox);
        await store.CreateAsync(Other, MailboxName.Parse("Across"));
        int count = 0;
        if (Enum.TryParse(step, out CommitStep wanted))
        {
            foreach (Partition partition in store.Partitions.Open)
            {
                partition.StepReached = reached =>
                {
                    if (reached == wanted && Interlocked.Increment(ref count) == nth)
                        Kill();
                };
            }
        }
        if (Enum.TryParse(step, out MoveStep wantedOfMove))
        {
            store.MoveStepReached = reached =>
            {
                if (reached == wantedOfMove && ++count == nth)
                    Kill();
            };
        }
        Say("R");   // ready
        var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        int id = 0;
        string NextId() => $"{seed}-{Interlocked.Increment(ref id)}";
        var random = new Random(seed);
        int Size()
        {
            lock (random)
                return random.Next(8) == 0 ? random.Next(60_000) : random.Next(3000);
        }

        Task Repeat(Func<Task> work) => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await work();
                }
                catch (IOException)
                {
                    await Task.Delay(1);   // a large body whose file could not be written or synced: its sender hears of it and tries again
                }
            }
        });
        await Task.WhenAll(
            Repeat(() => DeliverAsync(store, NextId(), Size(), Say)), Repeat(() => DeliverAsync(store, NextId(), Size(), Say)),
            Repeat(() => DeliverAsync(store, NextId(), Size(), Say)), Repeat(() => QueueAsync(store, NextId(), Size(), Say)),
            Repeat(() => FilterAsync(store, NextId(), Size(), Say)),
            Repeat(() => MoveAsync(store, NextId(), Size(), Say)), Repeat(() => ExpungeAsync(store, NextId(), Say)), Repeat(() => ReplaceAsync(store, NextId(), Say)),
            Repeat(() => CreateAsync(store, NextId(), Say)),
            // One commit where the account lives beside the queue; between partitions there are two.
            partitions.Length > 0 ? Task.CompletedTask : Repeat(() => AnswerAsync(store, "V" + NextId(), Say)),
            Repeat(() => CompactAsync(store)), partitions.Length == 0 ? Task.CompletedTask : Repeat(() => MoveAccountAsync(store, partitions[0])),
            partitions.Length == 0 ? Task.CompletedTask : Repeat(() => MoveAcrossAsync(store, NextId(), Size(), Say)));
    }

    static async Task DeliverAsync(MailStore store, string id, int size, Action<string> say)
    {
        using Body body = Make(store, id, size);
        AcceptOutcome outcome = await store.AcceptAsync(new Acceptance { Body = body, Deposits = [StoreRig.To(Account, prefix: "X-A: 1\r\n"), StoreRig.To(Other)] }, default);
        if (outcome.Fault != StoreError.None)
            return;
        foreach (DepositOutcome deposit in outcome.Deposits)
            say($"D {deposit.MailboxId} {deposit.Uid} {deposit.UidValidity} {id}");
        Mailbox inbox = (await store.OpenAsync(Account, MailboxName.Inbox))!;
        if (await store.StoreFlagsAsync(inbox, [outcome.Deposits[0].Uid], new FlagChange(FlagChangeMode.Add, MessageFlags.Flagged, ["kept"])) == StoreError.None)
            say($"F {inbox.Id} {outcome.Deposits[0].Uid}");
        // Flags without keywords go another way: by the segment. Set, changed and taken away again.
        Mailbox others = (await store.OpenAsync(Other, MailboxName.Inbox))!;
        uint[] uid = [outcome.Deposits[1].Uid];
        if (await store.StoreFlagsAsync(others, uid, new FlagChange(FlagChangeMode.Add, MessageFlags.Answered | MessageFlags.Draft, [])) == StoreError.None
            && await store.StoreFlagsAsync(others, uid, new FlagChange(FlagChangeMode.Remove, MessageFlags.Draft, [])) == StoreError.None)
            say($"G {others.Id} {uid[0]}");
        say($"S {Account} {inbox.Current.HighestModSeq}");
    }

    static async Task QueueAsync(MailStore store, string id, int size, Action<string> say)
    {
        using Body body = Make(store, id, size);
        var entry = new QueueEntry
        {
            MessageKey = id, ReversePath = "a@example.test", Recipient = EmailAddress.Parse("b@other.test"), QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow,
        };
        AcceptOutcome outcome = await store.AcceptAsync(new Acceptance { Body = body, Queue = [entry] }, default);
        if (outcome.Fault == StoreError.None)
            say($"Q {outcome.QueueIds[0]} {id}");
    }

    /// <summary>Of what a sender is told, and what the store remembers of that.</summary>
    public static AnswerKey AnswerOf(string id) => new(Account, id + "@other.test", "away");

    // Two messages of a sender who has not been told yet, as Flow/Vacations hands them over: the answer goes with whichever comes first.
    static async Task AnswerAsync(MailStore store, string id, Action<string> say)
    {
        for (int n = 1; n <= 2; n++)
        {
            using Body body = Make(store, $"{id}/{n}", 300), answer = Make(store, "answer" + id, 100);
            var row = new QueueEntry
            {
                MessageKey = id, ReversePath = "", Recipient = EmailAddress.Parse(AnswerOf(id).Sender), QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow,
            };
            AcceptOutcome outcome = await store.AcceptAsync(new Acceptance
            {
                Body = body, Deposits = [StoreRig.To(Account, "Away")], Answers = [new(0, AnswerOf(id), DateTimeOffset.UtcNow.AddDays(7), answer, row)],
            }, default);
            if (outcome.Fault == StoreError.None && outcome.Deposits[0] is { Error: StoreError.None } deposit)
                say($"D {deposit.MailboxId} {deposit.Uid} {deposit.UidValidity} {id}/{n}");
        }
        await Task.Delay(5);   // leaves the loop to the others
    }

    /// <summary>What a script leads to: a copy with flags in a folder, one that is sent on, and something remembered.</summary>
    static async Task FilterAsync(MailStore store, string id, int size, Action<string> say)
    {
        using Body body = Make(store, "script" + id, size), copy = Make(store, "on" + id, 100);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        var row = new QueueEntry { MessageKey = "on" + id, ReversePath = "a@example.test", Recipient = EmailAddress.Parse("b@other.test"), QueuedAt = now, NextAttempt = now };
        AcceptOutcome outcome = await store.AcceptAsync(new Acceptance
        {
            Body = body,
            Deposits = [StoreRig.To(Account, "Done") with { Flags = MessageFlags.Flagged, Keywords = ["kept"] }],
            Answers = [new AutomaticAnswer(AutomaticAnswer.Made, new AnswerKey(Account, "b@other.test", "redirect " + id), now.AddDays(1), copy, row)],
            Sightings = [new Sighting(SeenKey(id), now.AddDays(1), [0])],
        }, default);
        if (outcome.Fault != StoreError.None || outcome.Deposits[0].Error != StoreError.None)
            return;
        DepositOutcome deposit = outcome.Deposits[0];
        say($"D {deposit.MailboxId} {deposit.Uid} {deposit.UidValidity} script{id}");
        say($"F {deposit.MailboxId} {deposit.Uid}");
        say($"Q {outcome.AnswerIds[0]} on{id}");
    }

    public static AnswerKey SeenKey(string id) => new(Account, id, "seen");

    static async Task MoveAsync(MailStore store, string id, int size, Action<string> say)
    {
        Mailbox work = (await store.OpenAsync(Account, MailboxName.Parse("Work")))!, done = (await store.OpenAsync(Account, MailboxName.Parse("Done")))!;
        using Body body = Make(store, id, size);
        AppendOutcome appended = await store.AppendAsync(work, 0, [new AppendItem { Body = body }]);
        if (appended.Error != StoreError.None)
            return;
        say($"D {work.Id} {appended.Uids[0]} {appended.UidValidity} {id}");
        if ((await store.MoveAsync(work, appended.Uids, done)).Error == StoreError.None)
            say($"M {id}");
    }

    static async Task MoveAcrossAsync(MailStore store, string id, int size, Action<string> say)
    {
        Mailbox work = (await store.OpenAsync(Account, MailboxName.Parse("Work")))!, across = (await store.OpenAsync(Other, MailboxName.Parse("Across")))!;
        using Body body = Make(store, id, size);
        AppendOutcome appended = await store.AppendAsync(work, 0, [new AppendItem { Body = body }]);
        if (appended.Error != StoreError.None)
            return;
        say($"D {work.Id} {appended.Uids[0]} {appended.UidValidity} {id}");
        if (await store.MoveAsync(work, appended.Uids, across) is { Error: StoreError.None, SourceUids.Count: 1 })
            say($"Y {id}");
    }

    static async Task ExpungeAsync(MailStore store, string id, Action<string> say)
    {
        Mailbox trash = (await store.OpenAsync(Account, MailboxName.Parse("Trash")))!;
        using Body body = Make(store, id, 3000);
        AppendOutcome appended = await store.AppendAsync(trash, 0, [new AppendItem { Body = body, Flags = MessageFlags.Deleted }]);
        if (appended.Error == StoreError.None && await store.ExpungeAsync(trash, appended.Uids) == StoreError.None)
            say($"X {trash.Id} {appended.Uids[0]} {appended.UidValidity} {id}");
    }

    static async Task ReplaceAsync(MailStore store, string id, Action<string> say)
    {
        Mailbox trash = (await store.OpenAsync(Account, MailboxName.Parse("Trash")))!, done = (await store.OpenAsync(Account, MailboxName.Parse("Done")))!;
        using Body draft = Make(store, "old" + id, 100), final = Make(store, id, 200);
        AppendOutcome appended = await store.AppendAsync(trash, 0, [new AppendItem { Body = draft }]);
        if (appended.Error != StoreError.None)
            return;
        AppendOutcome replaced = await store.ReplaceAsync(trash, appended.Uids[0], done, 0, new AppendItem { Body = final });
        if (replaced.Error != StoreError.None)
            return;
        say($"X {trash.Id} {appended.Uids[0]} {appended.UidValidity} old{id}");
        say($"D {done.Id} {replaced.Uids[0]} {replaced.UidValidity} {id}");
    }

    static Task<MoveReport> MoveAccountAsync(MailStore store, string other) =>
        store.MoveAccountAsync(Account, store.PartitionOf(Account) == other ? "default" : other, null, default);

    static async Task CompactAsync(MailStore store)
    {
        await store.PurgeAsync();
        await store.CompactAsync();
        await Task.Delay(10);   // a pass reads all rows
    }

    static async Task CreateAsync(MailStore store, string id, Action<string> say)
    {
        MailboxName name = MailboxName.Parse("Box/" + id), next = MailboxName.Parse("Renamed/" + id);
        if (await store.CreateAsync(Other, name) == StoreError.None && await store.RenameAsync(Other, name, next) == StoreError.None)
        {
            say($"C {next.Value}");
            Mailbox box = (await store.OpenAsync(Other, next))!;
            if (await store.SetAclAsync(box.Id, id, AclChangeMode.Replace, AclRights.Lookup | AclRights.Read) == StoreError.None)
                say($"A {next.Value} {id}");
            if (await store.SetAnnotationsAsync(box.Id, Other, [new Annotation("/private/comment", Encoding.ASCII.GetBytes(id))]) == StoreError.None)
                say($"N {box.Id} {id}");
        }
        await Task.Delay(5);   // leaves the loop to the others; mailboxes are not what mail is made of
    }

    static Body Make(MailStore store, string id, int size)
    {
        using BodyWriter writer = store.NewBody();
        writer.Write(StoreRig.Mail(id, size));
        return writer.Complete();
    }

    /// <summary>SIGKILL to ourselves: nothing is flushed, no handler runs.</summary>
    static void Kill()
    {
        _ = kill(Environment.ProcessId, 9);
        Thread.Sleep(Timeout.Infinite);
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
