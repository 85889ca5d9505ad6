using System.Buffers;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Net;

namespace MailAdmin.Tests.Net;

public sealed class LineFramerTests
{
    public static TheoryData<string, string> Inputs => new()
    {
        { "NOOP\r\n", "NOOP|NeedMore" },
        { "EHLO a\r\nMAIL FROM:<>\r\n", "EHLO a|MAIL FROM:<>|NeedMore" },
        { "\r\n\r\n", "||NeedMore" },
        { "DATA\n.\r\n", "BareCrOrLf" },
        { "DATA\r.\r\n", "BareCrOrLf" },
        { "DATA\r\r\n", "BareCrOrLf" },
        { "\nDATA\r\n", "BareCrOrLf" },
        { "no end", "NeedMore" },
        { "cr at the end\r", "NeedMore" },
        { new string('x', 30) + "\r\n", new string('x', 30) + "|NeedMore" },
        { new string('x', 31) + "\r\n", "TooLong" },
        { new string('x', 99), "TooLong" },
    };

    [Theory, MemberData(nameof(Inputs))]
    public void When_the_bytes_arrive_in_any_two_pieces_then_the_lines_are_the_same(string text, string expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int cut = 0; cut <= bytes.Length; cut++)
            Assert.Equal(expected, Frames(Segments.Of(bytes.AsMemory(0, cut), bytes.AsMemory(cut))));
    }

    [Fact]
    public void When_the_input_is_cut_off_anywhere_then_no_half_line_is_taken()
    {
        byte[] bytes = "HELO there\r\nQUIT\r\n"u8.ToArray();
        for (int length = 0; length <= bytes.Length; length++)
        {
            string frames = Frames(new ReadOnlySequence<byte>(bytes, 0, length));
            Assert.Equal(length < 12 ? "NeedMore" : length < 18 ? "HELO there|NeedMore" : "HELO there|QUIT|NeedMore", frames);
        }
    }

    [Fact]
    public void When_random_bytes_come_in_then_every_line_is_free_of_line_ends_and_within_the_limit()
    {
        var random = new Random(1);
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = new byte[random.Next(200)];
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = (byte)"ab\r\n"[random.Next(4)];
            var input = new ReadOnlySequence<byte>(bytes);
            while (LineFramer.TryTake(ref input, 32, out ReadOnlySequence<byte> line) == Framing.Line)
            {
                Assert.True(line.Length <= 30);
                Assert.Equal(-1, line.ToArray().AsSpan().IndexOfAny((byte)'\r', (byte)'\n'));
            }
        }
    }

    static string Frames(ReadOnlySequence<byte> input)
    {
        var frames = new List<string>();
        while (true)
        {
            Framing framing = LineFramer.TryTake(ref input, 32, out ReadOnlySequence<byte> line);
            if (framing != Framing.Line)
                return string.Join('|', [.. frames, framing.ToString()]);
            frames.Add(Encoding.ASCII.GetString(line));
        }
    }
}
