using System.Globalization;

namespace MailAdmin.Web.Services;

/// <summary>Moments and days as somebody counts them where he is. What is stored is UTC.</summary>
public static class LocalDays
{
    /// <returns>Null: the machine knows no zone of that name.</returns>
    public static TimeZoneInfo? ZoneOf(string? name) => name is { Length: > 0 and <= 64 } && TimeZoneInfo.TryFindSystemTimeZoneById(name, out TimeZoneInfo? zone) ? zone : null;

    /// <summary>All that can be chosen, by name.</summary>
    public static IReadOnlyList<string> ZoneNames { get; } =
        [.. TimeZoneInfo.GetSystemTimeZones().Select(z => z.Id).Where(id => id.Contains('/', StringComparison.Ordinal)).Append("UTC").Distinct().Order(StringComparer.Ordinal)];

    public static DateTime At(this TimeZoneInfo? zone, DateTimeOffset time) => TimeZoneInfo.ConvertTime(time, zone ?? TimeZoneInfo.Utc).DateTime;

    public static DateOnly DayOf(this TimeZoneInfo? zone, DateTimeOffset time) => DateOnly.FromDateTime(zone.At(time));

    /// <summary>The first moment of a day; where clocks are put forward at midnight, the first that there is.</summary>
    public static DateTimeOffset StartOf(this TimeZoneInfo? zone, DateOnly day)
    {
        TimeZoneInfo there = zone ?? TimeZoneInfo.Utc;
        var local = day.ToDateTime(TimeOnly.MinValue);
        while (there.IsInvalidTime(local))
            local = local.AddMinutes(15);
        return new DateTimeOffset(local, there.GetUtcOffset(local)).ToUniversalTime();
    }

    /// <summary>The first moment after a day.</summary>
    public static DateTimeOffset EndOf(this TimeZoneInfo? zone, DateOnly day) => zone.StartOf(day.AddDays(1));

    /// <summary>To the second, with the name of the zone's distance from UTC.</summary>
    public static string Exact(this TimeZoneInfo? zone, DateTimeOffset time) =>
        TimeZoneInfo.ConvertTime(time, zone ?? TimeZoneInfo.Utc).ToString("yyyy-MM-dd HH:mm:ss zzz", CultureInfo.InvariantCulture);

    /// <summary>To the minute; UTC is named where no zone is known.</summary>
    public static string Minute(this TimeZoneInfo? zone, DateTimeOffset time) => zone.At(time).ToString(zone is null ? "yyyy-MM-dd HH:mm 'UTC'" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    public static string Day(this TimeZoneInfo? zone, DateTimeOffset time) => zone.At(time).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
