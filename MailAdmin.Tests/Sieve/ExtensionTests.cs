using MailEngine;
using MailEngine.Sieve;

namespace MailAdmin.Tests.Sieve;

/// <summary>Tests and commands of the extensions, with the RFCs' own examples where they print any.</summary>
public sealed class ExtensionTests
{
    // RFC 5229 §3
    [Theory]
    [InlineData("&%${}!", "&%${}!")]
    [InlineData("${doh!}", "${doh!}")]
    [InlineData("${full}", "")]
    [InlineData("${company}", "ACME")]
    [InlineData("${COMPANY}", "ACME")]
    [InlineData("${BAD${Company}", "${BADACME")]
    [InlineData("${President, ${Company} Inc.}", "${President, ACME Inc.}")]
    [InlineData("${comp\\any}", "ACME")]
    [InlineData("\\\\${company}", "\\\\ACME")]
    [InlineData("a${company}b${company}", "aACMEbACME")]
    public void When_a_string_has_variables_in_it_then_they_are_replaced(string written, string meant) =>
        Assert.True(SieveStage.Holds($"string :comparator \"i;octet\" \"{written}\" \"{meant.Replace("$", "${dollar}")}\"", "require \"variables\"; set \"company\" \"ACME\"; set \"dollar\" \"$\";"));

    // RFC 5229 §4.1
    [Theory]
    [InlineData("", "juMBlEd lETteRS", "juMBlEd lETteRS")]
    [InlineData(":length", "juMBlEd lETteRS", "15")]
    [InlineData(":length", "Grüße", "5")]
    [InlineData(":lower", "juMBlEd lETteRS", "jumbled letters")]
    [InlineData(":upperfirst", "juMBlEd lETteRS", "JuMBlEd lETteRS")]
    [InlineData(":upperfirst :lower", "juMBlEd lETteRS", "Jumbled letters")]
    [InlineData(":lowerfirst :upper", "juMBlEd", "jUMBLED")]
    [InlineData(":quotewildcard", "Rock*", "Rock\\\\*")]
    [InlineData(":quotewildcard :length", "a*?", "5")]
    public void When_a_variable_is_set_with_modifiers_then_they_are_applied_in_their_order(string modifiers, string value, string result) =>
        Assert.True(SieveStage.Holds($"string :comparator \"i;octet\" \"${{b}}\" \"{result}\"", $"require \"variables\"; set {modifiers} \"b\" \"{value}\";"));

    [Theory]
    [InlineData("if header :matches \"List-ID\" \"*<*@*\" { fileinto \"lists/${2}\"; }", "List-ID: Sieve <sieve@ietf.example>", "fileinto lists/sieve")]
    [InlineData("if header :matches \"Subject\" \"[*] *\" { fileinto \"${1}\"; redirect \"${2}\"; }", "Subject: [acme-users] [fwd]", "fault: redirect has an address that is none")]
    [InlineData("if header :matches \"Subject\" \"[*] *\" { fileinto \"${1}\"; }", "Subject: [acme-users] [fwd] version 1.0 is out", "fileinto acme-users")]
    [InlineData("if header :matches \"Subject\" \"[*] *\" { fileinto \"${02}\"; }", "Subject: [acme-users] [fwd] version 1.0 is out", "fileinto [fwd] version 1.0 is out")]
    [InlineData("if address :matches [\"To\", \"Cc\"] [\"coyote@**.com\", \"wile@**.com\"] { fileinto \"a/${0}/${1}.${2}\"; }", "To: coyote@ACME.Example.COM", "fileinto a/coyote@ACME.Example.COM/.ACME.Example")]
    [InlineData("if anyof (true, address :domain :matches \"To\" \"*.com\") { fileinto \"x${1}\"; }", "To: a@b.com", "fileinto x")]
    [InlineData("if header :matches \"subject\" \"*\" { } if header :matches \"subject\" \"b*\" { } fileinto \"${1}\";", "Subject: abc", "fileinto abc")]
    [InlineData("if header :matches \"subject\" \"?*c?*\" { fileinto \"${1}-${2}-${3}-${4}-${5}\"; }", "Subject: abcXc", "fileinto a-b-X-c-")]
    [InlineData("if header :matches :comparator \"i;unicode-casemap\" \"subject\" \"é?*\" { fileinto \"${1}-${2}\"; }", "Subject: Éüber", "fileinto ü-ber")]
    [InlineData("if body :matches \"*b*\" { fileinto \"x${1}\"; }", "Subject: a\r\n\r\nabc", "fileinto x")]   // RFC 5173 §6
    [InlineData("if header :regex \"subject\" \"(a|b)+(c)?([[:digit:]]{2,3})$\" { fileinto \"${0}-${1}-${2}-${3}\"; }", "Subject: xxab123", "fileinto ab123-b--123")]
    public void When_a_match_succeeds_then_what_its_wildcards_stand_for_is_known(string script, string header, string does) =>   // RFC 5229 §3.2
        Assert.Equal(does, SieveStage.Does("require [\"variables\", \"fileinto\", \"body\", \"regex\", \"comparator-i;unicode-casemap\"];" + script, header.Contains("\r\n\r\n") ? header : header + "\r\n\r\n"));

    [Fact]
    public void When_a_variable_is_doubled_again_and_again_then_it_stays_as_large_as_may_be()
    {
        string script = "require [\"variables\"]; set \"a\" \"0123456789\";" + string.Concat(Enumerable.Repeat("set \"a\" \"${a}${a}\";", 100))
            + "set :length \"n\" \"${a}\"; if string \"${n}\" \"16384\" { discard; }";
        Assert.Equal("nothing", SieveStage.Does(script));
        string bomb = "require [\"variables\", \"fileinto\"]; set \"a\" \"0123456789\";" + string.Concat(Enumerable.Repeat("set \"a\" \"${a}${a}\";", 12))
            + "if string \"" + string.Concat(Enumerable.Repeat("${a}", 200_000)) + "\" \"\" {}";
        Assert.Equal("fault: a string with its variables is longer than 1048576 octets", SieveStage.Does(bomb));
    }

    // RFC 5231 §6
    [Theory]
    [InlineData("address :count \"ge\" :comparator \"i;ascii-numeric\" [\"to\", \"cc\"] [\"3\"]", true)]
    [InlineData("anyof ( address :count \"ge\" :comparator \"i;ascii-numeric\" [\"to\"] [\"3\"], address :count \"ge\" :comparator \"i;ascii-numeric\" [\"cc\"] [\"3\"] )", false)]
    [InlineData("header :count \"ge\" :comparator \"i;ascii-numeric\" [\"received\"] [\"3\"]", false)]
    [InlineData("header :count \"ge\" :comparator \"i;ascii-numeric\" [\"received\", \"subject\"] [\"3\"]", true)]
    [InlineData("header :count \"ge\" :comparator \"i;ascii-numeric\" [\"to\", \"cc\"] [\"3\"]", false)]
    [InlineData("header :count \"eq\" \"x-none\" \"0\"", true)]
    [InlineData("header :value \"lt\" :comparator \"i;ascii-numeric\" [\"x-priority\"] [\"3\"]", false)]
    [InlineData("header :value \"gt\" :comparator \"i;ascii-numeric\" [\"x-priority\"] [\"9\"]", true)]
    [InlineData("header :value \"eq\" :comparator \"i;ascii-numeric\" [\"x-priority\"] [\"0010\"]", true)]
    [InlineData("header :is :comparator \"i;ascii-numeric\" [\"x-priority\"] [\"10 and more\"]", true)]
    [InlineData("header :value \"gt\" :comparator \"i;ascii-numeric\" [\"subject\"] [\"99999999999999999999999999\"]", true)]   // no number is larger than all
    [InlineData("header :value \"lt\" [\"x-priority\"] [\"3\"]", true)]
    [InlineData("header :value \"ne\" [\"subject\"] [\"example\"]", false)]
    [InlineData("header :value \"ge\" [\"subject\"] [\"EXAMPLE\"]", true)]
    [InlineData("header :value \"gt\" :comparator \"i;octet\" [\"subject\"] [\"EXAMPLE\"]", true)]
    public void When_a_test_asks_for_an_order_or_a_number_then_it_answers(string test, bool holds) => Assert.Equal(holds, SieveStage.Holds(test, "require [\"relational\", \"comparator-i;ascii-numeric\"];",
        "Received: x\r\nReceived: y\r\nSubject: example\r\nTo: foo@example.com, baz@example.com\r\nCc: qux@example.com\r\nX-Priority: 10\r\n\r\n"));

    // RFC 5232 §3, RFC 5232 §4
    [Theory]
    [InlineData("keep;", "keep")]
    [InlineData("setflag \"\\\\Deleted\"; keep;", "keep \\Deleted")]
    [InlineData("setflag \"\\\\deleted\";", "keep \\Deleted")]
    [InlineData("addflag \"\\\\Deleted\"; addflag \"\\\\Answered $Work \\\\DELETED\"; fileinto \"x\";", "fileinto x \\Deleted \\Answered $Work")]
    [InlineData("setflag [\"a b\", \"\", \"c\"]; removeflag \"B\"; keep;", "keep a c")]
    [InlineData("setflag \"flagvar\" \"\\\\Flagged\"; fileinto :flags \"${flagvar}\" \"From Boss\";", "fileinto From Boss \\Flagged")]
    [InlineData("addflag \"flagvar\" [\"\\\\Deleted\", \"\\\\Answered\"]; removeflag \"flagvar\" \"\\\\answered\"; keep :flags \"${flagvar}\";", "keep \\Deleted")]
    [InlineData("setflag \"\\\\Recent \\\\Weird é ok\";", "keep ok")]
    [InlineData("setflag \"a\"; keep :flags \"\";", "keep")]
    [InlineData("keep :flags \"a\"; keep :flags \"b\";", "keep b")]
    [InlineData("setflag \"A B\"; if hasflag :is \"b A\" { discard; }", "nothing")]
    [InlineData("setflag \"A B\"; if hasflag [\"b\",\"A\"] { discard; }", "nothing")]
    [InlineData("set \"MyVar\" \"NonJunk Junk gnus-forward $Forwarded NotJunk JunkRecorded $Junk $NotJunk\"; if allof (hasflag :contains \"MyVar\" \"Junk\", hasflag :contains \"MyVar\" \"forward\", hasflag :contains \"MyVar\" [\"label\", \"forward\"], hasflag :contains \"MyVar\" [\"junk\", \"forward\"]) { discard; }", "nothing")]
    [InlineData("set \"MyVar\" \"NonJunk Junk gnus-forward\"; if anyof (hasflag :contains \"MyVar\" \"label\", hasflag :contains \"MyVar\" [\"label1\", \"label2\"]) { discard; }", "keep")]
    [InlineData("set \"MyFlags\" \"A B\"; if hasflag :count \"ge\" :comparator \"i;ascii-numeric\" \"MyFlags\" \"2\" { discard; }", "nothing")]
    [InlineData("set \"MyFlags\" \"A a B\"; if hasflag :count \"ge\" :comparator \"i;ascii-numeric\" \"MyFlags\" \"3\" { discard; }", "keep")]
    public void When_a_script_sets_flags_then_the_copy_has_them(string script, string does) =>
        Assert.Equal(does, SieveStage.Does("require [\"imap4flags\", \"variables\", \"fileinto\", \"relational\", \"comparator-i;ascii-numeric\"];" + script));

    // RFC 5233 §4
    [Theory]
    [InlineData("envelope :user \"to\" \"me\"", true)]
    [InlineData("envelope :detail \"to\" \"lists\"", true)]
    [InlineData("envelope :detail \"from\" \"\"", false)]
    [InlineData("address :detail \"cc\" \"lists\"", true)]
    [InlineData("address :user \"from\" \"coyote\"", true)]
    [InlineData("address :detail \"from\" [\"\", \"coyote\"]", false)]
    public void When_an_address_has_a_detail_then_it_can_be_asked_for(string test, bool holds) => Assert.Equal(holds, SieveStage.Holds(test, "require [\"envelope\", \"subaddress\"];"));

    // RFC 5260 §4, RFC 5260 §5, RFC 5260 §6
    [Theory]
    [InlineData("date \"date\" \"hour\" \"14\"", true)]
    [InlineData("date :originalzone \"date\" \"hour\" \"16\"", true)]
    [InlineData("date :zone \"-0530\" \"date\" \"time\" \"08:30:00\"", true)]
    [InlineData("date :value \"ge\" :originalzone \"date\" \"hour\" \"09\"", true)]
    [InlineData("date :is \"received\" \"weekday\" \"1\"", true)]
    [InlineData("date :index 2 :originalzone \"received\" \"iso8601\" \"2026-07-12T23:59:59-05:00\"", true)]
    [InlineData("date :index 1 :last :originalzone \"received\" \"zone\" \"-0500\"", true)]
    [InlineData("date :index 3 \"received\" \"year\" \"2026\"", false)]
    [InlineData("date \"date\" \"iso8601\" \"2026-07-14T14:00:00Z\"", true)]
    [InlineData("date \"date\" \"julian\" \"61235\"", true)]
    [InlineData("date \"date\" \"std11\" \"Tue, 14 Jul 2026 14:00:00 +0000\"", true)]
    [InlineData("date \"date\" \"zone\" \"+0000\"", true)]
    [InlineData("date :count \"eq\" \"date\" \"year\" \"1\"", true)]
    [InlineData("date :count \"eq\" \"subject\" \"year\" \"0\"", true)]
    [InlineData("date \"subject\" \"year\" \"2026\"", false)]
    [InlineData("currentdate \"date\" \"2026-07-14\"", true)]
    [InlineData("currentdate :zone \"+1000\" \"date\" \"2026-07-15\"", true)]
    [InlineData("currentdate \"weekday\" \"2\"", true)]
    [InlineData("currentdate :value \"ge\" \"date\" \"2026-06-30\"", true)]
    [InlineData("currentdate :matches \"month\" \"0?\"", true)]
    [InlineData("header :index 2 :contains \"received\" \"c.example\"", true)]
    [InlineData("header :index 1 :contains \"received\" \"from c.example\"", false)]
    [InlineData("header :index 1 :last :contains \"received\" \"c.example\"", true)]
    [InlineData("address :index 2 [\"from\", \"cc\"] \"me+lists@example.net\"", true)]
    [InlineData("address :index 3 :contains [\"from\", \"cc\"] \"\"", false)]
    public void When_dates_and_places_are_asked_for_then_they_are_found(string test, bool holds) => Assert.Equal(holds, SieveStage.Holds(test, "require [\"date\", \"index\", \"relational\"];"));

    [Theory]
    [InlineData("Date: Tue, 14 Jul 2026 16:00:00 +0200 (CEST; summer)")]
    [InlineData("Date: from a (b; c) by d (e\\); f); Tue, 14 Jul 2026 16:00:00 +0200 (x; (y; z))")]
    [InlineData("Date: from a ((b by d; Tue, 14 Jul 2026 16:00:00 +0200")]   // a comment without an end
    public void When_semicolons_stand_in_comments_around_a_date_then_it_is_found(string field) =>   // RFC 5260 §4
        Assert.True(SieveStage.Holds("date \"date\" \"time\" \"14:00:00\"", "require \"date\";", field + "\r\n\r\n"));

    [Fact]
    public void When_a_date_names_a_folder_then_it_is_that_of_the_month() =>   // RFC 5260 §5.1
        Assert.Equal("fileinto 07-2026", SieveStage.Does("""
            require ["date", "variables", "fileinto"];
            if currentdate :matches "month" "*" { set "month" "${1}"; }
            if currentdate :matches "year"  "*" { set "year"  "${1}"; }
            fileinto "${month}-${year}";
            """));

    const string Nested = """
        From: Whomever
        To: Someone
        Subject: whatever
        Content-Type: multipart/mixed; boundary=outer

        &  This is a multi-part message in MIME format.

        --outer
        Content-Type: multipart/alternative; boundary=inner

        &  This is a nested multi-part message in MIME format.

        --inner
        Content-Type: text/plain; charset="us-ascii"

        $  Hello

        --inner
        Content-Type: text/html; charset="us-ascii"

        %  <html><body>Hel<b>lo</b> there</body></html>

        --inner--

        &  This is the end of the inner MIME multipart.

        --outer
        Content-Type: message/rfc822

        From: Someone Else
        Subject: !  hello request

        $  Please say Hello

        --outer
        Content-Type: text/plain; charset=iso-8859-1
        Content-Transfer-Encoding: base64

        R3L832UsIE1haWwh

        --outer--

        &  This is the end of the outer MIME multipart.
        """;

    // RFC 5173 §5
    [Theory]
    [InlineData("body :content \"multipart\" :contains \"MIME\"", true)]
    [InlineData("body :content \"multipart\" :contains \"end of the outer\"", true)]
    [InlineData("body :content \"multipart\" :contains \"end of the inner\"", true)]
    [InlineData("body :content \"multipart\" :contains \"Hello\"", false)]
    [InlineData("body :content \"multipart\" :contains \"--outer\"", false)]
    [InlineData("body :content \"text/plain\" :contains \"$  Hello\"", true)]
    [InlineData("body :content \"text/plain\" :contains \"Please say\"", true)]
    [InlineData("body :content \"text/plain\" :contains \"<html>\"", false)]
    [InlineData("body :content \"text/html\" :contains \"<b>\"", true)]
    [InlineData("body :content \"text\" :contains \"<b>\"", true)]
    [InlineData("body :content \"message/rfc822\" :contains \"Hello\"", true)]
    [InlineData("body :content \"message/rfc822\" :contains \"Please\"", false)]
    [InlineData("body :content [\"audio/mp3\", \"/text\", \"text/\", \"a/b/c\"] :contains \"\"", false)]
    [InlineData("body :content \"\" :contains \"Grüße, Mail!\"", true)]
    [InlineData("body :text :contains \"Hello there\"", true)]
    [InlineData("body :text :contains \"Grüße\"", true)]
    [InlineData("body :contains \"<b>\"", false)]
    [InlineData("body :raw :contains \"<b>\"", true)]
    [InlineData("body :raw :contains \"R3L832UsIE1haWwh\"", true)]
    [InlineData("body :raw :contains \"Whomever\"", false)]
    [InlineData("body :raw :matches \"&*outer MIME multipart.*\"", true)]
    public void When_the_body_is_asked_then_the_parts_meant_are_looked_at(string test, bool holds) => Assert.Equal(holds, SieveStage.Holds(test, "require \"body\";", Nested));

    [Theory]
    [InlineData("body :text :contains \"aab\"", false)]   // parts are looked at each by itself
    [InlineData("body :text :contains \"bbb\"", true)]
    [InlineData("body :text :contains \"end\"", false)]
    [InlineData("body :content \"text/plain\" :contains \"end\"", true)]
    [InlineData("body :content [\"text/html\", \"text/plain\"] :contains \"end\"", false)]
    public void When_a_body_is_longer_than_what_is_looked_at_then_the_rest_does_not_match(string test, bool holds)
    {
        string message = $"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n{new string('a', 700)}\r\n"
            + $"--x\r\nContent-Type: text/plain\r\n\r\n{new string('b', 700)}end\r\n--x--\r\n";
        Assert.Equal(holds ? "nothing" : "keep", SieveStage.Does($"require \"body\"; if {test} {{ discard; }}", message, limits: new SieveOptions { BodyBytes = 1000 }));
    }

    [Fact]
    public void When_there_is_no_empty_line_behind_the_header_then_no_test_of_the_body_holds()   // RFC 5173 §4
    {
        Assert.False(SieveStage.Holds("body :raw :contains \"\"", "require \"body\";", "Subject: x\r\n"));
        Assert.True(SieveStage.Holds("body :raw :is \"\"", "require \"body\";", "Subject: x\r\n\r\n"));
    }

    [Theory]
    [InlineData("environment \"name\" \"mailadmin\"", true)]
    [InlineData("environment :contains \"host\" \"example\"", true)]
    [InlineData("environment :contains \"item\" \"\"", false)]
    [InlineData("environment :contains \"remote-host\" \"\"", true)]
    [InlineData("environment :count \"eq\" \"remote-host\" \"0\"", true)]
    public void When_the_surroundings_are_asked_then_what_is_known_is_told(string test, bool holds) => Assert.Equal(holds, SieveStage.Holds(test, "require [\"environment\", \"relational\"];"));   // RFC 5183 §4

    [Theory]
    [InlineData("if ihave \"fileinto\" { fileinto \"x\"; }", "fileinto x")]
    [InlineData("if ihave \"fileinto\" { } fileinto \"x\";", "fileinto x")]
    [InlineData("if ihave \"teleport\" { teleport :far \"x\"; } else { discard; }", "nothing")]
    [InlineData("if ihave [\"fileinto\", \"teleport\"] { teleport; } fileinto \"x\";", "fault: \"fileinto\" needs the extension \"fileinto\": write require \"fileinto\"; at the top of the script.")]
    [InlineData("if not ihave \"teleport\" { error \"no teleport here\"; }", "fault: no teleport here")]
    [InlineData("if allof (ihave \"teleport\", teleport :is \"x\") { discard; }", "keep")]
    [InlineData("if ihave \"copy\" { } if not string \"a\" \"b\" { discard; }", "fault: \"string\" needs the extension \"variables\": write require \"variables\"; at the top of the script.")]
    [InlineData("if ihave \"copy\" { } if anyof (true, string \"a\" \"b\") { discard; }", "nothing")]   // it is not reached
    [InlineData("if ihave \"copy\" { } discard; stop \"x\";", "fault: This is more than \"stop\" takes.")]
    [InlineData("if ihave \"variables\" { discard; }", "keep")]   // RFC 5463 §4: it changes how scripts are read
    public void When_a_script_asks_for_what_is_there_then_it_goes_on_with_what_is(string script, string does) => Assert.Equal(does, SieveStage.Does("require \"ihave\";" + script));

    [Theory]
    [InlineData("\"^I HAVE\"", true)]
    [InlineData("\"you$\"", true)]
    [InlineData("\"^have\"", false)]
    [InlineData("\"pr.sent\"", true)]
    [InlineData("\"[[:space:]]for[^a-z]you\"", true)]
    [InlineData("\"a{1}\"", true)]
    [InlineData("\"(x|pr[eé]){1,2}s\"", true)]
    [InlineData("\"[]x]\"", false)]
    [InlineData("\"\\\\.\"", false)]
    [InlineData("\"\\\\bfor\"", false)]   // no \b in POSIX: it is a "b"
    public void When_a_regular_expression_is_looked_for_then_it_is_found_as_POSIX_says(string key, bool holds) => Assert.Equal(holds, SieveStage.Holds($"header :regex \"subject\" {key}", "require \"regex\";"));

    [Theory]
    [InlineData("(a", "A regular expression has a \"(\" without its \")\".")]
    [InlineData("a)", "A regular expression has a \")\" without its \"(\".")]
    [InlineData("[a", "A regular expression has a \"[\" without its \"]\".")]
    [InlineData("*a", "A regular expression has a \"*\" with nothing before it.")]
    [InlineData("a**", "A regular expression has a \"*\" with nothing before it.")]
    [InlineData("a{2,1}", "A regular expression has a repetition that is not from 0 to 255, the smaller number first.")]
    [InlineData("a{999}", "A regular expression has a repetition that is not from 0 to 255, the smaller number first.")]
    [InlineData("(a{200}){200}", "A regular expression becomes too large by its repetitions.")]
    [InlineData("((((a{99}){99}){99}){99}){99}", "A regular expression becomes too large by its repetitions.")]
    [InlineData("[[:klingon:]]", "A regular expression has a class in brackets*")]
    [InlineData("[z-a]", "A regular expression has the range z-a, which goes backwards.")]
    [InlineData("a\\\\", "A regular expression ends with a backslash.")]
    public void When_a_regular_expression_cannot_be_used_then_the_script_is_refused(string key, string message)
    {
        SieveCompilation compilation = SieveStage.Compile($"require \"regex\"; if header :regex \"subject\" \"{key}\" {{}}");
        string found = Assert.Single(compilation.Errors).Message;
        Assert.True(message.EndsWith('*') ? found.StartsWith(message[..^1], StringComparison.Ordinal) : found == message, found);
    }

    [Theory]
    [InlineData("duplicate", false)]
    [InlineData("duplicate :uniqueid \"seen\"", true)]
    [InlineData("duplicate :uniqueid \"Seen\"", false)]
    [InlineData("duplicate :uniqueid \"seen\" :handle \"other\"", false)]
    [InlineData("duplicate :uniqueid \"seen\" :seconds 0", false)]
    [InlineData("duplicate :header \"X-None\"", false)]
    public void When_a_duplicate_is_asked_for_then_only_what_an_earlier_run_saw_is_one(string test, bool holds)   // RFC 7352 §3
    {
        Assert.Equal(holds, SieveStage.Holds(test, "require \"duplicate\";"));
        Assert.Equal(holds, SieveStage.Holds($"allof ({test}, {test})", "require \"duplicate\";"));
    }

    [Fact]
    public void When_a_duplicate_was_asked_for_then_it_is_to_be_remembered_unless_the_script_fails()
    {
        Assert.Equal(TimeSpan.FromDays(7), Assert.Single(SieveStage.Run("require \"duplicate\"; if duplicate { }").Seen).Interval);
        Assert.Equal(TimeSpan.FromDays(90), Assert.Single(SieveStage.Run("require \"duplicate\"; if duplicate :seconds 99999999999 { }").Seen).Interval);
        Assert.Empty(SieveStage.Run("require \"duplicate\"; if duplicate :uniqueid \"seen\" { }").Seen);
        Assert.Single(SieveStage.Run("require \"duplicate\"; if duplicate :last :uniqueid \"seen\" { }").Seen);
        Assert.Empty(SieveStage.Run("require [\"duplicate\", \"ihave\"]; if duplicate { } error \"x\";").Seen);
    }

    [Theory]
    [InlineData("vacation \"away\";", "vacation 7.00:00:00 : away; keep")]
    [InlineData("vacation :days 23 :addresses [\"tjs@example.edu\", \"ts4z@landru.example.edu\"] \"away\"; discard;", "vacation 23.00:00:00 : away")]
    [InlineData("vacation :days 0 :subject \"S\" \"away\"; discard;", "vacation 1.00:00:00 S: away")]
    [InlineData("vacation :days 1000 \"away\"; discard;", "vacation 90.00:00:00 : away")]
    [InlineData("vacation :seconds 1800 \"away\"; discard;", "vacation 00:30:00 : away")]
    [InlineData("vacation :mime \"From: boss@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\nx\"; discard;", "vacation 7.00:00:00 : Content-Type: text/html\r\n\r\nx")]   // RFC 5230 §4.4
    [InlineData("vacation \"a\"; vacation \"b\";", "fault: the script answers one message twice by \"vacation\"")]
    [InlineData("vacation \"a\"; ereject \"b\";", "fault: the script refuses a message and does something else with it too")]
    [InlineData("ereject \"a\"; keep;", "fault: the script refuses a message and does something else with it too")]
    [InlineData("ereject \"a\"; ereject \"b\";", "fault: the script refuses one message twice")]
    [InlineData("if header :contains \"from\" \"coyote\" { ereject \"no\"; }", "ereject no")]
    [InlineData("reject \"I am not taking mail from you\";", "reject I am not taking mail from you")]
    [InlineData("if mailboxexists \"Partners\" { fileinto \"Partners\"; } else { ereject \"no\"; }", "fileinto Partners")]
    [InlineData("if mailboxexists [\"Partners\", \"Others\"] { fileinto \"Partners\"; } else { ereject \"no\"; }", "ereject no")]
    [InlineData("fileinto :create \"Others\";", "fileinto Others")]
    public void When_a_script_answers_or_refuses_then_that_is_what_is_done(string script, string does) =>   // RFC 5230 §4.7, RFC 5429 §2.4, RFC 5490 §3.1
        Assert.Equal(does, SieveStage.Does("require [\"vacation-seconds\", \"ereject\", \"reject\", \"mailbox\", \"fileinto\"];" + script));

    [Fact]
    public void When_a_regular_expression_would_take_long_then_it_ends_with_a_fault_or_quickly()
    {
        string script = "require [\"regex\", \"body\", \"variables\"];" + string.Concat(Enumerable.Range(0, 40).Select(i => $"if body :raw :regex \"(a|aa)*(a*)*({i}|a?){{200}}b${i}\" {{ discard; }}"));
        SieveOutcome outcome = SieveStage.Run(script, "Subject: x\r\n\r\n" + new string('a', 50_000), limits: new SieveOptions { Steps = 20_000 });
        Assert.Equal("the script takes too long for this message: more than 20000 steps", outcome.Fault);
    }
}
