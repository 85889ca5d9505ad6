using System.Text;
using MailEngine;
using MailEngine.Sieve;

namespace MailAdmin.Tests.Sieve;

/// <summary>Header fields that scripts add and remove. RFC 5293</summary>
public sealed class EditHeaderTests
{
    const string Message = "Received: x\r\nX-Hello: 1\r\nSubject: old\r\nX-Hello: two\r\n and a half\r\nX-Hello: 3\r\nAuto-Submitted: no\r\n\r\nText\r\n";

    const string Untouched = "Received: x|X-Hello: 1|Subject: old|X-Hello: two| and a half|X-Hello: 3|Auto-Submitted: no";

    /// <summary>What the header is in the end; "same": as it came.</summary>
    static string Edit(string script)
    {
        SieveOutcome outcome = SieveStage.Run("require [\"editheader\", \"variables\", \"fileinto\", \"copy\", \"relational\"];" + script, Message);
        return outcome.Fault is { } fault ? $"fault: {fault}" : outcome.Actions[^1].Header is { } header ? Encoding.UTF8.GetString(header).TrimEnd().Replace("\r\n", "|") : "same";
    }

    [Theory]
    [InlineData("addheader \"X-New\" \"a  b\";", "X-New: a b|" + Untouched)]
    [InlineData("addheader :last \"X-New\" \"a\";", Untouched + "|X-New: a")]
    [InlineData("addheader \"Subject\" \"Grüße\";", "Subject: =?utf-8?B?R3LDvMOfZQ==?=|" + Untouched)]
    [InlineData("addheader \"X-New\" text:\na\nBcc: x\n.\n;", "X-New: a Bcc: x|" + Untouched)]   // never a line of its own
    [InlineData("deleteheader \"x-hello\";", "Received: x|Subject: old|Auto-Submitted: no")]
    [InlineData("deleteheader :index 2 \"X-Hello\";", "Received: x|X-Hello: 1|Subject: old|X-Hello: 3|Auto-Submitted: no")]
    [InlineData("deleteheader :index 1 :last \"X-Hello\";", "Received: x|X-Hello: 1|Subject: old|X-Hello: two| and a half|Auto-Submitted: no")]
    [InlineData("deleteheader :index 1 \"X-Hello\"; deleteheader :index 2 \"X-Hello\";", "Received: x|Subject: old|X-Hello: two| and a half|Auto-Submitted: no")]   // RFC 5293 §7
    [InlineData("deleteheader :index 1 :contains \"X-Hello\" \"half\";", "same")]   // RFC 5293 §5
    [InlineData("deleteheader :contains \"X-Hello\" [\"half\", \"3\"];", "Received: x|X-Hello: 1|Subject: old|Auto-Submitted: no")]
    [InlineData("deleteheader :matches \"X-Hello\" \"two and*\";", "Received: x|X-Hello: 1|Subject: old|X-Hello: 3|Auto-Submitted: no")]
    [InlineData("deleteheader :index 9 \"X-Hello\"; deleteheader \"X-None\";", "same")]
    [InlineData("deleteheader \"received\"; deleteheader \"AUTO-SUBMITTED\";", "same")]   // RFC 5293 §6
    [InlineData("deleteheader \"Subject\"; if not exists \"subject\" { addheader \"Subject\" \"new\"; } if header \"subject\" \"new\" { addheader \"X-Seen\" \"${1}yes\"; }",
        "X-Seen: yes|Subject: new|Received: x|X-Hello: 1|X-Hello: two| and a half|X-Hello: 3|Auto-Submitted: no")]
    [InlineData("addheader \"X-New\" \"a\"; redirect \"${x}\";", "fault: redirect has an address that is none")]
    [InlineData("set \"n\" \"X Y\"; addheader \"${n}\" \"a\";", "fault: a header field is to be changed whose name cannot be one")]
    [InlineData("deleteheader :count \"eq\" \"X-Hello\" \"3\";", "Received: x|Subject: old|Auto-Submitted: no")]
    public void When_a_script_changes_the_header_then_what_follows_sees_it_so(string script, string header) => Assert.Equal(header, Edit(script));

    [Fact]
    public void When_copies_are_made_between_changes_then_each_has_the_header_of_its_moment()
    {
        SieveOutcome outcome = SieveStage.Run("require [\"editheader\", \"fileinto\"]; fileinto \"a\"; addheader \"X-1\" \"1\"; fileinto \"b\"; fileinto \"c\"; addheader \"X-2\" \"2\"; redirect \"x@y.example\";", Message);
        Assert.Null(outcome.Actions[0].Header);
        Assert.Same(outcome.Actions[1].Header, outcome.Actions[2].Header);   // one message for both
        Assert.StartsWith("X-1: 1\r\nReceived", Encoding.ASCII.GetString(outcome.Actions[1].Header!), StringComparison.Ordinal);
        Assert.StartsWith("X-2: 2\r\nX-1: 1\r\n", Encoding.ASCII.GetString(outcome.Actions[3].Header!), StringComparison.Ordinal);
    }

    [Fact]
    public void When_a_script_with_a_fault_changed_the_header_then_the_mail_is_kept_as_it_came() =>   // RFC 5293 §7
        Assert.Null(Assert.Single(SieveStage.Run("require [\"editheader\", \"variables\"]; addheader \"X-1\" \"1\"; redirect \"${x}\";", Message).Actions).Header);

    [Theory]
    [InlineData("addheader \"X:\" \"a\";", "line 1, column 34: This cannot be the name of a header field")]
    [InlineData("deleteheader \"\";", "line 1, column 37: This cannot be the name of a header field")]
    [InlineData("deleteheader :last \"X\";", "line 1, column 24: :last of \"deleteheader\" needs :index")]
    public void When_a_change_is_written_wrongly_then_it_is_said_where(string script, string error) =>
        Assert.StartsWith(error, Assert.Single(SieveStage.Compile("require [\"editheader\"];" + script).Errors).ToString(), StringComparison.Ordinal);

    [Fact]
    public void When_a_script_adds_without_end_then_it_ends_with_a_fault()
    {
        string value = new('a', 800);
        Assert.StartsWith("fault: addheader adds a line of more than 998 characters that has no place to be folded at, or more than 65536 octets", Edit(string.Concat(Enumerable.Repeat($"addheader \"X\" \"{value}\";", 100))), StringComparison.Ordinal);
        Assert.StartsWith("fault: addheader adds a line", Edit($"addheader \"X\" \"{value}{value}\";"), StringComparison.Ordinal);
        string word = new('a', 995);   // the longest line that must be taken: RFC 5293 §4
        Assert.Equal($"X: {word}|{Untouched}", Edit($"addheader \"X\" \"{word}\";"));
        Assert.Equal($"X: b c| {word}a|{Untouched}", Edit($"addheader \"X\" \"b c {word}a\";"));
        Assert.StartsWith("fault: addheader adds a line", Edit($"addheader \"X\" \"{word}a\";"), StringComparison.Ordinal);
    }

    [Fact]
    public void When_the_time_of_a_script_ends_anywhere_then_the_mail_is_kept()
    {
        string message = string.Concat(Enumerable.Range(0, 300).Select(i => $"X-{i}: y\r\n")) + "\r\n";
        string script = "require \"editheader\";" + string.Concat(Enumerable.Repeat("addheader \"X\" \"z\";", 10));
        for (int steps = 1; steps < 400; steps++)
            Assert.Contains(SieveStage.Run(script, message, limits: new SieveOptions { Steps = steps }).Actions, action => action is SieveAction.Store { Mailbox: SieveAction.Store.Inbox });
    }
}
