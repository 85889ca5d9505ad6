namespace MailAdmin.Web.Services;

/// <summary>What became of a line.</summary>
public enum LineChange { Same, Removed, Added }

/// <summary>A line of one text or of both.</summary>
/// <param name="Number">In the later text, from 1; of a removed line in the earlier one.</param>
public readonly record struct DiffLine(LineChange Change, int Number, string Text);

/// <summary>How one text became another, line by line: the fewest lines removed and added (E. Myers, 1986).</summary>
/// <remarks>Texts that differ in more than <see cref="MostEdits"/> lines are told as all removed and all added between what they begin and end with
/// alike: nobody compares so many, and memory grows by their square.</remarks>
public static class LineDiff
{
    public const int MostEdits = 1000;

    public static IReadOnlyList<DiffLine> Of(string before, string after)
    {
        string[] old = Lines(before), now = Lines(after);
        int start = 0;
        while (start < old.Length && start < now.Length && old[start] == now[start])
            start++;
        int end = 0;
        while (end < old.Length - start && end < now.Length - start && old[^(end + 1)] == now[^(end + 1)])
            end++;
        var lines = new List<DiffLine>(now.Length + 16);
        for (int i = 0; i < start; i++)
            lines.Add(new DiffLine(LineChange.Same, i + 1, now[i]));
        lines.AddRange(Middle(old.AsSpan(start, old.Length - end - start), now.AsSpan(start, now.Length - end - start), start));
        for (int i = now.Length - end; i < now.Length; i++)
            lines.Add(new DiffLine(LineChange.Same, i + 1, now[i]));
        return lines;
    }

    static string[] Lines(string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    static List<DiffLine> Middle(ReadOnlySpan<string> old, ReadOnlySpan<string> now, int offset)
    {
        var lines = new List<DiffLine>();
        // reached[k]: how far in old one gets with d edits on the diagonal k = x - y; a copy of it for each d leads the way back.
        int most = Math.Min(old.Length + now.Length, MostEdits);
        var trail = new List<int[]>();
        var reached = new int[(2 * most) + 3];
        int middle = most + 1;
        for (int d = 0; d <= most; d++)
        {
            trail.Add(reached[(middle - d - 1)..(middle + d + 2)]);
            for (int k = -d; k <= d; k += 2)
            {
                int x = k == -d || (k != d && reached[middle + k - 1] < reached[middle + k + 1]) ? reached[middle + k + 1] : reached[middle + k - 1] + 1;
                while (x < old.Length && x - k < now.Length && old[x] == now[x - k])
                    x++;
                reached[middle + k] = x;
                if (x >= old.Length && x - k >= now.Length)
                    return Back(trail, old, now, offset);
            }
        }
        for (int i = 0; i < old.Length; i++)
            lines.Add(new DiffLine(LineChange.Removed, offset + i + 1, old[i]));
        for (int i = 0; i < now.Length; i++)
            lines.Add(new DiffLine(LineChange.Added, offset + i + 1, now[i]));
        return lines;
    }

    static List<DiffLine> Back(List<int[]> trail, ReadOnlySpan<string> old, ReadOnlySpan<string> now, int offset)
    {
        var lines = new List<DiffLine>();
        int x = old.Length, y = now.Length;
        for (int d = trail.Count - 1; d >= 0; d--)
        {
            int[] reached = trail[d];   // its middle is at d + 1
            int k = x - y;
            int before = k == -d || (k != d && reached[d + k] < reached[d + k + 2]) ? k + 1 : k - 1;
            int fromX = d == 0 ? 0 : reached[d + 1 + before], fromY = d == 0 ? 0 : fromX - before;
            while (x > fromX && y > fromY)
            {
                x--;
                y--;
                lines.Add(new DiffLine(LineChange.Same, offset + y + 1, now[y]));
            }
            if (d == 0)
                break;
            lines.Add(x == fromX ? new DiffLine(LineChange.Added, offset + fromY + 1, now[fromY]) : new DiffLine(LineChange.Removed, offset + fromX + 1, old[fromX]));
            (x, y) = (fromX, fromY);
        }
        lines.Reverse();
        return lines;
    }
}
