using Xunit.Abstractions;

[assembly: TestCollectionOrderer("MailAdmin.Tests.Rig.LongestFirst", "MailAdmin.Tests")]

namespace MailAdmin.Tests.Rig;

/// <summary>Test classes that take minutes start first: at the end one of them would run by itself, and the other processors do nothing.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    static readonly string[] s_longest =
    [
        nameof(Store.MoveKillTests), nameof(Store.KillTests), nameof(Panel.WalkTests), nameof(Store.PowerCutTests), nameof(Services.AuthorizationMatrixTests),
        nameof(Services.PeopleServiceTests), nameof(Panel.StoredScriptTests), nameof(Panel.ForeignIdTests), nameof(Panel.PeoplePagesTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(c => Array.FindIndex(s_longest, name => c.DisplayName.EndsWith('.' + name, StringComparison.Ordinal)) is >= 0 and int place ? place : s_longest.Length);
}
