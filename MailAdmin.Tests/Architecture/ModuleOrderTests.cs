using System.Text.RegularExpressions;

namespace MailAdmin.Tests.Architecture;

/// <summary>A folder of MailEngine is a module; it uses only what stands above it in this list. docs/ARCHITECTURE.md</summary>
public sealed partial class ModuleOrderTests
{
    /// <summary>From the ground up. Modules on one line do not use one another, except where the order on the line says so.</summary>
    static readonly string[] s_order =
        ["Io", "Addresses", "Mime", "Tls", "Dns", "Net", "Accounts", "Store", "Sasl", "Sieve", "Checks", "Flow", "Smtp", "Lmtp", "Imap", "Pop3", "ManageSieve"];
    static readonly string[] s_protocols = ["Smtp", "Lmtp", "Imap", "Pop3", "ManageSieve"];

    [Fact]
    public void When_a_module_uses_another_then_that_one_stands_above_it()
    {
        var faults = new List<string>();
        foreach (string file in Repository.Sources("MailEngine", "*.cs"))
        {
            string[] path = Path.GetRelativePath(Path.Combine(Repository.Root, "MailEngine"), file).Split('/');
            if (path.Length == 1)
                continue;   // EngineHost, EngineServices, EngineOptions: the top
            string module = path[0];
            Assert.Contains(module, s_order);
            foreach (Match use in UseOfModule().Matches(File.ReadAllText(file)))
            {
                string used = use.Groups[1].Value;
                bool below = Array.IndexOf(s_order, used) > Array.IndexOf(s_order, module);
                bool sideways = used != module && s_protocols.Contains(used) && s_protocols.Contains(module);
                if (below || sideways)
                    faults.Add($"{Repository.Relative(file)} uses {used}");
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public void When_the_engine_is_built_then_it_knows_nothing_of_the_panel()
    {
        Assert.DoesNotContain(Repository.Sources("MailEngine", "*.cs"), file => File.ReadAllText(file).Contains("MailAdmin.Web", StringComparison.Ordinal));
    }

    // "using MailEngine.Store;", "using static MailEngine.Store.X;" and full names in code.
    [GeneratedRegex(@"\bMailEngine\.(Io|Addresses|Mime|Tls|Dns|Net|Accounts|Store|Sasl|Sieve|Checks|Flow|Smtp|Lmtp|Imap|Pop3|ManageSieve)\b")]
    private static partial Regex UseOfModule();
}
