using System.Globalization;
using MailAdmin.Web.Services;
using MailEngine.Flow;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Services;

/// <summary>What the page of the filters' log shows: what one's own scripts did, and nobody else's. docs/filters.md</summary>
public sealed class OwnFiltersTests : IAsyncLifetime
{
    ServicesRig _rig = null!;
    TraceLog _trace = null!;

    public async Task InitializeAsync()
    {
        _rig = await ServicesRig.OpenAsync();
        _trace = new TraceLog(_rig.Accounts.Folder, TimeProvider.System, NullLogger<TraceLog>.Instance);
    }

    public async Task DisposeAsync()
    {
        await _trace.DisposeAsync();
        await _rig.DisposeAsync();
    }

    void Given(long account, int number) => _trace.Add(new TraceEvent(
        DateTimeOffset.UnixEpoch.AddMinutes(number), TraceStep.Filtered, $"K{number}", "", "zoe@else.test", "x@own.test", "unix", number.ToString(CultureInfo.InvariantCulture))
    { AccountId = account });

    async Task<string[]> SeenAsync(Actor actor) => [.. (await new TraceService(_rig.Get<Changes>(), _trace).OwnFiltersAsync(actor)).Value!.Select(step => step.Text)];

    [Fact]
    public async Task When_scripts_of_several_did_something_then_each_sees_what_his_own_did_the_newest_first()
    {
        Given(_rig.OwnUser, 1);
        Given(_rig.SecondUser, 2);
        Given(0, 3);
        Given(_rig.OtherUser, 4);
        Given(_rig.OwnUser, 5);
        Assert.Equal(["5", "1"], await SeenAsync(ServicesRig.As(_rig.OwnUser)));
        Assert.Equal(["2"], await SeenAsync(ServicesRig.As(_rig.SecondUser)));
        Assert.Equal(["4"], await SeenAsync(ServicesRig.As(_rig.OtherUser)));
        Assert.Empty(await SeenAsync(_rig.Master));   // whom he administers is another matter
        Assert.Empty(await SeenAsync(_rig.Super));
    }

    [Fact]
    public async Task When_scripts_did_more_than_is_shown_then_the_newest_are_there()
    {
        for (int i = 0; i <= TraceService.MostOwnSteps; i++)
            Given(_rig.OwnUser, i);
        for (int i = 0; i <= TraceService.MostOwnSteps; i++)
            Given(_rig.SecondUser, 1000 + i);   // those of others take no room
        string[] seen = await SeenAsync(ServicesRig.As(_rig.OwnUser));
        Assert.Equal((TraceService.MostOwnSteps, "200", "1"), (seen.Length, seen[0], seen[^1]));
    }
}
