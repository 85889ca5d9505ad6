using System.Text;
using MailEngine.Mime;

namespace MailAdmin.Tests.Mime;

/// <summary>Headers for clients that do not read UTF-8. RFC 6856 §2.1</summary>
public sealed class SurrogateHeaderTests
{
    static readonly string[] s_names = ["From", "To", "Bcc", "Resent-Cc", "Subject", "Content-Type", "Content-Disposition", "Received", "Message-ID", "X-Other", "List-Id"];

    static readonly string[] s_pieces =
    [
        "\u00e9", "\u20ac", "\u00fc.example", "\"", "\\", "<", ">", "@", ",", ";", ":", "(", ")", "[", "]", " ", "\r\n ", "\r\n\t", "\r\n \r\n ", "\r", "\nX", "\0", "\u007f", "\ufffd", ".", "=",
        "a", "b@example.org", "name=\"\u00e9", "name*=utf-8\'\'", "=?utf-8?q?=0D=0ABcc:_x?=", "=?utf-8?b?DQoNCg==?=", "=?utf-8?q?", "?=", "Team:", new string('\u00e9', 60),
    ];

    [Fact]
    public void When_a_header_is_odd_then_its_surrogate_is_ASCII_and_has_the_same_fields()
    {
        var random = new Random(6856);
        for (int run = 0; run < 4000; run++)
        {
            var text = new StringBuilder();
            for (int field = random.Next(1, 4); field > 0; field--)
            {
                text.Append(s_names[random.Next(s_names.Length)]).Append(": ");
                for (int piece = random.Next(1, 12); piece > 0; piece--)
                    text.Append(s_pieces[random.Next(s_pieces.Length)]);
                text.Append(field == 1 && random.Next(5) == 0 ? "" : "\r\n");
            }
            byte[] header = Encoding.UTF8.GetBytes(text.ToString());
            if (random.Next(3) == 0)
                header[random.Next(3, header.Length)] |= 0x80;   // not UTF-8 everywhere
            using var made = new ByteBuffer(64);
            SurrogateHeader.Write(header, made);
            Assert.True(Ascii.IsValid(made.Written), text.ToString());
            Assert.True(made.Length <= (header.Length * 20) + 100, text.ToString());
            Assert.Equal(Fields(header), Fields(made.Written.ToArray()));
        }
    }

    [Theory]
    [InlineData("To: \u00e9", "To: =?utf-8?B?w6k=?=:;\r\n")]
    [InlineData("To: \"a b\"@\u00fc.example, ;", "To: <\"a b\"@xn--tda.example>\r\n")]
    [InlineData("To: =?utf-8?q?a=0D=0AX=3A_y?= <a@b.example>, \u00e9@b.example", "To: \"a  X: y\" <a@b.example>,\r\n =?utf-8?B?w6lAYi5leGFtcGxl?=:;\r\n")]
    [InlineData("To: Team: a@x.example, \u00e9@x.example, b@x.example;, c@x.example", "To: \"Team\": <a@x.example>,\r\n <b@x.example>;,\r\n =?utf-8?B?w6lAeC5leGFtcGxl?=:;,\r\n <c@x.example>\r\n")]
    [InlineData("To: Team: \u00e9@x.example", "To: \"Team\": ;,\r\n =?utf-8?B?w6lAeC5leGFtcGxl?=:;\r\n")]
    public void When_an_address_has_other_characters_then_people_can_read_it(string field, string surrogate)
    {
        using var made = new ByteBuffer(64);
        SurrogateHeader.Write(Encoding.UTF8.GetBytes(field + "\r\n"), made);
        Assert.Equal(surrogate, Encoding.ASCII.GetString(made.Written));
    }

    /// <summary>How many there are, and the names of those that have one.</summary>
    static List<string> Fields(byte[] header)
    {
        var names = new List<string>();
        var fields = new HeaderFieldReader(header);
        while (fields.MoveNext())
            names.Add(s_names.Contains(Encoding.Latin1.GetString(fields.Current.Name)) ? Encoding.Latin1.GetString(fields.Current.Name) : "");
        return names;
    }
}
