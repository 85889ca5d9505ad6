using MailAdmin.Tests.Accounts;
using MailAdmin.Web.Circuits;

namespace MailAdmin.Tests.Panel;

/// <summary>What keeps a page up to date without asking.</summary>
public sealed class LiveRefreshTests
{
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    [Fact]
    public void When_much_changes_then_the_first_is_shown_at_once_and_the_rest_together_after_the_pause()
    {
        var clock = new ManualClock();
        int shown = 0;
        using var live = new LiveRefresh(clock, s_pause, () => { shown++; return Task.CompletedTask; });
        live.Changed();
        clock.Advance(TimeSpan.Zero);
        Assert.Equal(1, shown);
        for (int i = 0; i < 100; i++)
            live.Changed();
        clock.Advance(s_pause / 2);
        Assert.Equal(1, shown);
        clock.Advance(s_pause * 10);
        Assert.Equal(2, shown);
    }

    [Fact]
    public void When_the_last_change_could_not_be_shown_then_it_is_shown_after_the_pause()
    {
        var clock = new ManualClock();
        int tried = 0;
        using var live = new LiveRefresh(clock, s_pause, () => ++tried == 1 ? Task.FromException(new IOException("busy")) : Task.CompletedTask);
        live.Changed();
        clock.Advance(TimeSpan.Zero);
        Assert.Equal(1, tried);
        clock.Advance(s_pause * 10);
        Assert.Equal(2, tried);
    }
}
