using System.Text;
using BenchmarkDotNet.Attributes;
using MailEngine;
using MailEngine.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroBench;

/// <summary>Durable deposits through the commit loop, with so many deliverers at once; time is for one message. Aim: 64 at once, 3 kB:
/// under 100 µs, which is 10,000/s.</summary>
[MemoryDiagnoser, InProcess, WarmupCount(2), IterationCount(8)]
public class CommitLoopBenchmarks
{
    const int Messages = 1024;
    string _folder = "";
    MailStore _store = null!;
    byte[] _mail = [];

    [Params(1, 8, 64)]
    public int AtOnce { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _folder = Directory.CreateTempSubdirectory("commit-loop-").FullName;
        _store = MailStore.OpenAsync(_folder, new StoreOptions(), TimeProvider.System, NullLogger<MailStore>.Instance).GetAwaiter().GetResult();
        _mail = Encoding.ASCII.GetBytes("From: a@example.test\r\nSubject: s\r\nDate: Sat, 21 Nov 2026 04:00:00 +0000\r\n\r\n" + new string('x', 3000) + "\r\n");
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void Deposit() => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async task =>
    {
        for (int i = 0; i < Messages / AtOnce; i++)
        {
            using BodyWriter writer = _store.NewBody();
            writer.Write(_mail);
            using Body body = writer.Complete();
            var deposit = new Deposit { Owner = new Owner(1 + ((task * 31 + i) % 1000), 0), Mailbox = MailboxName.Inbox, Prefix = "Delivered-To: a@example.test\r\n"u8.ToArray(), InternalDate = DateTimeOffset.UtcNow };
            await _store.AcceptAsync(new Acceptance { Body = body, Deposits = [deposit] }, default);
        }
    })).GetAwaiter().GetResult();

    [GlobalCleanup]
    public void Cleanup()
    {
        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(_folder, true);
    }
}
