using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Flow;
using MailEngine.Store;

namespace MailAdmin.Tests.Flow;

/// <summary>8-bit mail for a next hop that does not offer 8BITMIME: RFC 6152 §3.</summary>
public sealed class SevenBitNextHopTests : IAsyncLifetime
{
    readonly DnsServer _dns = new();
    readonly SmtpSink _sink = new();
    MailRig _rig = null!;

    public async Task InitializeAsync()
    {
        _dns.Mx("away.test", 10, "mx.away.test").A("mx.away.test", "127.0.0.1");
        _sink.Extensions.Remove("8BITMIME");
        _sink.Extensions.Add("SIZE 50000000");
        _rig = await MailRig.StartAsync(o =>
        {
            o.Dns.Servers = [_dns.Address];
            o.Queue.Port = _sink.Port;
        });
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _dns.Dispose();
        _sink.Dispose();
    }

    /// <param name="text">Octets as Latin-1.</param>
    async Task SendAsync(string text)
    {
        await using WireScript client = await _rig.LogInAsync();
        await client.PlayAsync("C: MAIL FROM:<ann@example.test> BODY=8BITMIME\nS: 250 *\nC: RCPT TO:<zoe@away.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync(Encoding.Latin1.GetBytes(text + ".\r\n"));
        await client.PlayAsync("S: 250 2.0.0 *");
    }

    [Fact]
    public async Task When_the_next_hop_takes_seven_bits_only_then_it_gets_the_text_encoded_and_the_right_size()
    {
        await SendAsync("Subject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nMIME-Version: 1.0\r\n\r\n..Gr\u00fc\u00dfe aus der Ferne und auf bald\r\n");
        SunkMail mail = await _sink.TakeAsync();
        Assert.All(mail.Data, c => Assert.True(c < 128));
        Assert.Contains("\r\nContent-Transfer-Encoding: quoted-printable\r\n", mail.Data, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n.Gr=FC=DFe aus der Ferne und auf bald\r\n", mail.Data, StringComparison.Ordinal);
        Assert.DoesNotContain("BODY=", mail.MailLine, StringComparison.Ordinal);
        Assert.Contains($" SIZE={mail.Data.Length}", mail.MailLine, StringComparison.Ordinal);
        Assert.StartsWith("Received: ", mail.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_next_hop_takes_eight_bits_or_all_is_7_bit_then_nothing_is_changed()
    {
        await SendAsync("Subject: plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain = \r\n");
        string plain = (await _sink.TakeAsync()).Data;
        Assert.Contains("Content-Transfer-Encoding: 8bit\r\n", plain, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nplain = \r\n", plain, StringComparison.Ordinal);
        _sink.Extensions.Add("8BITMIME");
        await SendAsync("Subject: eight\r\n\r\nGr\u00fc\u00dfe = \r\n");
        Assert.EndsWith("\r\n\r\nGr\u00fc\u00dfe = \r\n", (await _sink.TakeAsync()).Data, StringComparison.Ordinal);
    }

    [Fact]   // over Store:InlineBodyBytes: the copy is a file on disk while it is made and sent, and gone afterwards
    public async Task When_a_large_part_is_8_bit_then_it_arrives_whole_and_no_file_is_left()
    {
        var random = new Random(8);
        var body = new StringBuilder();
        for (int line = 0; line < 40_000; line++)
        {
            for (int i = 0; i < 70; i++)
                body.Append((char)random.Next(160, 256));
            body.Append("\r\n");
        }
        await SendAsync($"Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n{body}\r\n--b--\r\n");
        string data = (await _sink.TakeAsync()).Data;
        int start = data.IndexOf("Content-Transfer-Encoding: base64\r\n\r\n", StringComparison.Ordinal) + 37;
        string encoded = data[start..data.IndexOf("--b--", StringComparison.Ordinal)];
        Assert.Equal(body.ToString(), Encoding.Latin1.GetString(Convert.FromBase64String(encoded)));
        string segments = Path.Combine(_rig.Folder, "partitions/default/segments");
        await QueueWatch.EmptyAsync(_rig);
        Assert.Equal(2, Directory.GetFiles(segments).Length);   // the one that is written to, and the message as it came
    }

    [Theory]
    [InlineData("Subject: \u00e9t\u00e9\r\n\r\nx\r\n")]
    [InlineData("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\u00e9t\u00e9\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n")]
    public async Task When_a_message_cannot_be_converted_then_its_sender_is_told_and_the_next_one_goes(string text)
    {
        await SendAsync(text);
        Mailbox box = (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Inbox))!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (box.Current is var now && now.Count == 0)
            await box.ChangedSince(now).WaitAsync(patience.Token);
        string report = Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.Contains("Action: failed\r\nStatus: 5.6.3\r\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain(_sink.Commands, c => c.StartsWith("MAIL", StringComparison.Ordinal));
        await QueueWatch.EmptyAsync(_rig);
        await SendAsync("Subject: next\r\n\r\nx\r\n");
        Assert.Contains("Subject: next", (await _sink.TakeAsync()).Data, StringComparison.Ordinal);
    }
}
