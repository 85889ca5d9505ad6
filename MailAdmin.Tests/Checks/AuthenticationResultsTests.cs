using System.Text;
using MailEngine.Checks;

namespace MailAdmin.Tests.Checks;

/// <summary>Fields that another server wrote. RFC 7601 §2.2</summary>
public sealed class AuthenticationResultsTests
{
    static string Read(string field) => AuthenticationResults.Parse(Encoding.Latin1.GetBytes(field)) is { } read
        ? $"{read.Server}: {string.Join(' ', read.Results.Select(result => $"{result.Method}={result.Finding}"))}" : "";

    [Theory]
    [InlineData("x; spf=fail (a) smtp.mailfrom=a@b.test smtp.helo = c.test", "smtp.mailfrom a@b.test,smtp.helo c.test")]
    [InlineData("x; spf=fail reason=\"no, no\" smtp.MailFrom=\"a@b.test\"", "reason no, no,smtp.mailfrom a@b.test")]
    [InlineData("x; spf=fail", "")]
    [InlineData("x; spf=fail = =", "")]
    public void When_a_field_tells_what_was_looked_at_then_it_is_known(string field, string properties) =>
        Assert.Equal(properties, string.Join(',', AuthenticationResults.Parse(Encoding.ASCII.GetBytes(field))!.Results[0].Properties.Select(property => $"{property.Name} {property.Value}")));

    [Theory]
    [InlineData("example.org 1; none", "example.org: ")]
    [InlineData("example.com;\r\n spf=pass smtp.mailfrom=example.net", "example.com: spf=pass")]
    [InlineData("example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=PASS smtp.mailfrom=example.net", "example.com: auth=pass spf=pass")]
    [InlineData("foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462",
        "foo.example.net: dkim=fail")]   // Appendix B.7 of RFC 7601
    [InlineData("x; dkim/1=pass", "x: dkim=pass")]
    [InlineData("\"front server\"; dmarc=fail (p=none; dis=none) header.from=a.test", "front server: dmarc=fail")]
    [InlineData("x; spf=fail reason=\"a; dmarc=pass\"; dmarc=none", "x: spf=fail dmarc=none")]
    [InlineData("x; (spf=fail) (nested (more;) \\) ;) spf=pass", "x: spf=pass")]
    [InlineData("x; spf fail; =; dmarc=", "x: ")]
    [InlineData("; spf=fail", "")]
    [InlineData("", "")]
    [InlineData("(no end", "")]
    [InlineData("x; spf=fail (no end", "x: spf=fail")]
    [InlineData("x; spf=\"fail", "x: spf=fail")]
    public void When_a_field_is_read_then_it_says_who_found_what(string field, string said) => Assert.Equal(said, Read(field));

    [Fact]
    public void When_a_field_is_anything_then_reading_it_ends_and_keeps_little()
    {
        var random = new Random(7601);
        string[] words = ["a", ";", "=", "(", ")", "\"", "\\", " ", "\r\n ", "spf", "fail", "/", ".", "\u00ff", "\0"];
        for (int round = 0; round < 20_000; round++)
            Read(string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => words[random.Next(words.Length)])));
        AuthenticationResults many = AuthenticationResults.Parse(Encoding.ASCII.GetBytes("x" + string.Concat(Enumerable.Repeat("; spf=fail a.b=c", 20_000))))!;
        Assert.Equal(50, many.Results.Count);
        Assert.Null(AuthenticationResults.Parse(Encoding.ASCII.GetBytes(new string('(', 250_000))));
        Assert.Equal(256, AuthenticationResults.Parse(Encoding.ASCII.GetBytes(new string('x', 250_000)))!.Server.Length);
    }
}
