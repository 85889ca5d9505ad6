using System.Text;

namespace MailAdmin.Tests.Rig;

/// <summary>Plays a protocol over a stream as a test wrote it down: <c>C:</c> lines are sent, <c>S:</c> lines must come, in order.</summary>
/// <remarks>
/// A "*" at the end of an S: line matches any rest. <c>C: text\</c> sends the line without a line end after it, for literals.
/// Lines are sent with CRLF and must come with CRLF. Any line that does not come within the time limit, or another one, fails
/// the test with all that was said. A line without a mark goes on the one before, with CRLF between, for literals.
/// </remarks>
public sealed class WireScript(Stream stream) : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    readonly StringBuilder _said = new();
    readonly byte[] _buffer = new byte[64 << 10];
    int _start;
    int _end;

    public Stream Stream { get; private set; } = stream;

    /// <summary>Goes on over another stream: TLS after STARTTLS.</summary>
    public void Continue(Stream stream) => Stream = stream;

    public async Task PlayAsync(string script)
    {
        foreach (string line in script.ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.Length == 0)
                continue;
            if (line.StartsWith("C: ", StringComparison.Ordinal))
            {
                string text = line[3..];
                await SendAsync(text.EndsWith('\\') ? text[..^1] : text + "\r\n");
            }
            else if (line.StartsWith("S: ", StringComparison.Ordinal))
            {
                string expected = line[3..], got = await ReadLineAsync();
                bool same = expected.EndsWith('*') && !(expected == got)
                    ? got.StartsWith(expected[..^1], StringComparison.Ordinal)
                    : expected == got;
                if (!same)
                    throw new Xunit.Sdk.XunitException($"expected: {expected}\ngot:      {got}\nsaid so far:\n{_said}");
            }
            else
                throw new ArgumentException($"a script line starts with C: or S:, not \"{line}\"");
        }
    }

    public async Task SendAsync(string text) => await SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < 2000)
            _said.Append("C: ").AppendLine(Encoding.Latin1.GetString(bytes.Span).TrimEnd());
        using var limit = new CancellationTokenSource(s_patience);
        await Stream.WriteAsync(bytes, limit.Token);
        await Stream.FlushAsync(limit.Token);
    }

    /// <summary>The next line without its CRLF.</summary>
    /// <exception cref="EndOfStreamException">The server closed the connection.</exception>
    public async Task<string> ReadLineAsync()
    {
        using var line = new MemoryStream();
        while (true)
        {
            int found = Array.IndexOf(_buffer, (byte)'\n', _start, _end - _start);
            int until = found < 0 ? _end : found + 1;
            line.Write(_buffer, _start, until - _start);
            _start = until;
            if (found >= 0)
                break;
            await FillAsync();
        }
        string text = Encoding.Latin1.GetString(line.GetBuffer(), 0, (int)line.Length);
        if (!text.EndsWith("\r\n", StringComparison.Ordinal))
            throw new Xunit.Sdk.XunitException($"a line without CRLF: {text}\nsaid so far:\n{_said}");
        text = text[..^2];
        if (_said.Length < 100_000)
            _said.Append("S: ").AppendLine(text);
        return text;
    }

    /// <summary>Lines up to one that starts with <paramref name="prefix"/>, that one included.</summary>
    public async Task<List<string>> ReadUntilAsync(string prefix)
    {
        var lines = new List<string>();
        do
            lines.Add(await ReadLineAsync());
        while (!lines[^1].StartsWith(prefix, StringComparison.Ordinal));
        return lines;
    }

    /// <summary>Sends a command under a tag; the lines of its answer, the tagged one last.</summary>
    public async Task<List<string>> AskAsync(string command, string tag = "q")
    {
        await SendAsync($"{tag} {command}\r\n");
        return await ReadUntilAsync(tag + " ");
    }

    /// <summary>The same for a command that must succeed.</summary>
    public async Task<List<string>> MustAsync(string command, string tag = "q")
    {
        List<string> lines = await AskAsync(command, tag);
        if (!lines[^1].StartsWith(tag + " OK", StringComparison.Ordinal))
            throw new Xunit.Sdk.XunitException($"{command}: {lines[^1]}\nsaid so far:\n{_said}");
        return lines;
    }

    public async Task<byte[]> ReadBytesAsync(int count)
    {
        var bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            if (_start == _end)
                await FillAsync();
            int take = Math.Min(count - at, _end - _start);
            _buffer.AsSpan(_start, take).CopyTo(bytes.AsSpan(at));
            _start += take;
            at += take;
        }
        return bytes;
    }

    /// <summary>True when the server closes the connection without another byte.</summary>
    public async Task<bool> EndsAsync()
    {
        try
        {
            await FillAsync();
            return false;
        }
        catch (EndOfStreamException)
        {
            return true;
        }
    }

    async Task FillAsync()
    {
        using var limit = new CancellationTokenSource(s_patience);
        int read;
        try
        {
            read = await Stream.ReadAsync(_buffer, limit.Token);
        }
        catch (IOException)   // a reset is an end too
        {
            read = 0;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"nothing came for {s_patience.TotalSeconds} s; said so far:\n{_said}");
        }
        if (read == 0)
            throw new EndOfStreamException($"the server closed the connection; said so far:\n{_said}");
        (_start, _end) = (0, read);
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
