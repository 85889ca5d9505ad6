using System.IO.Compression;
using System.Text;
using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Imap;

public class CompressTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task When_a_session_is_compressed_then_every_answer_comes_at_once(bool tls)   // RFC 4978 §3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(300);
        await using WireScript c = await rig.ConnectAsync();
        await c.PlayAsync("C: 0 COMPRESS DEFLATE\nS: 0 BAD *");
        if (tls)
        {
            await c.PlayAsync("C: a STARTTLS\nS: a OK *");
            c.Continue(await MailRig.TlsOverAsync(c.Stream));
        }
        await c.PlayAsync($"C: b LOGIN ann@example.test \"{MailRig.Password}\"\nS: b OK *\nC: c COMPRESS LZMA\nS: c BAD *\nC: d COMPRESS deflate\nS: d OK *");
        c.Continue(new DeflatedStream(c.Stream));
        await c.PlayAsync("C: e COMPRESS DEFLATE\nS: e BAD [COMPRESSIONACTIVE] *\nC: f SELECT INBOX");
        Assert.Contains("* 300 EXISTS", await c.ReadUntilAsync("f OK"));
        await c.PlayAsync("C: g FETCH 1:* (BODY.PEEK[])");
        List<string> all = await c.ReadUntilAsync("g OK");
        for (int i = 1; i <= 300; i++)
            Assert.Contains($"Hello {i}", all);
        // An answer that is not asked for comes too.
        await c.PlayAsync("C: h IDLE\nS: + idling");
        await rig.GivenMessagesAsync(1);
        await c.PlayAsync("S: * 301 EXISTS\nS: * *\nC: DONE\nS: h OK *");
        byte[] noise = new byte[500_000];
        new Random(3).NextBytes(noise);
        noise.AsSpan().Replace((byte)0, (byte)1);
        "\r\n"u8.CopyTo(noise);   // no header
        await c.SendAsync($"i APPEND INBOX {{{noise.Length}}}\r\n");
        await c.PlayAsync("S: + *");
        await c.SendAsync(noise);
        await c.SendAsync("\r\n");
        await c.PlayAsync("S: * 302 EXISTS\nS: * *\nS: i OK *");
        Assert.Equal(Encoding.Latin1.GetString(noise), (await rig.Mail.MessagesAsync(rig.Mail.Ann))[^1]);
        await c.PlayAsync("C: j FETCH 302 BODY.PEEK[]\nS: * 302 FETCH (BODY[] {500000}");
        Assert.Equal(noise, await c.ReadBytesAsync(noise.Length));
        await c.PlayAsync("S: )\nS: j OK *\nC: k LOGOUT\nS: * BYE *\nS: k OK *");
    }

    [Fact]
    public async Task When_compressed_bytes_are_sent_right_behind_the_command_then_none_is_lost()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync();
        var first = new MemoryStream();
        first.Write("1 COMPRESS DEFLATE\r\n"u8);
        var deflate = new DeflateStream(first, CompressionLevel.Optimal, leaveOpen: true);
        deflate.Write("2 NOOP\r\n"u8);
        deflate.Flush();
        await c.SendAsync(first.ToArray());
        var came = new MemoryStream();
        var answer = new MemoryStream();
        byte[] buffer = new byte[1000];
        while (!Encoding.ASCII.GetString(answer.ToArray()).StartsWith("2 OK NOOP completed\r\n", StringComparison.Ordinal))
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            came.Write(buffer, 0, await c.Stream.ReadAsync(buffer, limit.Token));
            int clear = came.ToArray().AsSpan().IndexOf((byte)'\n') + 1;
            using var inflate = new DeflateStream(new MemoryStream(came.ToArray()[clear..]), CompressionMode.Decompress);
            answer.SetLength(0);
            for (int count; clear > 0 && (count = inflate.Read(buffer)) > 0;)
                answer.Write(buffer, 0, count);
        }
    }

    [Fact]
    public async Task When_what_comes_is_no_compressed_data_then_the_connection_ends_and_no_fault_is_seen()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.LogInAsync(), other = await rig.LogInAsync();
        await c.PlayAsync("C: 1 COMPRESS DEFLATE\nS: 1 OK *\nC: 2 NOOP in the clear");
        Assert.True(await c.EndsAsync());
        await other.PlayAsync("C: 1 NOOP\nS: 1 OK *");
    }

    [Fact]
    public async Task When_a_bomb_comes_compressed_then_the_limits_count_what_comes_out_of_it()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Limits.MessageBytes = 1 << 20);
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: 1 COMPRESS DEFLATE\nS: 1 OK *");
        c.Continue(new DeflatedStream(c.Stream));
        await c.SendAsync("2 APPEND INBOX {2000000+}\r\n" + new string('x', 2_000_000) + "\r\n");
        await c.PlayAsync("S: 2 NO [TOOBIG] *");
        await c.SendAsync(new string('x', 4 << 20));   // 4 kB on the way
        await c.PlayAsync("S: * BYE *");
    }
}
