using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Store;

/// <summary>S1 and S2 when the power goes: writes that were not synced are lost, wholly or in part.</summary>
public sealed class PowerCutTests
{
    [Fact]
    public async Task When_the_power_goes_at_any_moment_then_everything_acknowledged_is_on_the_disk()
    {
        using var tools = TempFolder.OnDisk();
        string library = WriteLog.Build(tools.Path);
        using var source = TempFolder.OnDisk();
        await KillTests.RunUntilKilledAsync(source.Path, "Completed", nth: 400, seed: 77, killAfterMs: null, leastLines: 0,
            ("LD_PRELOAD", library), ("WRITELOG_ROOT", source.Path), ("WRITELOG_FILE", tools["log"]));

        await CutAsync(source, tools["log"], leastSyncs: 300);
    }

    [Fact]
    public async Task When_syncs_fail_for_a_while_then_nothing_is_acknowledged_on_their_account()
    {
        using var tools = TempFolder.OnDisk();
        string library = WriteLog.Build(tools.Path);
        using var source = TempFolder.OnDisk();
        using var stop = new CancellationTokenSource();
        Task trouble = Task.Run(async () =>
        {
            while (new FileInfo(source["acks"]) is not { Exists: true, Length: > 0 })   // its mailboxes are made
                await Task.Delay(5);
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                await Task.Delay(60);
                if (i % 2 == 0)
                    await File.WriteAllTextAsync(tools["fail"], "");
                else
                    File.Delete(tools["fail"]);
            }
        });
        await KillTests.RunUntilKilledAsync(source.Path, "random", nth: 0, seed: 78, killAfterMs: 1500, leastLines: 600,
            ("LD_PRELOAD", library), ("WRITELOG_ROOT", source.Path), ("WRITELOG_FILE", tools["log"]), ("WRITELOG_FAIL", tools["fail"]));
        await stop.CancelAsync();
        await trouble;
        await CutAsync(source, tools["log"], leastSyncs: 50);
    }

    static async Task CutAsync(TempFolder source, string file, int leastSyncs)
    {
        WriteLog log = WriteLog.Read(file);
        int[] syncs = [.. log.Syncs()];
        Assert.True(syncs.Length > leastSyncs, $"only {syncs.Length} syncs were seen: is the library loaded?");
        var random = new Random(4711);
        int acknowledged = 0;
        for (int round = 0; round < 60; round++)
        {
            // At the very end, where most is at stake; then just before a sync, just after it, or anywhere.
            int cut = round == 0 ? log.Count : (round % 3) switch { 0 => syncs[random.Next(syncs.Length)], 1 => syncs[random.Next(syncs.Length)] + 1, _ => random.Next(log.Count + 1) };
            using var target = TempFolder.OnDisk();
            log.Cut(cut, source.Path, target.Path, round);
            var witness = new StoreWitness();
            witness.Hear(log.TextOf(source["acks"], cut), durableFlags: false);
            await using StoreRig rig = await StoreRig.OpenAsync(folder: target.Path);
            await witness.CheckAsync(rig);
            acknowledged = Math.Max(acknowledged, witness.Acknowledged);
        }
        Assert.True(acknowledged > 50, $"only {acknowledged} answers were ever at stake");
    }
}
