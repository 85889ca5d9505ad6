using System.Text;
using MailEngine;
using MailEngine.Sieve;
using MailEngine.Sieve.Rules;

namespace MailAdmin.Tests.Sieve;

/// <summary>Rules become a script and come back, and nothing that somebody wrote by hand is ever lost.</summary>
public sealed class RuleScriptTests
{
    static readonly Rule[] s_rules =
    [
        new("Newsletters \"weekly\"", true, RuleMatch.Any,
            [new(RuleField.Subject, "", RuleOperator.Contains, "say \"hello\" \\o/"), new(RuleField.Header, "List-Id", RuleOperator.Exists, ""), new(RuleField.Recipient, "", RuleOperator.Is, "lists@own.test")],
            [new(RuleVerb.MarkSeen, ""), new(RuleVerb.FileInto, "Lists/Zürich")], Stops: true),
        new("Large", false, RuleMatch.All, [new(RuleField.Size, "", RuleOperator.Over, "5M"), new(RuleField.Text, "", RuleOperator.ContainsNot, "übrigens")],
            [new(RuleVerb.Label, "$large"), new(RuleVerb.RedirectCopy, "archive@example.org"), new(RuleVerb.CopyInto, "Large")], Stops: false),
        new("Everything else", true, RuleMatch.All, [], [new(RuleVerb.Keep, "")], Stops: false),
        new("No", true, RuleMatch.All, [new(RuleField.From, "", RuleOperator.Matches, "*@spam.example")], [new(RuleVerb.Reject, "I do not want this.\n# rule: not one\n\nSorry.")], Stops: true),
    ];

    static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    static void AssertSame(IReadOnlyList<Rule> expected, IReadOnlyList<Rule>? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.Select(Shown), actual.Select(Shown));
    }

    static string Shown(Rule r) => $"{r.Name}|{r.Enabled}|{r.Match}|{r.Stops}|{string.Join(';', r.Conditions)}|{string.Join(';', r.Actions)}";

    [Fact]
    public void When_rules_are_written_then_they_compile_and_come_back_as_they_were()
    {
        string script = RuleScript.Write(s_rules);

        Assert.Empty(SieveCompiler.Compile(Bytes(script), new SieveOptions()).Errors);
        AssertSame(s_rules, RuleScript.Read(Bytes(script), new SieveOptions()));
        AssertSame(s_rules, RuleScript.Read(Bytes("\uFEFF" + script.Replace("\r\n", "\n", StringComparison.Ordinal)), new SieveOptions()));
        AssertSame([], RuleScript.Read(Bytes(RuleScript.Write([])), new SieveOptions()));
    }

    [Fact]
    public void When_any_rules_are_written_then_they_compile_and_come_back_as_they_were()
    {
        var random = new Random(50);
        for (int round = 0; round < 300; round++)
        {
            Rule[] rules = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => AnyRule(random))];
            string script = RuleScript.Write(rules);
            Assert.DoesNotContain(SieveCompiler.Compile(Bytes(script), new SieveOptions()).Errors, e => !e.IsWarning);
            AssertSame(rules, RuleScript.Read(Bytes(script), new SieveOptions()));
        }
    }

    static Rule AnyRule(Random random)
    {
        string Text(int most) => new([.. Enumerable.Range(0, random.Next(1, most)).Select(_ => "ab \"\\{}#;:*?$@/.,\n[]()üЖ"[random.Next(23)])]);
        T One<T>(IReadOnlyList<T> of) => of[random.Next(of.Count)];
        string Name() => One(["a", "b # c", "rule: x", "\"; stop; #", "ü */ x"]);
        var conditions = new List<RuleCondition>();
        for (int i = random.Next(4); i > 0; i--)
        {
            RuleField field = One(Enum.GetValues<RuleField>());
            RuleOperator how = One(RuleCondition.OperatorsOf(field));
            string value = how is RuleOperator.Exists or RuleOperator.ExistsNot ? "" : field == RuleField.Size ? One(["0", "17", "3K", "2M", "1G"]) : Text(12);
            conditions.Add(new RuleCondition(field, field == RuleField.Header ? One(["X-Spam", "List-Id"]) : "", how, value));
        }
        var actions = new List<RuleAction> { new(One([RuleVerb.MarkSeen, RuleVerb.MarkFlagged]), "") };
        for (int i = random.Next(3); i > 0; i--)
        {
            actions.Add(One<RuleAction>([new(RuleVerb.FileInto, "A/B \"c\""), new(RuleVerb.CopyInto, "Ж"), new(RuleVerb.Redirect, "a@b.test"), new(RuleVerb.RedirectCopy, "\"x y\"@b.test"), new(RuleVerb.Keep, ""), new(RuleVerb.Discard, "")]));
        }
        if (random.Next(6) == 0)
            actions = [new(RuleVerb.Reject, $"x{Text(30)}x")];
        return new Rule(Name(), random.Next(4) != 0, conditions.Count == 0 ? RuleMatch.All : One(Enum.GetValues<RuleMatch>()), conditions, actions, random.Next(2) == 0);
    }

    [Theory]
    [InlineData("From: Bob <bob@shop.test>\r\nSubject: news of the week", "flag \\Seen; fileinto News")]
    [InlineData("From: Bob <bob@other.test>\r\nSubject: news", "keep")]
    [InlineData("From: \"shop.test\" <bob@other.test>\r\nSubject: news", "keep")]
    public void When_a_rule_runs_then_it_does_what_it_says(string header, string does)
    {
        Rule[] rules =
        [
            new("Off", false, RuleMatch.All, [], [new(RuleVerb.Discard, "")], true),
            new("News", true, RuleMatch.All, [new(RuleField.From, "", RuleOperator.Matches, "*@shop.test"), new(RuleField.Subject, "", RuleOperator.Contains, "NEWS")],
                [new(RuleVerb.FileInto, "News"), new(RuleVerb.MarkSeen, "")], true),
            new("Never reached by news", true, RuleMatch.All, [new(RuleField.Subject, "", RuleOperator.Contains, "of the week")], [new(RuleVerb.Discard, "")], false),
        ];
        SieveOutcome outcome = SieveStage.Run(RuleScript.Write(rules), header + "\n\nx\n", SieveStage.Usual with { MailboxExists = _ => true });

        SieveAction.Store store = Assert.IsType<SieveAction.Store>(Assert.Single(outcome.Actions));
        Assert.Equal(does, store.Mailbox == SieveAction.Store.Inbox ? "keep" : $"flag {string.Join(' ', store.Flags)}; fileinto {store.Mailbox}");
    }

    [Fact]
    public void When_a_value_was_changed_by_hand_then_it_is_understood()
    {
        string script = RuleScript.Write(s_rules).Replace("lists@own.test", "other@own.test", StringComparison.Ordinal).Replace("    stop;", "\tstop;  ", StringComparison.Ordinal);

        IReadOnlyList<Rule>? rules = RuleScript.Read(Bytes(script), new SieveOptions());

        Assert.Equal("other@own.test", rules![0].Conditions[2].Value);
    }

    [Theory]
    [InlineData("if anyof", "# my own words\r\nif anyof")]
    [InlineData("stop;", "keep; # not now\r\nstop;")]
    [InlineData("header :contains", "header :comparator \"i;octet\" :contains")]
    [InlineData("if anyof", "elsif anyof")]
    [InlineData(":create \"Lists", ":create :flags \"\\\\Seen\" \"Lists")]
    [InlineData("# rule: Large", "")]
    [InlineData("5M", "5242880")]
    [InlineData("}", "} else { discard; }")]
    public void When_something_was_written_by_hand_that_no_rule_has_then_there_are_no_rules_and_nothing_is_lost(string old, string changed)
    {
        string script = RuleScript.Write(s_rules).Replace(old, changed, StringComparison.Ordinal);

        Assert.Null(RuleScript.Read(Bytes(script), new SieveOptions()));
        Assert.True(RuleScript.IsMarked(Bytes(script)));
        Assert.False(RuleScript.IsMarked(Bytes("# mine\r\nkeep;\r\n")));
        Assert.Null(RuleScript.Read(Bytes("keep;\r\n"), new SieveOptions()));
    }

    [Fact]
    public void When_a_script_is_cut_or_spoilt_anywhere_then_reading_it_says_so_and_nothing_more()
    {
        byte[] script = Bytes(RuleScript.Write(s_rules));
        for (int cut = 0; cut < script.Length - 3; cut++)
            Assert.True(RuleScript.Read(script.AsMemory(0, cut), new SieveOptions()) is null or { Count: < 4 }, $"cut at {cut}");
        var random = new Random(7);
        for (int round = 0; round < 2000; round++)
        {
            byte[] spoilt = [.. script];
            for (int i = random.Next(1, 4); i > 0; i--)
                spoilt[random.Next(spoilt.Length)] = (byte)random.Next(256);
            if (RuleScript.Read(spoilt, new SieveOptions()) is { } rules)
                AssertSame(rules, RuleScript.Read(Bytes(RuleScript.Write(rules)), new SieveOptions()));
        }
    }

    [Fact]
    public void When_a_rule_cannot_be_written_then_it_is_said_which_and_why()
    {
        Rule good = s_rules[2];
        (Rule Rule, RuleFault Fault)[] bad =
        [
            (good with { Name = "" }, RuleFault.Name), (good with { Name = "a\nb" }, RuleFault.Name), (good with { Actions = [] }, RuleFault.NoAction),
            (good with { Conditions = [new(RuleField.Size, "", RuleOperator.Contains, "1")] }, RuleFault.Operator),
            (good with { Conditions = [new(RuleField.Size, "", RuleOperator.Over, "much")] }, RuleFault.Size),
            (good with { Conditions = [new(RuleField.Size, "", RuleOperator.Over, "99999999999G")] }, RuleFault.Size),
            (good with { Conditions = [new(RuleField.Header, "X Y", RuleOperator.Is, "1")] }, RuleFault.Header),
            (good with { Conditions = [new(RuleField.Subject, "", RuleOperator.Is, "")] }, RuleFault.Value),
            (good with { Conditions = [new(RuleField.Subject, "", RuleOperator.Is, "\0")] }, RuleFault.Value),
            (good with { Actions = [new(RuleVerb.FileInto, "a//b")] }, RuleFault.Mailbox), (good with { Actions = [new(RuleVerb.Redirect, "nobody")] }, RuleFault.Address),
            (good with { Actions = [new(RuleVerb.Label, "two words")] }, RuleFault.Keyword), (good with { Actions = [new(RuleVerb.Reject, " ")] }, RuleFault.Words),
            (good with { Actions = [new(RuleVerb.Reject, "no"), new(RuleVerb.Keep, "")] }, RuleFault.RejectAlone),
            (good with { Conditions = [.. Enumerable.Repeat(s_rules[0].Conditions[0], 51)] }, RuleFault.TooMany),
        ];
        foreach ((Rule rule, RuleFault fault) in bad)
        {
            Assert.False(RuleScript.Check([good, rule], out int place, out RuleFault found));
            Assert.Equal((1, fault), (place, found));
        }
    }
}
