using MailAdmin.Web.Services;

namespace MailAdmin.Tests.Services;

public sealed class LineDiffTests
{
    static string Shown(string before, string after) =>
        string.Join(' ', LineDiff.Of(before, after).Select(line => $"{(line.Change == LineChange.Same ? '=' : line.Change == LineChange.Added ? '+' : '-')}{line.Text}{line.Number}"));

    [Theory]
    [InlineData("", "", "")]
    [InlineData("a\nb\n", "a\r\nb", "=a1 =b2")]
    [InlineData("", "a\nb", "+a1 +b2")]
    [InlineData("a\nb", "", "-a1 -b2")]
    [InlineData("a\nb\nc", "a\nx\nc", "=a1 -b2 +x2 =c3")]
    [InlineData("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc", "-a1 -b2 =c1 +b2 =a3 =b4 -b6 =a5 +c6")]
    public void When_a_text_has_changed_then_the_fewest_lines_are_told(string before, string after, string told) => Assert.Equal(told, Shown(before, after));

    [Fact]
    public void When_any_two_texts_are_compared_then_each_can_be_read_out_of_the_lines()
    {
        var random = new Random(3);
        for (int round = 0; round < 500; round++)
        {
            string before = Any(random, random.Next(30)), after = Any(random, random.Next(30));
            AssertWhole(before, after);
        }
        AssertWhole(Any(random, 3000), Any(random, 2500));   // differs in more than is looked for
    }

    static string Any(Random random, int lines) => string.Join('\n', Enumerable.Range(0, lines).Select(_ => (char)('a' + random.Next(4))));

    static void AssertWhole(string before, string after)
    {
        IReadOnlyList<DiffLine> lines = LineDiff.Of(before, after);
        Assert.Equal(before, string.Join('\n', lines.Where(l => l.Change != LineChange.Added).Select(l => l.Text)));
        Assert.Equal(after, string.Join('\n', lines.Where(l => l.Change != LineChange.Removed).Select(l => l.Text)));
    }
}
