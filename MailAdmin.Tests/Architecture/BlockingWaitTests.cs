using System.Text.RegularExpressions;

namespace MailAdmin.Tests.Architecture;

/// <summary>A thread that blocks on something asynchronous can wait for ever: a page's circuit has one thread, and what it waits for may need that one.</summary>
public sealed partial class BlockingWaitTests
{
    /// <summary>Every file that may block, how often, and why it can do no harm there.</summary>
    static readonly Dictionary<string, (int Places, string Reason)> s_allowed = new()
    {
        ["MailEngine/Flow/TraceLog.cs"] = (2, "the trace's own thread waits for events"),
        ["MailEngine/Store/Partition.cs"] = (3, "WaitForWork: the commit loop's own thread; Settle: the task runs on the pool, outside of the caller's context"),
        ["MailEngine/Store/Partitions/PartitionSet.cs"] = (3, "opening a store, on a thread of the pool (MailStore.OpenAsync), before anybody else can use it"),
        ["MailEngine/Store/Columns/MailboxColumns.cs"] = (2, "blocks of rows, read ahead on the pool by tasks that wait for nobody; and the result of one that has ended"),
        ["MailEngine/Store/RowSettler.cs"] = (5, "waits for its own thread, which waits for nobody but the disk; and that thread's waits for work"),
        ["MailEngine/Store/TextSearch/TextIndexer.cs"] = (5, "the text index's own thread waits for work"),
    };

    [Fact]
    public void When_a_thread_is_blocked_then_it_is_one_of_the_named_places()
    {
        var found = new Dictionary<string, int>();
        foreach (string folder in new[] { "MailEngine", "MailAdmin.Web" })
        {
            foreach (string file in Repository.Sources(folder, "*.cs").Concat(Repository.Sources(folder, "*.razor")))
            {
                int count = Blocking().Count(Comment().Replace(File.ReadAllText(file), ""));
                if (count > 0)
                    found[Repository.Relative(file)] = count;
            }
        }
        IEnumerable<string> faults = found.Where(f => f.Value > s_allowed.GetValueOrDefault(f.Key).Places)
            .Select(f => $"{f.Key} blocks a thread in {f.Value} places, {s_allowed.GetValueOrDefault(f.Key).Places} are known: await instead")
            .Concat(s_allowed.Where(a => found.GetValueOrDefault(a.Key) < a.Value.Places).Select(a => $"{a.Key} blocks a thread in {found.GetValueOrDefault(a.Key)} places now: put the number in the list right"));
        Assert.Empty(faults);
    }

    [Theory]
    [InlineData("x.GetAwaiter().GetResult();", true)]
    [InlineData("x.AsTask()\n    .GetAwaiter()\n    .GetResult();", true)]
    [InlineData("return task.Result;", true)]
    [InlineData("task.Wait();", true)]
    [InlineData("gate.Wait(TimeSpan.Zero);", true)]
    [InlineData("Task.WaitAll(a, b);", true)]
    [InlineData("bell.WaitOne();", true)]
    [InlineData("Thread.Sleep(1);", true)]
    [InlineData("@task.Result</p>", true)]
    [InlineData("session.Output.Result(text);", false)]
    [InlineData("await gate.WaitAsync(ct);", false)]
    [InlineData("// task.Wait();", false)]
    [InlineData("x.Results;", false)]
    public void When_a_line_blocks_then_it_is_seen(string line, bool blocks) => Assert.Equal(blocks, Blocking().IsMatch(Comment().Replace(line, "")));

    [GeneratedRegex(@"\.GetAwaiter\(\)\s*\.GetResult\(\)|\.Result\b(?!\s*\()|\.Wait\(|\.Wait(?:All|Any|One)\(|\bThread\.Sleep\(")]
    private static partial Regex Blocking();

    [GeneratedRegex("//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
