using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MailEngine.Io;
using MailEngine.Tls;
using Microsoft.AspNetCore.Connections;

namespace MailEngine.Net;

/// <summary>Why a connection is being ended from our side.</summary>
public enum EndReason
{
    /// <summary>It is not.</summary>
    None,
    /// <summary>A deadline set by <see cref="Connection.Expect"/> passed.</summary>
    TimedOut,
    /// <summary>The server stops.</summary>
    Stopping,
    /// <summary>An administrator, or a change of the account, ended it.</summary>
    Ended,
}

/// <summary>One client's TCP (or unix socket) connection, plain or under TLS.</summary>
/// <remarks>
/// States: plain → (UpgradeToTlsAsync) → TLS → closed; (Compress) puts DEFLATE over either. <see cref="Input"/> and <see cref="Output"/>
/// are other objects after each step, so a session reads the properties anew and keeps nothing it read before: what a client, or somebody in the
/// middle, said in the clear must not survive (CVE-2011-0411).
/// Ending is two-step: <see cref="End"/> (also a passed deadline) makes the pending or next read return with IsCanceled, so
/// that the session can say 421 or BYE; ten seconds later the connection is aborted if it still stands.
/// One task reads, one task writes; End, Abort and Expect may be called from any.
/// </remarks>
public sealed class Connection
{
    static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(10);
    static long s_lastId = Random.Shared.NextInt64(1L << 40);

    readonly ConnectionContext _context;
    readonly Heartbeat _heartbeat;
    readonly Certificates _certificates;
    readonly long _opened;
    SslStream? _tls;
    DeflatedPipes? _deflated;
    long _deadline = long.MaxValue;   // timestamp of the heartbeat's clock
    int _end;

    internal Connection(ConnectionContext context, ListenerOptions listener, Heartbeat heartbeat, Certificates certificates)
    {
        _context = context;
        _heartbeat = heartbeat;
        _certificates = certificates;
        Listener = listener;
        Input = context.Transport.Input;
        Output = context.Transport.Output;
        Id = NewId();
        Since = heartbeat.Clock.GetUtcNow();
        _opened = heartbeat.Clock.GetTimestamp();
        Remote = context.RemoteEndPoint as IPEndPoint;
        Local = context.LocalEndPoint as IPEndPoint;
        if (Remote is { Address.IsIPv4MappedToIPv6: true })
            Remote = new IPEndPoint(Remote.Address.MapToIPv4(), Remote.Port);
    }

    /// <summary>Names this session in logs; unique while the process lives.</summary>
    public string Id { get; }

    /// <summary>The port it came in on.</summary>
    public ListenerOptions Listener { get; }

    /// <summary>When it was opened, UTC.</summary>
    public DateTimeOffset Since { get; }

    /// <summary>How long it has been open; no jump of the wall clock moves it (fault case C9).</summary>
    public TimeSpan Age => _heartbeat.Clock.GetElapsedTime(_opened);

    /// <summary>The client; null for a unix socket.</summary>
    public IPEndPoint? Remote { get; }

    /// <summary>Our end; null for a unix socket.</summary>
    public IPEndPoint? Local { get; }

    /// <summary>True for a unix socket: the client is on this machine and nobody can listen in.</summary>
    public bool IsUnixSocket => Remote is null;

    /// <summary>True when the client is on this machine.</summary>
    public bool IsLoopback => Remote is null || IPAddress.IsLoopback(Remote.Address);

    /// <summary>Client address for people: 192.0.2.1, 2001:db8::1 or "unix".</summary>
    public string RemoteText => Remote?.Address.ToString() ?? "unix";

    /// <summary>Bytes from the client. Changes on <see cref="UpgradeToTlsAsync"/>: read the property each time.</summary>
    public PipeReader Input { get; private set; }

    /// <summary>Bytes to the client. Changes on <see cref="UpgradeToTlsAsync"/>.</summary>
    public PipeWriter Output { get; private set; }

    /// <summary>Null before TLS.</summary>
    public TlsFacts? Tls { get; private set; }

    [MemberNotNullWhen(true, nameof(Tls))]
    public bool IsTls => Tls is not null;

    /// <summary>Why we want it to end; a session looks here when a read returns with IsCanceled.</summary>
    public EndReason EndReason => (EndReason)Volatile.Read(ref _end);

    /// <summary>Fires when the transport is gone: the client left, or the connection was aborted.</summary>
    public CancellationToken Closed => _context.ConnectionClosed;

    /// <summary>The log-in behind it, for the session list; set by <see cref="SessionRegistry.TryBind"/>.</summary>
    internal long AccountId { get; set; }
    internal string Login { get; set; } = "";

    /// <summary>Gives the client <paramref name="time"/> from now; each call replaces the one before.</summary>
    /// <remarks>Resolution about one second. Also call it before waiting for a slow reader of our output.</remarks>
    public void Expect(TimeSpan time) =>
        Volatile.Write(ref _deadline, _heartbeat.Clock.GetTimestamp() + (long)(time.TotalSeconds * _heartbeat.Clock.TimestampFrequency));

    /// <summary>Asks the session to say goodbye: the pending or next read returns with IsCanceled.</summary>
    /// <remarks>The first reason stands; but a passed deadline gives way to the two others, since what still runs for a client that is as good as gone must
    /// hear that it has to stop. Its farewell gets no longer by that.</remarks>
    public void End(EndReason reason)
    {
        var before = (EndReason)Interlocked.CompareExchange(ref _end, (int)reason, (int)EndReason.None);
        if (before == EndReason.TimedOut)
            Interlocked.CompareExchange(ref _end, (int)reason, (int)EndReason.TimedOut);
        if (before != EndReason.None)
            return;
        Expect(s_farewell);
        Input.CancelPendingRead();
    }

    /// <summary>Cuts the line at once, without a word.</summary>
    public void Abort(string why) => _context.Abort(new ConnectionAbortedException(why));

    internal void CheckDeadline(long now)
    {
        _deflated?.Rest();
        if (now < Volatile.Read(ref _deadline))
            return;
        if (EndReason == EndReason.None)
            End(EndReason.TimedOut);
        else
            Abort("the client did not leave");
    }

    /// <summary>True when the client has sent more than the session has taken: pipelined input.</summary>
    /// <remarks>After STARTTLS and before a greeting nothing may be there.</remarks>
    public bool HasReadAhead()
    {
        if (!Input.TryRead(out ReadResult read))
            return false;
        bool any = !read.Buffer.IsEmpty;
        Input.AdvanceTo(read.Buffer.Start);
        return any;
    }

    /// <summary>STARTTLS: answers <paramref name="goAhead"/> in the clear and does the handshake in place.</summary>
    /// <param name="goAhead">The whole reply line with CRLF, the last thing sent in the clear; empty for implicit TLS.</param>
    /// <returns>False: bytes were sent behind the STARTTLS command, or the handshake failed. Nothing more can be said;
    /// the session just ends. What was pipelined is never run (CVE-2011-0411, RFC 3207 §4.2).</returns>
    public async Task<bool> UpgradeToTlsAsync(ReadOnlyMemory<byte> goAhead, CancellationToken ct)
    {
        if (_tls is not null)
            throw new InvalidOperationException("TLS within TLS");
        if (!goAhead.IsEmpty)
        {
            if (HasReadAhead())
                return false;
            await Output.WriteAsync(goAhead, ct);
        }
        Expect(TimeSpan.FromSeconds(30));
        // Bytes that still came in the clear after the check above are taken as a TLS record, and fail.
        var tls = new SslStream(new DuplexPipeStream(Input, Output), leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsServerAsync(_certificates.ServerOptions, ct);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or InvalidOperationException
            or ConnectionAbortedException or SocketException)
        {
            await tls.DisposeAsync();
            return false;
        }
        _tls = tls;
        // Zero-byte reads: an idle connection holds no buffer. 16 kB is one TLS record.
        Input = PipeReader.Create(tls, new StreamPipeReaderOptions(bufferSize: 16384, minimumReadSize: 2048, leaveOpen: true, useZeroByteReads: true));
        Output = PipeWriter.Create(tls, new StreamPipeWriterOptions(minimumBufferSize: 4096, leaveOpen: true));
        Tls = new TlsFacts(tls.SslProtocol, tls.NegotiatedCipherSuite);
        // An End() that came meanwhile cancelled a read of the old pipe.
        if (EndReason != EndReason.None)
            Input.CancelPendingRead();
        return true;
    }

    /// <summary>True after <see cref="Compress"/>.</summary>
    public bool IsCompressed => _deflated is not null;

    /// <summary>From here on everything is DEFLATE data, both ways: what was read ahead already, and what is written next. RFC 4978 §3</summary>
    /// <remarks>The caller has flushed what goes out in the clear.</remarks>
    public void Compress()
    {
        if (IsCompressed)
            throw new InvalidOperationException("compression within compression");
        var deflated = new DeflatedPipes(Input, Output);
        (Input, Output) = (deflated.Input, deflated.Output);
        _deflated = deflated;
        // An End() that came meanwhile cancelled a read of the old pipe.
        if (EndReason != EndReason.None)
            Input.CancelPendingRead();
    }

    void EndCompression()
    {
        if (_deflated is not { } deflated)
            return;
        (Input, Output) = (deflated.InnerInput, deflated.InnerOutput);
        _deflated = null;
        deflated.Dispose();
    }

    /// <summary>Sends what is still to be sent, says close_notify under TLS, closes.</summary>
    internal async ValueTask CloseAsync()
    {
        Expect(s_farewell);
        try
        {
            await Output.FlushAsync(_context.ConnectionClosed);
            EndCompression();
            if (_tls is not null)
            {
                // Before the writer is completed: otherwise the client reports an unexpected end of file.
                await _tls.ShutdownAsync();
                await Input.CompleteAsync();
                await Output.CompleteAsync();
                await _tls.DisposeAsync();
            }
        }
        catch (Exception e) when (IsLostConnection(e))
        {
            EndCompression();
            _tls?.Dispose();
        }
        await _context.Transport.Output.CompleteAsync();
        await _context.Transport.Input.CompleteAsync();
    }

    /// <summary>True for what reads and writes throw when the client is gone: not a fault of ours, and no reply helps. What our own files throw
    /// is a fault of ours.</summary>
    public static bool IsLostConnection(Exception e)
    {
        const int unspecific = unchecked((int)0x80131620);   // COR_E_IO; an error of a file has its own number
        return e switch
        {
            StorageException => false,
            IOException => e.HResult == unspecific,
            _ => e is ConnectionAbortedException or OperationCanceledException or SocketException or ObjectDisposedException or AuthenticationException,
        };
    }

    static string NewId()
    {
        const string Alphabet = "0123456789bcdfghjkmnpqrstvwxyz";
        return string.Create(8, Interlocked.Increment(ref s_lastId), static (span, id) =>
        {
            for (int i = span.Length - 1; i >= 0; i--)
            {
                span[i] = Alphabet[(int)(id % Alphabet.Length)];
                id /= Alphabet.Length;
            }
        });
    }
}
