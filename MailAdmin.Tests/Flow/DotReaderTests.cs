using System.Buffers;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Flow;
using MailEngine.Store;

namespace MailAdmin.Tests.Flow;

public sealed class DotReaderTests : IAsyncLifetime
{
    StoreRig _rig = null!;

    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    public static TheoryData<string, string> Inputs => new()
    {
        { ".\r\n", "done 3 None: " },
        { "a\r\n.\r\nREST", "done 6 None: a|" },
        { "..\r\n.\r\n", "done 7 None: .|" },
        { ".a\r\n..b\r\n.\r\n", "done 12 None: a|.b|" },
        { "a\r\n.\r\r\n.\r\n", "done 10 BareCrOrLf: -" },
        { "a\n.\r\n.\r\n", "done 8 BareCrOrLf: -" },
        { "a\n.\r\nb\r\n.\r\n", "done 11 BareCrOrLf: -" },
        { "a\rb\r\n.\r\n", "done 8 BareCrOrLf: -" },
        { "\0\r\n.\r\n", "done 6 Nul: -" },
        { ".\r", "more 2 None: -" },
        { "a\r\n.", "more 4 None: -" },
        { "a\r\n.\rX\r\n.\r\n", "done 11 BareCrOrLf: -" },
        { "\r\n\r\n.\r\n", "done 7 None: ||" },
        { "0123456789012345678901\r\n.\r\n", "done 27 LineTooLong: -" },
        { "01234567\r\n01234567\r\n01234567\r\n01234567\r\n.\r\n", "done 43 TooBig: -" },
    };

    [Theory, MemberData(nameof(Inputs))]
    public void When_the_data_comes_in_any_three_pieces_then_the_message_is_the_same(string text, string expected)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        for (int first = 0; first <= bytes.Length; first++)
        {
            for (int second = first; second <= bytes.Length; second++)
                Assert.Equal(expected, Read(bytes.AsMemory(0, first), bytes.AsMemory(first, second - first), bytes.AsMemory(second)));
        }
    }

    [Fact]
    public void When_random_data_is_stuffed_and_read_then_it_is_the_same_again()
    {
        var random = new Random(5);
        for (int round = 0; round < 3000; round++)
        {
            var text = new StringBuilder();
            for (int line = random.Next(6); line > 0; line--)
            {
                for (int i = random.Next(5); i > 0; i--)
                    text.Append("a.b"[random.Next(3)]);
                text.Append("\r\n");
            }
            byte[] plain = Encoding.ASCII.GetBytes(text.ToString());
            var wire = new ArrayBufferWriter<byte>();
            var writer = new DotWriter(wire);
            int cut = random.Next(plain.Length + 1);
            writer.Write(plain.AsSpan(0, cut));
            writer.Write(plain.AsSpan(cut));
            writer.Complete();
            Assert.Equal($"done {wire.WrittenCount} None: {text.Replace("\r\n", "|")}", Read(wire.WrittenMemory[..(wire.WrittenCount / 2)], wire.WrittenMemory[(wire.WrittenCount / 2)..]));
        }
    }

    [Theory]   // attack case A2
    [InlineData("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\r.\rb\r\n", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\r\n.\r\r\n", "a\r\n..\r\n\r\n.\r\n")]
    [InlineData("a\r", "a\r\n.\r\n")]
    [InlineData("", ".\r\n")]
    [InlineData(".", "..\r\n.\r\n")]
    public void When_stored_octets_have_bare_line_ends_then_they_leave_as_whole_ones(string stored, string expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(stored);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            var wire = new ArrayBufferWriter<byte>();
            var writer = new DotWriter(wire);
            writer.Write(bytes.AsSpan(0, cut));
            writer.Write(bytes.AsSpan(cut));
            writer.Complete();
            Assert.Equal(expected, Encoding.ASCII.GetString(wire.WrittenSpan));
        }
    }

    [Fact]
    public void When_random_octets_come_in_then_the_end_is_where_a_plain_search_finds_it()
    {
        var random = new Random(6);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = new byte[random.Next(30)];
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = (byte)"a.\r\n"[random.Next(4)];
            int end = ("\r\n" + Encoding.ASCII.GetString(bytes)).IndexOf("\r\n.\r\n", StringComparison.Ordinal);
            string got = Read(bytes.AsMemory(0, bytes.Length / 2), bytes.AsMemory(bytes.Length / 2));
            if (end < 0)
                Assert.StartsWith("more ", got);
            else
                Assert.StartsWith($"done {end + 3} ", got);
        }
    }

    string Read(params ReadOnlyMemory<byte>[] pieces)
    {
        using var intake = new MessageIntake(_rig.Store.NewBody(), default, null);
        var reader = new DotReader(intake, limit: 30, lineLimit: 20);
        ReadOnlySequence<byte> input = Segments.Of(pieces);
        bool done = reader.Take(ref input);
        string text = "-";
        if (done && reader.Faults == DataFaults.None)
        {
            using Body body = intake.Complete();
            byte[] bytes = new byte[body.Length];
            body.Read(0, bytes);
            text = Encoding.Latin1.GetString(bytes).Replace("\r\n", "|");
            // A text without header gets the blank line before it.
            if (intake.ContentLength + 2 == body.Length)
                text = text[1..];
        }
        return $"{(done ? "done" : "more")} {reader.Consumed} {reader.Faults}: {text}";
    }
}
