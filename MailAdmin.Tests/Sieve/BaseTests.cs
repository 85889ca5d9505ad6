using System.Text;
using MailEngine;
using MailEngine.Io;
using MailEngine.Sieve;

namespace MailAdmin.Tests.Sieve;

/// <summary>RFC 5228: what its commands and tests do.</summary>
public sealed class BaseTests
{
    [Theory]
    [InlineData("Sender: owner-ietf-mta-filters@imc.org", "fileinto filter")]
    [InlineData("From: boss@example.com", "keep")]
    [InlineData("To: x@elsewhere.example", "fileinto spam")]
    [InlineData("To: me@example.com.example\r\nSubject: Make lots of MONEY very fast!", "fileinto spam")]
    [InlineData("To: Me@Example.com.example\r\nSubject: lunch", "fileinto personal")]
    public void When_the_example_of_the_RFC_runs_then_it_does_what_its_comments_say(string header, string does) =>   // RFC 5228 §9
        Assert.Equal(does, SieveStage.Does(ExampleScripts.Base, header + "\r\n\r\nx\r\n"));

    [Theory]
    [InlineData("header :is \"X-Caffeine\" \"\"", false)]   // RFC 5228 §5.7
    [InlineData("header :contains \"X-Caffeine\" \"\"", true)]
    [InlineData("header :contains \"X-Tea\" \"\"", false)]
    [InlineData("not header :matches \"Bcc\" \"?*\"", true)]
    [InlineData("header \"subject\" \"I HAVE a présent FOR you\"", true)]
    [InlineData("header \"subject\" \"i have a prÉsent for you\"", false)]   // RFC 4790 §9.2.1: ASCII letters alone
    [InlineData("header :comparator \"i;octet\" \"subject\" \"i have a présent for you\"", false)]
    [InlineData("header :comparator \"i;octet\" :contains \"subject\" \"présent\"", true)]
    [InlineData("header :contains \"from:\" \"coyote\"", false)]   // RFC 5228 §2.4.2.2
    [InlineData("header :contains \"\" \"\"", false)]
    [InlineData("header :contains [\"from\", \"to\"] [\"nobody\", \"roadrunner\"]", true)]
    [InlineData("header :contains \"subject\" [\"one\", \"two\", \"three\", \"four\", \"PRESENT\"]", false)]
    [InlineData("header :contains \"subject\" [\"one\", \"two\", \"three\", \"four\", \"SENT\"]", true)]
    [InlineData("header :is \"x-caffeine\" [\"one\", \"two\", \"three\", \"four\", \"c8h10n4o2\"]", true)]
    [InlineData("header :contains \"x-caffeine\" [\"one\", \"two\", \"three\", \"four\", \"\"]", true)]
    [InlineData("header :matches \"x-caffeine\" \"c8*\"", true)]
    [InlineData("header :matches \"x-caffeine\" \"*O2\"", true)]
    [InlineData("header :matches \"x-caffeine\" \"*O\"", false)]
    [InlineData("header :matches \"x-caffeine\" \"C?H*N?O?\"", true)]
    [InlineData("header :matches \"x-caffeine\" \"C?H*N?O??\"", false)]
    [InlineData("header :matches \"x-caffeine\" \"\"", false)]
    [InlineData("header :matches \"x-caffeine\" \"*\"", true)]
    [InlineData("header :matches \"x-caffeine\" \"**\"", true)]
    [InlineData("header :matches \"subject\" \"*pr??sent*\"", true)]   // RFC 5228 §2.7.1: an octet, and "é" has two
    [InlineData("header :matches \"subject\" \"*pr?sent*\"", false)]
    [InlineData("address :is :all \"from\" \"coyote@desert.example.org\"", true)]
    [InlineData("address \"from\" \"Coyote@DESERT.example.org\"", true)]
    [InlineData("address :localpart \"from\" \"coyote\"", true)]
    [InlineData("address :domain \"from\" \"desert.example.org\"", true)]
    [InlineData("address :contains \"from\" \"Coyote, W.\"", false)]   // RFC 5228 §5.1: never the phrase
    [InlineData("address \"to\" \"b@y.example\"", true)]                // in a group
    [InlineData("address :contains \"to\" \"birds\"", false)]
    [InlineData("address :contains [\"from:\", \"\", \"a b\"] \"\"", false)]   // RFC 5228 §2.4.2.2: no error
    [InlineData("address :contains [\"from:\", \"from\"] \"coyote\"", true)]
    [InlineData("exists [\"from\", \"date\"]", true)]
    [InlineData("exists [\"from\", \"x-tea\"]", false)]
    [InlineData("size :over 100", true)]
    [InlineData("size :under 100", false)]
    [InlineData("size :over 1M", false)]
    [InlineData("allof (true, false)", false)]
    [InlineData("allof (true, true)", true)]
    [InlineData("anyof (false, true)", true)]
    [InlineData("anyof (false, false)", false)]
    [InlineData("not allof (not anyof (false, not true), true)", false)]
    [InlineData("not anyof (allof (true, false), allof (true, not true))", true)]
    public void When_a_test_is_asked_then_it_answers(string test, bool holds) => Assert.Equal(holds, SieveStage.Holds(test));

    [Fact]
    public void When_the_size_of_a_message_is_the_limit_then_it_is_neither_over_nor_under()   // RFC 5228 §5.9
    {
        int size = SieveStage.Bytes(SieveStage.Hello).Length;
        Assert.False(SieveStage.Holds($"size :over {size}"));
        Assert.False(SieveStage.Holds($"size :under {size}"));
        Assert.True(SieveStage.Holds($"size :under {size + 1}"));
    }

    [Theory]
    [InlineData("envelope \"from\" \"tim@example.com\"", true)]
    [InlineData("envelope :localpart \"FROM\" \"tim\"", true)]
    [InlineData("envelope :all :is \"to\" \"me+lists@example.net\"", true)]
    [InlineData("envelope :domain [\"from\", \"to\"] \"example.net\"", true)]
    [InlineData("envelope \"to\" \"roadrunner@acme.example.com\"", false)]
    public void When_the_envelope_is_asked_then_it_is_that_of_this_copy(string test, bool holds) => Assert.Equal(holds, SieveStage.Holds(test, "require \"envelope\";"));

    [Theory]
    [InlineData("envelope \"from\" \"\"")]
    [InlineData("envelope :domain \"from\" \"\"")]
    [InlineData("envelope :localpart \"from\" \"\"")]
    public void When_the_reverse_path_is_null_then_every_part_of_it_is_the_empty_string(string test) =>   // RFC 5228 §5.4
        Assert.Equal("nothing", SieveStage.Does($"require \"envelope\"; if {test} {{ discard; }}", surroundings: SieveStage.Usual with { EnvelopeFrom = "" }));

    [Theory]
    [InlineData("envelope :localpart \"to\" \"a b\\\"c\\\\+d\"")]
    [InlineData("envelope :user \"to\" \"a b\\\"c\\\\\"")]
    [InlineData("envelope :detail \"to\" \"d\"")]
    [InlineData("envelope :domain \"to\" \"example.net\"")]
    [InlineData("envelope :all \"to\" \"\\\"a b\\\\\\\"c\\\\\\\\+d\\\"@example.net\"")]
    public void When_a_local_part_is_quoted_then_its_quotes_are_no_part_of_it(string test) =>   // RFC 5228 §2.7.4
        Assert.Equal("nothing", SieveStage.Does($"require [\"envelope\", \"subaddress\"]; if {test} {{ discard; }}", surroundings: SieveStage.Usual with { EnvelopeTo = "\"a b\\\"c\\\\+d\"@example.net" }));

    [Theory]
    [InlineData("+lists", "+lists", null)]
    [InlineData("me+lists+new", "me", "lists+new")]
    [InlineData("me+", "me", "")]
    [InlineData("me", "me", null)]
    public void When_mail_is_for_a_subaddress_then_scripts_part_it_as_the_router_does(string local, string user, string? detail)   // RFC 5233 §4
    {
        SieveSurroundings around = SieveStage.Usual with { EnvelopeTo = $"{local}@example.net" };
        string Asked(string test) => SieveStage.Does($"require [\"envelope\", \"subaddress\"]; if {test} {{ discard; }}", surroundings: around);
        Assert.Equal("nothing", Asked($"envelope :user \"to\" \"{user}\""));
        Assert.Equal(detail is null ? "keep" : "nothing", Asked($"envelope :detail :matches \"to\" \"{detail ?? "*"}\""));
    }

    [Theory]
    [InlineData("", "keep")]
    [InlineData("keep;", "keep")]
    [InlineData("keep; keep;", "keep")]
    [InlineData("discard;", "nothing")]
    [InlineData("discard; keep;", "keep")]
    [InlineData("keep; discard;", "keep")]
    [InlineData("stop; discard;", "keep")]
    [InlineData("redirect \"Jo <jo@example.org>\";", "redirect jo@example.org")]
    [InlineData("redirect \"jo@example.org\"; redirect \"JO@example.org\"; keep;", "redirect jo@example.org; keep")]
    [InlineData("redirect \"\\\"Doe, J.\\\" <jo@example.org>\";", "redirect jo@example.org")]   // RFC 5228 §2.4.2.3
    [InlineData("redirect \"J. Doe (there) < jo @ example.org > \";", "redirect jo@example.org")]
    [InlineData("redirect \"jo@example.org (Jo <not@example.org>)\";", "redirect jo@example.org")]
    [InlineData("redirect \"<jo@example.org>\";", "redirect jo@example.org")]
    [InlineData("fileinto \"lists\";", "fileinto lists")]
    [InlineData("fileinto \"a\"; fileinto \"b\"; fileinto \"a\"; keep;", "fileinto a; fileinto b; keep")]
    [InlineData("fileinto \"inbox\"; keep;", "keep")]
    [InlineData("if true { stop; } else { discard; }", "keep")]
    [InlineData("if false { stop; } elsif true { fileinto \"a\"; } else { discard; }", "fileinto a")]
    [InlineData("if false { stop; } elsif false { fileinto \"a\"; } else { discard; }", "nothing")]
    [InlineData("if true { if false { } else { fileinto \"a\"; } } elsif true { fileinto \"b\"; } fileinto \"c\";", "fileinto a; fileinto c")]
    [InlineData("if true { } if true { } else { discard; }", "keep")]
    [InlineData("fileinto :copy \"a\"; redirect :copy \"jo@example.org\";", "fileinto a; redirect jo@example.org; keep")]   // RFC 3894 §3
    public void When_a_script_ends_then_what_it_did_and_the_implicit_keep_are_done(string script, string does) =>   // RFC 5228 §2.10.2
        Assert.Equal(does, SieveStage.Does("require [\"fileinto\", \"copy\"];" + script));

    [Fact]
    public void When_more_is_to_be_done_than_may_be_then_the_mail_is_kept_and_nothing_else_happens()
    {
        string redirects = string.Concat(Enumerable.Range(0, 9).Select(i => $"redirect \"a{i}@example.org\";"));
        Assert.Equal("fault: the script redirects one message to more than 8 addresses", SieveStage.Does(redirects));
        string files = "require \"fileinto\";" + string.Concat(Enumerable.Range(0, 33).Select(i => $"fileinto \"a{i}\";"));
        Assert.Equal("fault: the script does more than 32 things with one message", SieveStage.Does(files));
    }

    [Fact]
    public void When_as_much_is_done_as_may_be_then_the_implicit_keep_is_done_too()   // RFC 5228 §2.10.4
    {
        string files = "require [\"fileinto\", \"copy\"];" + string.Concat(Enumerable.Range(0, 32).Select(i => $"fileinto :copy \"a{i}\";"));
        SieveOutcome outcome = SieveStage.Run(files);
        Assert.Null(outcome.Fault);
        Assert.Equal(33, outcome.Actions.Count);
        Assert.Equal(SieveAction.Store.Inbox, Assert.IsType<SieveAction.Store>(outcome.Actions[^1]).Mailbox);
    }

    /// <summary>What makes much work with few commands.</summary>
    [Theory]
    [InlineData("header of names that are not there")]
    [InlineData("header of one name in many lines")]
    [InlineData("list of keys")]
    [InlineData("pattern that does not match")]
    [InlineData("pattern that is short to write")]
    [InlineData("empty variables")]
    [InlineData("flags")]
    [InlineData("types of parts")]
    public void When_a_test_makes_much_work_of_a_message_then_it_is_counted(string what)
    {
        string message = string.Concat(Enumerable.Repeat("A: b\r\n", 5_000)) + $"Y: {new string('y', 60_000)}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
            + string.Concat(Enumerable.Repeat("--b\r\n\r\nx\r\n", 100)) + "--b--\r\n";
        static string List(int count) => "[" + string.Join(',', Enumerable.Range(0, count).Select(i => $"\"n{i}\"")) + "]";
        static string Times(int count, string test) => string.Concat(Enumerable.Repeat($"if {test} {{ stop; }}", count));
        string script = what switch
        {
            "header of names that are not there" => Times(1, $"header {List(1000)} \"x\""),
            "header of one name in many lines" => Times(100, "exists [\"a\", \"a\", \"a\", \"none\"]"),
            "list of keys" => Times(100, $"header \"y\" {List(4)}"),
            "pattern that does not match" => Times(100, "header :matches \"y\" \"*z\""),
            "pattern that is short to write" => "set \"k\" \"(a{200}){20}\";" + Times(2, "header :regex \"none\" \"${k}\""),
            "empty variables" => Times(100, $"string \"{string.Concat(Enumerable.Repeat("${a}", 2000))}\" \"x\""),
            "flags" => string.Concat(Enumerable.Repeat($"setflag \"{string.Concat(Enumerable.Repeat("( ", 2000))}\";", 100)),
            _ => Times(1, $"body :content {List(1000)} \"x\""),
        };
        SieveOutcome outcome = SieveStage.Run("require [\"variables\", \"imap4flags\", \"body\", \"regex\"];" + script, message, limits: new SieveOptions { Steps = 10_000 });
        Assert.Equal("the script takes too long for this message: more than 10000 steps", outcome.Fault);
    }

    [Fact]
    public void When_a_pattern_would_take_long_then_its_work_is_counted()
    {
        string message = $"X: {new string('a', 60_000)}\r\n\r\n";
        string test = $"if header :matches \"x\" \"*{new string('a', 500)}b\" {{ discard; }}";
        SieveOutcome outcome = SieveStage.Run(string.Concat(Enumerable.Repeat(test, 3)), message, limits: new SieveOptions { Steps = 100_000 });
        Assert.Equal("the script takes too long for this message: more than 100000 steps", outcome.Fault);
        Assert.InRange(outcome.Steps, 100_000, 200_000);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(60_000, false)]
    public void When_steps_cost_more_than_they_should_then_the_time_of_the_processor_ends_the_script(int milliseconds, bool ends)
    {
        string script = "require \"mailbox\";" + string.Concat(Enumerable.Repeat("if mailboxexists \"x\" { discard; }", 700));
        SieveSurroundings slow = SieveStage.Usual with { MailboxExists = _ => IsBusy() };
        var limits = new SieveOptions { Time = TimeSpan.FromMilliseconds(milliseconds) };
        SieveOutcome outcome = SieveStage.Run(script, "Subject: x\r\n\r\n", slow, limits);
        Assert.Equal(ends ? "the script takes too long for this message: more than 0.01 s of processor time" : null, outcome.Fault);

        static bool IsBusy()
        {
            TimeSpan end = ProcessorTime.OfThread() + TimeSpan.FromMilliseconds(0.1);
            while (ProcessorTime.OfThread() < end)
                continue;
            return false;
        }
    }

    [Fact]
    public void When_a_message_is_not_as_it_should_be_then_tests_answer_all_the_same()
    {
        string[] messages = ["", "\r\n", "\r\n\r\n", ":", "x", "From", "From: <", "From: a@b, \"", "To: ((((", "Subject: =?utf-8?B?", "Subject: =?x?Q?=ZZ?=\n folded\n\ttwice", " leading: x\r\nSubject : y\r\n\r\nz"];
        string tests = string.Concat(new[] { "header :contains \"subject\" \"x\"", "address :domain \"from\" \"b\"", "exists \"to\"", "size :over 1", "body :text :contains \"z\"", "body :raw :is \"z\"", "body :content \"text\" :contains \"\"" }
            .Select(test => $"if {test} {{ keep; }}"));
        foreach (string message in messages)
            Assert.Equal("keep", SieveStage.Does("require \"body\";" + tests, message));
        Assert.True(SieveStage.Holds("header \"subject\" \"y\"", message: messages[^1]));
        var random = new Random(822);
        for (int round = 0; round < 2000; round++)
        {
            byte[] octets = Encoding.UTF8.GetBytes(SieveStage.Hello);
            for (int i = random.Next(20); i >= 0; i--)
                octets[random.Next(octets.Length)] = (byte)random.Next(256);
            Assert.Equal("keep", SieveStage.Does("require \"body\";" + tests, Encoding.Latin1.GetString(octets)));
        }
    }
}
