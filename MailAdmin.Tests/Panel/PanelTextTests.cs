using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MailAdmin.Tests.Panel;

/// <summary>Every text of the panel is in the resource file, and none stays there unused.</summary>
public sealed partial class PanelTextTests
{
    static readonly string s_web = Path.Combine(Repository(), "MailAdmin.Web");

    static readonly HashSet<string> s_known =
        [.. XDocument.Load(Path.Combine(s_web, "Resources", "Texts.resx")).Root!.Elements("data").Select(d => (string)d.Attribute("name")!)];

    [Fact]
    public void When_a_page_names_a_text_then_the_resource_file_has_it()
    {
        string[] missing = [.. Sources().SelectMany(s => Named().Matches(s).Select(m => m.Groups[1].Value)).Distinct().Where(key => !s_known.Contains(key))];

        Assert.Empty(missing);
    }

    [Fact]
    public void When_the_resource_file_has_a_text_then_some_page_shows_it()
    {
        string all = string.Join('\n', Sources());
        string[] prefixes = [.. Computed().Matches(all).Select(m => m.Groups[1].Value), .. Keys().Matches(all).Select(m => m.Groups[1].Value), .. KeyPrefixes().Matches(all).Select(m => m.Groups[1].Value + ".")];
        string[] unused = [.. s_known.Where(key => !all.Contains('"' + key + '"', StringComparison.Ordinal) && !prefixes.Any(p => key.StartsWith(p, StringComparison.Ordinal)))];

        Assert.Empty(unused);
    }

    [Fact]
    public void When_the_panel_has_a_language_then_it_has_every_text_in_it_with_the_same_places_to_fill()
    {
        string folder = Path.Combine(s_web, "Resources");
        Dictionary<string, string> english = TextsIn(Path.Combine(folder, "Texts.resx"));
        string[] others = Directory.GetFiles(folder, "Texts.*.resx");
        Assert.Contains(others, file => file.EndsWith("Texts.de.resx", StringComparison.Ordinal));
        var faults = new List<string>();
        foreach (string file in others)
        {
            Dictionary<string, string> texts = TextsIn(file);
            faults.AddRange(english.Keys.Except(texts.Keys).Select(key => $"{Path.GetFileName(file)} has no {key}: {english[key]}"));
            faults.AddRange(texts.Keys.Except(english.Keys).Select(key => $"{Path.GetFileName(file)}: {key} is a text that is no more"));
            faults.AddRange(english.Keys.Intersect(texts.Keys).Where(key => !PlacesIn(english[key]).SetEquals(PlacesIn(texts[key])))
                .Select(key => $"{Path.GetFileName(file)}: {key} fills other places than the English: {texts[key]}"));
        }

        Assert.Empty(faults);
    }

    [Fact]
    public void When_the_record_has_a_kind_of_entry_then_there_are_words_for_it()
    {
        // The kinds that the page of the record offers; each in the sources that write entries stands under one of them.
        string[] kinds = [.. s_known.Where(key => key.StartsWith("AuditKind.", StringComparison.Ordinal)).Select(key => key["AuditKind.".Length..])];
        IEnumerable<string> engine = Directory.EnumerateFiles(Path.Combine(Repository(), "MailEngine"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText);
        string[] actions =
        [
            .. Sources().Concat(engine).SelectMany(s => Recorded().Matches(s).Select(m => m.Groups[1].Value)).Distinct(),
        ];

        Assert.True(actions.Length > 40, string.Join(' ', actions));
        Assert.Empty(actions.Select(a => a.Split('.')[0]).Except(kinds));
        Assert.Empty(actions.Select(a => "Happened." + a.Replace('.', '_')).Except(s_known));
        // It can be taken back, or it is said why not; and that is said by name, not for want of a better one.
        IEnumerable<string> reasons = actions.Select(a => MailAdmin.Web.Services.RevertService.WhyNot(a, "{}", "{}")).OfType<string>();
        Assert.Empty(reasons.Except(s_known.Where(key => key != "NoRevert.Other")));
    }

    static Dictionary<string, string> TextsIn(string file) =>
        XDocument.Load(file).Root!.Elements("data").ToDictionary(d => (string)d.Attribute("name")!, d => (string)d.Element("value")!);

    static HashSet<string> PlacesIn(string text) => [.. Places().Matches(text).Select(m => m.Value)];

    [Fact]
    public void When_a_service_says_something_to_people_then_its_words_are_not_in_the_code()
    {
        string[] sentences =
        [
            .. Directory.EnumerateFiles(Path.Combine(s_web, "Services"), "*.cs").SelectMany(file => File.ReadLines(file)
                .Where(line => Sentence().IsMatch(line) && !line.Contains("LoggerMessage", StringComparison.Ordinal) && !line.Contains("IOException", StringComparison.Ordinal))
                .Select(line => $"{Path.GetFileName(file)}: {line.Trim()}")),
        ];

        Assert.Empty(sentences);
    }

    static IEnumerable<string> Sources() => Directory.EnumerateFiles(s_web, "*", SearchOption.AllDirectories)
        .Where(f => f.EndsWith(".razor", StringComparison.Ordinal) || f.EndsWith(".cs", StringComparison.Ordinal))
        .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal))
        .Select(File.ReadAllText);

    static string Repository()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "MailAdmin.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("MailAdmin.sln is in no folder above the test binary.");
    }

    [GeneratedRegex("""\b(?:T\[|Texts\.Of\()"([A-Za-z]+\.[A-Za-z]+)"[\],)]""")]
    private static partial Regex Named();

    [GeneratedRegex("""(?:T|Words)\[\$?"([A-Za-z]+\.)["{]""")]
    private static partial Regex Computed();

    [GeneratedRegex("""^[^/]*"[^"]*[a-z]{2} [^"]*\.[" ]""")]
    private static partial Regex Sentence();

    // "NotFound." + "Title", or a constant that holds a key.
    [GeneratedRegex("\"([A-Za-z]+\\.)\"")]
    private static partial Regex Keys();

    // The argument that names the action, of whatever writes an entry or leads to it.
    [GeneratedRegex("""(?:(?:Audit|AuditOf|Entry|RecordAsync|DoAsync|ChangeAsync|SetAsync|WriteAsync)\([^;]*?|Action = |action = |\? |: )"([a-z]+\.(?!db")[a-z]+)["]""")]
    private static partial Regex Recorded();

    [GeneratedRegex("""\{\d[^}]*\}""")]
    private static partial Regex Places();

    [GeneratedRegex("KeyPrefix=\"([A-Za-z]+)")]
    private static partial Regex KeyPrefixes();
}
