using BenchmarkDotNet.Attributes;
using MailEngine.Store;

namespace MicroBench;

/// <summary>Cost of finding what changed in a mailbox of 100,000. Aim: under 10 µs when one chunk changed, whatever its size.</summary>
[MemoryDiagnoser, InProcess]
public class SnapshotDifferenceBenchmarks
{
    MailboxSnapshot _older = null!, _oneFlag = null!, _oneNew = null!, _oneGone = null!;

    [GlobalSetup]
    public void Setup()
    {
        var box = new Mailbox(1, 1, MailboxName.Inbox, new MailboxSnapshot(new MailboxCounters(1, 1, 1, 0, 0, 0, 0, 1), [], [[]]));
        var draft = new MailboxDraft(box);
        for (int i = 0; i < 100_000; i++)
        {
            var entry = new MessageEntry { ModSeq = 2, BodyLength = 1 };
            draft.Append(ref entry);
        }
        box.Publish(_older = draft.Snapshot);
        draft = new MailboxDraft(box);
        draft.Update([50_000], 3, (ref MessageEntry e) => { e.Flags = MessageFlags.Seen; return true; });
        _oneFlag = draft.Snapshot;
        draft = new MailboxDraft(box);
        var fresh = new MessageEntry { ModSeq = 3, BodyLength = 1 };
        draft.Append(ref fresh);
        _oneNew = draft.Snapshot;
        draft = new MailboxDraft(box);
        draft.Remove([50_000], 3);
        _oneGone = draft.Snapshot;
    }

    [Benchmark]
    public int OneFlagChanged() => SnapshotDifference.Of(_older, _oneFlag).Changed.Count;

    [Benchmark]
    public int OneMessageCame() => SnapshotDifference.Of(_older, _oneNew).Added;

    [Benchmark]
    public int OneMessageWent() => SnapshotDifference.Of(_older, _oneGone).Expunged.Count;
}
