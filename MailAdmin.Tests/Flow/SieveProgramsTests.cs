using System.Runtime.CompilerServices;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Sieve.Running;

namespace MailAdmin.Tests.Flow;

/// <summary>Compiled scripts in memory: as many as there may be, and no more memory than they may hold.</summary>
public sealed class SieveProgramsTests
{
    [Fact]
    public async Task When_compiled_scripts_hold_more_than_they_may_then_those_used_longest_ago_go_and_large_ones_are_not_kept()
    {
        await using MailRig rig = await MailRig.StartAsync();
        var scripts = new SieveScripts(rig.Accounts.Database);
        var options = new SieveOptions { CachedProgramBytes = 2 << 20 };
        var programs = new SievePrograms(scripts, options);
        var who = new Administrator(rig.Ann, "test", "");
        var all = new List<ActiveScript>();
        for (int i = 0; i < 40; i++)
        {
            string text = string.Concat(Enumerable.Range(0, 100).Select(n => $"if header :contains \"Subject\" \"{i} {n} something that is looked for\" {{ keep; }}\r\n"));
            Assert.Equal(ScriptFault.None, await scripts.PutAsync(who, rig.Ann, $"s{i}", Encoding.UTF8.GetBytes(text), 100, default));
            all.Add((await scripts.FindIncludedAsync(rig.Ann, false, $"s{i}", default))!.Value);
        }
        foreach (ActiveScript script in all)
        {
            Assert.NotNull(programs.Find(script));
            Assert.NotNull(programs.Find(all[0]));   // in use all the time
            Assert.True(programs.Held.Octets <= options.CachedProgramBytes, $"{programs.Held}");
        }

        Assert.InRange(programs.Held.Count, 2, 39);
        Assert.Same(programs.Find(all[0]), programs.Find(all[0]));
        (int count, long octets) = programs.Held;
        Assert.NotNull(programs.Find(all[0]));   // it is there still: nothing is compiled for it
        Assert.Equal((count, octets), programs.Held);

        // Large ones push nobody out, whatever their number: they are there while they are used.
        SieveProgram first = programs.Find(all[0])!;
        for (int i = 0; i < 4; i++)
        {
            string large = string.Concat(Enumerable.Range(0, 200).Select(n => $"if header :contains \"Subject\" \"{i} {n} something that is looked for\" {{ keep; }}\r\n"));
            Assert.Equal(ScriptFault.None, await scripts.PutAsync(who, rig.Ann, "large", Encoding.UTF8.GetBytes(large), 100, default));
            WeakReference used = Use(programs, (await scripts.FindIncludedAsync(rig.Ann, false, "large", default))!.Value);
            GC.Collect();
            Assert.False(used.IsAlive);
        }
        Assert.Same(first, programs.Find(all[0]));
        Assert.InRange(programs.Held.Octets, octets, octets + 10_000);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static WeakReference Use(SievePrograms programs, ActiveScript script)
    {
        SieveProgram program = programs.Find(script)!;
        Assert.Same(program, programs.Find(script));   // include knows it by that
        return new WeakReference(program);
    }
}
