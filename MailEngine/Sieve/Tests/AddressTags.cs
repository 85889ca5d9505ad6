using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;

namespace MailEngine.Sieve.Tests;

/// <summary>[ADDRESS-PART]: RFC 5228 §2.7.4, RFC 5233 §4.</summary>
internal static class AddressTags
{
    public static AddressPart Read(Arguments arguments) =>
        arguments.OneOf(("all", null), ("localpart", null), ("domain", null), ("user", Capability.Subaddress), ("detail", Capability.Subaddress)) switch
        {
            "localpart" => AddressPart.Local,
            "domain" => AddressPart.Domain,
            "user" => AddressPart.User,
            "detail" => AddressPart.Detail,
            _ => AddressPart.All,
        };
}

/// <summary>[":index" number [":last"]]: of all fields named the one that is looked at. RFC 5260 §6</summary>
/// <param name="Number">From 1; 0: all of them.</param>
internal readonly record struct FieldIndex(long Number, bool FromEnd)
{
    public static FieldIndex Read(Arguments arguments) => Read(arguments, Capability.Index);

    /// <param name="capability">Extension that brings the tags; null: that of the command.</param>
    public static FieldIndex Read(Arguments arguments, string? capability)
    {
        long? number = arguments.TaggedNumber("index", capability);
        bool last = arguments.Flag("last", capability);
        if (last && number is null)
            arguments.Script.Error(arguments.Offset, $":last of \"{arguments.Name}\" needs :index beside it.");
        if (number == 0)
            arguments.Script.Error(arguments.Offset, ":index counts from 1.");
        return new FieldIndex(number ?? 0, last);
    }

    /// <summary>Fields of these names that are looked at, those of the first name first.</summary>
    public IEnumerable<HeaderLine> Fields(Running.SieveRun run, MimeScope scope, string[] names)
    {
        if (Number == 0)
        {
            foreach (string name in names)
            {
                foreach (HeaderLine line in scope.Fields(run, name))
                    yield return line;
            }
            yield break;
        }
        int count = names.Sum(name => scope.Fields(run, name).Length);
        long wanted = FromEnd ? count - Number : Number - 1;
        if (wanted < 0 || wanted >= count)
            yield break;
        foreach (string name in names)
        {
            HeaderLine[] lines = scope.Fields(run, name);
            if (wanted < lines.Length)
            {
                yield return lines[wanted];
                yield break;
            }
            wanted -= lines.Length;
        }
    }
}

/// <summary>A list of header field names; what stands in variables is looked up each time.</summary>
internal sealed class FieldNames(ScriptString[] names)
{
    readonly string[]? _constant = Array.TrueForAll(names, name => name.Constant is not null) ? [.. names.Select(name => name.Constant!)] : null;

    public string[] Get(Running.SieveRun run) => _constant ?? [.. names.Select(name => name.Get(run))];
}
