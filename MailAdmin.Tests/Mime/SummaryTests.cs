using System.Text;
using MailEngine.Mime;

namespace MailAdmin.Tests.Mime;

/// <summary>Golden cases of ENVELOPE and BODYSTRUCTURE. Messages are written with LF and read with CRLF.</summary>
public class SummaryTests
{
    internal static byte[] Crlf(string text) => Encoding.Latin1.GetBytes(text.Replace("\r\n", "\n").Replace("\n", "\r\n"));

    static MessageSummary Of(string text) => MessageSummary.Of(Crlf(text));

    static string Latin(byte[] bytes) => Encoding.Latin1.GetString(bytes);

    static string Structure(string text) => Latin(Of(text).BodyStructure);

    static string Basic(string text)
    {
        using var to = new ByteBuffer();
        BodyStructureText.WriteBasic(Of(text).BodyStructure, to);
        return Encoding.Latin1.GetString(to.Written);
    }

    [Fact]
    public void When_the_message_of_the_rfc_is_read_then_its_envelope_is_that_of_the_rfc()   // RFC 9051 §8
    {
        MessageSummary s = Of("""
            Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
            From: Terry Gray <gray@cac.washington.edu>
            Subject: IMAP4rev2 WG mtg summary and minutes
            To: imap@cac.washington.edu
            cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
            Message-Id: <B27397-0100000@cac.washington.edu>
            MIME-Version: 1.0
            Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

            Hello.

            """);
        Assert.Equal(
            "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" "
            + "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
            + "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) "
            + "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
            + "\"<B27397-0100000@cac.washington.edu>\")", Latin(s.Envelope));
        Assert.Equal("(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 8 1 NIL NIL NIL NIL)", Latin(s.BodyStructure));
        Assert.Equal(837595405, s.SentDate);
        Assert.Equal("B27397-0100000@cac.washington.edu", s.MessageId);
        Assert.Equal("GRAY", s.SortFrom);
        Assert.Equal("MINUTES", s.SortCc);
        Assert.Equal("Hello.", s.Preview);
    }

    [Fact]
    public void When_header_values_hold_eight_bit_text_then_they_are_sent_as_literals()
    {
        MessageSummary s = MessageSummary.Of("Subject: caf\u00e9\r\nFrom: \"J \\\"q\\\" d\" <a@b>\r\n\r\n"u8);
        Assert.StartsWith("(NIL {5}\r\ncaf\u00c3\u00a9 ((\"J \\\"q\\\" d\" NIL \"a\" \"b\"))", Latin(s.Envelope), StringComparison.Ordinal);
        Assert.Equal("CAFE\u0301", s.BaseSubject);
    }

    [Fact]
    public void When_parts_are_nested_then_the_structure_nests_and_every_section_is_found()
    {
        const string Text = """
            Content-Type: multipart/mixed; boundary=b

            preamble
            --b
            Content-Type: text/html; charset=utf-8
            Content-Transfer-Encoding: QUOTED-PRINTABLE
            Content-ID: <x@y>
            Content-Description: a page
            Content-Disposition: attachment; filename*0="a"; filename*1="b.html"
            Content-Language: en, de
            Content-Location: http://x/
            Content-MD5: abc=

            =41
            --b
            Content-Type: message/rfc822

            Subject: inner
            From: i@n
            Content-Type: multipart/alternative; boundary="b b"

            --b b

            one
            --b b

            two
            --b b--
            --b
            Content-Type: application/x; name=a b.pdf
            Content-Transfer-Encoding: base64

            QUJD

            --b--
            epilogue

            """;
        const string Inner = "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
            + "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL) \"alternative\" (\"boundary\" \"b b\") NIL NIL NIL)";
        Assert.Equal(
            "((\"text\" \"html\" (\"charset\" \"utf-8\") \"<x@y>\" \"a page\" \"QUOTED-PRINTABLE\" 3 0 \"abc=\" "
            + "(\"attachment\" (\"filename\" \"ab.html\")) (\"en\" \"de\") \"http://x/\")"
            + "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 117 (NIL \"inner\" ((NIL NIL \"i\" \"n\")) ((NIL NIL \"i\" \"n\")) "
            + "((NIL NIL \"i\" \"n\")) NIL NIL NIL NIL NIL) " + Inner + " 10 NIL NIL NIL NIL)"
            + "(\"application\" \"x\" (\"name\" \"a b.pdf\") NIL NIL \"base64\" 6 NIL NIL NIL NIL)"
            + " \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)", Structure(Text));
        Assert.Equal(
            "((\"text\" \"html\" (\"charset\" \"utf-8\") \"<x@y>\" \"a page\" \"QUOTED-PRINTABLE\" 3 0)"
            + "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 117 (NIL \"inner\" ((NIL NIL \"i\" \"n\")) ((NIL NIL \"i\" \"n\")) "
            + "((NIL NIL \"i\" \"n\")) NIL NIL NIL NIL NIL) ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0)"
            + "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0) \"alternative\") 10)"
            + "(\"application\" \"x\" (\"name\" \"a b.pdf\") NIL NIL \"base64\" 6) \"mixed\")", Basic(Text));

        byte[] bytes = Crlf(Text);
        var parts = new List<MimePart>();
        Assert.True(new MimeLayout(Of(Text).Layout).TryRead(parts));
        Assert.Equal("=41", Body(bytes, parts, 1));
        Assert.StartsWith("Subject: inner", Body(bytes, parts, 2), StringComparison.Ordinal);
        Assert.Equal("one", Body(bytes, parts, 2, 1));
        Assert.Equal("two", Body(bytes, parts, 2, 2));
        Assert.Equal("QUJD\r\n", Body(bytes, parts, 3));
        Assert.Equal(-1, MimeLayout.Find(parts, [4]));
        Assert.Equal(-1, MimeLayout.Find(parts, [1, 1]));
        Assert.Equal(-1, MimeLayout.Find(parts, [2, 3]));
    }

    static string Body(byte[] message, List<MimePart> parts, params int[] path)
    {
        MimePart part = parts[MimeLayout.Find(parts, path)];
        return Encoding.Latin1.GetString(message, part.BodyStart, part.BodyLength);
    }

    [Theory]
    // Missing last boundary: the part goes to the end.
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n", "((T 3 1) \"mixed\")")]
    // The boundary of the outer one ends the inner one that was never closed.
    [InlineData("Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n--o\n\ny\n--o--\n",
        "(((T 1 0) \"mixed\")(T 1 0) \"mixed\")")]
    // One boundary begins like the other, both ways.
    [InlineData("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--ab--\n--a--\n",
        "(((T 1 0) \"mixed\") \"mixed\")")]
    [InlineData("Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n--ab--\n",
        "(((T 1 0) \"mixed\") \"mixed\")")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--bx\n--b\n\n--bx\n--b --\n--b--\n", "((T 12 1) \"mixed\")")]
    // No parts: one empty one is shown.
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\nnothing\n", "((T 0 0) \"mixed\")")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b--\nepilogue\n", "((T 0 0) \"mixed\")")]
    // Empty parts, with and without header and empty line.
    [InlineData("Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b\nX: y\n--b--\n", "((T 0 0)(T 0 0)(T 0 0) \"mixed\")")]
    // A multipart without boundary is text (RFC 2049 §2).
    [InlineData("Content-Type: multipart/mixed\n\nx\n", "(T 3 1)")]
    [InlineData("Content-Type: nonsense\n\nx\n", "(T 3 1)")]
    // No header at all, no body at all, nothing at all.
    [InlineData("hello\nworld\n", "(T 14 2)")]
    [InlineData("Received: x\nhello: you\nworld\n", "(T 7 1)")]
    [InlineData("Subject: x\n", "(T 0 0)")]
    [InlineData("", "(T 0 0)")]
    [InlineData("\n", "(T 0 0)")]
    public void When_the_structure_is_odd_then_it_is_read_as_mail_programs_do(string text, string expected)
    {
        Assert.Equal(expected, Basic(text).Replace("\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\"", "T", StringComparison.Ordinal));
    }

    [Fact]
    public void When_a_digest_part_has_no_type_then_it_is_a_message()   // RFC 2046 §5.1.5
    {
        Assert.Equal(
            "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15 (NIL \"a\" NIL NIL NIL NIL NIL NIL NIL NIL) "
            + "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) 2) \"digest\")",
            Basic("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n--b--\n"));
    }

    [Theory]
    [InlineData("filename*=utf-8''%e2%82%ac", "(\"filename*\" \"utf-8''%e2%82%ac\")")]
    [InlineData("filename*0*=utf-8''%e2; filename*1=\"a b\"; size=1", "(\"filename*\" \"utf-8''%e2a%20b\" \"size\" \"1\")")]
    [InlineData("filename*1=b; filename*0=a", "(\"filename\" \"ab\")")]
    [InlineData("filename=\"a\\\"b\"", "(\"filename\" \"a\\\"b\")")]
    [InlineData("; ; =x; y; filename = z (comment)", "(\"filename\" \"z\")")]
    public void When_parameters_are_written_in_any_form_then_they_are_read(string parameters, string expected)
    {
        Assert.EndsWith($" NIL (\"attachment\" {expected}) NIL NIL)", Structure($"Content-Disposition: attachment; {parameters}\n\nx\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a@b", "((NIL NIL \"a\" \"b\"))")]
    [InlineData("Full Name <a@b>, c@d (Comment (nested) name)", "((\"Full Name\" NIL \"a\" \"b\")(\"Comment (nested) name\" NIL \"c\" \"d\"))")]
    [InlineData("\"Last, First\" <a@b>", "((\"Last, First\" NIL \"a\" \"b\"))")]
    [InlineData("John Q. Public <a@b>", "((\"John Q. Public\" NIL \"a\" \"b\"))")]
    [InlineData("A Group:Ed Jones <joe@where.test>,joe@where.test;", "((NIL NIL \"A Group\" NIL)(\"Ed Jones\" NIL \"joe\" \"where.test\")(NIL NIL \"joe\" \"where.test\")(NIL NIL NIL NIL))")]
    [InlineData("Undisclosed recipients:;", "((NIL NIL \"Undisclosed recipients\" NIL)(NIL NIL NIL NIL))")]
    [InlineData("Undisclosed recipients:", "((NIL NIL \"Undisclosed recipients\" NIL)(NIL NIL NIL NIL))")]
    [InlineData("<@a,@b:joe@host>", "((NIL \"@a,@b\" \"joe\" \"host\"))")]
    [InlineData("john . doe @ example . org", "((NIL NIL \"john.doe\" \"example.org\"))")]
    [InlineData("\"a b\"@[192.0.2.1]", "((NIL NIL \"a b\" \"[192.0.2.1]\"))")]
    [InlineData("a@b <c@d>", "((\"a@b\" NIL \"c\" \"d\"))")]
    [InlineData("<<a@b>>, <c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))")]
    [InlineData("root", "((NIL NIL \"root\" \"MISSING_DOMAIN\"))")]
    [InlineData("<>", "((NIL NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))")]
    [InlineData(",, ,", "NIL")]
    [InlineData("(only a comment)", "NIL")]
    [InlineData("=?utf-8?Q?=C3=A9?= <a@b>", "((\"=?utf-8?Q?=C3=A9?=\" NIL \"a\" \"b\"))")]
    [InlineData("\"never ends <a@b>", "((NIL NIL \"never ends <a@b>\" \"MISSING_DOMAIN\"))")]
    public void When_an_address_list_is_written_in_any_form_then_it_is_read(string list, string expected)
    {
        Assert.Equal($"(NIL NIL NIL NIL NIL {expected} NIL NIL NIL NIL)", Latin(Of($"To: {list}\n\n").Envelope));
        // The same with every space folded.
        Assert.Equal($"(NIL NIL NIL NIL NIL {expected} NIL NIL NIL NIL)", Latin(Of($"To: {list.Replace(" ", "\n ", StringComparison.Ordinal)}\n\n").Envelope));
    }

    [Fact]
    public void When_an_address_field_is_repeated_then_all_addresses_count()
    {
        Assert.Equal("(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)", Latin(Of("To: a@b\nTo: c@d\n\n").Envelope));
    }

    [Theory]
    [InlineData("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T09:55:06-06:00")]
    [InlineData("21 Nov 97 09:55 EST", "1997-11-21T09:55:00-05:00")]
    [InlineData("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00")]
    [InlineData("Thu,  1 Jan 2026 00:00:60 GMT (x)", "2026-01-01T00:00:59+00:00")]
    [InlineData("1 Jan 49 00:00 Z", "2049-01-01T00:00:00+00:00")]
    [InlineData("1-Jan-2026 10:00:00 +0530", "2026-01-01T10:00:00+05:30")]
    [InlineData("Mon, 1 Jan 2026 99:99:99 +0000", "2026-01-01T00:00:00+00:00")]
    [InlineData("1 Jan 2026", "2026-01-01T00:00:00+00:00")]
    [InlineData("31 Feb 2026 10:00 +0000", null)]
    [InlineData("yesterday", null)]
    [InlineData("", null)]
    [InlineData("((((((", null)]
    public void When_a_date_is_written_in_any_form_then_it_is_read(string text, string? expected)
    {
        bool ok = MailDate.TryParse(Encoding.ASCII.GetBytes(text), out DateTimeOffset date);
        Assert.Equal(expected, ok ? date.ToString("yyyy-MM-ddTHH:mm:sszzz", System.Globalization.CultureInfo.InvariantCulture) : null);
    }

    [Fact]
    public void When_a_date_is_written_then_it_is_read_back()
    {
        var date = new DateTimeOffset(2026, 11, 1, 4, 5, 6, TimeSpan.FromMinutes(-210));
        Assert.Equal("Sun, 1 Nov 2026 04:05:06 -0330", MailDate.Format(date));
        Assert.True(MailDate.TryParse("Sun, 1 Nov 2026 04:05:06 -0330"u8, out DateTimeOffset back));
        Assert.Equal(date, back);
    }

    [Theory]
    [InlineData("=?ISO-8859-1?Q?a?= b", "a b")]
    [InlineData("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab")]
    [InlineData("=?ISO-8859-1?Q?a_b?=", "a b")]
    [InlineData("=?utf-8*en?b?w6k=?=", "é")]
    [InlineData("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é")]
    [InlineData("=?iso-8859-2?q?=A3?=\r\n =?koi8-r?q?=C1?=", "Łа")]
    [InlineData("=?x?z?a?= =? =?= =?utf-8?q", "=?x?z?a?= =? =?= =?utf-8?q")]
    [InlineData("=?utf-8?q??=", "")]
    [InlineData("=?unknown-x?q?=C3=A9?=", "é")]
    [InlineData("=?utf-7?q?a?=", "a")]
    public void When_encoded_words_are_decoded_then_the_text_is_right(string text, string expected) =>
        Assert.Equal(expected, EncodedWord.Decode(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData("plain")]
    [InlineData("Grüße aus Köln, 日本語 and a long text that needs more than one encoded word 🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂")]
    [InlineData("=?not?q?a word?=")]
    public void When_text_is_encoded_then_it_is_decoded_back_and_lines_are_short(string text)
    {
        using var to = new ByteBuffer();
        EncodedWord.Encode(text, to);
        Assert.Equal(text, EncodedWord.Decode(to.Written));
        Assert.All(Encoding.ASCII.GetString(to.Written).Split("\r\n"), line => Assert.True(line.Length <= 76));
    }

    [Theory]
    [InlineData("Re: Hello", "HELLO")]
    [InlineData("RE: [list] re[2]: Fwd: fw: Hello (fwd) (FWD) ", "HELLO")]
    [InlineData("[list] Hello", "HELLO")]
    [InlineData("[list]", "[LIST]")]
    [InlineData("[fwd: Re: a  b]", "A B")]
    [InlineData("Re:", "")]
    [InlineData("regular", "REGULAR")]
    [InlineData("", "")]
    public void When_a_subject_is_reduced_then_its_base_is_left(string subject, string expected) => Assert.Equal(expected, BaseSubject.Of(subject));

    [Theory]
    [InlineData("Content-Type: text/html\n\n<style>x</style><p>Hello&nbsp;<b>you</b> &amp; me", "Hello you & me")]
    [InlineData("Content-Transfer-Encoding: base64\n\nSGVsbG8=\n", "Hello")]
    [InlineData("Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\nno\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nja=\n =E4\n--b--", "ja ä")]
    public void When_a_preview_is_made_then_it_is_text_for_people(string text, string expected) => Assert.Equal(expected, Of(text).Preview);

    [Fact]
    public void When_references_are_there_then_they_are_kept_else_in_reply_to()
    {
        Assert.Equal("a@b c@d", Of("References: <a@b>\n <c@d> junk <broken\nIn-Reply-To: <e@f>\n\n").References);
        Assert.Equal("e@f", Of("In-Reply-To: your message <e@f> of today\n\n").References);
        Assert.Equal("bare@id", Of("Message-ID: bare@id\n\n").MessageId);
        Assert.Null(Of("Message-ID: \n\n").MessageId);
    }

    [Theory]
    [InlineData(TransferEncoding.QuotedPrintable, "a=3D=\r\nb= \r\nc=ZZ=4", "a=bc=ZZ=4")]
    [InlineData(TransferEncoding.Base64, "QU JD\r\nRA==QQ==", "ABCDA")]
    [InlineData(TransferEncoding.Identity, "a=3D", "a=3D")]
    internal void When_encoded_bytes_arrive_in_any_two_pieces_then_they_decode_the_same(TransferEncoding encoding, string text, string expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            var decoder = new TransferDecoder(encoding);
            var to = new byte[64];
            int length = decoder.Decode(bytes.AsSpan(0, cut), to);
            length += decoder.Decode(bytes.AsSpan(cut), to.AsSpan(length));
            length += decoder.Finish(to.AsSpan(length));
            Assert.Equal(expected, Encoding.ASCII.GetString(to, 0, length));
        }
    }

    [Fact]
    public void When_header_fields_are_written_then_no_value_can_end_its_line()
    {
        using var writer = new HeaderWriter();
        writer.Field("X-A", "one\r\nX-Evil: two").Text("Subject", "naïve\r\nX-Evil: b").Mailbox("From", "Zoë", "a@b").End();
        string text = Encoding.ASCII.GetString(writer.Written);
        Assert.DoesNotContain("\nX-Evil", text, StringComparison.Ordinal);
        Assert.EndsWith(" <a@b>\r\n\r\n", text, StringComparison.Ordinal);
    }
}
