using System.IO.Pipelines;
using System.Text;
using BenchmarkDotNet.Attributes;
using MailEngine;
using MailEngine.Imap;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.AspNetCore.Connections;

namespace MicroBench;

/// <summary>Cost of reading the arguments of one command. Aim: under 1 µs for each of these.</summary>
[MemoryDiagnoser, InProcess]
public class ImapReaderBenchmarks
{
    readonly byte[] _set = Encoding.ASCII.GetBytes("1:100,200,300:400,5000:* \r\n");
    readonly byte[] _mailbox = Encoding.ASCII.GetBytes(" \"Work/2026/Q&AOQ-\"\r\n");
    readonly byte[] _flags = Encoding.ASCII.GetBytes("(\\Seen \\Flagged $Important)\r\n");

    [Benchmark]
    public bool ReadSequenceSet()
    {
        var reader = new ImapReader(_set, 100);
        _ = reader.SequenceSet();
        return reader.Failed;
    }

    [Benchmark]
    public MailboxName ReadMailbox()
    {
        var reader = new ImapReader(_mailbox, 100);
        return reader.SpMailbox();
    }

    [Benchmark]
    public MessageFlags ReadFlags()
    {
        var reader = new ImapReader(_flags, 100);
        return reader.Flags().Flags;
    }
}

/// <summary>Cost of writing the answer to FETCH (UID FLAGS) for one message. Aim: under 100 ns and 0 B.</summary>
[MemoryDiagnoser, InProcess]
public class ImapWriterBenchmarks
{
    const int Messages = 1000;
    readonly LimitOptions _limits = new();
    ImapWriter _writer = null!;

    [GlobalSetup]
    public void Setup()
    {
        var transport = new Pipe();   // only written to; what comes out of the other end is thrown away
        var context = new DefaultConnectionContext("bench", new Duplex(transport.Reader, new Nowhere()), new Duplex(transport.Reader, transport.Writer));
        _writer = new ImapWriter(new Connection(context, new ListenerOptions(), new Heartbeat(TimeProvider.System), null!), NameForm.Usual);
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public async Task WriteFetchUidFlags()
    {
        for (uint i = 1; i <= Messages; i++)
        {
            _writer.Write("* "u8);
            _writer.WriteNumber((ulong)i);
            _writer.Write(" FETCH (UID "u8);
            _writer.WriteNumber((ulong)(i + 100_000));
            _writer.Write(" FLAGS ("u8);
            _writer.Write(FlagText.System(MessageFlags.Seen | MessageFlags.Answered, recent: false));
            _writer.Write("))\r\n"u8);
        }
        await _writer.FlushAsync(_limits, default);
    }

    sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;
        public PipeWriter Output => output;
    }

    /// <summary>A network that takes everything at once.</summary>
    sealed class Nowhere : PipeWriter
    {
        readonly byte[] _buffer = new byte[1 << 16];

        public override void Advance(int bytes) { }
        public override Memory<byte> GetMemory(int sizeHint = 0) => _buffer;
        public override Span<byte> GetSpan(int sizeHint = 0) => _buffer;
        public override void CancelPendingFlush() { }
        public override void Complete(Exception? exception = null) { }
        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => new(new FlushResult(false, false));
    }
}
