using MailAdmin.Web.Http;

namespace MailAdmin.Tests.Panel;

public sealed class LocalUrlTests
{
    [Theory]
    [InlineData("/domains")]
    [InlineData("/accounts?domain=3&x=%2F%2Fevil.example")]
    [InlineData("/")]
    public void When_the_address_is_a_page_of_ours_then_it_is_kept(string url) => Assert.Equal(url, LocalUrl.OrStart(url));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("domains")]
    [InlineData("//evil.example")]
    [InlineData("///evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("\\\\evil.example")]
    [InlineData("/\t/evil.example")]
    [InlineData("/\n/evil.example")]
    [InlineData("\t//evil.example")]
    [InlineData("https://evil.example")]
    [InlineData("https:evil.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/logout")]
    [InlineData("/login?ReturnUrl=/")]
    public void When_it_could_lead_elsewhere_then_the_start_page_is_used(string? url) => Assert.Equal("/", LocalUrl.OrStart(url));
}
