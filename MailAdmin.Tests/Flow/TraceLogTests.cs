using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine.Flow;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Flow;

public sealed class TraceLogTests : IDisposable
{
    readonly TempFolder _folder = new();

    static TraceEvent Step(TraceStep step, string key, string recipient = "", string messageId = "", DateTimeOffset? at = null) =>
        new(at ?? DateTimeOffset.UtcNow, step, key, messageId, "from@example.test", recipient, "192.0.2.1", "text");

    [Fact]
    public async Task When_a_step_was_noted_then_key_message_id_and_recipient_find_it_also_after_a_restart()
    {
        await using (var trace = new TraceLog(_folder.Path, TimeProvider.System, NullLogger<TraceLog>.Instance))
        {
            trace.Add(Step(TraceStep.Accepted, "KEY1", messageId: "m1@example.test"));
            trace.Add(Step(TraceStep.Queued, "KEY1", "Zoe@Away.test", "m1@example.test"));
            trace.Add(Step(TraceStep.Sent, "KEY1", "zoe@away.test"));
            trace.Add(Step(TraceStep.Accepted, "KEY2", messageId: "m2@example.test"));
            Assert.Equal([TraceStep.Accepted, TraceStep.Queued, TraceStep.Sent], (await trace.FindAsync("key1")).Select(e => e.Step));
            Assert.Equal(3, (await trace.FindAsync("<m1@example.test>")).Count);
            Assert.Equal([TraceStep.Queued, TraceStep.Sent], (await trace.FindAsync("ZOE@away.test")).Select(e => e.Step));
            Assert.Empty(await trace.FindAsync("' OR 1=1 --"));
        }
        await using var again = new TraceLog(_folder.Path, TimeProvider.System, NullLogger<TraceLog>.Instance);
        Assert.Single(await again.FindAsync("KEY2"));
    }

    [Fact]
    public async Task When_thirty_days_are_over_then_old_steps_go()
    {
        await using (var trace = new TraceLog(_folder.Path, TimeProvider.System, NullLogger<TraceLog>.Instance))
        {
            trace.Add(Step(TraceStep.Accepted, "OLD", at: DateTimeOffset.UtcNow.AddDays(-31)));
            trace.Add(Step(TraceStep.Accepted, "NEW"));
            await trace.FindAsync("NEW");
        }
        await using var again = new TraceLog(_folder.Path, TimeProvider.System, NullLogger<TraceLog>.Instance);
        again.Add(Step(TraceStep.Accepted, "LAST"));
        Assert.Single(await again.FindAsync("LAST"));
        Assert.Empty(await again.FindAsync("OLD"));
        Assert.Single(await again.FindAsync("NEW"));
    }

    public void Dispose() => _folder.Dispose();
}
