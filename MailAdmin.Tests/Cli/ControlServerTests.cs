using System.Text;
using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailAdmin.Tests.Services;
using MailAdmin.Web.Cli;
using MailAdmin.Web.Services;
using MailEngine.Store;
using MailEngine.Store.Exchange;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Cli;

/// <summary>The control socket, with a clock of its own.</summary>
public sealed class ControlServerTests
{
    [Fact]
    public async Task When_the_work_takes_longer_than_a_request_may_then_the_answer_still_comes()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore: true);
        var clock = new ManualClock();
        using var server = new ControlServer(rig.Options, rig.Get<IStoreDoor>(), clock, NullLogger<ControlServer>.Instance);
        await server.StartAsync(CancellationToken.None);
        // A pipe is an archive that ends when the test says so.
        string archive = Path.Combine(rig.Options.DataPath, "pipe.mbox");
        await Programs.MustAsync("mkfifo", archive);
        ControlClient? client;
        while ((client = await ControlClient.FindAsync(rig.Options.DataPath)) is null)
            await Task.Yield();   // until the server listens

        Task<ExchangeReport> import = client.ExchangeAsync(
            new ExchangeOrder(IsImport: true, rig.OwnUser, archive, ArchiveFormat.Mbox, QuotaBytes: 0, KeepUids: false), null, CancellationToken.None);
        using (var pipe = new FileStream(archive, FileMode.Open, FileAccess.Write))   // opens when the server reads
        {
            clock.Advance(ControlServer.Slowest * 2);
            pipe.Write(Encoding.ASCII.GetBytes("From ann@own.test Mon Jun  1 10:00:00 2026\nSubject: slow\n\nhello\n"));
        }

        Assert.Equal(1, (await import).Messages);
        Assert.Equal(1, (await rig.Store!.OpenAsync(rig.OwnUser, MailboxName.Inbox))!.Current.Count);
        await server.StopAsync(CancellationToken.None);
    }
}
