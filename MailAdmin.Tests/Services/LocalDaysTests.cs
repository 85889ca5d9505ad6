using MailAdmin.Web.Services;

namespace MailAdmin.Tests.Services;

/// <summary>Days begin and end where somebody is, also where clocks jump.</summary>
public sealed class LocalDaysTests
{
    [Theory]
    [InlineData("UTC", "2026-03-29", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z")]
    [InlineData("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")]
    [InlineData("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    [InlineData("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z")]   // there was no midnight
    [InlineData("Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z", "2026-01-01T18:15:00Z")]
    public void When_a_day_begins_then_it_does_where_one_is(string name, string day, string start, string end)
    {
        TimeZoneInfo zone = LocalDays.ZoneOf(name)!;
        DateOnly date = DateOnly.Parse(day, null);
        Assert.Equal(DateTimeOffset.Parse(start, null), zone.StartOf(date));
        Assert.Equal(DateTimeOffset.Parse(end, null), zone.EndOf(date));
        Assert.Equal(date, zone.DayOf(zone.StartOf(date)));
        Assert.Equal(date, zone.DayOf(zone.EndOf(date).AddTicks(-1)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Nowhere/Atlantis")]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/localtime")]
    [InlineData("a-name-of-a-zone-that-is-longer-than-any-that-anybody-would-ever-think-of-giving-one")]
    public void When_there_is_no_such_zone_then_it_is_none(string name) => Assert.Null(LocalDays.ZoneOf(name));

    [Fact]
    public void When_zones_are_offered_then_each_is_one()
    {
        Assert.Contains("Europe/Berlin", LocalDays.ZoneNames);
        Assert.All(LocalDays.ZoneNames, name => Assert.NotNull(LocalDays.ZoneOf(name)));
    }
}
