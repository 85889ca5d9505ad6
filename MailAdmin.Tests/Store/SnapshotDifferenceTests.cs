using MailEngine.Store;

namespace MailAdmin.Tests.Store;

public sealed class SnapshotDifferenceTests
{
    [Fact]
    public void When_mailboxes_change_at_random_then_the_difference_is_what_a_plain_comparison_finds()
    {
        var random = new Random(20261121);
        for (int round = 0; round < 300; round++)
        {
            var counters = new MailboxCounters(1, 1, 1, 0, 0, 0, 0, 1);
            var box = new Mailbox(1, 1, MailboxName.Inbox, new MailboxSnapshot(counters, [], [[]]));
            MailboxSnapshot older = Mutate(box, random, rounds: 4), newer = Mutate(box, random, rounds: 1 + random.Next(4));
            SnapshotDifference found = SnapshotDifference.Of(older, newer);

            Dictionary<uint, MessageEntry> was = All(older).ToDictionary(e => e.Uid), now = All(newer).ToDictionary(e => e.Uid);
            Assert.Equal(was.Keys.Where(uid => !now.ContainsKey(uid)).Order(), found.ExpungedUids);
            Assert.Equal(found.ExpungedUids.Select(uid => older.IndexOf(uid) + 1), found.Expunged);
            Assert.Equal(All(newer).Select((e, i) => (e, i)).Where(p => was.TryGetValue(p.e.Uid, out MessageEntry old) && old.ModSeq != p.e.ModSeq).Select(p => p.i + 1), found.Changed);
            Assert.Equal(now.Keys.Count(uid => !was.ContainsKey(uid)), found.Added);
        }
    }

    static List<MessageEntry> All(MailboxSnapshot snapshot)
    {
        var all = new List<MessageEntry>();
        for (int i = 0; i < snapshot.Count; i++)
            all.Add(snapshot[i]);
        return all;
    }

    static MailboxSnapshot Mutate(Mailbox box, Random random, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            var draft = new MailboxDraft(box);
            ulong modSeq = draft.Counters.HighestModSeq + 1;
            uint[] Some() => [.. Enumerable.Range(1, (int)draft.Counters.UidNext).Where(_ => random.Next(10) == 0).Select(n => (uint)n)];
            switch (random.Next(3))
            {
                case 0:
                    for (int n = random.Next(150); n > 0; n--)
                    {
                        var entry = new MessageEntry { ModSeq = modSeq, BodyLength = 10 };
                        draft.Append(ref entry);
                    }
                    break;
                case 1:
                    draft.Update(Some(), modSeq, (ref MessageEntry e) => { e.Flags ^= MessageFlags.Seen; return true; });
                    break;
                default:
                    draft.Remove(Some(), modSeq);
                    break;
            }
            box.Publish(draft.Snapshot);
            Assert.Equal(All(box.Current).Count(e => !e.Flags.HasFlag(MessageFlags.Seen)), box.Current.Unseen);
            Assert.Equal(All(box.Current).Count, box.Current.Counters.Count);
        }
        return box.Current;
    }
}
