using System.Reflection;
using System.Text.RegularExpressions;
using MailAdmin.Web.Services;
using MailEngine;
using Microsoft.Extensions.Logging;

namespace MailAdmin.Tests.Architecture;

/// <summary>Whoever watches logs filters by the number of an event: it means one thing in the whole product, and a hundred of numbers belongs to one module.</summary>
public sealed partial class LogEventTests
{
    static List<(int Id, Type Class, string Name)> Events()
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        return [.. new[] { typeof(EngineOptions).Assembly, typeof(ContactService).Assembly }.SelectMany(assembly => assembly.GetTypes()).SelectMany(type => type.GetMethods(All))
            .Select(method => (method, method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(pair => pair.Item2 is not null)
            .Select(pair => (pair.Item2!.EventId, pair.method.DeclaringType!, $"{pair.method.DeclaringType!.Name}.{pair.method.Name}"))];
    }

    [Fact]
    public void When_an_event_is_logged_then_its_number_is_that_of_no_other()
    {
        List<(int Id, Type Class, string Name)> events = Events();
        Assert.True(events.Count > 50, $"only {events.Count} events were found");
        Assert.Empty(events.Where(e => e.Id <= 0).Select(e => e.Name));
        Assert.Empty(events.GroupBy(e => e.Id).Where(same => same.Count() > 1).Select(same => $"{same.Key}: {string.Join(", ", same.Select(e => e.Name))}"));
        Assert.Empty(events.GroupBy(e => e.Id / 100).Where(hundred => hundred.Select(e => e.Class).Distinct().Count() > 1)
            .Select(hundred => $"{hundred.Key}00: {string.Join(", ", hundred.Select(e => e.Class.Name).Distinct())}"));
    }

    [Fact]
    public void When_something_is_logged_then_it_is_an_event_with_a_number()
    {
        IEnumerable<string> nameless = new[] { "MailEngine", "MailAdmin.Web" }.SelectMany(folder => Repository.Sources(folder, "*.cs").Concat(Repository.Sources(folder, "*.razor")))
            .Where(file => Nameless().IsMatch(File.ReadAllText(file)))
            .Select(Repository.Relative);
        Assert.Empty(nameless);
    }

    [GeneratedRegex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)?\((LogLevel|""|\$)|\.Log(Trace|Debug|Information|Warning|Error|Critical)\(|LoggerMessage\.Define")]
    private static partial Regex Nameless();
}
