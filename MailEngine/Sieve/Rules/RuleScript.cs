using System.Globalization;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Sieve.Language;
using MailEngine.Store;

namespace MailEngine.Sieve.Rules;

/// <summary>Rules as a Sieve script, and back.</summary>
/// <remarks>
/// A script is rules when it begins with <see cref="Mark"/> and writing the rules that were read out of it gives the same lines again, spaces at their
/// ends and empty ones apart. So values that somebody changed by hand are understood, and whatever else he wrote (a comment, a test that no rule
/// has) is seen and never lost: then there are no rules, and the script is one to be edited as text.
/// </remarks>
public static class RuleScript
{
    public const string Mark = "# MailAdmin rules";

    /// <summary>Characters of a name.</summary>
    public const int MaxName = 100;

    /// <summary>Rules of a script, conditions and actions of a rule: nobody overlooks more.</summary>
    public const int MaxRules = 200, MaxParts = 50;

    /// <summary>Characters of a value.</summary>
    public const int MaxValue = 2000;

    const string NameMark = "# rule: ";

    static readonly (RuleField Field, string[] Names)[] s_addresses =
    [
        (RuleField.From, ["From"]), (RuleField.To, ["To"]), (RuleField.Cc, ["Cc"]), (RuleField.Recipient, ["To", "Cc"]),
    ];

    /// <summary>True: these rules can be written.</summary>
    /// <param name="rule">Place of the first that cannot.</param>
    /// <param name="fault">What is wrong with it.</param>
    public static bool Check(IReadOnlyList<Rule> rules, out int rule, out RuleFault fault)
    {
        for (rule = 0; rule < rules.Count; rule++)
        {
            fault = rule >= MaxRules ? RuleFault.TooMany : FaultOf(rules[rule]);
            if (fault != RuleFault.None)
                return false;
        }
        fault = RuleFault.None;
        return true;
    }

    static RuleFault FaultOf(Rule rule)
    {
        if (rule.Name.Length is 0 or > MaxName || rule.Name.Trim() != rule.Name || !SieveText(rule.Name) || rule.Name.Any(char.IsControl))
            return RuleFault.Name;
        if (rule.Actions.Count == 0)
            return RuleFault.NoAction;
        if (rule.Conditions.Count > MaxParts || rule.Actions.Count > MaxParts)
            return RuleFault.TooMany;
        foreach (RuleCondition condition in rule.Conditions)
        {
            if (!RuleCondition.OperatorsOf(condition.Field).Contains(condition.Operator))
                return RuleFault.Operator;
            if (condition.Field == RuleField.Header && (condition.Header.Length is 0 or > 100 || condition.Header.Any(c => c is <= ' ' or > '~' or ':' or '"' or '\\')))
                return RuleFault.Header;
            if (condition.Field == RuleField.Size ? SizeOf(condition.Value) is null
                : condition.Operator is not (RuleOperator.Exists or RuleOperator.ExistsNot) && (condition.Value.Length is 0 or > MaxValue || !SieveText(condition.Value)))
                return condition.Field == RuleField.Size ? RuleFault.Size : RuleFault.Value;
        }
        foreach (RuleAction action in rule.Actions)
        {
            RuleFault fault = action.Verb switch
            {
                RuleVerb.FileInto or RuleVerb.CopyInto => MailboxName.TryParse(action.Value, out _) ? RuleFault.None : RuleFault.Mailbox,
                RuleVerb.Redirect or RuleVerb.RedirectCopy => EmailAddress.TryParse(action.Value, out _) ? RuleFault.None : RuleFault.Address,
                RuleVerb.Label => IsKeyword(action.Value) ? RuleFault.None : RuleFault.Keyword,
                RuleVerb.Reject => action.Value.Trim().Length is > 0 and <= MaxValue && SieveText(action.Value) ? RuleFault.None : RuleFault.Words,
                _ => RuleFault.None,
            };
            if (fault != RuleFault.None)
                return fault;
        }
        // RFC 5429 §2.4: a message is refused, or something else is done with it.
        return rule.Actions.Count > 1 && rule.Actions.Any(a => a.Verb == RuleVerb.Reject) ? RuleFault.RejectAlone : RuleFault.None;
    }

    // RFC 9051 §9: flag-keyword is an atom.
    static bool IsKeyword(string text) => text.Length is > 0 and <= 100 && text.All(c => c is > ' ' and < '\x7F' and not ('(' or ')' or '{' or '%' or '*' or '"' or '\\' or ']'));

    static bool SieveText(string text) => !text.Contains('\0', StringComparison.Ordinal) && text.EnumerateRunes().All(r => r != Rune.ReplacementChar);

    /// <summary>Octets; null: that is no size. RFC 5228 §8.1 (number)</summary>
    static long? SizeOf(string text)
    {
        text = text.Trim();
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        return long.TryParse(shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= long.MaxValue >> (shift + 1) ? number << shift : null;
    }

    static string SizeText(long octets) =>
        octets > 0 && octets % (1L << 30) == 0 ? $"{octets >> 30}G" : octets > 0 && octets % (1 << 20) == 0 ? $"{octets >> 20}M" : octets > 0 && octets % 1024 == 0 ? $"{octets >> 10}K" : $"{octets}";

    /// <summary>The script of some rules.</summary>
    /// <exception cref="ArgumentException">They cannot be written: see <see cref="Check"/>.</exception>
    public static string Write(IReadOnlyList<Rule> rules)
    {
        if (!Check(rules, out int bad, out RuleFault fault))
            throw new ArgumentException($"rule {bad}: {fault}", nameof(rules));
        var body = new StringBuilder();
        var required = new SortedSet<string>(StringComparer.Ordinal);
        foreach (Rule rule in rules)
        {
            body.Append('\n').Append(NameMark).Append(rule.Name).Append('\n');
            string tests = rule.Conditions.Count == 0 ? "true" : string.Join(",\n    ", rule.Conditions.Select(c => Test(c, required)));
            string test = $"{(rule.Match == RuleMatch.Any && rule.Conditions.Count > 0 ? "anyof" : "allof")} ({tests})";
            body.Append("if ").Append(rule.Enabled ? test : $"allof (false, {test})").Append("\n{\n");
            foreach (RuleAction action in InOrder(rule))
                body.Append("    ").Append(Command(action, required)).Append(";\n");
            if (rule.Stops)
                body.Append("    stop;\n");
            body.Append("}\n");
        }
        var script = new StringBuilder(Mark).Append('\n');
        if (required.Count > 0)
            script.Append("require [").AppendJoin(", ", required.Select(Quoted)).Append("];\n");
        return script.Append(body).Replace("\n", "\r\n").ToString();
    }

    // Flags first: what is kept or filed behind them carries them. RFC 5232 §3
    static IEnumerable<RuleAction> InOrder(Rule rule) => rule.Actions.OrderBy(a => a.Verb is not (RuleVerb.MarkSeen or RuleVerb.MarkFlagged or RuleVerb.Label));

    static string Test(RuleCondition c, SortedSet<string> required)
    {
        string not = c.Operator is RuleOperator.ContainsNot or RuleOperator.IsNot or RuleOperator.MatchesNot or RuleOperator.ExistsNot ? "not " : "";
        switch (c.Field)
        {
            case RuleField.Size:
                return $"size :{(c.Operator == RuleOperator.Over ? "over" : "under")} {SizeText(SizeOf(c.Value)!.Value)}";
            case RuleField.Text:
                required.Add(Capability.Body);
                return $"{not}body :text :contains {Quoted(c.Value)}";
            case RuleField.Header when c.Operator is RuleOperator.Exists or RuleOperator.ExistsNot:
                return $"{not}exists {Quoted(c.Header)}";
        }
        string[] names = c.Field switch { RuleField.Subject => ["Subject"], RuleField.Header => [c.Header], _ => s_addresses.First(a => a.Field == c.Field).Names };
        string list = names.Length == 1 ? Quoted(names[0]) : $"[{string.Join(", ", names.Select(Quoted))}]";
        string kind = c.Operator switch { RuleOperator.Is or RuleOperator.IsNot => "is", RuleOperator.Matches or RuleOperator.MatchesNot => "matches", _ => "contains" };
        // "contains" looks at names of people too, "is" and "matches" at the address alone. RFC 5228 §5.1
        string test = kind != "contains" && s_addresses.Any(a => a.Field == c.Field) ? "address" : "header";
        return $"{not}{test} :{kind} {list} {Quoted(c.Value)}";
    }

    static string Command(RuleAction action, SortedSet<string> required)
    {
        string Needing(string command, params ReadOnlySpan<string> capabilities)
        {
            foreach (string capability in capabilities)
                required.Add(capability);
            return command;
        }

        return action.Verb switch
        {
            RuleVerb.MarkSeen => Needing("""addflag "\\Seen" """.TrimEnd(), Capability.Imap4Flags),
            RuleVerb.MarkFlagged => Needing("""addflag "\\Flagged" """.TrimEnd(), Capability.Imap4Flags),
            RuleVerb.Label => Needing($"addflag {Quoted(action.Value)}", Capability.Imap4Flags),
            RuleVerb.FileInto => Needing($"fileinto :create {Quoted(action.Value)}", Capability.FileInto, Capability.Mailbox),
            RuleVerb.CopyInto => Needing($"fileinto :copy :create {Quoted(action.Value)}", Capability.FileInto, Capability.Mailbox, Capability.Copy),
            RuleVerb.Redirect => $"redirect {Quoted(action.Value)}",
            RuleVerb.RedirectCopy => Needing($"redirect :copy {Quoted(action.Value)}", Capability.Copy),
            RuleVerb.Keep => "keep",
            RuleVerb.Discard => "discard",
            _ => Needing($"reject {Quoted(action.Value.ReplaceLineEndings("\n").Trim())}", Capability.Reject),
        };
    }

    static string Quoted(string text) => $"\"{text.ReplaceLineEndings("\n").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>The script says that rules made it, whatever it has become since.</summary>
    public static bool IsMarked(ReadOnlySpan<byte> script) =>
        Encoding.UTF8.GetString(script[..Math.Min(script.Length, 200)]).TrimStart('\uFEFF', ' ', '\t', '\r', '\n').StartsWith(Mark, StringComparison.Ordinal);

    /// <summary>The rules of a script; null: it is none that rules make.</summary>
    public static IReadOnlyList<Rule>? Read(ReadOnlyMemory<byte> script, SieveOptions limits)
    {
        if (!IsMarked(script.Span))
            return null;
        var errors = new SieveErrors(script);
        List<SyntaxNode> commands = Parser.Parse(script, errors, limits);
        if (errors.Any)
            return null;
        string text = Encoding.UTF8.GetString(script.Span);
        var rules = new List<Rule>();
        foreach (SyntaxNode command in commands)
        {
            if (command.Name == "require" && rules.Count == 0)
                continue;
            if (rules.Count >= MaxRules || NameOf(script.Span[..command.Offset]) is not { } name || RuleOf(command, name) is not { } rule)
                return null;
            rules.Add(rule);
        }
        return Check(rules, out _, out _) && Lines(Write(rules)).SequenceEqual(Lines(text)) ? rules : null;
    }

    /// <summary>What the line before a rule says; null: nothing.</summary>
    static string? NameOf(ReadOnlySpan<byte> before)
    {
        string end = Encoding.UTF8.GetString(before[Math.Max(0, before.Length - 1000)..]).TrimEnd();
        string line = end[(end.LastIndexOf('\n') + 1)..].Trim();
        return line.StartsWith(NameMark, StringComparison.Ordinal) ? line[NameMark.Length..] : null;
    }

    static IEnumerable<string> Lines(string text) => text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);

    static Rule? RuleOf(SyntaxNode command, string name)
    {
        if (command is not { Name: "if", Block: { } block, Tests: [{ Name: "allof" or "anyof" } test] })
            return null;
        bool isOff = test is { Name: "allof", Tests: [{ Name: "false" }, { Name: "allof" or "anyof" }] };
        if (isOff)
            test = test.Tests[1];
        var conditions = new List<RuleCondition>();
        foreach (SyntaxNode part in test.Tests is [{ Name: "true" }] ? [] : test.Tests)
        {
            if (ConditionOf(part) is not { } condition)
                return null;
            conditions.Add(condition);
        }
        var actions = new List<RuleAction>();
        bool stops = block is [.., { Name: "stop" }];
        foreach (SyntaxNode part in stops ? block[..^1] : block)
        {
            if (ActionOf(part) is not { } action)
                return null;
            actions.Add(action);
        }
        return new Rule(name, !isOff, test.Name == "anyof" ? RuleMatch.Any : RuleMatch.All, conditions, actions, stops);
    }

    static RuleCondition? ConditionOf(SyntaxNode test)
    {
        bool not = test.Name == "not" && test.Tests.Count == 1;
        if (not)
            test = test.Tests[0];
        string[] tags = [.. test.Arguments.Where(a => a.Kind == ArgumentKind.Tag).Select(a => a.Text)];
        if (test is { Name: "size", Arguments: [_, { Kind: ArgumentKind.Number } octets] })
            return new RuleCondition(RuleField.Size, "", tags is ["over"] ? RuleOperator.Over : RuleOperator.Under, SizeText(octets.Number));
        string[][] lists = [.. test.Arguments.Where(a => a.Kind == ArgumentKind.Strings).Select(a => a.Strings.Select(s => Octets.ToText(s.Text).ReplaceLineEndings("\n")).ToArray())];
        if (test.Name == "exists" && lists is [[var field]])
            return new RuleCondition(RuleField.Header, field, not ? RuleOperator.ExistsNot : RuleOperator.Exists, "");
        if (lists is not [.., [var value]])
            return null;
        RuleOperator? kind = (tags.Length == 0 ? "" : tags[^1], not) switch
        {
            ("contains", false) => RuleOperator.Contains,
            ("contains", true) => RuleOperator.ContainsNot,
            ("is", false) => RuleOperator.Is,
            ("is", true) => RuleOperator.IsNot,
            ("matches", false) => RuleOperator.Matches,
            ("matches", true) => RuleOperator.MatchesNot,
            _ => null,
        };
        if (kind is not { } how)
            return null;
        if (test.Name == "body")
            return new RuleCondition(RuleField.Text, "", how, value);
        if (lists is not [var names, _])
            return null;
        foreach ((RuleField known, string[] those) in s_addresses)
        {
            if (those.SequenceEqual(names))
                return new RuleCondition(known, "", how, value);
        }
        return names is ["Subject"] ? new RuleCondition(RuleField.Subject, "", how, value)
            : names.Length == 1 ? new RuleCondition(RuleField.Header, names[0], how, value) : null;
    }

    static RuleAction? ActionOf(SyntaxNode command)
    {
        string[] values = [.. command.Arguments.Where(a => a.Kind == ArgumentKind.Strings).SelectMany(a => a.Strings).Select(s => Octets.ToText(s.Text).ReplaceLineEndings("\n"))];
        bool copy = command.Arguments.Exists(a => a is { Kind: ArgumentKind.Tag, Text: "copy" });
        return (command.Name, values) switch
        {
            ("keep", []) => new RuleAction(RuleVerb.Keep, ""),
            ("discard", []) => new RuleAction(RuleVerb.Discard, ""),
            ("fileinto", [var mailbox]) => new RuleAction(copy ? RuleVerb.CopyInto : RuleVerb.FileInto, mailbox),
            ("redirect", [var address]) => new RuleAction(copy ? RuleVerb.RedirectCopy : RuleVerb.Redirect, address),
            ("reject", [var words]) => new RuleAction(RuleVerb.Reject, words),
            ("addflag", ["\\Seen"]) => new RuleAction(RuleVerb.MarkSeen, ""),
            ("addflag", ["\\Flagged"]) => new RuleAction(RuleVerb.MarkFlagged, ""),
            ("addflag", [var keyword]) => new RuleAction(RuleVerb.Label, keyword),
            _ => null,
        };
    }
}

/// <summary>Why rules cannot be written.</summary>
public enum RuleFault { None, Name, NoAction, TooMany, Operator, Header, Value, Size, Mailbox, Address, Keyword, Words, RejectAlone }
