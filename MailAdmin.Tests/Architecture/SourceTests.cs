using System.Text.RegularExpressions;

namespace MailAdmin.Tests.Architecture;

public sealed partial class SourceTests
{
    [Fact]
    public void When_a_file_grows_past_800_lines_then_it_must_be_split_by_concept()
    {
        string[] folders = ["MailEngine", "MailAdmin.Web", "MailAdmin.Tests", "bench", "tools"];
        IEnumerable<string> tooLong = folders.SelectMany(folder => Repository.Sources(folder, "*.cs").Concat(Repository.Sources(folder, "*.razor")))
            .Select(file => (Name: Repository.Relative(file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > 800)
            .Select(file => $"{file.Name}: {file.Lines}");
        Assert.Empty(tooLong);
    }

    [Fact]
    public void When_an_RFC_section_is_cited_then_the_text_has_it()
    {
        Dictionary<string, HashSet<string>> sections = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Data", "rfc-sections.txt"))
            .Select(line => line.Split(':', 2))
            .ToDictionary(parts => parts[0], parts => parts[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet());
        Assert.True(sections["9051"].Contains("6.3.6"), "the list of sections is damaged");

        var faults = new List<string>();
        int cited = 0;
        foreach (string file in new[] { "MailEngine", "MailAdmin.Web", "MailAdmin.Tests" }.SelectMany(folder => Repository.Sources(folder, "*.cs")))
        {
            foreach (Match citation in Citation().Matches(File.ReadAllText(file)))
            {
                // A text that is not at hand cannot be checked.
                if (!sections.TryGetValue(citation.Groups[1].Value, out HashSet<string>? known))
                    continue;
                cited++;
                if (!known.Contains(citation.Groups[2].Value))
                    faults.Add($"{Repository.Relative(file)}: {citation.Value}");
            }
        }
        Assert.True(cited > 100, $"only {cited} citations were found");
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [GeneratedRegex(@"RFC (\d+) §([0-9A-Z]+(?:\.\d+)*)")]
    private static partial Regex Citation();
}
