using MailEngine;
using MailEngine.Sieve;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailAdmin.Tests.Sieve;

/// <summary>Scripts that look at the parts of a message one by one. RFC 5703, RFC 6609 §3.5</summary>
public sealed class PartTests
{
    public const string Nested = """
        From: Hendrik <hendrik@example.com>
        Subject: root
        Content-Type: multipart/mixed; boundary=AA
        X-Test: A

        Before.
        --AA
        Content-Type: multipart/alternative; boundary=BB
        X-Test: B

        --BB
        Content-Type: text/plain; charset="iso-8859-1"
        Content-Transfer-Encoding: quoted-printable
        X-Test: C

        Gr=FC=DFe first

        --BB
        Content-Type: TEXT/HTML; charset="us-ascii"
        X-Test: D

        <html><body>second &amp; last</body></html>

        --BB--
        --AA
        Content-Type: message/rfc822
        X-Test: E

        From: Inner <inner@example.com>
        Subject: inner
        X-Test: F

        Third

        --AA
        Content-Type: application/octet-stream; name*=utf-8''r%C3%A9sum%C3%A9.exe
        Content-Disposition: attachment; filename="run.exe"
        Content-Transfer-Encoding: base64
        X-Test: G

        AAAA

        --AA--
        """;

    const string Require = "require [\"foreverypart\", \"mime\", \"extracttext\", \"variables\", \"fileinto\", \"relational\", \"comparator-i;ascii-numeric\", \"include\", \"editheader\", \"body\", \"enotify\", \"vnd.dovecot.report\"];";

    /// <summary>Adds the letter of the part to a variable.</summary>
    const string Note = "if header :mime :matches \"X-Test\" \"*\" { set \"all\" \"${all}${1}\"; }";

    static string Does(string script, params ReadOnlySpan<(string Name, string Text)> others)
    {
        var library = new SieveLibrary();
        foreach ((string name, string text) in others)
            library.Add(new IncludedScript(false, name), SieveStage.Program(Require + text));
        return SieveStage.Words(Interpreter.Run(SieveStage.Program(Require + script), MessageView.Of(SieveStage.Bytes(Nested)), SieveStage.Usual, SieveStage.Limits, library));
    }

    [Theory]
    [InlineData($"foreverypart {{ {Note} }} fileinto \"${{all}}\";", "fileinto ABCDEFG")]
    [InlineData($"foreverypart {{ set \"all\" \"${{all}}(\"; foreverypart {{ {Note} }} set \"all\" \"${{all}})\"; }} fileinto \"${{all}}\";", "fileinto (BCDEFG)(CD)()()(F)()()")]
    [InlineData($"foreverypart {{ {Note} if header :mime \"X-Test\" \"C\" {{ break; }} }} fileinto \"${{all}}\";", "fileinto ABC")]
    [InlineData($"foreverypart :name \"o\" {{ foreverypart {{ {Note} if string \"${{all}}\" \"BCD\" {{ break :name \"o\"; }} }} }} fileinto \"${{all}}\";", "fileinto BCD")]
    [InlineData($"foreverypart {{ foreverypart {{ {Note} break; }} }} fileinto \"${{all}}\";", "fileinto BCF")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"D\" { stop; } } discard;", "keep")]
    [InlineData("foreverypart { if header \"subject\" \"root\" { set \"all\" \"${all}x\"; } } fileinto \"${all}\";", "fileinto xxxxxxx")]   // without :mime it is the message's header
    [InlineData("if header :mime :anychild \"subject\" \"inner\" { discard; }", "nothing")]
    [InlineData("if header :mime \"subject\" \"inner\" { discard; }", "keep")]
    [InlineData("if header :mime :anychild :contenttype \"Content-Type\" \"text/html\" { discard; }", "nothing")]
    [InlineData("if header :mime :anychild :type \"Content-Type\" [\"audio\", \"application\"] { discard; }", "nothing")]
    [InlineData("if header :mime :anychild :subtype \"Content-Type\" \"rfc822\" { discard; }", "nothing")]
    [InlineData("if header :mime :anychild :type \"Content-Disposition\" \"attachment\" { discard; }", "nothing")]
    [InlineData("if header :mime :anychild :contenttype \"Content-Disposition\" \"attachment\" { discard; }", "nothing")]
    [InlineData("if header :mime :anychild :param \"filename\" :matches \"Content-Disposition\" \"*.exe\" { fileinto \"${1}\"; }", "fileinto run")]
    [InlineData("if header :mime :anychild :param [\"name\", \"charset\"] :contains [\"Content-Type\"] \"résumé\" { discard; }", "nothing")]
    [InlineData("if header :mime :anychild :count \"eq\" :comparator \"i;ascii-numeric\" \"X-Test\" \"7\" { discard; }", "nothing")]
    [InlineData("if exists :mime :anychild [\"Content-Disposition\", \"From\", \"Content-Transfer-Encoding\"] { discard; }", "nothing")]
    [InlineData("if exists :mime \"Content-Disposition\" { discard; }", "keep")]
    [InlineData("if address :mime :anychild :localpart \"from\" \"inner\" { discard; }", "nothing")]
    [InlineData("foreverypart { extracttext \"t\"; set \"all\" \"${all}<${t}>\"; } if string :matches \"${all}\" \"<><><Grüße first*><second & last*><><Third*><>\" { discard; }", "nothing")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"C\" { extracttext :upper :first 3 \"t\"; } } fileinto \"${t}\";", "fileinto GRü")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"C\" { extracttext :first 4 :length \"t\"; } } fileinto \"${t}\";", "fileinto 4")]
    public void When_a_script_goes_over_the_parts_then_it_sees_each_with_its_header_and_text(string script, string does) => Assert.Equal(does, Does(script));

    [Theory]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"E\" { include \"t\"; } } fileinto \"${global.all}\";", "foreverypart { if header :mime :matches \"X-Test\" \"*\" { set \"global.all\" \"${global.all}${1}\"; } }", "fileinto EF")]
    [InlineData("foreverypart { include \"t\"; } fileinto \"${global.all}\";", "if header :matches \"X-Test\" \"*\" { set \"global.all\" \"${global.all}${1}\"; }", "fileinto ABCDEFG")]
    [InlineData("foreverypart { include \"t\"; set \"n\" \"${n}x\"; } fileinto \"${n}\";", "foreverypart { return; }", "fileinto xxxxxxx")]
    [InlineData("foreverypart { if header :mime \"X-Test\" \"F\" { include \"t\"; } } keep;", "if body :contains \"Third\" { stop; } discard; stop;", "keep")]
    [InlineData("addheader \"Auto-Submitted\" \"auto-generated\"; addheader \"Auto-Submitted\" \"no\"; notify \"mailto:a@b.example\";", "", "keep")]   // RFC 5436 §2.7: a machine wrote it, whatever stands above
    [InlineData("addheader \"Auto-Submitted\" \"auto-generated\"; foreverypart { include \"t\"; }", "notify \"mailto:a@b.example\"; report \"abuse\" \"x\" \"a@b.example\";", "keep")]
    public void When_a_script_is_included_at_a_part_then_that_is_its_message(string script, string included, string does) => Assert.Equal(does, Does(script, ("t", included)));   // RFC 6609 §3.5

    [Fact]
    public void When_an_included_script_changes_the_header_at_a_part_then_it_is_that_of_the_message()
    {
        var library = new SieveLibrary();
        library.Add(new IncludedScript(false, "t"), SieveStage.Program("require \"editheader\"; addheader \"X-New\" \"1\";"));
        SieveOutcome outcome = Interpreter.Run(SieveStage.Program(Require + "foreverypart { include \"t\"; break; }"), MessageView.Of(SieveStage.Bytes(Nested)), SieveStage.Usual, SieveStage.Limits, library);
        Assert.StartsWith("X-New: 1\r\nFrom: ", System.Text.Encoding.ASCII.GetString(Assert.Single(outcome.Actions).Header!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("break;", "\"break\" must stand in the block of a \"foreverypart\".")]
    [InlineData("foreverypart { break :name \"x\"; }", "There is no \"foreverypart\" of the name \"x\" around this.")]
    [InlineData("foreverypart;", "\"foreverypart\" needs a block in braces.")]
    [InlineData("foreverypart true { }", "\"foreverypart\" takes no test.")]
    [InlineData("extracttext \"x\";", "\"extracttext\" must stand in the block of a \"foreverypart\".")]
    [InlineData("if header :anychild \"x\" \"y\" {}", ":anychild of \"header\" needs :mime beside it.")]
    [InlineData("if header :subtype \"x\" \"y\" {}", ":subtype of \"header\" needs :mime beside it.")]
    [InlineData("if header :mime :type :param \"a\" \"x\" \"y\" {}", ":type and :param exclude one another.")]
    [InlineData("foreverypart { } else { }", "\"else\" must follow the block of an \"if\" or \"elsif\".")]
    public void When_a_loop_is_written_wrongly_then_it_is_said(string script, string error) => Assert.Equal(error, SieveStage.Compile(Require + script).Errors[0].Message);

    [Fact]
    public void When_loops_stand_in_loops_over_many_parts_then_the_work_is_counted()
    {
        string message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + string.Concat(Enumerable.Repeat("--a\r\n\r\nx\r\n", 900)) + "--a--\r\n";
        string loops = string.Concat(Enumerable.Repeat("foreverypart { if header :mime :anychild \"x\" \"y\" { stop; } ", 10)) + new string('}', 10);
        SieveOutcome outcome = SieveStage.Run("require [\"foreverypart\", \"mime\"];" + loops, message, limits: new SieveOptions { Steps = 100_000 });
        Assert.InRange(outcome.Steps, 900, 110_000);
    }
}
