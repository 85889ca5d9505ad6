using System.IO.Pipelines;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Net;
using MailEngine.Pop3;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Pop3;

/// <summary>What a message takes of memory while it is sent.</summary>
public sealed class SentPieceTests(Pop3Rig rig) : IClassFixture<Pop3Rig>
{
    [Theory]
    [InlineData("report.txt")]
    [InlineData("*\u00fc*")]   // each header becomes another one
    public async Task When_a_message_has_many_small_parts_then_what_waits_to_be_sent_does_not_grow_with_them(string file)
    {
        var text = new StringBuilder("Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (int i = 0; i < 900; i++)
            text.Append("--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"").Append(file).Append("\"\r\n\r\n.").Append(i).Append("\r\n");
        await CheckAsync(text.Append("--b--\r\n\u00f6\r\n").ToString(), "=?utf-8?B?w7w=?=");
    }

    [Theory]
    [InlineData(20_000, "=?utf-8?B?w7w=?=")]
    [InlineData(40_000, "=?utf-8?B?w7w=?=")]
    [InlineData(70_000, "??")]   // longer than what is read at once
    public async Task When_headers_of_parts_are_long_then_each_is_whole_where_it_can_be(int octets, string surrogate)
    {
        var text = new StringBuilder("Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (int i = 0; i < 6; i++)
            text.Append("--b\r\n").Insert(text.Length, "X-Other: something that fills it\r\n", octets / 34).Append("Content-Disposition: attachment; filename=\"*\u00fc*\"\r\n\r\n\u00f6\r\n");
        await CheckAsync(text.Append("--b--\r\n").ToString(), surrogate);
    }

    /// <param name="message">With stars around what is not ASCII in headers.</param>
    async Task CheckAsync(string message, string header)
    {
        string surrogate = message.Replace("*\u00fc*", header, StringComparison.Ordinal).Replace("\r\n.", "\r\n..", StringComparison.Ordinal);
        (long account, string name) = await rig.GivenAccountAsync();
        await rig.GivenMessagesAsync(account, "INBOX", Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(message.Replace("*", "", StringComparison.Ordinal))));

        using var server = new Pop3Server(rig.Mail.Store, rig.Mail.Accounts.Directory, rig.Mail.Accounts.Authenticator, rig.Mail.Sessions, new ServerName(MailRig.Hostname), rig.Mail.Options,
            TimeProvider.System, NullLogger<Pop3Server>.Instance);
        var commands = new MemoryStream(Encoding.ASCII.GetBytes($"USER {name}\r\nPASS {MailRig.Password}\r\nRETR 1\r\n"));
        var client = new WatchedClient();
        var duplex = new Duplex(PipeReader.Create(commands), client);
        await server.Door.Serve(new Connection(new DefaultConnectionContext("c", duplex, duplex), new ListenerOptions { Protocol = MailProtocol.Pop3 }, new Heartbeat(TimeProvider.System), null!));

        Assert.EndsWith(surrogate + ".\r\n", Encoding.UTF8.GetString(client.Sent.ToArray()), StringComparison.Ordinal);
        Assert.InRange(client.MostHeld, 1, 512 << 10);
    }

    sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;
        public PipeWriter Output => output;
    }

    /// <summary>Takes all that is flushed, and notes what was asked for before it, as a pipe holds it.</summary>
    sealed class WatchedClient : PipeWriter
    {
        byte[] _block = [];
        int _used;
        long _held;

        public MemoryStream Sent { get; } = new();

        public long MostHeld { get; private set; }

        public override void Advance(int bytes)
        {
            Sent.Write(_block, _used, bytes);
            _used += bytes;
        }

        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            if (_block.Length - _used < Math.Max(sizeHint, 1))
            {
                (_block, _used) = (new byte[Math.Max(sizeHint, 4096)], 0);
                _held += _block.Length;
                MostHeld = Math.Max(MostHeld, _held);
            }
            return _block.AsMemory(_used);
        }

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override void CancelPendingFlush() { }

        public override void Complete(Exception? exception = null) { }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            (_block, _used, _held) = ([], 0, 0);
            return new(new FlushResult(isCanceled: false, isCompleted: false));
        }
    }
}
