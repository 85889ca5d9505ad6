using MailEngine;
using MailEngine.Sieve;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailAdmin.Tests.Sieve;

/// <summary>Several scripts over one message: one after the other (docs/filters.md), and one inside another (RFC 6609).</summary>
public sealed class OrderTests
{
    /// <summary>Runs the first script with the others at hand for include: personal ones by their names, global ones as "global:name".</summary>
    static string DoesWith(string script, params ReadOnlySpan<(string Name, string Text)> others)
    {
        SieveProgram program = SieveStage.Program(script);
        var library = new SieveLibrary();
        library.Add(new IncludedScript(false, "main"), program);
        foreach ((string name, string text) in others)
            library.Add(name.StartsWith("global:", StringComparison.Ordinal) ? new IncludedScript(true, name[7..]) : new IncludedScript(false, name), SieveStage.Compile(text).Program);
        return SieveStage.Words(Interpreter.Run(program, MessageView.Of(SieveStage.Bytes(SieveStage.Hello)), SieveStage.Usual, SieveStage.Limits, library));
    }

    static string InTurn(params ReadOnlySpan<string> scripts)
    {
        var steps = new List<SieveStep>();
        foreach (string script in scripts)
            steps.Add(new SieveStep(SieveStage.Program("require [\"fileinto\", \"copy\", \"imap4flags\", \"variables\", \"reject\", \"vacation\", \"include\"];" + script), $"script {steps.Count + 1}"));
        SieveOutcome outcome = Interpreter.Run(steps, MessageView.Of(SieveStage.Bytes(SieveStage.Hello)), SieveStage.Usual, SieveStage.Limits, null);
        return (outcome.Fault is { } fault ? $"({fault}) " : "") + SieveStage.Words(outcome with { Fault = null });
    }

    [Theory]
    [InlineData("fileinto \"a\";", "fileinto \"b\";", "fileinto a")]
    [InlineData("fileinto :copy \"a\";", "fileinto \"b\";", "fileinto a; fileinto b")]
    [InlineData("discard;", "keep;", "nothing")]
    [InlineData("stop;", "discard;", "nothing")]
    [InlineData("keep;", "discard;", "nothing")]
    [InlineData("fileinto \"a\"; keep;", "fileinto \"b\";", "fileinto a; fileinto b")]
    [InlineData("fileinto \"INBOX\";", "discard;", "keep")]
    [InlineData("redirect :copy \"x@y.example\";", "", "redirect x@y.example; keep")]
    [InlineData("keep :flags \"$Spam\";", "", "keep $Spam")]
    [InlineData("addflag \"$Spam\";", "addflag \"\\\\Seen\"; fileinto \"b\";", "fileinto b $Spam \\Seen")]
    [InlineData("addflag \"$Spam\";", "keep :flags \"a\";", "keep a")]
    [InlineData("set \"a\" \"x\"; set \"global.a\" \"y\";", "fileinto \"z${a}${global.a}\";", "fileinto z")]
    [InlineData("fileinto :copy \"a\"; redirect \"${a}\";", "fileinto \"b\";", "(script 1: redirect has an address that is none) fileinto b")]
    [InlineData("fileinto :copy \"a\";", "fileinto \"b\"; redirect \"${a}\";", "(script 2: redirect has an address that is none) fileinto a; keep")]
    [InlineData("addflag \"a\";", "addflag \"b\"; redirect \"${a}\";", "(script 2: redirect has an address that is none) keep a")]
    [InlineData("redirect \"${a}\";", "redirect \"${a}\";", "(script 1: redirect has an address that is none; script 2: redirect has an address that is none) keep")]
    [InlineData("reject \"no\";", "keep;", "reject no")]
    [InlineData("fileinto :copy \"a\";", "reject \"no\";", "(script 2: the script refuses a message and does something else with it too) fileinto a; keep")]
    [InlineData("vacation \"a\";", "vacation \"b\";", "vacation 7.00:00:00 : b; keep")]
    public void When_one_script_leaves_the_mail_to_be_kept_then_the_next_one_decides(string first, string second, string does) => Assert.Equal(does, InTurn(first, second));

    [Fact]
    public void When_the_first_script_takes_all_the_time_it_may_then_the_next_one_has_its_own()
    {
        var limits = new SieveOptions { Steps = 1000 };
        SieveStep[] steps = [.. new[] { 1001, 999 }.Select((count, i) => new SieveStep(SieveStage.Program(string.Concat(Enumerable.Repeat("keep;", count))), $"script {i + 1}"))];
        Assert.Equal("script 1: the script takes too long for this message: more than 1000 steps",
            Interpreter.Run(steps, MessageView.Of(SieveStage.Bytes(SieveStage.Hello)), SieveStage.Usual, limits, null).Fault);
    }

    [Theory]
    [InlineData("addheader \"X\" \"%\";")]
    [InlineData("foreverypart { replace \"%\"; }")]
    public void When_a_script_fails_then_what_it_wrote_is_not_counted_for_the_next_one(string writes)
    {
        var limits = new SieveOptions { HeaderBytes = 998, ChangedBytes = 4096 };
        string text = writes.Replace("%", new string('x', writes.StartsWith("add", StringComparison.Ordinal) ? 600 : 1500), StringComparison.Ordinal);
        const string Require = "require [\"editheader\", \"foreverypart\", \"mime\", \"replace\", \"variables\"];";
        SieveStep[] steps = [new SieveStep(SieveStage.Program(Require + text + "redirect \"${a}\";"), "script 1"), new SieveStep(SieveStage.Program(Require + text), "script 2")];
        Assert.Equal("script 1: redirect has an address that is none",
            Interpreter.Run(steps, MessageView.Of(SieveStage.Bytes(SieveStage.Hello)), SieveStage.Usual, limits, null).Fault);
    }

    // RFC 6609 §3.2
    [Theory]
    [InlineData("coyote", "keep; fileinto sieve.ietf")]
    [InlineData("other", "fileinto sieve.ietf")]
    public void When_the_example_of_the_RFC_runs_then_each_script_has_its_part(string boss, string does) => Assert.Equal(does, DoesWith("""
        require ["include"];
        include :personal "always_allow";
        include :global "spam_tests";
        include :personal "spam_tests";
        include :personal "mailing_lists";
        """,
        ("always_allow", $"if address :is :localpart \"from\" \"{boss}\" {{ keep; }}"),
        ("global:spam_tests", "require [\"reject\"]; if anyof (header :contains \"Subject\" \"$$\", header :contains \"Subject\" \"Make money\") { reject \"No thank you.\"; }"),
        ("spam_tests", "require [\"reject\"]; if header :contains \"Subject\" \"XXXX\" { reject \"Subject XXXX is unacceptable.\"; }"),
        ("mailing_lists", "require [\"fileinto\"]; if header :contains \"Subject\" \"for you\" { fileinto \"sieve.ietf\"; }")));

    [Theory]
    [InlineData("require [\"include\", \"variables\", \"fileinto\", \"relational\"]; global \"test\"; global \"box\"; set \"test\" \"$$\"; include \"t\"; set \"test\" \"FOR\"; include \"t\"; if string :count \"eq\" \"${box}\" \"1\" { fileinto \"${box}\"; stop; }",
        "require [\"include\", \"variables\"]; global [\"test\", \"box\"]; if header :contains \"Subject\" \"${test}\" { set \"box\" \"spam-${test}\"; }", "fileinto spam-FOR")]   // RFC 6609 §3.4.1
    [InlineData("require [\"include\", \"variables\", \"fileinto\"]; set \"a\" \"mine\"; include \"t\"; fileinto \"${a}-${global.a}-${1}\";",
        "require [\"include\", \"variables\"]; if header :matches \"subject\" \"*\" {} set \"a\" \"its\"; set \"global.a\" \"all\";", "fileinto mine-all-")]   // RFC 6609 §3.4, RFC 6609 §3.4.2
    [InlineData("require [\"include\"]; include \"t\"; discard;", "return; stop;", "fault: line")]
    [InlineData("require [\"include\"]; include \"t\"; discard;", "require \"include\"; if true { return; } stop;", "nothing")]   // RFC 6609 §3.3
    [InlineData("require [\"include\"]; include \"t\"; discard;", "stop;", "keep")]
    [InlineData("require [\"include\"]; return; discard;", "", "keep")]
    [InlineData("require [\"include\"]; include \"none\"; discard;", "", "fault: there is no personal script \"none\" that could be included")]
    [InlineData("require [\"include\"]; include :optional \"none\"; discard;", "", "nothing")]
    [InlineData("require [\"include\"]; include :global \"t\";", "", "fault: there is no global script \"t\" that could be included")]
    [InlineData("require [\"include\"]; include \"main\";", "", "fault: the script \"main\" includes itself")]   // RFC 6609 §3.1
    [InlineData("require [\"include\"]; include \"t\";", "require \"include\"; include \"main\";", "fault: the script \"main\" includes itself")]
    [InlineData("require [\"include\"]; include \"t\"; discard;", "require \"include\"; include :once \"main\";", "nothing")]
    [InlineData("require [\"include\", \"variables\", \"fileinto\"]; include :once \"t\"; include :once \"t\"; fileinto \"n${global.n}\";", "require [\"include\", \"variables\"]; set \"global.n\" \"${global.n}x\";", "fileinto nx")]
    [InlineData("require [\"include\", \"variables\", \"fileinto\"]; include \"t\"; include \"t\"; fileinto \"n${global.n}\";", "require [\"include\", \"variables\"]; set \"global.n\" \"${global.n}x\";", "fileinto nxx")]
    [InlineData("require [\"include\", \"imap4flags\"]; include \"t\";", "require \"imap4flags\"; addflag \"a\";", "keep a")]
    [InlineData("require \"include\"; include \"${t}\";", "", "fault: there is no personal script \"${t}\" that could be included")]   // never a variable: RFC 6609 §3.2
    public void When_a_script_is_included_then_it_runs_in_its_place(string script, string included, string does) =>
        Assert.Equal(does is "fault: line" ? "fault: the included script \"t\" has errors" : does, DoesWith(script, ("t", included)));

    [Theory]
    [InlineData("global \"a\";", "line 1, column 1: \"global\" needs the extension \"include\": write require \"include\"; at the top of the script.")]
    [InlineData("require \"include\"; global \"a\";", "line 1, column 20: \"global\" needs the extension \"variables\": write require \"variables\"; at the top of the script.")]
    [InlineData("require [\"include\", \"variables\"]; set \"a\" \"\"; global \"A\";", "line 1, column 54: \"a\" was given a value above, so it is a variable of this script alone: \"global\" must stand before that.")]
    [InlineData("require [\"include\", \"variables\"]; global [\"b\", \"1\"];", "line 1, column 48: A name of a variable is made of letters, digits and \"_\", begins with no digit, has at most 128 characters, and no variables in it.")]
    [InlineData("require [\"include\"]; include :personal :global \"x\";", "line 1, column 40: :global and :personal exclude one another.")]
    [InlineData("require [\"include\"]; include \"\";", "line 1, column 30: This cannot be the name of a script: it has 1 to 128 characters and no control characters.")]
    [InlineData("require [\"variables\"]; set \"global.a\" \"\";", "line 1, column 28: A name of a variable is made of letters, digits and \"_\", begins with no digit, has at most 128 characters, and no variables in it.")]
    public void When_include_is_written_wrongly_then_it_is_said_where(string script, string error) => Assert.Equal(error, Assert.Single(SieveStage.Compile(script).Errors).ToString());

    [Fact]
    public void When_scripts_include_one_another_deeply_or_often_then_it_ends_with_a_fault()
    {
        string deep = DoesWith("require \"include\"; include \"0\";",
            [.. Enumerable.Range(0, 50).Select(i => (i.ToString(System.Globalization.CultureInfo.InvariantCulture), $"require \"include\"; include \"{i + 1}\";"))]);
        Assert.Equal("fault: scripts include one another more than 10 deep", deep);
        // Each includes the next one ten times: ten to the ninth in the end.
        string wide = DoesWith("require \"include\"; include \"0\";",
            [.. Enumerable.Range(0, 9).Select(i => (i.ToString(System.Globalization.CultureInfo.InvariantCulture), "require \"include\";" + string.Concat(Enumerable.Repeat($"include :optional \"{i + 1}\";", 10))))]);
        Assert.Equal("fault: more than 255 scripts are included", wide);
    }
}
