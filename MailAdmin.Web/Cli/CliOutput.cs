using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailAdmin.Web.Cli;

/// <summary>Writes results: lines and tables for people, one JSON value for programs.</summary>
sealed class CliOutput(TextWriter writer, bool json)
{
    static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,   // for a terminal, not for a page
        Converters = { new JsonStringEnumConverter() },
    };

    public bool IsJson => json;

    /// <summary>One line for people, or the value for programs.</summary>
    public void Result(string line, object value)
    {
        if (json)
            Value(value);
        else if (line.Length > 0)
            writer.WriteLine(Clean(line));
    }

    /// <summary>A file as it is, on its lines, or the value for programs.</summary>
    public void Text(string text, object value)
    {
        if (json)
            Value(value);
        else
            writer.Write(string.Concat(text.Select(c => char.IsControl(c) && c is not ('\r' or '\n' or '\t') ? ' ' : c)));
    }

    public void Value(object value) => writer.WriteLine(JsonSerializer.Serialize(value, s_options));

    /// <summary>A table for people, or the rows for programs.</summary>
    public void Table<T>(IReadOnlyList<T> rows, params (string Title, Func<T, string> Cell)[] columns)
    {
        if (json)
        {
            Value(rows);
            return;
        }
        if (rows.Count == 0)
            return;
        int[] widths = [.. columns.Select(c => Math.Min(60, Math.Max(c.Title.Length, rows.Max(r => c.Cell(r).Length))))];
        writer.WriteLine(Line(columns.Select(c => c.Title)));
        foreach (T row in rows)
            writer.WriteLine(Line(columns.Select(c => Clean(c.Cell(row)))));

        string Line(IEnumerable<string> cells) => string.Join("  ", cells.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd();
    }

    // What strangers wrote (replies of servers, names) must not move the cursor.
    static string Clean(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (int i = 0; i < span.Length; i++)
            span[i] = char.IsControl(source[i]) ? ' ' : source[i];
    });
}
