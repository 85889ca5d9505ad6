using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;
using MailEngine.Sieve.Tests;

namespace MailEngine.Sieve.Commands;

/// <summary>addheader [":last"] field-name value. RFC 5293 §4</summary>
internal sealed class AddHeaderCommand(ScriptString name, ScriptString value, bool last) : SieveCommand
{
    /// <summary>RFC 5322 §2.1.1: no line is longer without its line end, and a word cannot be cut. A smaller one would not do: RFC 5293 §4</summary>
    const int LongestLine = 998;

    public static SieveCommand Parse(Arguments arguments)
    {
        bool last = arguments.Flag("last");
        ScriptString name = arguments.String("the name of the field");
        EditedField.Check(name, arguments);
        return new AddHeaderCommand(name, arguments.String("the value"), last);
    }

    public override void Run(SieveRun run)
    {
        string field = EditedField.NameOf(name, run);
        string text = string.Concat(Octets.ToText(value.Get(run)).Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        using var line = new HeaderWriter();
        line.Text(field, text);
        byte[] written = line.Written.ToArray();
        if (HasLongLine(written) || (run.AddedBytes += written.Length) > run.Limits.HeaderBytes)
            throw new SieveFaultException($"addheader adds a line of more than {LongestLine} characters that has no place to be folded at, or more than {run.Limits.HeaderBytes} octets in all");
        run.ChargeFor(written.Length * 4L);
        run.Whole.Insert(last ? run.Whole.Lines.Count : 0, new HeaderLine(written, field.Length, field.Length + 1));
    }

    static bool HasLongLine(ReadOnlySpan<byte> field)
    {
        for (int end; (end = field.IndexOf("\r\n"u8)) >= 0; field = field[(end + 2)..])
        {
            if (end > LongestLine)
                return true;
        }
        return false;
    }
}

/// <summary>deleteheader [":index" number [":last"]] [COMPARATOR] [MATCH-TYPE] field-name [value-patterns]. RFC 5293 §5</summary>
internal sealed class DeleteHeaderCommand(ScriptString name, FieldIndex index, Matcher? matcher) : SieveCommand
{
    /// <summary>RFC 5293 §6; and the field that ends loops of redirects.</summary>
    static readonly string[] s_kept = ["received", "auto-submitted", "x-sieve-redirected-from"];

    public static SieveCommand Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        FieldIndex index = FieldIndex.Read(arguments, capability: null);
        ScriptString name = arguments.String("the name of the field");
        EditedField.Check(name, arguments);
        return new DeleteHeaderCommand(name, index, arguments.Left == 0 ? null : Matcher.Of(match, arguments.Strings("the list of values"), arguments.Script));
    }

    public override void Run(SieveRun run)
    {
        string field = EditedField.NameOf(name, run);
        if (s_kept.Contains(Octets.ToLower(field)))
            return;   // RFC 5293 §6: in silence
        HeaderLine[] lines = [.. index.Fields(run, default, [field])];
        if (matcher is { IsCount: true })
        {
            if (!matcher.MatchesCount(run, lines.Length))
                return;
        }
        else if (matcher is not null)
        {
            Key[] keys = matcher.Keys(run);
            lines = [.. lines.Where(line => matcher.Matches(run, keys, line.Value))];
        }
        run.Charge(lines.Length);
        foreach (HeaderLine line in lines)
            run.Whole.Remove(line);
    }
}

/// <summary>The name of a field that is added or removed: RFC 5322 §2.2.</summary>
internal static class EditedField
{
    public static void Check(ScriptString name, Arguments arguments)
    {
        if (name.Constant is { } constant && !IsName(constant))
            arguments.Script.Error(name.Offset, "This cannot be the name of a header field: it is made of visible ASCII characters without \":\".");
    }

    public static string NameOf(ScriptString name, SieveRun run) =>
        name.Get(run) is var field && IsName(field) ? field : throw new SieveFaultException("a header field is to be changed whose name cannot be one");

    static bool IsName(string name) => name.Length <= 200 && HeaderLine.IsName(name);
}
