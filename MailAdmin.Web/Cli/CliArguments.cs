namespace MailAdmin.Web.Cli;

/// <summary>The command was written wrongly: exit 2.</summary>
sealed class CliUsageException(string message) : Exception(message);

/// <summary>The command could not be carried out: exit 1. The message says why and what to do.</summary>
sealed class CliRefusedException(string message) : Exception(message);

/// <summary>Words and options of one command. Settings written as <c>--Mail:Name=value</c> belong to the configuration and are passed over.</summary>
sealed class CliArguments
{
    readonly Queue<string> _words = new();
    readonly Dictionary<string, string?> _options = new(StringComparer.Ordinal);
    readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <param name="valued">Options that take a value.</param>
    public CliArguments(IEnumerable<string> args, params ReadOnlySpan<string> valued)
    {
        var takesValue = new HashSet<string>(valued.ToArray(), StringComparer.Ordinal);
        using IEnumerator<string> rest = args.GetEnumerator();
        while (rest.MoveNext())
        {
            string arg = rest.Current;
            if (arg.StartsWith("--Mail:", StringComparison.OrdinalIgnoreCase) || arg.StartsWith("--Logging:", StringComparison.OrdinalIgnoreCase))
            {
                if (!arg.Contains('=', StringComparison.Ordinal))
                    rest.MoveNext();
            }
            else if (arg.StartsWith("--", StringComparison.Ordinal) && arg.Length > 2)
            {
                int equals = arg.IndexOf('=', StringComparison.Ordinal);
                string name = equals < 0 ? arg[2..] : arg[2..equals];
                if (equals >= 0)
                    _options[name] = arg[(equals + 1)..];
                else if (!takesValue.Contains(name))
                    _options[name] = null;
                else
                    _options[name] = rest.MoveNext() ? rest.Current : throw new CliUsageException($"--{name} needs a value.");
            }
            else
            {
                _words.Enqueue(arg);
            }
        }
    }

    public bool HasWord => _words.Count > 0;

    /// <exception cref="CliUsageException">There is none.</exception>
    public string Word(string what) => _words.TryDequeue(out string? word) ? word : throw new CliUsageException($"{what} is missing.");

    /// <summary>All words that are left.</summary>
    public IReadOnlyList<string> Words()
    {
        string[] all = [.. _words];
        _words.Clear();
        return all;
    }

    public bool Flag(string name) => _used.Add(name) && _options.ContainsKey(name);

    public string? Option(string name)
    {
        _used.Add(name);
        return _options.GetValueOrDefault(name);
    }

    /// <exception cref="CliUsageException">Something was not understood: better to do nothing than half of what was meant.</exception>
    public void End()
    {
        if (_words.TryPeek(out string? word))
            throw new CliUsageException($"\"{word}\" is one word too many.");
        if (_options.Keys.FirstOrDefault(o => !_used.Contains(o)) is { } unknown)
            throw new CliUsageException($"--{unknown} is not known here.");
    }
}
