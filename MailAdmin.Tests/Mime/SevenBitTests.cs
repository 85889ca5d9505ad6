using System.Text;
using MailEngine.Mime;

namespace MailAdmin.Tests.Mime;

/// <summary>Messages for next hops that take seven bits only: RFC 6152 §3.</summary>
public sealed class SevenBitTests
{
    const string Text = "Content-Type: text/plain; charset=iso-8859-1\r\n";

    [Theory]   // octets as Latin-1
    [InlineData("Subject: x\r\nMIME-Version: 1.0\r\n" + Text + "Content-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe von uns allen, und auf bald\r\n",
        "Subject: x\r\nMIME-Version: 1.0\r\n" + Text + "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe von uns allen, und auf bald\r\n")]
    [InlineData("Subject: no MIME at all\r\n\r\nGr\u00fc\u00dfe von uns allen = dir \r\n.\t\r\n\r\n",   // RFC 2045 §6.7 (3)
        "Subject: no MIME at all\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + "Gr=FC=DFe von uns allen =3D dir=20\r\n.=09\r\n\r\n")]
    [InlineData(Text + "MIME-Version: 1.0\r\n\r\n\u00e4\u00f6\u00fc\u00df\r\n", Text + "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n5Pb83w0K\r\n")]
    [InlineData("MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding:\r\n binary\r\nX-Last: 1\r\n\r\n\u0089PNG and much that is plain",
        "MIME-Version: 1.0\r\nContent-Type: image/png\r\nX-Last: 1\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORyBhbmQgbXVjaCB0aGF0IGlzIHBsYWlu\r\n")]
    // A part among others; the label around it; what stands between them.
    [InlineData("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npr\u00e9\r\n--b\r\n\r\nplain\r\n--b\r\n" + Text
        + "\r\ncaf\u00e9 au lait, s'il vous plait\r\n--b--\r\n\u00e9pi\r\n",
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npr?\r\n--b\r\n\r\nplain\r\n--b\r\n" + Text
        + "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 au lait, s'il vous plait\r\n--b--\r\n?pi\r\n")]
    // Encoded already, but with octets that have no place there.
    [InlineData("MIME-Version: 1.0\r\n" + Text + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9t=E9 \u00e9t\u00e9 and so on for a long while yet\r\n",
        "MIME-Version: 1.0\r\n" + Text + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9t=E9 =E9t=E9 and so on for a long while yet\r\n")]
    // A message inside: its own parts, its own MIME-Version.
    [InlineData("MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\n\r\nvoil\u00e0 un message dans le message\r\n",
        "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: in\r\nMIME-Version: 1.0\r\n"
        + "Content-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nvoil=E0 un message dans le message\r\n")]
    // What is signed has seven bits, what stands beside it has not: the signed part stays whole.
    [InlineData("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/signed; boundary=i\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "--i\r\nContent-Transfer-Encoding: 8bit\r\n\r\nsigned \r\n--i\r\nContent-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--i--\r\n\r\n--o\r\n" + Text + "\r\npi\u00e8ce jointe en bas de page\r\n--o--\r\n",
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/signed; boundary=i\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "--i\r\nContent-Transfer-Encoding: 8bit\r\n\r\nsigned \r\n--i\r\nContent-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--i--\r\n\r\n--o\r\n" + Text
        + "Content-Transfer-Encoding: quoted-printable\r\n\r\npi=E8ce jointe en bas de page\r\n--o--\r\n")]
    // No last boundary, no part at all, no body at all.
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + Text + "\r\non n'en finit pas, \u00e0 vrai dire",
        "Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n" + Text
        + "Content-Transfer-Encoding: quoted-printable\r\n\r\non n'en finit pas, =E0 vrai dire")]
    [InlineData("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nrien \u00e0 voir\r\n", "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nrien ? voir\r\n")]
    [InlineData("Subject: x\r\n\r\n", "Subject: x\r\n\r\n")]
    public void When_a_part_has_8_bit_octets_then_it_is_encoded_and_nothing_else_is_changed(string message, string expected) =>
        Assert.Equal(expected, Convert(message));

    [Theory]
    [InlineData("Subject: \u00e9t\u00e9\r\n\r\nplain\r\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; filename=\u00e9t\u00e9.txt\r\n\r\nplain\r\n--b--\r\n")]
    [InlineData("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" + Text + "\r\n\u00e9t\u00e9\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n")]
    [InlineData("Content-Type: multipart/signed; boundary=b\r\n\r\n\u00e9t\u00e9\r\n--b\r\n\r\nx\r\n--b--\r\n")]
    [InlineData("Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n\u00e9t\u00e9\r\n--c--\r\n--b--\r\n")]
    [InlineData("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: binary\r\n\r\n0\u0082\u0001\r\n")]
    [InlineData("Content-Type: application/x-pkcs7-mime\r\n\r\n0\u0082\u0001\r\n")]
    [InlineData("Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; \u00e9t\u00e9\r\n")]
    [InlineData("Content-Type: message/partial; id=x; number=1\r\n\r\n\u00e9t\u00e9\r\n")]
    [InlineData("Content-Type: message/rfc822\r\n\r\nSubject: \u00e9t\u00e9\r\n\r\nx\r\n")]
    [InlineData("Content-Type: multipart/mixed\r\n\r\n--?\r\n\r\n\u00e9t\u00e9\r\n")]
    [InlineData("Content-Transfer-Encoding: x-uuencode\r\n\r\n\u00e9t\u00e9\r\n")]
    public void When_a_message_cannot_be_encoded_then_it_says_so(string message) => Assert.Null(Convert(message));

    [Fact]   // the parts beyond a limit are in the last one: encoding it would make one part of them
    public void When_a_message_has_more_parts_than_are_told_apart_then_it_is_not_converted()
    {
        string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + string.Concat(Enumerable.Repeat("--b\r\n\r\ncaf\u00e9 au lait, s'il vous plait\r\n", 20)) + "--b--\r\n";
        Assert.Null(Convert(message, limits: new MimeLimits(20, 100)));
        Assert.NotNull(Convert(message, limits: new MimeLimits(22, 100)));
        string deep = string.Concat(Enumerable.Range(0, 20).Select(i => $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")) + "\r\ncaf\u00e9\r\n";
        Assert.Null(Convert(deep, limits: new MimeLimits(1000, 10)));
        Assert.NotNull(Convert(deep, limits: new MimeLimits(1000, 30)));
    }

    [Fact]
    public void When_messages_are_random_then_every_part_decodes_to_the_same_octets_and_no_line_is_long()
    {
        var random = new Random(6152);
        for (int round = 0; round < 400; round++)
        {
            var text = new StringBuilder("Subject: random\r\nMIME-Version: 1.0\r\n");
            WriteRandom(text, random, depth: 0);
            string message = text.ToString();
            string? converted = Convert(message, random.Next(1, 200));
            Assert.NotNull(converted);
            Assert.True(converted.All(c => c < 128), $"round {round}");
            List<byte[]> before = Leaves(message), after = Leaves(converted);
            Assert.Equal(before.Count, after.Count);
            for (int i = 0; i < before.Count; i++)
                Assert.True(before[i].AsSpan().SequenceEqual(after[i]), $"round {round}, part {i}");
            Assert.Equal(Convert(message), converted);   // wherever it is cut
            // Once it has seven bits it stays as it is.
            Assert.Equal(converted, Convert(converted));
            foreach (string line in converted.Split("\r\n"))
                Assert.True(line.Length <= 76 || message.Contains(line, StringComparison.Ordinal), line);
        }
    }

    static void WriteRandom(StringBuilder text, Random random, int depth)
    {
        int kind = depth < 4 ? random.Next(8) : 7;
        if (kind < 3)
        {
            string boundary = $"=_{random.Next()}_{depth}";
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n{(random.Next(2) == 0 ? "Content-Transfer-Encoding: 8bit\r\n" : "")}\r\npre\r\n");
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                text.Append(System.Globalization.CultureInfo.InvariantCulture, $"--{boundary}\r\n");
                WriteRandom(text, random, depth + 1);
                text.Append("\r\n");
            }
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"--{boundary}--\r\n");
            return;
        }
        if (kind == 3)
        {
            text.Append("Content-Type: message/rfc822\r\n\r\nSubject: in\r\nMIME-Version: 1.0\r\n");
            WriteRandom(text, random, depth + 1);
            return;
        }
        bool isText = random.Next(2) == 0;
        text.Append(isText ? "Content-Type: text/plain; charset=utf-8\r\n" : "Content-Type: application/octet-stream\r\n");
        if (random.Next(2) == 0)
            text.Append(isText ? "Content-Transfer-Encoding: 8bit\r\n" : "Content-Transfer-Encoding: binary\r\n");
        text.Append("\r\n");
        int high = random.Next(3) switch { 0 => 0, 1 => 30, _ => 2 };   // one octet in so many
        for (int length = random.Next(600); length > 0; length--)
        {
            int choice = random.Next(30);
            text.Append(choice == 0 ? "\r\n" : choice == 1 ? " " : choice == 2 ? "\t" : choice == 3 ? "=" : choice == 4 ? "." : choice == 5 ? " \r\n"
                : high > 0 && random.Next(high) == 0 ? ((char)random.Next(128, 256)).ToString()
                : isText ? ((char)random.Next(0x21, 0x7F)).ToString() : random.Next(20) == 0 ? "\r" : "x");
        }
    }

    [Fact]
    public void When_messages_are_broken_anyhow_then_the_answer_is_no_or_seven_bits_and_the_size_is_bounded()
    {
        var random = new Random(7);
        string[] words = ["--b", "--b--", "--c", "\r\n", "\r\n\r\n", "\n", "\r", "Content-Type: ", "multipart/mixed; boundary=b", "multipart/digest; boundary=c", "message/rfc822", "text/plain", "\r\n ",
            "Content-Transfer-Encoding: ", "base64", "quoted-printable", "8bit", "x-odd", "=", "=3", "\u00e9", "\u00ff\u00fe", "\0", "multipart/signed; boundary=b", ": ", "AAAA", " ", "From x\r\n"];
        int converted = 0;
        for (int round = 0; round < 20_000; round++)
        {
            var text = new StringBuilder();
            for (int i = random.Next(60); i > 0; i--)
                text.Append(words[random.Next(words.Length)]);
            string message = text.ToString();
            if (Convert(message, limits: new MimeLimits(20, 8)) is not { } result)
                continue;
            converted++;
            Assert.True(result.All(c => c < 128), message);
            Assert.True(result.Length <= (message.Length * 4) + 400 + (200 * Leaves(message).Count), message);
        }
        Assert.True(converted > 1000, $"only {converted} were converted");
    }

    /// <param name="piece">Octets that the reader gives at a time.</param>
    static string? Convert(string message, int piece = int.MaxValue, MimeLimits? limits = null)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(message);
        MimeLimits within = limits ?? MimeLimits.Default;
        var result = new StringBuilder();
        bool done = SevenBitParts.TryWrite((offset, to) =>
        {
            int count = Math.Min(Math.Min(piece, to.Length), bytes.Length - (int)offset);
            bytes.AsSpan((int)offset, count).CopyTo(to);
            return count;
        }, bytes.Length, Parts(bytes, within), within, octets => result.Append(Encoding.Latin1.GetString(octets)));
        return done ? result.ToString() : null;
    }

    static List<MimePart> Parts(byte[] message, MimeLimits limits)
    {
        using var reader = new MimeReader();
        reader.Read(message, limits);
        return [.. reader.Parts];
    }

    static List<byte[]> Leaves(string message)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(message);
        var leaves = new List<byte[]>();
        foreach (MimePart part in Parts(bytes, MimeLimits.Default))
        {
            if (part.Kind != MimePartKind.Leaf)
                continue;
            byte[] plain = new byte[TransferDecoder.MaxDecoded(part.BodyLength)];
            var decoder = new TransferDecoder(part.Encoding);
            int length = decoder.Decode(bytes.AsSpan(part.BodyStart, part.BodyLength), plain);
            length += decoder.Finish(plain.AsSpan(length));
            leaves.Add(plain[..length]);
        }
        return leaves;
    }
}
