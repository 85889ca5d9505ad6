using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace MailEngine.Flow;

/// <summary>A next hop: where to connect and under which rules.</summary>
/// <param name="Host">Its name, for TLS and for people.</param>
/// <param name="Auth">Log-in there; null: none.</param>
sealed record OutboundTarget(string Host, IPAddress Address, int Port, RelayAuthOptions? Auth)
{
    /// <summary>RFC 8314 §3.3: port 465 is TLS from the first byte.</summary>
    public bool IsImplicitTls => Port == 465;

    public override string ToString() => $"{Host}[{Address}]:{Port}";
}

/// <summary>The next hop cannot be used, or not now; nothing was sent. Another host may do.</summary>
sealed class OutboundException(Reply reply) : IOException(reply.Text)
{
    public Reply Reply { get; } = reply;
}

/// <summary>One SMTP connection to a next hop; may carry several messages, one after the other.</summary>
/// <remarks>
/// Every step has its own time limit: RFC 5321 §4.5.3.2. STARTTLS is used wherever it is offered; what the server said before it
/// does not count (RFC 3207 §4.2), and bytes that came with its answer end the connection (attack case A4).
/// </remarks>
sealed class OutboundConnection : IAsyncDisposable
{
    static readonly TimeSpan s_fiveMinutes = TimeSpan.FromMinutes(5);
    readonly CancellationTokenSource _limit;
    readonly CancellationToken _stop;
    readonly Socket _socket;
    Stream _stream;
    PipeReader _input;
    PipeWriter _output;
    HashSet<string> _extensions = [];
    long _sizeLimit;
    bool _broken;

    OutboundConnection(OutboundTarget target, Socket socket, CancellationTokenSource limit, CancellationToken stop)
    {
        _stop = stop;
        Target = target;
        _socket = socket;
        _limit = limit;
        _stream = new NetworkStream(socket, ownsSocket: true);
        (_input, _output) = PipesOver(_stream);
    }

    public OutboundTarget Target { get; }

    public bool IsTls => _stream is SslStream;

    /// <summary>False: a new connection is needed for the next message.</summary>
    public bool IsUsable => !_broken;

    public bool Offers(string extension) => _extensions.Contains(extension);

    /// <summary>Connects, greets, starts TLS and logs in as the target's rules say.</summary>
    /// <param name="useTls">False on the second try, after TLS failed where it is not required.</param>
    /// <exception cref="OutboundException">It did not come to a usable connection.</exception>
    /// <exception cref="AuthenticationException">The TLS handshake failed.</exception>
    public static async Task<OutboundConnection> OpenAsync(
        OutboundTarget target, string hostname, TimeSpan connectTime, bool useTls, CancellationToken ct)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var socket = new Socket(target.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        OutboundConnection? connection = null;
        try
        {
            limit.CancelAfter(connectTime);
            await socket.ConnectAsync(target.Address, target.Port, limit.Token);
            connection = new OutboundConnection(target, socket, limit, ct);
            await connection.GreetAsync(hostname, useTls);
            return connection;
        }
        catch (Exception e) when (e is SocketException or IOException and not OutboundException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            await DropAsync();
            string reason = e is OperationCanceledException ? "timed out" : e.Message;
            throw new OutboundException(new Reply(421, "4.4.1", Reply.Clean($"{target}: {reason}")));
        }
        catch
        {
            await DropAsync();
            throw;
        }

        async ValueTask DropAsync()
        {
            if (connection is not null)
            {
                connection._broken = true;
                await connection.DisposeAsync();
            }
            else
            {
                socket.Dispose();
                limit.Dispose();
            }
        }
    }

    async Task GreetAsync(string hostname, bool useTls)
    {
        if (Target.IsImplicitTls)
            await StartTlsAsync();
        ServerReply greeting = await ReadAsync(s_fiveMinutes);
        // A 5yz greeting is the host's trouble, not the message's: another host, or later. RFC 5321 §3.1 has the greetings
        if (greeting.Code != 220)
            throw Unusable(greeting);
        await HelloAsync(hostname);
        if (!IsTls && useTls && Offers("STARTTLS"))
        {
            ServerReply answer = await CommandAsync("STARTTLS", s_fiveMinutes);
            if (answer.Code == 220)
            {
                if (_input.TryRead(out ReadResult ahead) && !ahead.Buffer.IsEmpty)
                    throw new OutboundException(new Reply(421, "4.7.0", "The server sent more behind its answer to STARTTLS"));
                await StartTlsAsync();
                await HelloAsync(hostname);
            }
            else if (Target.Auth is { RequireTls: true })
            {
                throw Unusable(answer);
            }
        }
        if (Target.Auth is { } auth)
        {
            if (!IsTls && auth.RequireTls)
                throw new OutboundException(new Reply(450, "4.7.11", $"{Target.Host} offers no TLS, and no password is sent without it"));
            await LogInAsync(auth);
        }
    }

    async Task HelloAsync(string hostname)
    {
        _extensions = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        ServerReply reply = await CommandAsync($"EHLO {hostname}", s_fiveMinutes);
        if (reply.Code == 250)
        {
            foreach (string line in reply.Lines.Skip(1))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words.Length == 0)
                    continue;
                _extensions.Add(words[0]);
                if (words is ["SIZE" or "size", var size])
                    _ = long.TryParse(size, out _sizeLimit);
                if (words[0].Equals("AUTH", StringComparison.OrdinalIgnoreCase))
                {
                    foreach (string mechanism in words.Skip(1))
                        _extensions.Add("AUTH " + mechanism);
                }
            }
        }
        else
        {
            reply = await CommandAsync($"HELO {hostname}", s_fiveMinutes);   // RFC 5321 §3.2
            if (reply.Code != 250)
                throw Unusable(reply);
        }
        // A server that answers with our own name is ourselves: the message would go round for ever.
        if (reply.Lines is [var first, ..] && first.Split(' ')[0].Equals(hostname, StringComparison.OrdinalIgnoreCase))
            throw new OutboundException(new Reply(554, "5.4.6", $"{Target} is this server itself: mail loops back"));
    }

    async Task StartTlsAsync()
    {
        _limit.CancelAfter(TimeSpan.FromMinutes(1));
        await _input.CompleteAsync();
        await _output.CompleteAsync();
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = Target.Host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
        // Opportunistic: without DANE or MTA-STS nobody told us whom to trust, and TLS with anybody is better than none.
        // RFC 7435 §3. A host that gets our password must show a good certificate.
        if (Target.Auth is not { VerifyCertificate: true })
#pragma warning disable CA5359
            options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        try
        {
            await tls.AuthenticateAsClientAsync(options, _limit.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            await tls.DisposeAsync();
            throw new AuthenticationException(e.Message, e);
        }
        _stream = tls;
        (_input, _output) = PipesOver(tls);
    }

    async Task LogInAsync(RelayAuthOptions auth)
    {
        ServerReply reply;
        if (Offers("AUTH PLAIN") || !Offers("AUTH LOGIN"))
        {
            reply = await CommandAsync("AUTH PLAIN " + Base64($"\0{auth.User}\0{auth.Password}"), s_fiveMinutes);
        }
        else
        {
            reply = await CommandAsync("AUTH LOGIN", s_fiveMinutes);
            if (reply.Code == 334)
                reply = await CommandAsync(Base64(auth.User), s_fiveMinutes);
            if (reply.Code == 334)
                reply = await CommandAsync(Base64(auth.Password), s_fiveMinutes);
        }
        // A wrong password is our mistake and not the sender's: his mail waits until it is put right.
        if (reply.Code != 235)
            throw new OutboundException(new Reply(454, "4.7.8", Reply.Clean($"{Target.Host} refuses our log-in: {reply.ToReply()}")));
    }

    static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends one message.</summary>
    /// <returns>A reply for each recipient.</returns>
    /// <exception cref="IOException">The connection broke before the message was taken; nothing is known to be sent.</exception>
    /// <exception cref="UnreadableMessageException">So did the connection, because there is no other way to end the data.</exception>
    public async Task<Reply[]> SendAsync(OutboundMessage message)
    {
        Reply? refusal = RefusalFor(message);
        if (refusal is not null)
            return Same(refusal, message.Recipients.Count);
        try
        {
            return await RunTransactionAsync(message);
        }
        catch
        {
            _broken = true;
            throw;
        }
    }

    Reply? RefusalFor(OutboundMessage message)
    {
        if (_sizeLimit > 0 && message.Length > _sizeLimit)   // RFC 1870 §6.1
            return new Reply(552, "5.3.4", $"{Target.Host} takes at most {_sizeLimit} octets");
        if (message.NeedsUtf8 && !Offers("SMTPUTF8"))        // RFC 6531 §3.2
            return new Reply(553, "5.6.7", $"{Target.Host} does not take non-ASCII addresses");
        return null;
    }

    async Task<Reply[]> RunTransactionAsync(OutboundMessage message)
    {
        int count = message.Recipients.Count;
        string mail = MailLine(message);
        var replies = new Reply[count];
        ServerReply data;
        int accepted = 0;
        if (Offers("PIPELINING"))
        {
            Write(mail);
            foreach (OutboundRecipient recipient in message.Recipients)
                Write(RcptLine(recipient));
            Write("DATA");
            await FlushAsync(s_fiveMinutes);
            ServerReply sender = await ReadAsync(s_fiveMinutes);
            for (int i = 0; i < count; i++)
                accepted += Note(await ReadAsync(s_fiveMinutes), sender, replies, i);
            data = await ReadAsync(s_fiveMinutes);
            // RFC 2920 §3.1: 354 without a recipient: an empty message must end it.
            if (accepted == 0)
            {
                if (data.Code == 354)
                    await CommandAsync(".", s_fiveMinutes);
                await ResetAsync();
                return replies;
            }
        }
        else
        {
            ServerReply sender = await CommandAsync(mail, s_fiveMinutes);
            for (int i = 0; i < count; i++)
                accepted += Note(sender.Code == 250 ? await CommandAsync(RcptLine(message.Recipients[i]), s_fiveMinutes) : sender, sender, replies, i);
            if (accepted == 0)
            {
                await ResetAsync();
                return replies;
            }
            data = await CommandAsync("DATA", s_fiveMinutes);
        }
        if (data.Code == 354)
        {
            await SendDataAsync(message);
            data = await ReadEndOfDataAsync();
        }
        if (data.Code == 421)
            _broken = true;
        Reply outcome = data.Code is >= 300 and < 400 ? new Reply(451, "4.5.0", "The server did not end the transaction") : data.ToReply();
        for (int i = 0; i < count; i++)
        {
            if (replies[i].IsPositive)
                replies[i] = outcome;
        }
        return replies;
    }

    // Without an answer nobody knows whether the server has the message: another host tried at once would make a second copy for
    // sure. It waits its turn instead. RFC 5321 §4.5.3.2.6 (10 min), §6.1
    async Task<ServerReply> ReadEndOfDataAsync()
    {
        try
        {
            return await ReadAsync(TimeSpan.FromMinutes(10));
        }
        catch (Exception e) when (e is IOException or SocketException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            _broken = true;
            return new ServerReply(421, "4.4.2", ["The connection was lost after the end of data"]);
        }
    }

    // 552 to RCPT means "too many recipients" with some old servers: RFC 5321 §4.5.3.1.10
    static int Note(ServerReply reply, ServerReply sender, Reply[] replies, int at)
    {
        replies[at] = sender.Code / 100 != 2 ? sender.ToReply() : reply.ToReply();
        if (replies[at].Code == 552 && sender.Code / 100 == 2 && replies[at].Status.Length == 0)
            replies[at] = replies[at] with { Code = 452 };
        return replies[at].IsPositive ? 1 : 0;
    }

    string MailLine(OutboundMessage message)
    {
        var line = new StringBuilder().Append("MAIL FROM:<").Append(message.ReversePath).Append('>');
        if (Offers("SIZE"))
            line.Append(" SIZE=").Append(message.Length);
        if (message.Parameters.EightBit && Offers("8BITMIME"))
            line.Append(" BODY=8BITMIME");
        if (message.NeedsUtf8)
            line.Append(" SMTPUTF8");
        if (Offers("DSN"))
        {
            if (message.Parameters.Return.Length > 0)
                line.Append(" RET=").Append(message.Parameters.Return);
            if (message.Parameters.EnvelopeId.Length > 0)
                line.Append(" ENVID=").Append(message.Parameters.EnvelopeId);
        }
        return line.ToString();
    }

    string RcptLine(OutboundRecipient recipient)
    {
        string wishes = Offers("DSN") ? recipient.Parameters.ToString() : "";
        return wishes.Length == 0 ? $"RCPT TO:<{recipient.Address}>" : $"RCPT TO:<{recipient.Address}> {wishes}";
    }

    async Task SendDataAsync(OutboundMessage message)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(32 << 10);
        try
        {
            var dots = new DotWriter(_output);
            for (long at = 0; at < message.Length;)
            {
                int read = message.Read(at, block.AsSpan(0, (int)Math.Min(block.Length, message.Length - at)));
                if (read <= 0)
                    throw new UnreadableMessageException(new IOException("The message is shorter than its record."));
                dots.Write(block.AsSpan(0, read));
                at += read;
                await FlushAsync(TimeSpan.FromMinutes(3));   // RFC 5321 §4.5.3.2.5
            }
            dots.Complete();
            await FlushAsync(TimeSpan.FromMinutes(3));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    async Task ResetAsync()
    {
        if ((await CommandAsync("RSET", s_fiveMinutes)).Code != 250)
            _broken = true;
    }

    async Task<ServerReply> CommandAsync(string line, TimeSpan time)
    {
        Write(line);
        await FlushAsync(time);
        return await ReadAsync(time);
    }

    void Write(string line)
    {
        _output.Write(Encoding.UTF8.GetBytes(line));
        _output.Write("\r\n"u8);
    }

    async ValueTask FlushAsync(TimeSpan time)
    {
        _limit.CancelAfter(time);
        await _output.FlushAsync(_limit.Token);
    }

    ValueTask<ServerReply> ReadAsync(TimeSpan time)
    {
        _limit.CancelAfter(time);
        return SmtpReplyReader.ReadAsync(_input, _limit.Token);
    }

    static OutboundException Unusable(ServerReply reply)
    {
        Reply plain = reply.ToReply();
        return new OutboundException(plain.IsPermanent ? plain with { Code = 450, Status = "4.4.0", Text = $"{plain}" } : plain);
    }

    static Reply[] Same(Reply reply, int count)
    {
        var replies = new Reply[count];
        Array.Fill(replies, reply);
        return replies;
    }

    static (PipeReader, PipeWriter) PipesOver(Stream stream) =>
        (PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));

    /// <summary>Says QUIT when that still makes sense, and closes. Does not wait for the answer for long.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_broken)
        {
            try
            {
                await CommandAsync("QUIT", TimeSpan.FromSeconds(5));
                if (_stream is SslStream tls)
                    await tls.ShutdownAsync();
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // It is closed either way.
            }
        }
        await _stream.DisposeAsync();
        _socket.Dispose();
        _limit.Dispose();
    }
}
