using MailEngine.Sieve;

namespace MailAdmin.Tests.Sieve;

/// <summary>Extensions that the Pigeonhole project made up: notes, more about the surroundings, reports of abuse.</summary>
public sealed class DovecotTests
{
    const string Require = "require [\"vnd.dovecot.debug\", \"vnd.dovecot.environment\", \"vnd.dovecot.report\", \"variables\", \"fileinto\", \"ereject\", \"ihave\"];";

    [Theory]
    [InlineData("if environment \"vnd.dovecot.default-mailbox\" \"INBOX\" { discard; }", "nothing")]
    [InlineData("if environment \"vnd.dovecot.username\" \"me@example.net\" { discard; }", "nothing")]
    [InlineData("if environment \"vnd.dovecot.config.tier-one\" \"gold\" { discard; }", "nothing")]
    [InlineData("if environment :matches \"vnd.dovecot.config.tier\" \"*\" { discard; }", "keep")]
    [InlineData("fileinto \"${env.vnd.dovecot.default_mailbox}s/${ENV.vnd.dovecot.config.TIER_ONE}${env.none}\";", "fileinto INBOXs/gold")]
    [InlineData("fileinto \"${env.remote_ip} ${env.name}\";", "fileinto 192.0.2.7 MailAdmin")]
    [InlineData("set \"env.name\" \"x\";", "error: A name of a variable is made of letters, digits and \"_\", begins with no digit, has at most 128 characters, and no variables in it.")]
    [InlineData("report \"abuse\" \"Look\" \"a@b.example\"; report \"Abuse\" \"again\" \"A@b.example\"; report :headers_only \"not-spam\" \"\" \"Abuse Desk <a@b.example>\";", "report abuse a@b.example: Look; report not-spam a@b.example:  (header); keep")]
    [InlineData("report \"abuse\" \"x\" \"a@b.example\"; ereject \"no\";", "report abuse a@b.example: x; ereject no")]
    [InlineData("report \"a b\" \"x\" \"a@b.example\";", "error: The kind of a report is one word, such as \"abuse\" or \"not-spam\".")]
    [InlineData("report \"abuse\" \"x\" \"nobody\";", "error: This is no mail address such as jo@example.org.")]
    [InlineData("set \"k\" \"a;b\"; report \"${k}\" \"x\" \"a@b.example\";", "fault: report has a kind that is not one word")]
    [InlineData("report \"1\" \"\" \"a@b.c\"; report \"2\" \"\" \"a@b.c\"; report \"3\" \"\" \"a@b.c\"; report \"4\" \"\" \"a@b.c\"; report \"5\" \"\" \"a@b.c\";", "fault: the script reports one message more than 4 times")]
    public void When_a_script_uses_them_then_they_do_what_they_should(string script, string does) =>
        Assert.Equal(does, does.StartsWith("error", StringComparison.Ordinal) ? $"error: {SieveStage.Compile(Require + script).Errors[0].Message}" : SieveStage.Does(Require + script));

    [Fact]
    public void When_the_extension_is_not_required_then_its_items_are_not_there()
    {
        Assert.True(SieveStage.Holds("not environment :matches \"vnd.dovecot.username\" \"*\"", "require \"environment\";"));
        Assert.Contains("is no namespace of variables here", Assert.Single(SieveStage.Compile("require \"variables\"; set \"x\" \"${env.name}\";").Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void When_a_script_notes_something_then_it_is_kept_in_order_cut_and_so_often_also_when_the_script_fails()
    {
        SieveOutcome outcome = SieveStage.Run(Require + "if header :matches \"subject\" \"*\" { set \"s\" \"${1}\"; } debug_log \"first ${s}\"; debug_log \"" + new string('ü', 300) + "\"; error \"out\";");
        Assert.Equal("out", outcome.Fault);
        Assert.Equal(["first I have a présent for you", new string('ü', 250)], outcome.Notes);
        string many = string.Concat(Enumerable.Repeat("debug_log \"x\";", 100));
        Assert.Equal(SieveStage.Limits.Notes, SieveStage.Run(Require + many).Notes.Count);
    }
}
