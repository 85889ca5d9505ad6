using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MailEngine;
using MailEngine.Net;
using Microsoft.AspNetCore.Connections;

namespace MailAdmin.Tests.Net;

public sealed class ConnectionTests
{
    /// <summary>A little protocol: STARTTLS, WHO (plain or TLS), QUIT; says BYE with the reason when it is ended.</summary>
    static async Task ServeAsync(Connection connection)
    {
        await connection.Output.WriteAsync("220 hello\r\n"u8.ToArray());
        while (true)
        {
            connection.Expect(TimeSpan.FromSeconds(60));
            ReadResult read = await connection.Input.ReadAsync(connection.Closed);
            if (connection.EndReason != EndReason.None)
            {
                await connection.Output.WriteAsync(Encoding.ASCII.GetBytes($"421 {connection.EndReason}\r\n"));
                return;
            }
            ReadOnlySequence<byte> input = read.Buffer;
            Framing framing = LineFramer.TryTake(ref input, 100, out ReadOnlySequence<byte> line);
            string text = framing == Framing.Line ? Encoding.ASCII.GetString(line) : "";
            connection.Input.AdvanceTo(input.Start, framing == Framing.Line ? input.Start : input.End);
            if (framing == Framing.NeedMore)
            {
                if (read.IsCompleted)
                    return;
                continue;
            }
            if (text == "QUIT")
                return;
            if (text == "STARTTLS")
            {
                if (!await connection.UpgradeToTlsAsync("220 go\r\n"u8.ToArray(), connection.Closed))
                    return;
                continue;
            }
            await connection.Output.WriteAsync(Encoding.ASCII.GetBytes($"250 {text} {connection.Tls?.Version ?? "plain"}\r\n"));
        }
    }

    [Fact]
    public async Task When_STARTTLS_is_given_then_the_rest_is_under_TLS_and_ends_with_close_notify()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync);
        using var client = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        NetworkStream plain = client.GetStream();
        Assert.Equal("220 hello", await ReadLineAsync(plain));
        await plain.WriteAsync("WHO\r\n"u8.ToArray());
        Assert.Equal("250 WHO plain", await ReadLineAsync(plain));
        await plain.WriteAsync("STARTTLS\r\n"u8.ToArray());
        Assert.Equal("220 go", await ReadLineAsync(plain));
        await using SslStream tls = Trusting(plain);
        await tls.AuthenticateAsClientAsync("mail.example.test");
        await tls.WriteAsync("WHO\r\nWHO\r\n"u8.ToArray());
        Assert.Equal("250 WHO TLSv1.3", await ReadLineAsync(tls));
        Assert.Equal("250 WHO TLSv1.3", await ReadLineAsync(tls));
        await tls.WriteAsync("QUIT\r\n"u8.ToArray());
        Assert.Equal(0, await tls.ReadAsync(new byte[1]));   // a clean end of file, not an exception
    }

    [Fact]   // CVE-2011-0411, attack case A3
    public async Task When_bytes_follow_STARTTLS_in_the_same_packet_then_none_of_them_is_run()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync);
        using var client = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        NetworkStream plain = client.GetStream();
        await plain.WriteAsync("STARTTLS\r\nINJECTED\r\n"u8.ToArray());
        string all = await new StreamReader(plain).ReadToEndAsync();
        Assert.Equal("220 hello\r\n", all);
    }

    [Fact]
    public async Task When_the_port_is_implicit_TLS_then_the_greeting_is_under_TLS()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync);
        using var client = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Submission, implicitTls: true));
        await using SslStream tls = Trusting(client.GetStream());
        await tls.AuthenticateAsClientAsync("mail.example.test");
        Assert.Equal("220 hello", await ReadLineAsync(tls));
    }

    [Fact]
    public async Task When_a_client_speaks_no_TLS_on_the_TLS_port_then_the_others_do_not_notice()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync);
        using var bad = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Submission, implicitTls: true));
        await bad.GetStream().WriteAsync("EHLO hello this is no handshake\r\n"u8.ToArray());
        while (await bad.GetStream().ReadAsync(new byte[100]) > 0)
        {
        }
        using var good = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Submission, implicitTls: true));
        await using SslStream tls = Trusting(good.GetStream());
        await tls.AuthenticateAsClientAsync("mail.example.test");
        Assert.Equal("220 hello", await ReadLineAsync(tls));
    }

    [Fact]
    public async Task When_the_server_stops_then_an_idle_client_is_told()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync);
        using var client = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        Assert.Equal("220 hello", await ReadLineAsync(client.GetStream()));
        await host.StopAsync();
        Assert.Equal("421 Stopping", await ReadLineAsync(client.GetStream()));
    }

    [Fact]
    public async Task When_a_deadline_passes_then_the_client_is_told()
    {
        var clock = new JumpingClock();
        var waits = new TaskCompletionSource();
        await using ListenerHost host = await ListenerHost.StartAsync(async c =>
        {
            c.Expect(TimeSpan.FromMinutes(5));
            ValueTask<ReadResult> read = c.Input.ReadAsync();
            waits.SetResult();
            Assert.True((await read).IsCanceled);
            await c.Output.WriteAsync(Encoding.ASCII.GetBytes($"421 {c.EndReason}\r\n"));
        }, clock: clock);
        using var client = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        await waits.Task;
        clock.Jump(TimeSpan.FromMinutes(6));
        Assert.Equal("421 TimedOut", await ReadLineAsync(client.GetStream()));
    }

    [Theory]
    [InlineData(EndReason.TimedOut, EndReason.Stopping, EndReason.Stopping)]
    [InlineData(EndReason.TimedOut, EndReason.Ended, EndReason.Ended)]
    [InlineData(EndReason.Stopping, EndReason.TimedOut, EndReason.Stopping)]
    [InlineData(EndReason.Ended, EndReason.Stopping, EndReason.Ended)]
    public void When_there_are_two_reasons_to_end_then_the_first_one_stands_unless_it_is_a_passed_deadline(EndReason first, EndReason second, EndReason stands)
    {
        var pipe = new Pipe();
        var context = new DefaultConnectionContext("c", new SilentClient(pipe.Reader, pipe.Writer), new SilentClient(pipe.Reader, pipe.Writer));
        var connection = new Connection(context, new ListenerOptions { Protocol = MailProtocol.Imap }, new Heartbeat(TimeProvider.System), null!);
        connection.End(first);
        connection.End(second);
        Assert.Equal(stands, connection.EndReason);
    }

    sealed class SilentClient(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;
        public PipeWriter Output => output;
    }

    [Fact]
    public async Task When_the_sessions_of_an_account_are_ended_then_the_others_stay()
    {
        SessionRegistry? sessions = null;
        int account = 0;
        await using ListenerHost host = await ListenerHost.StartAsync(async c =>
        {
            Assert.True(sessions!.TryBind(c, Interlocked.Increment(ref account), "someone"));
            await ServeAsync(c);
        });
        sessions = host.Sessions;
        using var first = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        Assert.Equal("220 hello", await ReadLineAsync(first.GetStream()));
        using var second = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        Assert.Equal("220 hello", await ReadLineAsync(second.GetStream()));
        Assert.Equal(1, sessions.EndAccount(1));
        Assert.Equal("421 Ended", await ReadLineAsync(first.GetStream()));
        await second.GetStream().WriteAsync("WHO\r\n"u8.ToArray());
        Assert.Equal("250 WHO plain", await ReadLineAsync(second.GetStream()));
    }

    [Fact]
    public async Task When_there_are_too_many_connections_then_the_next_is_refused_with_a_word()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync, o => o.Limits.Connections = 1);
        using var first = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        Assert.Equal("220 hello", await ReadLineAsync(first.GetStream()));
        using var second = new TcpClient("127.0.0.1", host.Listeners.PortOf(MailProtocol.Smtp));
        Assert.Equal("421 4.7.0 Too many connections", await ReadLineAsync(second.GetStream()));
    }

    [Fact]
    public async Task When_LMTP_has_a_door_then_it_is_on_a_unix_socket_too_even_over_a_stale_one()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync, o =>
        {
            using var stale = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            stale.Bind(new UnixDomainSocketEndPoint(Path.Combine(o.DataPath, "lmtp.sock")));
        });
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(host.Folder, "lmtp.sock")));
        await using var stream = new NetworkStream(client);
        Assert.Equal("220 hello", await ReadLineAsync(stream));
    }

    [Fact]
    public async Task When_no_certificate_is_set_then_one_is_made_for_the_owner_alone_and_used_again()
    {
        await using ListenerHost host = await ListenerHost.StartAsync(ServeAsync);
        string path = Path.Combine(host.Folder, "tls", "self-signed.pem");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        string first = await File.ReadAllTextAsync(path);
        using var again = MailEngine.Tls.Certificates.Load(new EngineOptions { DataPath = host.Folder }, "mail.example.test", TimeProvider.System);
        Assert.Equal(first, await File.ReadAllTextAsync(path));
    }

    static SslStream Trusting(Stream inner) => new(inner, leaveInnerStreamOpen: false, (_, _, _, _) => true);

    static async Task<string> ReadLineAsync(Stream stream)
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (await stream.ReadAsync(one) == 1)
        {
            if (one[0] == '\n')
                return line.ToString().TrimEnd('\r');
            line.Append((char)one[0]);
        }
        return line + "<end>";
    }
}

/// <summary>The system's clock, with jumps that only its monotonic side sees; timers run on real time.</summary>
sealed class JumpingClock : TimeProvider
{
    long _jumped;

    public void Jump(TimeSpan by) => Interlocked.Add(ref _jumped, (long)(by.TotalSeconds * TimestampFrequency));

    public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _jumped);
}
