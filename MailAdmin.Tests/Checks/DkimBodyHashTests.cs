using System.Security.Cryptography;
using System.Text;
using MailEngine.Checks;

namespace MailAdmin.Tests.Checks;

public sealed class DkimBodyHashTests
{
    public static TheoryData<bool, string, string> Forms => new()
    {
        // RFC 6376 §3.4.3, §3.4.5
        { false, "", "\r\n" },
        { false, "\r\n", "\r\n" },
        { false, "\r\n\r\n\r\n", "\r\n" },
        { false, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n" },
        { false, "a", "a\r\n" },
        { false, "a\r\n \r\n\r\n", "a\r\n \r\n" },
        { false, "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
        { false, "a\r", "a\r\r\n" },
        { false, "a\r\n\r", "a\r\n\r\r\n" },
        { false, "a\n\n", "a\n\n\r\n" },
        { false, "a\r\r\nb\r\n\n", "a\r\r\nb\r\n\n\r\n" },
        // RFC 6376 §3.4.4, §3.4.5
        { true, "", "" },
        { true, "\r\n\r\n", "" },
        { true, " \t\r\n\t \r\n", "" },
        { true, "  ", "" },
        { true, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n" },
        { true, "a", "a\r\n" },
        { true, "a \t", "a\r\n" },
        { true, "a\t\t b\r\n \r\n\tc\t\r\n \r\n", "a b\r\n\r\n c\r\n" },
        { true, "\r\n\r\na", "\r\n\r\na\r\n" },
        { true, "a \r \r\n", "a \r\r\n" },
        { true, "a\r\n \r", "a\r\n \r\r\n" },
        { true, "a \n b", "a \n b\r\n" },
    };

    [Theory, MemberData(nameof(Forms))]
    public void When_a_body_comes_in_any_two_pieces_or_octet_by_octet_then_its_form_is_the_same(bool relaxed, string body, string canonical)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(body), form = Encoding.ASCII.GetBytes(canonical);
        for (int cut = 0; cut <= bytes.Length; cut++)
            Check(relaxed, form, bytes[..cut], bytes[cut..]);
        Check(relaxed, form, [.. bytes.Select(b => new[] { b })]);
    }

    [Fact]   // against a plain reading of RFC 6376 §3.4.3 and §3.4.4, in one go and with everything in memory
    public void When_bodies_of_many_blocks_are_made_at_random_then_their_form_is_the_plain_one()
    {
        var random = new Random(34);
        string[] pieces = ["a", "word", " ", "\t", "\r\n", "\r\n", "\r", "\n", " \r\n", new string('x', 500), string.Concat(Enumerable.Repeat("\r\n", 600))];
        for (int i = 0; i < 400; i++)
        {
            string body = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => pieces[random.Next(pieces.Length)]));
            byte[] bytes = Encoding.ASCII.GetBytes(body);
            var blocks = new List<byte[]>();
            for (int at = 0; at < bytes.Length;)
            {
                int length = Math.Min(bytes.Length - at, random.Next(1, random.Next(2) == 0 ? 5 : 9000));
                blocks.Add(bytes[at..(at + length)]);
                at += length;
            }
            Check(false, Encoding.ASCII.GetBytes(WithoutEmptyLines(body) + "\r\n"), [.. blocks]);
            IEnumerable<string> lines = body.Split("\r\n").Select(Spaced);
            string relaxed = WithoutEmptyLines(string.Join("\r\n", lines));
            Check(true, Encoding.ASCII.GetBytes(relaxed.Length == 0 ? "" : relaxed + "\r\n"), [.. blocks]);
        }

        static string WithoutEmptyLines(string text)
        {
            while (text.EndsWith("\r\n", StringComparison.Ordinal))
                text = text[..^2];
            return text;
        }

        static string Spaced(string line)
        {
            line = line.Replace('\t', ' ').TrimEnd(' ');
            while (line.Contains("  ", StringComparison.Ordinal))
                line = line.Replace("  ", " ", StringComparison.Ordinal);
            return line;
        }
    }

    static void Check(bool relaxed, byte[] form, params byte[][] blocks)
    {
        long[] lengths = [0, 1, form.Length / 2, form.Length - 1, form.Length, form.Length + 1, long.MaxValue];
        using var hash = new DkimBodyHash(relaxed, lengths.Where(length => length >= 0));
        foreach (byte[] block in blocks)
            hash.Write(block);
        hash.Complete();
        Assert.Equal(form.Length, hash.Length);
        Assert.Equal(SHA256.HashData(form), hash.At(null));
        foreach (long length in lengths.Where(length => length >= 0))
            Assert.Equal(length > form.Length ? null : SHA256.HashData(form.AsSpan(0, (int)length)), hash.At(length));
    }
}
