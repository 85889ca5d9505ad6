using System.Text;
using MailEngine;
using MailEngine.Sieve;

namespace MailAdmin.Tests.Sieve;

public sealed class LanguageTests
{
    [Theory]   // RFC 5229 §6: known while it is compiled, so it is an error; what turns out while it runs is cut
    [InlineData("set \"a\" \"%\";", 4000, null)]
    [InlineData("set \"a\" \"%\";", 4001, "line 1, column 30: The value is too long: it has 4001 octets, and a variable holds 4000 at the most.")]
    [InlineData("set \"a\" \"${b}%${c}\";", 4001, "line 1, column 30: The value is too long: it has 4001 octets, and a variable holds 4000 at the most.")]
    [InlineData("set \"a\" \"${b}%${c}\";", 4000, null)]
    [InlineData("set :length \"a\" \"%\";", 4001, null)]
    public void When_a_value_cannot_fit_into_a_variable_then_that_is_an_error_of_the_script(string script, int octets, string? error)
    {
        string text = "require \"variables\"; " + script.Replace("%", new string('x', octets), StringComparison.Ordinal);
        var limits = new SieveOptions { VariableBytes = 4000 };
        IReadOnlyList<SieveError> errors = SieveStage.Compile(text, limits).Errors;
        Assert.Equal(error, errors.Count == 0 ? null : Assert.Single(errors).ToString());
        // One that was stored before goes on, with what is cut.
        SieveCompilation stored = SieveCompiler.Compile(Encoding.UTF8.GetBytes(text), limits, isStored: true);
        Assert.NotNull(stored.Program);
        Assert.Empty(stored.Errors);
    }

    [Theory]
    [InlineData("keep", "line 1, column 5: \";\" is missing behind \"keep\" and its arguments, before the end of the script.")]
    [InlineData("\r\n  kepp;", "line 2, column 3: \"kepp\" is no command that is known here.")]
    [InlineData("# é\r\nif true { keep; ", "line 2, column 9: The block that begins here has no end: \"}\" is missing.")]
    [InlineData("if header \"é\" ; ", "line 1, column 1: \"if\" needs a block in braces.|line 1, column 11: The list of keys of \"header\" is missing here: a string or a list of strings.")]
    [InlineData("redirect \"nobody\";", "line 1, column 10: This is no mail address such as jo@example.org.")]
    [InlineData("redirect \"a@example.org, b@example.org\";", "line 1, column 10: This is no mail address*")]
    [InlineData("fileinto \"x\";", "line 1, column 1: \"fileinto\" needs the extension \"fileinto\": write require \"fileinto\"; at the top of the script.")]
    [InlineData("require \"teleport\";", "line 1, column 9: The extension \"teleport\" is not known here.")]
    [InlineData("keep; require \"fileinto\";", "line 1, column 7: \"require\" must stand at the top, before all other commands.")]
    [InlineData("else { keep; }", "line 1, column 1: \"else\" must follow the block of an \"if\" or \"elsif\".")]
    [InlineData("if true { } else { } elsif true { }", "line 1, column 22: \"elsif\" must follow*")]
    [InlineData("if true { } keep; else { }", "line 1, column 19: \"else\" must follow*")]
    [InlineData("if header :is :contains \"a\" \"b\" { }", "line 1, column 15: :contains and :is exclude one another.")]
    [InlineData("if header :is :is \"a\" \"b\" { }", "line 1, column 15: :is is given twice.")]
    [InlineData("if header \"a\" :is \"b\" { }", "line 1, column 15: :is must stand before the other arguments of \"header\".")]
    [InlineData("if header :near \"a\" \"b\" { }", "line 1, column 11: \"header\" has no argument :near, or none in this place.")]
    [InlineData("if header :comparator \"i;klingon\" \"a\" \"b\" { }", "line 1, column 23: No such comparator*")]
    [InlineData("require \"comparator-i;ascii-numeric\"; if header :contains :comparator \"i;ascii-numeric\" \"a\" \"b\" { }", "line 1, column 71: i;ascii-numeric cannot look for parts*")]
    [InlineData("if header :comparator \"i;ascii-numeric\" \"a\" \"b\" { }", "line 1, column 23: The comparator \"i;ascii-numeric\" needs the extension*")]
    [InlineData("if anyof true { }", "line 1, column 4: \"anyof\" takes a list of tests in parentheses and nothing else.")]
    [InlineData("if not (true) { }", "line 1, column 4: \"not\" takes one test and nothing else.")]
    [InlineData("if (true, false) { }", "line 1, column 1: \"if\" takes one test; several are put together by anyof or allof.")]
    [InlineData("if { }", "line 1, column 1: \"if\" takes one test; several*")]
    [InlineData("if keep { }", "line 1, column 4: \"keep\" is a command: it cannot be asked like a test.")]
    [InlineData("header \"a\" \"b\";", "line 1, column 1: \"header\" is a test: it stands behind if, not alone.")]
    [InlineData("keep { }", "line 1, column 1: \"keep\" takes no block; it ends with \";\".")]
    [InlineData("keep true;", "line 1, column 6: \"keep\" takes no test.")]
    [InlineData("stop \"now\";", "line 1, column 6: This is more than \"stop\" takes.")]
    [InlineData("if size 100K { }", "line 1, column 4: \"size\" needs :over or :under, and a number behind it.")]
    [InlineData("if size :over \"x\" { }", "line 1, column 15: The size of \"size\" is missing here: a number.")]
    [InlineData("if size :over 99999999999999999999G { }", "line 1, column 15: The number is too large: 9223372036854775807 is the largest.")]
    [InlineData("if size :over 10T { }", "line 1, column 15: A number ends with a digit, or with K, M or G.")]
    [InlineData("redirect \"abc", "line 1, column 10: The string that begins here has no end: its closing quote is missing.*|*")]
    [InlineData("redirect text:\r\nabc\r\n", "line 1, column 10: The text that begins here has no end: a line with nothing but a dot is missing.|*")]
    [InlineData("/* keep;", "line 1, column 1: The comment that begins here has no end: \"*/\" is missing.")]
    [InlineData("# mine\rdiscard;", "line 1, column 7: Neither the octet zero nor a CR without LF may stand in a comment.")]   // RFC 5228 §2.1
    [InlineData("keep; /* a\0 */", "line 1, column 11: Neither the octet zero nor a CR without LF may stand in a comment.")]
    [InlineData("redirect text: # a\rb\r\na@example.org\r\n.\r\n;", "line 1, column 19: Neither the octet zero*")]
    [InlineData("redirect \"jo doe@example.org\";", "line 1, column 10: This is no mail address*")]   // RFC 5228 §2.4.2.3
    [InlineData("redirect \"jo@example.org and more\";", "line 1, column 10: This is no mail address*")]
    [InlineData("redirect \"jo@example.org,\";", "line 1, column 10: This is no mail address*")]
    [InlineData("redirect \"Jo <jo@example.org> Doe\";", "line 1, column 10: This is no mail address*")]
    [InlineData("redirect \"Jo <jo@example.org\";", "line 1, column 10: This is no mail address*")]
    [InlineData("redirect \"jo@elsewhere.example <jo@example.org>\";", "line 1, column 10: This is no mail address*")]
    [InlineData("require \"vacation\"; vacation :from \"jo@example.org, ann\" \"x\";", "line 1, column 36: After :from mail addresses must stand*")]   // RFC 5230 §4.3
    [InlineData("require \"vacation\"; vacation :from \"jo@example.org,\" \"x\";", "line 1, column 36: After :from mail addresses must stand*")]
    [InlineData("require \"vacation\"; vacation :from \"\" \"x\";", "line 1, column 36: After :from mail addresses must stand*")]
    [InlineData("require \"vacation\"; vacation :mime \"I am away\";", "line 1, column 36: Vacation has a text that is no MIME entity*")]   // RFC 5230 §4.4
    [InlineData("require \"vacation\"; vacation :mime \"Content-Type: text/plain; x=é\r\n\r\nx\";", "line 1, column 36: Vacation has a MIME header with characters outside of ASCII*")]   // RFC 5230 §5
    [InlineData("keep; }", "line 1, column 7: \"}\" closes no block.")]
    [InlineData("keep : copy;", "line 1, column 6: The name of a tag must follow \":\" at once, for example :contains.*|*")]
    [InlineData("keep €;", "line 1, column 6: A character outside of ASCII has no meaning here. Text must stand in \"double quotes\".")]
    [InlineData("redirect [\"a@example.org\"];", "line 1, column 10: The address of \"redirect\" must be one string, not a list.")]
    [InlineData("if exists [] { }", "line 1, column 12: A string must stand in the list, not \"]\".")]
    [InlineData("if exists [\"a\" \"b\"] { }", "line 1, column 16: \",\" or \"]\" must follow in the list of strings, not a string.")]
    [InlineData("if anyof (true false) { }", "line 1, column 11: \"true\" takes no test.")]
    [InlineData("require \"variables\"; set \"1\" \"x\";", "line 1, column 26: A name of a variable is made of letters*")]
    [InlineData("require \"variables\"; set \"a.b\" \"x\";", "line 1, column 26: A name of a variable is made of letters*")]
    [InlineData("require \"variables\"; set \"a\" \"${b.c}\";", "line 1, column 30: \"b\" of \"${b.c}\" is no namespace of variables here*")]
    [InlineData("require \"variables\"; set :upper :lower \"a\" \"b\";", "line 1, column 33: :lower and :upper exclude one another.")]
    [InlineData("require \"encoded-character\"; if header \"a\" \"${unicode:200000}\" { }", "line 1, column 44: \"200000\" is no Unicode character*")]
    [InlineData("require \"encoded-character\"; if header \"a\" \"${Unicode:DF01}\" { }", "line 1, column 44: \"DF01\" is no Unicode character*")]
    [InlineData("require \"relational\"; if header :count \"about\" \"a\" \"b\" { }", "line 1, column 40: After :count one of*")]
    [InlineData("require \"date\"; if date \"date\" \"century\" \"20\" { }", "line 1, column 20: Parts of a date are*")]
    [InlineData("require \"date\"; if date :zone \"CET\" \"date\" \"year\" \"2026\" { }", "line 1, column 31: A time zone is written like*")]
    [InlineData("require \"regex\"; if header :regex \"subject\" \"(a\" { }", "line 1, column 45: A regular expression has a \"(\" without its \")\".")]
    [InlineData("require \"envelope\"; if envelope \"via\" \"x\" { }", "line 1, column 33: Parts of the envelope are \"from\" and \"to\", and with envelope-dsn \"notify\", \"orcpt\", \"ret\" and \"envid\".")]
    [InlineData("if address \"subject\" \"x\" { }", "line 1, column 12: This header field holds no addresses*")]
    [InlineData("require \"fileinto\"; fileinto \"a//b\";", "line 1, column 30: This cannot be the name of a mailbox*")]
    public void When_a_script_has_a_fault_then_its_place_and_what_would_be_right_are_said(string script, string errors)
    {
        SieveCompilation compilation = SieveStage.Compile(script);
        Assert.Null(compilation.Program);
        string[] expected = errors.Split('|');
        Assert.True(expected.Length == compilation.Errors.Count || expected[^1] == "*", string.Join('\n', compilation.Errors));
        foreach ((string wanted, SieveError found) in expected.Zip(compilation.Errors))
        {
            if (wanted.EndsWith('*'))
                Assert.StartsWith(wanted[..^1], found.ToString(), StringComparison.Ordinal);
            else
                Assert.Equal(wanted, found.ToString());
        }
    }

    [Fact]
    public void When_a_script_has_several_faults_then_all_are_told_at_once_from_the_top_down()
    {
        SieveCompilation compilation = SieveStage.Compile("""
            require ["fileinto", "teleport"];
            if header :is "Subject" {
                fileinto;
            } elsif {
                redirect "nobody";
            }
            keep keep;
            vanish "now";
            if true { stop }
            discard;
            """);
        Assert.Equal([(1, 22), (2, 15), (3, 5), (4, 3), (5, 14), (7, 6), (8, 1), (9, 16)], compilation.Errors.Select(e => (e.Line, e.Column)));
    }

    [Theory]
    [InlineData("keep;", "keep")]
    [InlineData("", "keep")]
    [InlineData("\uFEFFdiscard;", "nothing")]
    [InlineData("DISCARD;", "nothing")]
    [InlineData("# comment\r\ndiscard; # another", "nothing")]
    [InlineData("/* a ** comment * / */ discard;", "nothing")]
    [InlineData("if size :over 1 { /* in */ discard /* between */ ; }", "nothing")]
    [InlineData("if size :under 1k { discard; }", "nothing")]
    [InlineData("if header :contains \"x-caffeine\" \"H1\\0\" { discard; }", "nothing")]   // RFC 5228 §2.4.2: "\0" is "0"
    [InlineData("if header :is [\"X-CAFFEINE\"] [\"c8h10n4o2\"] { discard; }", "nothing")]
    [InlineData("redirect text: # where to\r\na@example.org\r\n.\r\n;", "redirect a@example.org")]
    [InlineData("redirect TEXT:\na@example.org\n.\n;", "redirect a@example.org")]
    public void When_a_script_is_written_in_any_of_the_ways_there_are_then_it_is_understood(string script, string does) =>
        Assert.Equal(does, SieveStage.Does(script));

    [Fact]
    public void When_lines_of_a_text_begin_with_dots_then_one_of_two_is_taken_away()   // RFC 5228 §2.4.2
    {
        string script = "require [\"variables\", \"fileinto\"]; set \"a\" text:\r\n..one\r\n.two\r\nthree\r\n.\r\n;"
            + "if string \"${a}\" [\".one\r\n.two\r\nthree\r\n\"] { discard; }";
        Assert.Equal("nothing", SieveStage.Does(script));
    }

    // RFC 5228 §2.4.2.4
    [Theory]
    [InlineData("$${hex:40}", "$@")]
    [InlineData("${hex: 40 }", "@")]
    [InlineData("${HEX: 40}", "@")]
    [InlineData("${hex:40", "${hex:40")]
    [InlineData("${hex:400}", "${hex:400}")]
    [InlineData("${hex:4${hex:30}}", "${hex:40}")]
    [InlineData("${unicode:40}", "@")]
    [InlineData("${ unicode:40}", "${ unicode:40}")]
    [InlineData("${UNICODE:40}", "@")]
    [InlineData("${UnICoDE:0000040}", "@")]
    [InlineData("${Unicode:40}", "@")]
    [InlineData("${Unicode:Cool}", "${Unicode:Cool}")]
    [InlineData("${unicode:20 20AC 1F600}${hex:c3 a9}", " \u20AC\U0001F600é")]
    [InlineData("${hex:}", "${hex:}")]
    [InlineData("$${hex:24 24}", "$$$")]
    public void When_characters_are_encoded_then_they_stand_for_others(string written, string meant) =>
        Assert.True(SieveStage.Holds($"header :is \"X\" \"{written}\"", "require \"encoded-character\";", $"X: {meant.Trim()}\r\n\r\n".Replace("X: ", meant.StartsWith(' ') ? "X: =?utf-8?Q?=20?=" : "X: "))
            || SieveStage.Holds($"string \"{meant}\" \"{written}\"", "require [\"variables\", \"encoded-character\"];"));

    [Fact]
    public void When_blocks_and_tests_are_nested_as_deep_as_may_be_then_it_works_and_one_more_is_refused()
    {
        static string Blocks(int depth) => string.Concat(Enumerable.Repeat("if true {", depth)) + "discard;" + new string('}', depth);
        static string Tests(int depth) => $"if {string.Concat(Enumerable.Repeat("anyof(", depth - 1))}true{new string(')', depth - 1)} {{ discard; }}";
        int most = SieveStage.Limits.Nesting;
        Assert.Equal("nothing", SieveStage.Does(Blocks(most)));
        Assert.Equal("nothing", SieveStage.Does(Tests(most)));
        Assert.Contains($"more than {most} deep", SieveStage.Compile(Blocks(most + 1)).Errors[0].Message, StringComparison.Ordinal);
        Assert.Contains($"more than {most} deep", SieveStage.Compile(Tests(most + 1)).Errors[0].Message, StringComparison.Ordinal);
        foreach (string bomb in new[] { Blocks(10_000), Tests(10_000), "if " + string.Concat(Enumerable.Repeat("not ", 100_000)) + "true {}", new string('{', 100_000), new string('(', 100_000), "keep " + new string('[', 100_000) })
            Assert.Null(SieveStage.Compile(bomb).Program);
    }

    [Fact]
    public void When_a_script_is_larger_than_may_be_then_it_is_refused_with_the_limit()
    {
        static string Error(string script) => SieveStage.Compile(script).Errors[0].Message;
        Assert.Equal($"The script has {(1 << 20) + 1} octets; the most is {1 << 20}.", Error(new string('#', (1 << 20) + 1)));
        Assert.Equal("The script has more than 20000 commands and tests.", Error(string.Concat(Enumerable.Repeat("keep;", 20_001))));
        Assert.Equal("The script has more than 50000 strings.", Error($"if exists [{string.Join(',', Enumerable.Repeat("\"a\"", 50_001))}] {{}}"));
        Assert.Equal("The script has more than 256 variables.", Error("require \"variables\";" + string.Concat(Enumerable.Range(0, 257).Select(i => $"set \"v{i}\" \"\";"))));
        Assert.Equal("The script has more than 500 regular expressions.", Error("require \"regex\";" + string.Concat(Enumerable.Range(0, 700).Select(i => $"if header :regex \"a\" \"x{i}\" {{ keep; }}"))));
        // 100,000 addresses in one test
        Assert.Null(SieveStage.Compile($"if address \"from\" [{string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"a{i}@b\""))}] {{}}").Program);
    }

    [Fact]
    public void When_octets_are_no_script_then_the_compiler_answers_all_the_same()
    {
        byte[][] hostile =
        [
            [0], [0xFF, 0xFE], "keep\0;"u8.ToArray(), "redirect \"\0\";"u8.ToArray(), "text:"u8.ToArray(), "text:\r\n."u8.ToArray(), "\"\\"u8.ToArray(), "\r"u8.ToArray(),
            "/*"u8.ToArray(), "/"u8.ToArray(), ":"u8.ToArray(), "if"u8.ToArray(), "if("u8.ToArray(), "if(true,"u8.ToArray(), "[\"a\","u8.ToArray(), "#"u8.ToArray(), "${"u8.ToArray(),
            Encoding.UTF8.GetBytes("require \"variables\"; set \"a\" \"" + new string('$', 500_000) + "\";"),
            Encoding.UTF8.GetBytes("require [\"variables\", \"encoded-character\"]; set \"a\" \"" + string.Concat(Enumerable.Repeat("${", 250_000)) + "}\";"),
            Encoding.UTF8.GetBytes("require \"encoded-character\"; if header \"a\" \"" + string.Concat(Enumerable.Repeat("${hex:", 100_000)) + "40}\" {}"),
            Encoding.UTF8.GetBytes($"keep {string.Concat(Enumerable.Repeat(":a ", 300_000))};"),   // none of them known, each looked for among all
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("}", 500_000))),
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("\"", 500_001))),
            Encoding.UTF8.GetBytes("\"" + string.Concat(Enumerable.Repeat("\\\"", 400_000))),
        ];
        foreach (byte[] script in hostile)
            _ = SieveCompiler.Compile(script, SieveStage.Limits);
    }

    [Fact]
    public void When_scripts_are_made_of_any_pieces_then_the_compiler_and_what_it_makes_end()
    {
        string[] pieces =
        [
            "keep;", "if true { discard; }", "if header :contains \"subject\" \"a\" { stop; }", "elsif not exists \"x\" { keep; }", "else { stop; }",
            "if ", "elsif ", "else ", "{", "}", "(", ")", ",", ";", "[", "]", "not ", "anyof", "allof", "true", "false", "header ", "address ", "exists ", "size ", ":over ", "10K ",
            ":is ", ":contains ", ":matches ", ":regex ", ":count \"ge\" ", ":comparator \"i;octet\" ", "\"subject\" ", "\"*a*${1}*\" ", "\"${v}${v}\" ", "\"\\", "\"", "keep", "discard;", "stop;",
            "fileinto \"x\";", "redirect \"a@example.org\";", "set \"v\" \"${v}${v}x\";", "addflag \"\\\\Seen\";", "hasflag \"a\"", "text:\r\nx\r\n.\r\n", "# c\r\n", "/* c */", "é", "\0", "\r",
            "addheader \"X\" \"${v}\";", "deleteheader :index 1 \"x\" [\"*\"];", "include :once \"x\";", "return;", "foreverypart {", "break;", "extracttext :first 3 \"v\";", ":mime :anychild ", "global \"v\";", "notify \"mailto:a@b.example?body=${v}\";", "metadataexists \"\" \"a\" ", "spamtest \"1\" ", "valid_ext_list \":x${v}\" ", "redirect :list \":addrbook:default\";", ":list ", "replace :mime \"Content-Type: text/html\r\n\r\n${v}\";", "enclose :subject \"${v}\" \"x\";", "report :headers_only \"abuse\" \"${v}\" \"a@b.example\";", "debug_log \"${env.x_y}${v}\";",
            "require [\"fileinto\", \"variables\", \"regex\", \"relational\", \"imap4flags\", \"body\", \"ihave\", \"editheader\", \"include\", \"enotify\", \"mboxmetadata\", \"spamtest\", \"foreverypart\", \"mime\", \"extracttext\", \"extlists\", \"replace\", \"enclose\", \"vnd.dovecot.environment\", \"vnd.dovecot.debug\", \"vnd.dovecot.report\"];\r\n", "ihave \"x\" ", "body :raw ", "string ",
        ];
        var random = new Random(20260714);
        int good = 0;
        for (int round = 0; round < 20_000; round++)
        {
            var script = new StringBuilder(random.Next(2) == 0 ? pieces[^4] : "");
            for (int i = random.Next(8); i >= 0; i--)
                script.Append(pieces[random.Next(pieces.Length)]);
            SieveCompilation compilation = SieveStage.Compile(script.ToString());
            Assert.True(compilation.Program is not null || compilation.Errors.Count > 0, script.ToString());
            Assert.All(compilation.Errors, error => Assert.True(error.Line >= 1 && error.Column >= 1, script.ToString()));
            if (compilation.Program is null)
                continue;
            good++;
            _ = SieveStage.Does(script.ToString());
        }
        Assert.InRange(good, 200, 20_000);
    }

    [Fact]
    public void When_a_good_script_is_cut_or_changed_anywhere_then_the_compiler_answers()
    {
        byte[] script = Encoding.UTF8.GetBytes(ExampleScripts.Base);
        for (int cut = 0; cut <= script.Length; cut++)
            _ = SieveCompiler.Compile(script.AsMemory(0, cut), SieveStage.Limits);
        var random = new Random(5228);
        for (int round = 0; round < 2000; round++)
        {
            byte[] changed = [.. script];
            for (int i = random.Next(4); i >= 0; i--)
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            _ = SieveCompiler.Compile(changed, SieveStage.Limits);
        }
    }
}
