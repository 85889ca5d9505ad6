using System.Globalization;

namespace MailAdmin.Web.Services;

/// <summary>Sizes as people read and write them: 1024-based, K M G T.</summary>
public static class Size
{
    static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    public static string Text(long bytes)
    {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < s_units.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {s_units[unit]}");
    }

    /// <summary>Takes 500M, 1G, 1.5 GiB, 1048576; units are 1024-based.</summary>
    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        string s = (text ?? "").Trim().ToUpperInvariant().TrimEnd('B').TrimEnd('I');
        if (s.Length == 0)
            return false;
        int power = "KMGTP".IndexOf(s[^1], StringComparison.Ordinal) + 1;
        if (power > 0)
            s = s[..^1].TrimEnd();
        if (!decimal.TryParse(s, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number) || number < 0 || number > 1L << 53)
            return false;
        for (int i = 0; i < power; i++)
            number *= 1024;
        if (number > long.MaxValue)
            return false;
        bytes = (long)number;
        return true;
    }
}
