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

    [Fact]
    public async Task When_the_process_is_killed_while_a_message_goes_to_accounts_of_several_partitions_then_all_have_what_was_acknowledged()
    {
        using var folder = new TempFolder();
        await using (StoreRig rig = await StoreRig.OpenAsync(new StoreOptions().With("b"), folder.Path))
            await rig.Store.GivenHomeAsync(StoreLoad.Other, "b");
        var witness = new StoreWitness();
        string[] steps = [nameof(CommitStep.Synced), nameof(CommitStep.Committed), nameof(CommitStep.RowsWritten), nameof(CommitStep.Committed)];
        for (int round = 0; round < steps.Length; round++)
        {
            await KillTests.RunUntilKilledAsync(folder.Path, ["b"], steps[round], 40 + (17 * round), 7000 + round, killAfterMs: null, leastLines: 0);
            witness.Hear(await File.ReadAllTextAsync(folder["acks"]));
            // Each answer names the copies of both; each is looked for in its partition.
            await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions().With("b"), folder.Path);
            Assert.Equal("b", rig.Store.HomeOf(StoreLoad.Other));
            await witness.CheckAsync(rig);
        }
        Assert.True(witness.Acknowledged > 2 * steps.Length, $"only {witness.Acknowledged} answers: the load did not run");
    }
}
