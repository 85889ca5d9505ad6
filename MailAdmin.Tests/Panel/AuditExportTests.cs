using System.Globalization;
using System.Text;
using System.Text.Json;
using MailAdmin.Tests.Rig;
using MailEngine.Accounts;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Panel;

/// <summary>The record of many years written out: as it is read, and in no more memory than a short one.</summary>
public sealed class AuditExportTests
{
    const int Entries = 200_000;
    // The entries alone, all at once in memory, would be twice as much.
    const long MostMegabytes = 160;

    static async Task GivenEntriesAsync(string folder)
    {
        await using AccountsDatabase database = await AccountsDatabase.OpenAsync(folder, TimeProvider.System, NullLogger<AccountsDatabase>.Instance);
        string after = JsonSerializer.Serialize(new { note = new string('x', 700) });
        await database.WriteAsync(db =>
        {
            using var insert = new PreparedInsert<AuditEntry>(db);
            DateTimeOffset start = DateTimeOffset.UtcNow.AddDays(-300);
            for (int i = 0; i < Entries; i++)
            {
                insert.Insert(db.Chain.Append(new AuditEntry
                {
                    Time = start.AddMinutes(i), Actor = "engine", Action = "login.failed", Object = string.Create(CultureInfo.InvariantCulture, $"user{i}@example.test"), After = after,
                }));
            }
            return Task.FromResult(true);
        }, _ => true);
    }

    static long Megabytes(int process, string what) => long.Parse(
        File.ReadLines($"/proc/{process}/status").Single(l => l.StartsWith(what + ":", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1].Trim(), CultureInfo.InvariantCulture) >> 10;

    [Fact]
    public async Task When_two_hundred_thousand_entries_are_written_out_then_memory_stays_and_what_comes_meanwhile_is_in_it()
    {
        const string password = "correct horse battery staple";
        using var folder = new TempFolder();
        await GivenEntriesAsync(folder.Path);
        await using var server = new ServerProcess(folder.Path);
        Assert.Equal(0, (await server.CliAsync(password + "\n", "superuser", "add", "root", "--password-stdin")).Exit);
        await server.StartAsync();
        using var root = new PanelClient(server.Home);
        await root.SignInAsync("root", password);
        using (HttpResponseMessage small = await root.Http.GetAsync("/audit/export?format=json&action=superuser."))
            Assert.Single(JsonDocument.Parse(await small.Content.ReadAsStringAsync()).RootElement.EnumerateArray());   // everything it takes is loaded
        long before = Megabytes(server.ProcessId, "VmRSS");
        await File.WriteAllTextAsync($"/proc/{server.ProcessId}/clear_refs", "5");   // the peak counts from here

        using HttpResponseMessage answer = await root.Http.GetAsync("/audit/export?format=json", HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        await using Stream stream = await answer.Content.ReadAsStreamAsync();
        using var reader = new StreamReader(stream, Encoding.UTF8);
        long entries = 0, octets = 0;
        string last = "";
        while (await reader.ReadLineAsync() is { } line)
        {
            octets += line.Length;
            if (!line.StartsWith('{'))
                continue;
            last = line;
            // Whoever reads slowly holds nobody up: something is changed while he does.
            if (++entries == 1000)
                Assert.Equal(0, (await server.CliAsync(null, "domain", "add", "meanwhile.test", "--reason", "the last entry")).Exit);
        }
        long peak = Megabytes(server.ProcessId, "VmHWM");

        Assert.True(entries >= Entries + 2, $"{entries} entries");
        Assert.Contains("the last entry", last, StringComparison.Ordinal);
        Assert.True(octets > 150L << 20, $"{octets >> 20} MiB");
        Assert.True(peak - before < MostMegabytes, $"from {before} to {peak} MiB for {octets >> 20} MiB");
    }
}
