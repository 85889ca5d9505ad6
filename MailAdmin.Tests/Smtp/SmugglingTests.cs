using MailAdmin.Tests.Rig;

namespace MailAdmin.Tests.Smtp;

/// <summary>Attack case A1 (CVE-2023-51764 and others): what one server takes for an end of data and another does not.</summary>
public sealed class SmugglingTests : IAsyncLifetime
{
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Theory]
    [InlineData("\n.\n")]
    [InlineData("\n.\r")]
    [InlineData("\r.\n")]
    [InlineData("\r.\r")]
    [InlineData("\n.\r\n")]
    [InlineData("\r.\r\n")]
    [InlineData("\r\n.\n")]
    [InlineData("\r\n.\r")]
    [InlineData("\r\n\0.\r\n")]
    [InlineData("\r\n.\0\r\n")]
    [InlineData("\r\n.\r\0\n")]
    [InlineData("\r\n\r.\r\n")]
    [InlineData("\r\r\n.\r\n")]
    [InlineData("\r\n.\r\r\n")]
    [InlineData("\r\r\n.\r\r\n")]
    [InlineData("\n\r.\r\n")]
    [InlineData("\n\n.\r\n")]
    public async Task When_an_end_of_data_is_almost_right_then_what_follows_is_never_a_second_message(string almost)
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: HELO c\nS: 250 *\nC: MAIL FROM:<a@example.org>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync($"Subject: one\r\n\r\nfirst{almost}MAIL FROM:<admin@example.org>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: two\r\n\r\nsmuggled\r\n.\r\nNOOP\r\n");
        // One refusal for the whole; what stands behind the true end is a command again.
        string reply = await client.ReadLineAsync();
        if (almost == "\r\r\n.\r\n")
        {
            // Here the last five octets are a true end; the CR before them still spoils the message, and the commands behind run
            // in the open, as the client's own.
            Assert.StartsWith("550 5.5.2", reply);
            return;
        }
        Assert.True(reply.StartsWith("550 5.5.2", StringComparison.Ordinal) || reply.StartsWith("550 5.6.0", StringComparison.Ordinal), reply);
        await client.PlayAsync("S: 250 2.0.0 Ok\nC: QUIT\nS: 221 *");
        Assert.Empty(await _rig.MessagesAsync(_rig.Ann));
        Assert.Empty(await _rig.MessagesAsync(_rig.Bob));
    }

    [Theory]
    [InlineData("NOOP\nNOOP\r\n")]
    [InlineData("NOOP\rNOOP\r\n")]
    [InlineData("NOOP\r\r\n")]
    public async Task When_a_command_has_a_bare_line_end_then_the_connection_ends(string bytes)
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: HELO c\nS: 250 *");
        await client.SendAsync(bytes);
        await client.PlayAsync("S: 550 5.5.2 *");
        Assert.True(await client.EndsAsync());
    }

    [Fact]   // attack case A5
    public async Task When_a_browser_comes_then_it_is_dropped_at_its_first_line()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.SendAsync("");
        await client.PlayAsync("S: 220 *");
        await client.SendAsync("POST / HTTP/1.1\r\nHost: mail\r\n\r\nMAIL FROM:<a@b.c>\r\n");
        await client.PlayAsync("S: 221 2.7.0 *");
        Assert.True(await client.EndsAsync());
    }

    [Fact]
    public async Task When_there_are_too_many_bad_commands_then_the_connection_ends()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *");
        for (int i = 0; i < 20; i++)
            await client.PlayAsync("C: WHAT\nS: 500 5.5.2 *");
        await client.PlayAsync("C: WHAT\nS: 421 4.7.0 *");
        Assert.True(await client.EndsAsync());
    }

    [Fact]
    public async Task When_a_command_line_is_too_long_or_not_text_then_it_is_refused()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *");
        await client.SendAsync("N\u00FF\u00FE\r\n");
        await client.PlayAsync("S: 500 5.5.2 *");
        await client.SendAsync(new string('x', 13000));
        await client.PlayAsync("S: 500 5.5.2 *");
        Assert.True(await client.EndsAsync());
    }
}
