using System.Globalization;

namespace MailAdmin.Tests.Imap.Model;

/// <summary>A mailbox as plain as can be: a list of messages.</summary>
sealed class ModelMailbox(string name)
{
    public string Name => name;

    public SortedDictionary<uint, SortedSet<string>> Messages { get; } = [];

    public uint UidNext { get; private set; } = 1;

    public uint Add(IEnumerable<string> flags)
    {
        Messages.Add(UidNext, new SortedSet<string>(flags, StringComparer.Ordinal));
        return UidNext++;
    }

    /// <summary>UIDs of messages with a flag, ascending.</summary>
    public uint[] With(string flag) => [.. Messages.Where(m => m.Value.Contains(flag)).Select(m => m.Key)];

    public void Change(uint uid, char sign, IReadOnlyCollection<string> flags)
    {
        if (!Messages.TryGetValue(uid, out SortedSet<string>? has))
            return;
        switch (sign)
        {
            case '+':
                has.UnionWith(flags);
                break;
            case '-':
                has.ExceptWith(flags);
                break;
            default:
                has.Clear();
                has.UnionWith(flags);
                break;
        }
    }

    public string Text => string.Join(", ", Messages.Select(m => Line(m.Key, m.Value)));

    public static string Line(uint uid, IEnumerable<string> flags) => string.Create(CultureInfo.InvariantCulture, $"{uid}({string.Join(' ', flags)})");
}

/// <summary>Sets of numbers as IMAP writes them.</summary>
static class NumberSet
{
    public static List<uint> Parse(string text)
    {
        var numbers = new List<uint>();
        foreach (string range in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Split(':');
            uint first = uint.Parse(ends[0], CultureInfo.InvariantCulture), last = uint.Parse(ends[^1], CultureInfo.InvariantCulture);
            Assert.True(first <= last && last - first < 1_000_000, $"a strange set: {text}");
            for (uint n = first; n <= last; n++)
                numbers.Add(n);
        }
        return numbers;
    }

    public static string Of(IEnumerable<uint> numbers) => string.Join(',', numbers);
}
