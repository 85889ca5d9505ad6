using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Net;

/// <summary>Attack case A23: old protocols and ciphers, renegotiation, a new name in every handshake.</summary>
[Collection(Alone.Name)]
public sealed class TlsAttackTests : IAsyncLifetime
{
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    /// <summary>Debian's openssl as the client; at security level 0 it offers what a current one no longer does.</summary>
    /// <param name="input">Said a while after the handshake, once the server has greeted.</param>
    async Task<string> OpensslAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[] { "s_client", "-connect", "127.0.0.1:" + _rig.Listeners.PortOf(MailProtocol.Imap, implicitTls: true).ToString(CultureInfo.InvariantCulture), "-crlf" })
            start.ArgumentList.Add(argument);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        var said = new System.Text.StringBuilder();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        bool talked = false;
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            said.AppendLine(line);
            if (!talked && line.StartsWith("* OK", StringComparison.Ordinal))
            {
                talked = true;
                await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
                await process.StandardInput.FlushAsync(limit.Token);
            }
        }
        await process.WaitForExitAsync(limit.Token);
        return said + await errors;
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task When_a_client_speaks_a_current_protocol_then_it_is_served(string protocol) =>
        Assert.Contains("1 OK", await OpensslAsync("1 NOOP\n2 LOGOUT\n", protocol), StringComparison.Ordinal);

    [Theory]
    [InlineData("-tls1")]
    [InlineData("-tls1_1")]
    public async Task When_a_client_offers_an_old_protocol_only_then_there_is_no_handshake(string protocol)
    {
        string said = await OpensslAsync("1 NOOP\n", protocol, "-cipher", "ALL:@SECLEVEL=0");
        Assert.Contains("alert", said, StringComparison.Ordinal);   // the server's refusal, not the client's
        Assert.DoesNotContain("* OK", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NULL")]
    [InlineData("aNULL")]
    public async Task When_a_client_offers_ciphers_without_encryption_or_certificate_only_then_there_is_no_handshake(string ciphers)
    {
        string said = await OpensslAsync("1 NOOP\n", "-tls1_2", "-cipher", ciphers + ":@SECLEVEL=0");
        Assert.Contains("alert handshake failure", said, StringComparison.Ordinal);
        Assert.DoesNotContain("* OK", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_client_renegotiates_then_the_connection_ends_and_the_others_go_on()
    {
        string said = await OpensslAsync("R\n1 NOOP\n", "-tls1_2");
        Assert.Contains("RENEGOTIATING", said, StringComparison.Ordinal);
        Assert.DoesNotContain("1 OK", said, StringComparison.Ordinal);
        Assert.Contains("1 OK", await OpensslAsync("1 NOOP\n2 LOGOUT\n", "-tls1_2"), StringComparison.Ordinal);
    }

    [Fact]   // CVE-2017-15130
    public async Task When_every_handshake_names_another_server_then_nothing_piles_up()
    {
        await HandshakesAsync(100);   // what is made once
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await HandshakesAsync(400);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 2 << 20);

        async Task HandshakesAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using var client = new TcpClient("127.0.0.1", _rig.Listeners.PortOf(MailProtocol.Imap, implicitTls: true));
                await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
                await tls.AuthenticateAsClientAsync($"{new string((char)('a' + (i % 26)), 60)}.{Guid.NewGuid():N}.example.test");
                Assert.Equal('*', tls.ReadByte());
            }
        }
    }
}
