using System.Globalization;

namespace MailEngine.Sieve;

/// <summary>What is wrong with a script, and where.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
/// <param name="IsWarning">True: the script is good, but hardly means what it says.</param>
public readonly record struct SieveError(int Line, int Column, string Message, bool IsWarning = false)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"line {Line}, column {Column}: {(IsWarning ? "warning: " : "")}{Message}");
}

/// <summary>Collects what is wrong with one script. The first of a run of faults that are one is kept, and no more than <see cref="Most"/>.</summary>
internal sealed class SieveErrors(ReadOnlyMemory<byte> script)
{
    /// <summary>Nobody reads more at once.</summary>
    public const int Most = 50;

    readonly List<(int Offset, string Message, bool IsWarning)> _found = [];
    int _errors;

    public bool Any => _errors > 0;

    /// <summary>True: looking on brings nothing that would be told.</summary>
    public bool IsFull => _errors >= Most;

    public void Add(int offset, string message)
    {
        if (IsFull || _found.Exists(e => e.Offset == offset && !e.IsWarning))
            return;
        _found.Add((offset, message, false));
        _errors++;
    }

    public void Warn(int offset, string message)
    {
        if (_found.Count - _errors < Most)
            _found.Add((offset, message, true));
    }

    /// <summary>For <see cref="RollBack"/>.</summary>
    public int Mark() => _found.Count;

    /// <summary>Forgets what was found since; the first error of it, or null.</summary>
    public string? RollBack(int mark)
    {
        string? first = null;
        for (int i = mark; i < _found.Count; i++)
        {
            if (_found[i].IsWarning)
                continue;
            first ??= _found[i].Message;
            _errors--;
        }
        _found.RemoveRange(mark, _found.Count - mark);
        return first;
    }

    /// <summary>All of them, from the top of the script down.</summary>
    public IReadOnlyList<SieveError> ToList()
    {
        _found.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        var errors = new List<SieveError>(_found.Count);
        ReadOnlySpan<byte> bytes = script.Span;
        int line = 1, lineStart = 0, at = 0;
        foreach ((int offset, string message, bool isWarning) in _found)
        {
            int end = Math.Min(offset, bytes.Length);
            while (bytes[at..end].IndexOf((byte)'\n') is var next and >= 0)
            {
                at += next + 1;
                lineStart = at;
                line++;
            }
            int column = 1;
            foreach (byte b in bytes[lineStart..end])
                column += b is >= 0x80 and < 0xC0 ? 0 : 1;   // the later octets of a character of UTF-8 do not count
            errors.Add(new SieveError(line, column, message, isWarning));
        }
        return errors;
    }
}
