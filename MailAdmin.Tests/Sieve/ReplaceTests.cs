using System.Text;
using MailEngine;
using MailEngine.Mime;
using MailEngine.Sieve;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailAdmin.Tests.Sieve;

/// <summary>Scripts that change what is in a message, and put it into another one. RFC 5703 §5, RFC 5703 §6</summary>
public sealed class ReplaceTests
{
    const string Require = "require [\"replace\", \"enclose\", \"foreverypart\", \"mime\", \"variables\", \"fileinto\", \"editheader\", \"body\", \"extracttext\", \"copy\", \"vacation\", \"relational\", \"comparator-i;ascii-numeric\", \"include\"];";

    static string At(string letter, string command) => $"foreverypart {{ if header :mime \"X-Test\" \"{letter}\" {{ {command} }} }} ";

    /// <summary>The message of an action.</summary>
    static string TextOf(SieveAction action, string message)
    {
        byte[] came = SieveStage.Bytes(message);
        int body = message.Length == 0 ? 0 : MessageView.Of(came).BodyStart;
        var made = new List<byte>();
        if (action.Header is null)
            return Encoding.UTF8.GetString(came);
        made.AddRange(action.Header);
        made.AddRange("\r\n"u8);
        foreach (MessagePiece piece in action.Text ?? [new MessagePiece(default, body, came.Length - body)])
            made.AddRange(piece.New.IsEmpty ? came.AsSpan((int)piece.From, (int)piece.Length) : piece.New.Span);
        return Encoding.UTF8.GetString([.. made]);
    }

    /// <summary>The message that is kept; and what is known of its parts is what reading it gives.</summary>
    static string Kept(string script, string message = PartTests.Nested, bool hasNewFields = false)
    {
        var view = MessageView.Of(SieveStage.Bytes(message));
        SieveOutcome outcome = Interpreter.Run(SieveStage.Program(Require + script), view, SieveStage.Usual, SieveStage.Limits);
        Assert.True(outcome.Fault is null, outcome.Fault);
        string made = TextOf(outcome.Actions.Last(action => action is SieveAction.Store), message);
        if (!hasNewFields)   // offsets count from before the fields were added
            AssertSame(made, view);
        return made.ReplaceLineEndings("\n");
    }

    static void AssertSame(string made, MessageView view)
    {
        using var reader = new MimeReader();
        reader.Read(Encoding.UTF8.GetBytes(made), MimeLimits.Default);
        static string Word(MimePart part) => $"{part.Parent} {part.HeaderStart} {part.BodyStart} {part.BodyEnd} {part.Kind} {part.Encoding}";
        Assert.Equal(reader.Parts.Select(Word), view.Parts.Select(Word));
    }

    [Fact]
    public void When_a_part_is_replaced_then_nothing_else_changes()
    {
        string was = SieveStage.Bytes(PartTests.Nested) is var bytes ? Encoding.UTF8.GetString(bytes).ReplaceLineEndings("\n") : "";
        const string part = "Content-Type: application/octet-stream; name*=utf-8''r%C3%A9sum%C3%A9.exe\nContent-Disposition: attachment; filename=\"run.exe\"\nContent-Transfer-Encoding: base64\nX-Test: G\n\nAAAA\n";
        Assert.Contains(part, was, StringComparison.Ordinal);
        Assert.Equal(was.Replace(part, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\nTaken out", StringComparison.Ordinal), Kept(At("G", "replace \"Taken out\";")));
    }

    [Theory]
    [InlineData("B", "replace \"One\";")]   // a multipart with all that it holds
    [InlineData("F", "replace \"One\";")]   // what a message inside says
    [InlineData("C", "replace :mime \"Content-Type: text/html\r\nX-Test: c\r\n\r\n<b>One</b>\";")]
    public void When_a_part_with_others_around_it_is_replaced_then_they_are_where_they_were(string letter, string command)
    {
        string kept = Kept(At(letter, command));
        Assert.Contains("One", kept, StringComparison.Ordinal);
        Assert.Contains("X-Test: G", kept, StringComparison.Ordinal);
        Assert.Equal(letter == "B", !kept.Contains("X-Test: D", StringComparison.Ordinal));
        Assert.DoesNotContain("X-Test: c", kept, StringComparison.Ordinal);   // only fields of MIME
        Assert.Equal(letter == "F", kept.Contains("From: Inner <inner@example.com>\nSubject: inner\nX-Test: F\nContent-Type: text/plain", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("foreverypart { set \"n\" \"${n}x\"; if header :mime \"X-Test\" \"B\" { replace \"y\"; } } fileinto \"${n}\";", "fileinto xxxxx")]                  // not into what is gone
    [InlineData("foreverypart { set \"n\" \"${n}x\"; if header :mime \"X-Test\" \"G\" { replace :mime \"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\n1\r\n--q\r\n\r\n2\r\n--q--\"; } } fileinto \"${n}\";", "fileinto xxxxxxx")]   // nor into what is new
    [InlineData("foreverypart { if header :mime \"X-Test\" \"G\" { replace :mime \"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\n1\r\n--q\r\n\r\n2\r\n--q--\"; } } foreverypart { set \"n\" \"${n}x\"; } fileinto \"${n}\";", "fileinto xxxxxxxxx")]   // the next loop is
    [InlineData("foreverypart { foreverypart { if header :mime \"X-Test\" \"B\" { replace \"y\"; } } set \"n\" \"${n}x\"; } fileinto \"${n}\";", "fileinto xxxxx")]
    [InlineData("foreverypart { replace \"y\"; set \"n\" \"${n}x\"; } fileinto \"${n}\";", "fileinto x")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"C\" { replace \"Grüße\"; extracttext \"t\"; } } fileinto \"${t}\";", "fileinto Grüße")]
    [InlineData("if body :contains \"Third\" { replace \"y\"; } if body :contains \"Third\" { discard; }", "keep")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"B\" { enclose \"w\"; } set \"n\" \"${n}x\"; } fileinto \"${n}\";", "fileinto xxxxxxx")]
    [InlineData("enclose \"w\"; foreverypart { set \"n\" \"${n}x\"; } fileinto \"${n}\";", "fileinto xxxxxxxxxx")]
    [InlineData("enclose \"w\"; if header :mime :anychild :count \"eq\" :comparator \"i;ascii-numeric\" \"X-Test\" \"7\" { discard; }", "nothing")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"C\" { replace :mime \"Content-Type: text/html\r\n\r\nx\r\n--BB--\r\n\"; } }", "fault: replace has a text with a line that would end the multipart around it")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"C\" { replace :mime \"just words\"; } }", "fault: replace has a text that is no MIME entity: it must begin with a header and an empty line")]
    [InlineData("replace :from \"nobody\" \"x\";", "error: After :from mail addresses must stand, such as Jo <jo@example.org>, or several with commas between them.")]
    [InlineData("enclose :headers [\"From\"];", "error: The text of \"enclose\" is missing here: a string.")]
    public void When_a_message_changes_then_loops_and_tests_see_it_as_it_is(string script, string does) => Assert.Equal(
        does, does.StartsWith("error", StringComparison.Ordinal) ? $"error: {SieveStage.Compile(Require + script).Errors[0].Message}" : SieveStage.Does(Require + script, PartTests.Nested));

    [Fact]
    public void When_the_whole_message_is_replaced_then_its_header_stays_but_for_what_it_is()
    {
        Assert.Equal("From: Hendrik <hendrik@example.com>\nSubject: root\nX-Test: A\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\nGone\n.", Kept("replace \"Gone\n.\";"));
        Assert.Equal(
            "From: \"Jo R.\" <jo@example.org>\nSubject: =?UTF-8?B?w4U=?=\nOriginal-From: Hendrik <hendrik@example.com>\nOriginal-Subject: root\nX-Test: A\nMIME-Version: 1.0\nContent-Type: text/html\nContent-Language: de\n\nÅ",
            Kept("replace :mime :subject \"Å\" :from \"\\\"Jo R.\\\" <jo@example.org>\" \"Content-Type: text/html\nContent-Language: de\nTo: x@y.example\n\nÅ\";").Replace("=?utf-8?", "=?UTF-8?", StringComparison.Ordinal));
        Assert.StartsWith(   // RFC 5322 §3.6.2
            "From: <a@b.example>,\n \"Jo, R.\" <jo@example.org>,\n =?utf-8?B?w4U=?=\n <c@d.example>\nSender: <", Kept("replace :from \"a@b.example , \\\"Jo, R.\\\" <jo@example.org> (x, y),Å <c@d.example>\" \"x\";"), StringComparison.Ordinal);
        Assert.Contains("Content-Transfer-Encoding: base64\n\n" + Convert.ToBase64String("Å\r\n--AA--\r\n"u8), Kept("replace \"Å\r\n--AA--\r\n\";"), StringComparison.Ordinal);
    }

    [Fact]
    public void When_a_message_is_enclosed_then_it_is_whole_in_a_new_one_and_goes_on_alone()
    {
        string was = Encoding.UTF8.GetString(SieveStage.Bytes(PartTests.Nested)).ReplaceLineEndings("\n");
        string kept = Kept("addheader \"X-New\" \"1\"; enclose :subject \"Warning\" :headers [\"from\", \"X-Test\", \"content-type\"] \"Look out\"; addheader :last \"X-Outer\" \"2\";", hasNewFields: true);
        Assert.Matches("^From: Hendrik <hendrik@example.com>\nX-Test: A\nDate: Tue, 14 Jul 2026 15:09:26 \\+0000\nSubject: Warning\nMessage-ID: <[^>]+@mail.example.net>\nMIME-Version: 1.0\n"
            + "Content-Type: multipart/mixed;\n boundary=\"(=_[0-9a-f]{32})\"\nX-Outer: 2\n\n--\\1\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\nLook out\n--\\1\nContent-Type: message/rfc822\n\nX-New: 1\n", kept.Replace("\n\n--", "\n\n--", StringComparison.Ordinal));
        Assert.Contains("\n\nX-New: 1\n" + was + "\n--=_", kept, StringComparison.Ordinal);

        string twice = Kept("enclose \"One\"; enclose :headers \"Subject\" \"Two\"; foreverypart { if header :mime \"X-Test\" \"G\" { replace \"Gone\"; } }");
        Assert.True(twice.IndexOf("\n\nTwo\n", StringComparison.Ordinal) < twice.IndexOf("\n\nOne\n", StringComparison.Ordinal));
        Assert.StartsWith("Subject: root\nFrom: <me+lists@example.net>\n", twice, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Test: G", twice, StringComparison.Ordinal);

        string odd = Kept("deleteheader \"subject\"; addheader \"sUBJECT\" \"old\"; enclose :subject \"new\" :headers \"Subject\" \"w\";", hasNewFields: true);
        Assert.DoesNotContain("sUBJECT", odd[..odd.IndexOf("\n\n", StringComparison.Ordinal)], StringComparison.Ordinal);

        // RFC 5703 §6: what is sent on is the message.
        SieveOutcome outcome = SieveStage.Run(Require + "addheader \"X-New\" \"1\"; enclose \"w\"; redirect :copy \"a@b.example\"; vacation \"away\";", PartTests.Nested);
        Assert.Equal("X-New: 1\n" + was, TextOf(outcome.Actions.OfType<SieveAction.Redirect>().Single(), PartTests.Nested).ReplaceLineEndings("\n"));
        Assert.StartsWith("X-New: 1\r\nFrom: Hendrik", Encoding.UTF8.GetString(outcome.Actions.OfType<SieveAction.Vacation>().Single().Header!), StringComparison.Ordinal);
    }

    [Fact]
    public void When_a_script_that_changed_the_message_fails_then_the_next_one_sees_it_as_it_came()
    {
        SieveOutcome outcome = Interpreter.Run(
            [new SieveStep(SieveStage.Program(Require + "enclose \"w\"; replace \"x\"; include \"none\";"), "a"), new SieveStep(SieveStage.Program(Require + "foreverypart { set \"n\" \"${n}x\"; } fileinto \"${n}\"; redirect \"a@b.example\";"), "b")],
            MessageView.Of(SieveStage.Bytes(PartTests.Nested)), SieveStage.Usual, SieveStage.Limits, null);
        Assert.Equal("xxxxxxx", Assert.IsType<SieveAction.Store>(outcome.Actions[0]).Mailbox);
        Assert.All(outcome.Actions, action => Assert.True(action is { Header: null, Text: null }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Subject: x")]
    [InlineData("Subject: x\r\n\r\n")]
    [InlineData("\r\n")]
    [InlineData("no header at all")]
    [InlineData("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n--a\r\nX: y\r\n--a--")]
    [InlineData("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--a\r\n\r\n2")]
    [InlineData("Content-Type: multipart/digest; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----\r\n")]
    [InlineData("Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nSubject: z")]
    [InlineData("Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n")]
    public void When_odd_messages_are_changed_at_every_part_then_what_comes_out_reads_as_it_is_known(string message)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(message);
        string[] changes = ["replace \"One\";", "replace :mime \"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\n1\r\n--q\r\n\r\n2\";", "replace :mime \"\r\n\";", "enclose \"w\";", "replace \"x\"; enclose \"w\"; replace \"z\";"];
        foreach (string change in changes)
        {
            for (int part = 0; part < 5; part++)
            {
                var view = MessageView.Of(bytes);
                string script = $"foreverypart {{ set \"n\" \"${{n}}x\"; if string \"${{n}}\" \"{new string('x', part + 1)}\" {{ {change} }} }}";
                SieveOutcome outcome = Interpreter.Run(SieveStage.Program(Require + script), view, SieveStage.Usual, SieveStage.Limits);
                Assert.Null(outcome.Fault);
                var action = Assert.IsType<SieveAction.Store>(Assert.Single(outcome.Actions));
                if (action.Header is null)
                    continue;
                byte[] made = [.. action.Header, .. "\r\n"u8, .. (action.Text ?? []).SelectMany(piece => piece.New.IsEmpty ? bytes[(int)piece.From..(int)(piece.From + piece.Length)] : piece.New.ToArray())];
                // A header that ends with the message has its line end from the boundary: two octets that nobody misses.
                bool isEnded = !change.Contains("enclose", StringComparison.Ordinal) || message.EndsWith("--", StringComparison.Ordinal) || message.EndsWith('\n') || message.EndsWith('2');
                if (action.Text is not null && isEnded && message.Contains(':', StringComparison.Ordinal) && !message.Contains("\n\n", StringComparison.Ordinal))
                    AssertSame(Encoding.ASCII.GetString(made), view);
                Assert.True(made.AsSpan().IndexOf("\n\r\n"u8) >= 0 || made.AsSpan().StartsWith("\r\n"u8));
            }
        }
    }

    [Fact]
    public void When_a_script_changes_a_message_without_end_then_it_is_ended()
    {
        string message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + string.Concat(Enumerable.Repeat("--a\r\n\r\nx\r\n", 900)) + "--a--\r\n";
        Assert.StartsWith("fault: the script", SieveStage.Does(Require + "foreverypart { if not header :mime :contains \"content-type\" \"multipart\" { replace \"x\"; } }", message), StringComparison.Ordinal);
        Assert.StartsWith("fault: the script", SieveStage.Does(Require + string.Concat(Enumerable.Repeat("enclose \"x\"; ", 5000)), message), StringComparison.Ordinal);
        string large = new('x', 900_000);
        Assert.StartsWith("fault: the script writes more than", SieveStage.Does(Require + string.Concat(Enumerable.Repeat("replace \"${l}\"; ", 300)) + $"set \"x\" \"\"; ", message, limits: new SieveOptions { ChangedBytes = 4096, Steps = 100_000_000 }), StringComparison.Ordinal);
        Assert.StartsWith("fault: the script", SieveStage.Does(Require + $"replace \"{large}\"; enclose \"{large[..100_000]}\"; replace \"{large}\";", message, limits: new SieveOptions { ScriptBytes = 4 << 20, ChangedBytes = 1 << 20 }), StringComparison.Ordinal);
    }
}
