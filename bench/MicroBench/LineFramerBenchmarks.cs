using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using MailEngine.Net;

namespace MicroBench;

/// <summary>Cost of framing one command line. Aim: at most 200 ns and 0 B a line, any length.</summary>
[MemoryDiagnoser, InProcess]
public class LineFramerBenchmarks
{
    ReadOnlySequence<byte> _input;

    [Params(16, 64, 510)]
    public int LineBytes { get; set; }

    [GlobalSetup]
    public void Setup() => _input = new(Encoding.ASCII.GetBytes(new string('x', LineBytes) + "\r\n"));

    [Benchmark]
    public bool TakeOneLine()
    {
        ReadOnlySequence<byte> rest = _input;
        return LineFramer.TryTake(ref rest, limit: 512, out _) is Framing.Line;   // a result, so the JIT keeps the work
    }
}
