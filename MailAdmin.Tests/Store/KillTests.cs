using System.Diagnostics;
using System.Globalization;
using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

/// <summary>S1 to S4 under SIGKILL: a real process works on a store and dies at each step of a commit, and at random moments.</summary>
public sealed class KillTests
{
    [Theory, InlineData(1), InlineData(2)]
    public async Task When_the_process_is_killed_at_any_step_then_nothing_acknowledged_is_lost_and_no_id_comes_twice(int series)
    {
        const int rounds = 105;
        using var folder = TempFolder.OnDisk();
        var witness = new StoreWitness();
        string[] steps = [.. Enum.GetNames<CommitStep>(), "random"];
        var random = new Random(series);
        for (int round = 0; round < rounds; round++)
        {
            string step = steps[round % steps.Length];
            await RunUntilKilledAsync(folder.Path, step, 1 + random.Next(step == nameof(CommitStep.FilesRemoved) ? 3 : 40), (series * 1000) + round, step == "random" ? random.Next(300) : null, leastLines: 0);
            witness.Hear(await File.ReadAllTextAsync(folder["acks"]));
            // Every fifth time what is left is held against what was answered; in between the next process must cope with it.
            if (round % 5 == 4 || round == rounds - 1)
            {
                await using StoreRig rig = await StoreRig.OpenAsync(folder: folder.Path);
                await witness.CheckAsync(rig);
            }
        }
        Assert.True(witness.Acknowledged > rounds, $"only {witness.Acknowledged} answers: the load did not run");
        Assert.True(witness.Answered > rounds / 5, $"only {witness.Answered} senders were told that somebody is away");
    }

    /// <param name="killAfterMs">Killed from outside, this long after it began to work; null: it kills itself at its step.</param>
    /// <param name="leastLines">Killed from outside no sooner than it has written so many answers, however slow the machine is.</param>
    internal static Task RunUntilKilledAsync(string folder, string step, int nth, int seed, int? killAfterMs, int leastLines, params (string Name, string Value)[] environment) =>
        RunUntilKilledAsync(folder, [], step, nth, seed, killAfterMs, leastLines, environment);

    /// <param name="partitions">Partitions beside the default one.</param>
    internal static async Task RunUntilKilledAsync(
        string folder, string[] partitions, string step, int nth, int seed, int? killAfterMs, int leastLines, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true };
        string[] arguments = [typeof(KillTests).Assembly.Location, "store-load", folder, step, nth.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture), .. partitions];
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        string acks = Path.Combine(folder, "acks");
        int ready = Ready(acks);
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        if (killAfterMs is { } ms)
        {
            while (Ready(acks) == ready && !child.HasExited)
                await Task.Delay(10);
            await Task.Delay(ms);
            while (File.ReadLines(acks).Count() < leastLines && !child.HasExited)
                await Task.Delay(10);
            child.Kill();
        }
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await child.WaitForExitAsync(limit.Token);
        Assert.True(child.ExitCode == 137, $"the child was not killed but ended with {child.ExitCode}: {await errors}");
    }

    static int Ready(string acks) => File.Exists(acks) ? File.ReadLines(acks).Count(line => line == "R") : 0;
}
