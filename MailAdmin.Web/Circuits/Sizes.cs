using System.Globalization;

namespace MailAdmin.Web.Circuits;

/// <summary>Octets as people read and write them. A kB here is 1024 octets, as in the command line's <c>--quota 1G</c>.</summary>
public static class Sizes
{
    static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB"];

    /// <summary>Three digits at most: 812 MB, 1.4 GB.</summary>
    public static string Show(long octets)
    {
        double value = Math.Max(0, octets);
        int unit = 0;
        while (value >= 1000 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        string format = unit > 0 && value < 9.95 ? "0.#" : "0";
        return value.ToString(format, CultureInfo.CurrentCulture) + "\u00a0" + Units[unit];
    }
}
