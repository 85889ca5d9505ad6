namespace MailAdmin.Tests.Sieve;

/// <summary>What scripts ask of mailboxes, annotations, checks before us and the envelope, and whom they notify.</summary>
public sealed class SurroundingsTests
{
    // RFC 8579 §3, RFC 8579 §4, RFC 9042 §3, RFC 9042 §4
    [Theory]
    [InlineData("if specialuse_exists \"\\\\junk\" { discard; }", "nothing")]
    [InlineData("if specialuse_exists [\"\\\\Junk\", \"\\\\Sent\"] { discard; }", "keep")]
    [InlineData("if specialuse_exists \"Spam\" \"\\\\Junk\" { discard; }", "nothing")]
    [InlineData("if specialuse_exists \"inbox\" \"\\\\Junk\" { discard; }", "keep")]
    [InlineData("fileinto :specialuse \"\\\\Junk\" \"Other\";", "fileinto Spam")]
    [InlineData("fileinto :specialuse \"\\\\Sent\" \"Other\";", "fileinto Other")]
    [InlineData("fileinto :mailboxid \"F1-3\" \"Lists/Old\";", "fileinto Lists/New")]
    [InlineData("fileinto :mailboxid \"F1-9\" :create \"Lists/Old\";", "fileinto Lists/Old")]
    [InlineData("fileinto :mailboxid \"F1-1\" \"x\";", "keep")]
    [InlineData("if mailboxidexists [\"F1-1\", \"F1-3\"] { discard; }", "nothing")]
    [InlineData("if mailboxidexists [\"F1-1\", \"F1-9\"] { discard; }", "keep")]
    [InlineData("fileinto :mailboxid \"a\" :specialuse \"\\\\Junk\" \"x\";", "error: :mailboxid and :specialuse exclude one another.")]
    [InlineData("fileinto :specialuse \"Junk\" \"x\";", "error: A special use is a word behind a backslash, such as \"\\\\Junk\".")]
    // RFC 5490 §3.3, RFC 5490 §3.4, RFC 5490 §4.1, RFC 5490 §4.2
    [InlineData("if metadata :is \"INBOX\" \"/private/vendor/vendor.isode/auto-replies\" \"on\" { discard; }", "nothing")]
    [InlineData("if metadata \"INBOX\" \"/private/comment\" [\"\", \"on\"] { discard; }", "keep")]
    [InlineData("if metadata \"Nowhere\" \"/private/vendor/vendor.isode/auto-replies\" \"on\" { discard; }", "keep")]
    [InlineData("if metadataexists \"INBOX\" [\"/private/vendor/vendor.isode/auto-replies\"] { discard; }", "nothing")]
    [InlineData("if metadataexists \"INBOX\" [\"/private/vendor/vendor.isode/auto-replies\", \"/x\"] { discard; }", "keep")]
    [InlineData("if servermetadata :contains \"/private/vendor/x\" \"n\" { discard; }", "nothing")]
    [InlineData("if servermetadataexists \"/private/vendor/x\" { discard; }", "nothing")]
    // RFC 6009 §3, RFC 6009 §4
    [InlineData("if envelope \"notify\" \"delay\" { discard; }", "nothing")]
    [InlineData("if envelope :count \"eq\" :comparator \"i;ascii-numeric\" \"notify\" \"2\" { discard; }", "nothing")]
    [InlineData("if allof (envelope \"ret\" \"hdrs\", envelope \"envid\" \"QQ314159\", envelope \"orcpt\" \"rfc822;tim@example.com\") { discard; }", "nothing")]
    [InlineData("redirect :notify \"failure,Delay\" :ret \"hdrs\" \"x@y.example\";", "redirect x@y.example FAILURE,DELAY HDRS")]
    [InlineData("redirect :notify \"never,delay\" \"x@y.example\";", "error: After :notify \"NEVER\" must stand, or of \"SUCCESS\", \"FAILURE\" and \"DELAY\" those that are wanted, apart by commas.")]
    [InlineData("redirect :ret \"all\" \"x@y.example\";", "error: After :ret \"FULL\" or \"HDRS\" must stand.")]
    [InlineData("if envelope :localpart \"ret\" \"x\" {}", "error: \"ret\" is no address: it has no parts.")]
    public void When_a_script_asks_what_is_around_the_message_then_it_is_told(string script, string does)
    {
        string all = "require [\"fileinto\", \"special-use\", \"mailboxid\", \"mailbox\", \"mboxmetadata\", \"servermetadata\", \"envelope\", \"envelope-dsn\", \"redirect-dsn\", \"relational\", \"comparator-i;ascii-numeric\"];" + script;
        Assert.Equal(does, does.StartsWith("error", StringComparison.Ordinal) ? $"error: {SieveStage.Compile(all).Errors[0].Message}" : SieveStage.Does(all));
    }

    // RFC 5235 §3.2.1, RFC 5235 §3.2.2, RFC 5235 §3.3
    [Theory]
    [InlineData("", "0", "0", 0, "0")]
    [InlineData("X-Spam-Score: -2.5 / 5", "1", "0", 1, "0")]
    [InlineData("X-Spam-Score: 0", "1", "0", 1, "0")]
    [InlineData("X-Spam-Score: 3.7 (BAYES)", "4", "37", 1, "0")]
    [InlineData("X-Spam-Score: 9.99", "9", "99", 1, "0")]
    [InlineData("X-Spam-Score: 10", "10", "100", 1, "0")]
    [InlineData("X-Spam-Score: 1e300\r\nX-Virus: infected; Eicar", "10", "100", 1, "5")]
    [InlineData("X-Spam-Score: NaN\r\nX-Virus: 3", "0", "0", 0, "3")]
    [InlineData("X-Spam-Score: yes\r\nX-Virus: Clean", "0", "0", 0, "1")]
    [InlineData("X-Virus: 9", "0", "0", 0, "0")]
    public void When_checks_before_us_left_their_findings_then_they_are_numbers(string header, string spam, string percent, int done, string virus)
    {
        string message = $"Subject: x\r\n{header}{(header.Length > 0 ? "\r\n" : "")}\r\n";
        Assert.True(SieveStage.Holds($"allof (spamtest :value \"eq\" :comparator \"i;ascii-numeric\" \"{spam}\", spamtest :percent \"{percent}\", spamtest :count \"eq\" \"{done}\", virustest \"{virus}\")",
            "require [\"spamtestplus\", \"virustest\", \"relational\", \"comparator-i;ascii-numeric\"];", message));
    }

    [Fact]
    public void When_percent_is_asked_without_the_extension_that_brings_it_then_it_is_refused() =>   // RFC 5235 §3.2
        Assert.Contains("spamtestplus", Assert.Single(SieveStage.Compile("require \"spamtest\"; if spamtest :percent \"1\" {}").Errors).Message, StringComparison.Ordinal);

    // RFC 5435 §3, RFC 5435 §4, RFC 5435 §5, RFC 5435 §6, RFC 5436 §2
    [Theory]
    [InlineData("notify :importance \"1\" :message \"This is probably very important\" \"mailto:alm@example.com\"; stop;", "notify alm@example.com 1: This is probably very important; keep")]
    [InlineData("if header :matches \"From\" \"*\" { set \"from\" \"${1}\"; } notify :importance \"3\" :message \"[SIEVE] ${from}\" \"mailto:alm@example.com\"; discard;", "notify alm@example.com 3: [SIEVE] \"Coyote, W.\" <coyote@desert.example.org>")]
    [InlineData("notify \"mailto:0123456789@sms.example.net?to=backup@example.com&subject=%47%C3%BC\";", "notify 0123456789@sms.example.net,backup@example.com 2: Gü; keep")]
    [InlineData("notify \"mailto:?cc=a%40example.com\";", "notify a@example.com 2: ; keep")]
    [InlineData("notify \"xmpp:tim@example.com\";", "fault: notify has a method that is not known here, or is written wrongly")]
    [InlineData("notify \"mailto:\";", "fault: notify has a method that is not known here, or is written wrongly")]
    [InlineData("notify \"mailto:a@example.com?body=%4\";", "fault: notify has a method that is not known here, or is written wrongly")]
    [InlineData("if valid_notify_method [\"mailto:a@example.com\", \"mailto:b@example.com?x-y=z\"] { discard; }", "nothing")]
    [InlineData("if valid_notify_method [\"mailto:a@example.com\", \"http://gw.example.net/notify?test\"] { discard; }", "keep")]
    [InlineData("if notify_method_capability \"mailto:tim@example.com\" \"Online\" [\"yes\", \"maybe\"] { discard; }", "nothing")]
    [InlineData("if notify_method_capability \"mailto:tim@example.com\" \"offline\" \"maybe\" { discard; }", "keep")]
    [InlineData("if notify_method_capability \"xmpp:tim@example.com\" \"Online\" \"maybe\" { discard; }", "keep")]
    [InlineData("set :encodeurl \"b\" \"Safe body&evil=evilbody\"; fileinto \"${b}\";", "fileinto Safe%20body%26evil%3Devilbody")]
    [InlineData("notify \"mailto:a@b.example\"; notify \"mailto:a@b.example\"; notify \"mailto:a@b.example\"; notify \"mailto:a@b.example\"; notify \"mailto:a@b.example\";", "fault: the script notifies more than 4 addresses of one message")]
    [InlineData("notify :importance \"4\" \"mailto:a@b.example\";", "error: After :importance \"1\" (high), \"2\" or \"3\" (low) must stand.")]
    [InlineData("notify :options \"=x\" \"mailto:a@b.example\";", "error: An option has the form \"name=value\".")]
    public void When_a_script_notifies_then_the_method_is_read_and_the_mail_goes_its_way(string script, string does)
    {
        script = "require [\"enotify\", \"variables\", \"fileinto\"];" + script.Replace("fileinto \"${b}\";", "if string :comparator \"i;octet\" \"${b}\" \"Safe%20body%26evil%3Devilbody\" { fileinto \"Safe\"; }");
        does = does.StartsWith("fileinto", StringComparison.Ordinal) ? "fileinto Safe" : does;
        Assert.Equal(does, does.StartsWith("error", StringComparison.Ordinal) ? $"error: {SieveStage.Compile(script).Errors[0].Message}" : SieveStage.Does(script));
    }

    // RFC 8580 §3
    [Theory]
    [InlineData("vacation :fcc \"Sent\" \"away\";", "Sent \\Seen False ")]
    [InlineData("vacation :days 3 :fcc \"x\" :create :flags [\"a\", \"\\\\Answered\"] \"away\";", "x a \\Answered True ")]
    [InlineData("vacation :fcc \"x\" :specialuse \"\\\\Junk\" :flags \"\" \"away\";", "Spam  False ")]
    [InlineData("notify :fcc \"Sent\" :create :specialuse \"\\\\Sent\" \"mailto:a@b.example\";", "Sent \\Seen True \\Sent")]
    [InlineData("vacation :create \"away\";", "\"vacation\" has no argument :create, or none in this place.")]
    public void When_a_copy_of_what_is_sent_is_wanted_then_it_is_said_where_it_goes(string script, string copy)
    {
        string all = "require [\"vacation\", \"enotify\", \"fcc\", \"mailbox\", \"special-use\", \"imap4flags\"];" + script;
        MailEngine.Sieve.SieveCompilation compilation = SieveStage.Compile(all);
        string found = compilation.Errors.Count > 0 ? compilation.Errors[0].Message
            : SieveStage.Run(all).Actions.Select(a => a is MailEngine.Sieve.SieveAction.Vacation vacation ? vacation.Fcc : (a as MailEngine.Sieve.SieveAction.Notify)?.Fcc).OfType<MailEngine.Sieve.SieveAction.Store>()
                .Select(fcc => $"{fcc.Mailbox} {string.Join(' ', fcc.Flags)} {fcc.Create} {fcc.NewUse}").Single();
        Assert.Equal(copy, found);
    }

    [Fact]
    public void When_a_machine_sent_the_message_then_nobody_is_notified() =>   // RFC 5436 §2.7
        Assert.Equal("keep", SieveStage.Does("require \"enotify\"; notify \"mailto:a@b.example\";", "Auto-Submitted: auto-notified; owner-email=\"x\"\r\n\r\n"));
}
