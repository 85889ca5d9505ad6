using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;

namespace MailAdmin.Tests.Rig;

/// <summary>A transaction that a sink took.</summary>
public sealed record SunkMail(string MailLine, IReadOnlyList<string> RcptLines, string Data, bool Tls, string LogIn, int Connection);

/// <summary>Another mail server: takes SMTP connections on 127.0.0.1, writes transactions down, and answers as a test tells it.</summary>
public sealed class SmtpSink : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly Channel<SunkMail> _mails = Channel.CreateUnbounded<SunkMail>();
    readonly X509Certificate2 _certificate = MakeCertificate();
    int _connections;

    public SmtpSink()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = Task.Run(AcceptAsync);
    }

    public int Port { get; }

    public string Name { get; set; } = "sink.test";

    /// <summary>Lines of the EHLO answer after the name; STARTTLS among them switches TLS on.</summary>
    public IList<string> Extensions { get; } = ["PIPELINING", "8BITMIME", "DSN"];

    /// <summary>Answers in place of the usual ones: gets the command line ("." for the end of data, "" for the greeting); null: the usual.
    /// "drop" closes the connection without a word.</summary>
    public Func<string, string?>? Script { get; set; }

    /// <summary>False: STARTTLS is answered with 220 and then rubbish.</summary>
    public bool TlsWorks { get; set; } = true;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>All command lines of all connections.</summary>
    public ConcurrentQueue<string> Commands { get; } = new();

    /// <summary>The next transaction; waits for it.</summary>
    public async Task<SunkMail> TakeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await _mails.Reader.ReadAsync(patience.Token);
    }

    public bool IsEmpty => !_mails.Reader.TryPeek(out _);

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                int number = Interlocked.Increment(ref _connections);
                _ = Task.Run(async () =>
                {
                    try
                    {
                        using (client)
                            await ServeAsync(client.GetStream(), number);
                    }
                    catch (Exception e) when (e is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
                    {
                    }
                });
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    async Task ServeAsync(Stream stream, int connection)
    {
        string mail = "", logIn = "", last = "";
        var recipients = new List<string>();
        bool tls = false;
        var reader = new LineReader(stream);
        if (!await AnswerAsync("", $"220 {Name} ESMTP"))
            return;
        while (await reader.ReadAsync(_stop.Token) is { } line)
        {
            Commands.Enqueue(line);
            string verb = line.Split(' ', ':')[0].ToUpperInvariant();
            switch (verb)
            {
                case "EHLO":
                    string[] lines = [Name, .. Extensions.Where(e => !(tls && e == "STARTTLS"))];
                    string usual = string.Join("\r\n", lines.Select((l, i) => $"250{(i == lines.Length - 1 ? ' ' : '-')}{l}"));
                    if (!await AnswerAsync(line, usual))
                        return;
                    break;
                case "STARTTLS":
                    if (!await AnswerAsync(line, "220 go"))
                        return;
                    if (!TlsWorks)
                    {
                        await stream.ReadExactlyAsync(new byte[1]);   // the client begins with its handshake
                        await stream.WriteAsync("this is not TLS\r\n"u8.ToArray());
                        return;
                    }
                    var secure = new SslStream(stream);
                    await secure.AuthenticateAsServerAsync(_certificate);
                    (stream, tls) = (secure, true);
                    reader = new LineReader(stream);
                    break;
                case "AUTH":
                    logIn = Encoding.UTF8.GetString(Convert.FromBase64String(line.Split(' ')[2])).Replace('\0', '/');
                    if (!await AnswerAsync(line, "235 2.7.0 ok"))
                        return;
                    break;
                case "MAIL":
                    (mail, recipients) = (line, []);
                    if (!await AnswerAsync(line, "250 2.1.0 ok"))
                        return;
                    break;
                case "RCPT":
                    if (!await AnswerAsync(line, "250 2.1.5 ok"))
                        return;
                    if (last.StartsWith('2'))
                        recipients.Add(line);
                    break;
                case "DATA":
                    if (!await AnswerAsync(line, recipients.Count > 0 ? "354 go" : "554 5.5.1 no recipients"))
                        return;
                    if (!last.StartsWith('3'))
                        break;
                    var data = new StringBuilder();
                    string? text;
                    while ((text = await reader.ReadAsync(_stop.Token)) is not null && text != ".")
                        data.Append(text.StartsWith('.') ? text[1..] : text).Append("\r\n");
                    if (text is null)
                        return;   // the client left in the middle: nothing is taken
                    // It is there before its client hears so: a test may look as soon as the client has nothing left to do.
                    if (!await AnswerAsync(".", "250 2.0.0 taken", () => _mails.Writer.TryWrite(new SunkMail(mail, [.. recipients], data.ToString(), tls, logIn, connection))))
                        return;
                    break;
                case "QUIT":
                    await AnswerAsync(line, "221 bye");
                    return;
                default:
                    if (!await AnswerAsync(line, "250 ok"))
                        return;
                    break;
            }
        }

        async Task<bool> AnswerAsync(string command, string usual, Action? taken = null)
        {
            string answer = Script?.Invoke(command) ?? usual;
            last = answer;
            if (answer == "drop")
                return false;
            if (answer.StartsWith('2'))
                taken?.Invoke();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer + "\r\n"), _stop.Token);
            return true;
        }
    }

    static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X509Certificate2 made = new CertificateRequest("CN=sink.test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    sealed class LineReader(Stream stream)
    {
        readonly byte[] _buffer = new byte[16384];
        int _start, _end;

        public async Task<string?> ReadAsync(CancellationToken ct)
        {
            var line = new List<byte>();
            while (true)
            {
                if (_start == _end)
                {
                    (_start, _end) = (0, await stream.ReadAsync(_buffer, ct));
                    if (_end == 0)
                        return null;
                }
                byte b = _buffer[_start++];
                if (b == '\n' && line.Count > 0 && line[^1] == '\r')
                    return Encoding.Latin1.GetString([.. line], 0, line.Count - 1);
                line.Add(b);
            }
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _certificate.Dispose();
        _stop.Dispose();
    }
}
