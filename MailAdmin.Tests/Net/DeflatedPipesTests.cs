using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text;
using MailEngine.Net;

namespace MailAdmin.Tests.Net;

public class DeflatedPipesTests
{
    [Fact]
    public async Task When_compressed_bytes_come_in_any_two_pieces_then_all_of_them_are_read()
    {
        byte[] wire = Deflate("a NOOP\r\n", new string('x', 600), "\r\n");
        for (int cut = 0; cut <= wire.Length; cut++)
        {
            Pipe input = new(), output = new();
            using var deflated = new DeflatedPipes(input.Reader, output.Writer);
            await input.Writer.WriteAsync(wire.AsMemory(0, cut));
            Task<string> read = ReadAsync(deflated.Input, 610);
            await input.Writer.WriteAsync(wire.AsMemory(cut));
            Assert.Equal("a NOOP\r\n" + new string('x', 600) + "\r\n", await read);
        }
    }

    [Fact]
    public async Task When_the_output_of_few_bytes_fills_every_buffer_then_no_read_waits_for_more_bytes()
    {
        // Run lengths around those of the buffers, so that a match is cut wherever it can be.
        for (int length = 16384 - 300; length < 16384 + 300; length += 7)
        {
            Pipe input = new(), output = new();
            using var deflated = new DeflatedPipes(input.Reader, output.Writer);
            await input.Writer.WriteAsync(Deflate(new string('x', 3 * length)));
            Assert.Equal(new string('x', 3 * length), await ReadAsync(deflated.Input, 3 * length));
        }
    }

    [Fact]
    public async Task When_the_compressor_was_dropped_between_two_answers_then_the_stream_goes_on()
    {
        Pipe input = new(), output = new();
        using var deflated = new DeflatedPipes(input.Reader, output.Writer);
        using var inflate = new DeflateStream(output.Reader.AsStream(), CompressionMode.Decompress);
        byte[] buffer = new byte[100];
        for (int round = 0; round < 5; round++)
        {
            string text = $"* {round} EXISTS and the same words again\r\n";
            await deflated.Output.WriteAsync(Encoding.ASCII.GetBytes(text));
            int count = await inflate.ReadAtLeastAsync(buffer, text.Length);
            Assert.Equal(text, Encoding.ASCII.GetString(buffer, 0, count));
            for (int beat = 0; beat < 3 * round; beat++)
                deflated.Rest();
        }
    }

    [Fact]
    public async Task When_a_read_is_cancelled_then_the_next_one_goes_on_where_it_was()
    {
        byte[] wire = Deflate("one", "two");
        Pipe input = new(), output = new();
        using var deflated = new DeflatedPipes(input.Reader, output.Writer);
        for (int at = 0; at < wire.Length; at++)
        {
            ValueTask<ReadResult> pending = deflated.Input.ReadAsync();
            deflated.Input.CancelPendingRead();
            ReadResult read = await pending;
            deflated.Input.AdvanceTo(read.Buffer.Start);
            await input.Writer.WriteAsync(wire.AsMemory(at, 1));
        }
        Assert.Equal("onetwo", await ReadAsync(deflated.Input, 6));
    }

    static byte[] Deflate(params string[] pieces)
    {
        var wire = new MemoryStream();
        var deflate = new DeflateStream(wire, CompressionLevel.Optimal, leaveOpen: true);
        foreach (string piece in pieces)
        {
            deflate.Write(Encoding.ASCII.GetBytes(piece));
            deflate.Flush();
        }
        return wire.ToArray();
    }

    static async Task<string> ReadAsync(PipeReader reader, int count)
    {
        var text = new StringBuilder();
        while (text.Length < count)
        {
            ReadResult read = await reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
            text.Append(Encoding.ASCII.GetString(read.Buffer.ToArray()));
            reader.AdvanceTo(read.Buffer.End);
        }
        return text.ToString();
    }
}
