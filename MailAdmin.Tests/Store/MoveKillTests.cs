using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;
using MailEngine.Store.Partitions;

namespace MailAdmin.Tests.Store;

/// <summary>SIGKILL between any two steps of a move, and of any commit meanwhile, while everything else goes on: one whole account, in one place. And
/// messages that are moved between mailboxes of two partitions meanwhile are in one of them at least.</summary>
public sealed class MoveKillTests
{
    [Theory, InlineData(1), InlineData(2)]
    public async Task When_the_process_is_killed_at_any_step_of_a_move_then_there_is_one_whole_account_and_nothing_acknowledged_is_lost(int series)
    {
        const int rounds = 36;
        using var folder = TempFolder.OnDisk();
        var witness = new StoreWitness();
        string[] steps = [.. Enum.GetNames<MoveStep>(), nameof(CommitStep.Synced), nameof(CommitStep.RowsWritten), nameof(CommitStep.Committed), "random"];
        var random = new Random(series);
        var homes = new HashSet<string>();
        for (int round = 0; round < rounds; round++)
        {
            string step = steps[(round + series) % steps.Length];
            int nth = 1 + random.Next(Enum.TryParse(step, out CommitStep _) ? 200 : step == nameof(MoveStep.Copied) ? 20 : 3);
            await KillTests.RunUntilKilledAsync(folder.Path, ["b"], step, nth, (series * 1000) + round, step == "random" ? 200 + random.Next(500) : null, leastLines: 0);
            witness.Hear(await File.ReadAllTextAsync(folder["acks"]));
            await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions().With("b"), folder.Path);
            string home = rig.Store.HomeOf(StoreLoad.Account);
            homes.Add(home);
            await witness.CheckAsync(rig);
            // What the move had left or brought goes by itself.
            await rig.Store.PurgeAsync();
            foreach (PartitionSlot slot in rig.Store.Partitions.Slots)
                Assert.Equal(slot.Name == home, AccountPicture.RowsIn(slot.Open!, StoreLoad.Account) > 0);
            if (round % 6 == 5)
                await witness.CheckAsync(rig);
        }
        Assert.Equal(2, homes.Count);   // it did move
        Assert.True(witness.MovedAcross > 0, "no message was moved to the other account");
        Assert.True(witness.Acknowledged > rounds, $"only {witness.Acknowledged} answers: the load did not run");
    }
}
