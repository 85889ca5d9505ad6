using System.Text.Json;
using MailAdmin.Tests.Cli;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Cli;
using MailAdmin.Web.Services;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Store;
using MailEngine.Store.Partitions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Services;

/// <summary>Volumes are the machine's: superusers alone see them and move accounts, and each move is in the audit.</summary>
public sealed class PartitionServiceTests
{
    static async Task<ServicesRig> OpenAsync()
    {
        ServicesRig rig = await ServicesRig.OpenAsync(withStore: true, options: new StoreOptions().With("b"));
        await rig.Store!.GivenHomeAsync(rig.OwnUser, "default");
        await rig.InboxOfAsync(rig.OwnUser);
        return rig;
    }

    [Fact]
    public async Task When_a_superuser_moves_an_account_then_it_lives_there_and_the_audit_says_so()
    {
        await using ServicesRig rig = await OpenAsync();
        var service = rig.Get<PartitionService>();
        ServiceResult<MoveReport> moved = await service.MoveAsync(rig.Super, rig.OwnUser, "b", null);
        Assert.Equal(("default", "b"), (moved.Value!.From, moved.Value.To));
        Assert.Equal("b", (await service.FindAsync(rig.Super, rig.OwnUser)).Value);
        await using AccountsContext db = rig.Accounts.Database.NewContext();
        AuditEntry entry = await db.Audit.SingleAsync(e => e.Action == "account.move");
        Assert.Equal(("ann@own.test", "{\"partition\":\"default\"}", "{\"partition\":\"b\"}"), (entry.Object, entry.Before, entry.After));
        Assert.Equal(Refusal.Invalid, (await service.MoveAsync(rig.Super, rig.OwnUser, "nowhere", null)).Refusal);
        Assert.Equal(Refusal.NotFound, (await service.MoveAsync(rig.Super, 4711, "b", null)).Refusal);
    }

    [Fact]
    public async Task When_somebody_else_asks_then_he_is_refused_and_nothing_moves()
    {
        await using ServicesRig rig = await OpenAsync();
        var service = rig.Get<PartitionService>();
        foreach (Actor actor in new[] { rig.Master, ServicesRig.As(rig.OwnUser), ServicesRig.Nobody })
        {
            Assert.Equal(Refusal.Forbidden, (await service.ListAsync(actor)).Refusal);
            Assert.Equal(Refusal.Forbidden, (await service.FindAsync(actor, rig.OwnUser)).Refusal);
            Assert.Equal(Refusal.Forbidden, (await service.MoveAsync(actor, rig.OwnUser, "b", null)).Refusal);
        }
        Assert.Equal("default", rig.Store!.PartitionOf(rig.OwnUser));
    }

    [Fact]
    public async Task When_the_command_line_asks_the_running_server_then_it_lists_partitions_and_moves_accounts()
    {
        await using ServicesRig rig = await OpenAsync();
        using var server = new ControlServer(rig.Options, rig.Get<IStoreDoor>(), TimeProvider.System, NullLogger<ControlServer>.Instance);
        await server.StartAsync(default);
        while (await ControlClient.FindAsync(rig.Accounts.Folder) is null)
            await Task.Yield();
        async Task<(int? Exit, string Output, string Errors)> RunAsync(string command) => await CommandLineTests.RunAsync(rig.Accounts.Folder, command, "");

        (int? exit, string output, string errors) = await RunAsync("store move ann@own.test b --json");
        Assert.True(exit == 0, errors);
        Assert.Equal("b", JsonDocument.Parse(output).RootElement.GetProperty("to").GetString());
        (exit, output, _) = await RunAsync("store partitions --json");
        Assert.Equal(0, exit);
        Assert.Equal(["default", "b"], JsonDocument.Parse(output).RootElement.EnumerateArray().Select(p => p.GetProperty("name").GetString()!));
        Assert.Equal([0, 1], JsonDocument.Parse(output).RootElement.EnumerateArray().Select(p => p.GetProperty("accounts").GetInt32()));
        (exit, _, errors) = await RunAsync("store move ann@own.test nowhere");
        Assert.Equal((1, "There is no partition nowhere. There are: default, b."), (exit, errors.Trim()));
        (exit, output, _) = await RunAsync("store move ann@own.test b");
        Assert.Equal((0, "ann@own.test is in b already."), (exit, output.Trim()));
        await server.StopAsync(default);
    }
}
