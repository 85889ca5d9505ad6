using System.Globalization;
using System.Text;

namespace MailEngine.Accounts;

/// <summary>Writes what somebody set in the panel as the Sieve script that carries it out. RFC 5230 §4</summary>
/// <remarks>
/// The script is the account's, in a place of its own (<see cref="ScriptPlace.Vacation"/>): no client sees it, and none of the scripts that somebody wrote is
/// ever touched. It is written anew with each change of the form; times are moments, since the days of the form are those of whoever filled it in.
/// </remarks>
public static class VacationScript
{
    public const string Mark = "# MailAdmin vacation";

    /// <summary>Handles of its answers begin with it.</summary>
    public const string HandleMark = "MailAdmin vacation ";

    /// <summary>Name of the row: one that nobody can give.</summary>
    internal const string RowName = "\u0001";

    // The dollar sign of "${" is a variable, or what somebody wrote would be taken for one. RFC 5229 §3
    const string Dollar = "dollar";

    public static byte[] Write(Vacation vacation)
    {
        ArgumentNullException.ThrowIfNull(vacation);
        var tests = new List<string>();
        var required = new SortedSet<string>(StringComparer.Ordinal) { "vacation" };
        if (vacation.From is { } from)
            tests.Add(Moment("ge", from, required));
        if (vacation.Until is { } until)
            tests.Add(Moment("lt", until, required));
        var script = new StringBuilder();
        if (vacation.KnownSendersOnly)
        {
            required.UnionWith(["envelope", "environment", "extlists", "variables"]);
            script.Append("if environment :matches \"domain\" \"*\" { set \"domain\" \"${1}\"; }\n");
            tests.Add("anyof (envelope :list \"from\" \":addrbook:default\", envelope :domain \"from\" \"${domain}\")");   // docs/filters.md
        }
        bool hasVariables = required.Contains("variables");
        if (hasVariables && (vacation.Text.Contains("${", StringComparison.Ordinal) || vacation.Subject.Contains("${", StringComparison.Ordinal)))
            script.Append("set \"" + Dollar + "\" \"$\";\n");
        script.Append(tests.Count == 0 ? "if true\n{\n" : $"if allof ({string.Join(",\n          ", tests)})\n{{\n")
            .Append(CultureInfo.InvariantCulture, $"    vacation :days {vacation.IntervalDays} :handle \"{HandleMark}{HandleOf(vacation)}\"");
        if (vacation.Subject.Length > 0)
            script.Append(" :subject ").Append(Quoted(vacation.Subject, hasVariables));
        script.Append('\n').Append(Quoted(vacation.Text.ReplaceLineEndings("\n"), hasVariables)).Append(";\n}\n");
        string head = Mark + "\n# The panel writes this from its form; a change made here is lost when the form is saved.\n"
            + $"require [{string.Join(", ", required.Select(name => Quoted(name, false)))}];\n";
        return Encoding.UTF8.GetBytes((head + script).Replace("\n", "\r\n", StringComparison.Ordinal));
    }

    /// <summary>As answers of it have always been remembered: who was told before an upgrade is not told again. RFC 5230 §4.2</summary>
    static string HandleOf(Vacation vacation) => vacation.Handle.ToString("D").ToUpperInvariant();

    static string Moment(string relation, DateTimeOffset time, SortedSet<string> required)
    {
        required.UnionWith(["date", "relational"]);
        return $"currentdate :zone \"+0000\" :value \"{relation}\" \"iso8601\" \"{time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}\"";
    }

    static string Quoted(string text, bool hasVariables)
    {
        string escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return $"\"{(hasVariables ? escaped.Replace("${", "${" + Dollar + "}{", StringComparison.Ordinal) : escaped)}\"";
    }
}
