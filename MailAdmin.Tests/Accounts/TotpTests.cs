using MailEngine.Accounts;

namespace MailAdmin.Tests.Accounts;

public sealed class TotpTests
{
    [Theory]   // RFC 6238, appendix B, with the last six digits
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1234567890, "005924")]
    [InlineData(20000000000, "353130")]
    public void When_time_goes_on_then_the_codes_are_those_of_the_standard(long seconds, string code) =>
        Assert.Equal(code, Totp.CodeAt("12345678901234567890"u8.ToArray(), Totp.StepAt(DateTimeOffset.FromUnixTimeSeconds(seconds))));

    [Fact]
    public void When_a_key_is_shown_then_it_is_base32() => Assert.Equal("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Totp.KeyText("12345678901234567890"u8));

    [Fact]
    public void When_a_clock_differs_by_half_a_minute_then_the_code_is_taken_and_never_twice()
    {
        byte[] key = Totp.NewKey();
        DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
        long step = Totp.StepAt(now);
        for (long each = step - 3; each <= step + 3; each++)
            Assert.Equal(Math.Abs(each - step) <= 1 ? each : null, Totp.Match(key, Totp.CodeAt(key, each), now, 0));
        Assert.Null(Totp.Match(key, Totp.CodeAt(key, step), now, step));
        foreach (string wrong in (string[])["", "12345", "1234567", "abcdef", "-12345", "\u0661\u0662\u0663\u0664\u0665\u0666"])
            Assert.Null(Totp.Match(key, wrong, now, 0));
    }
}
