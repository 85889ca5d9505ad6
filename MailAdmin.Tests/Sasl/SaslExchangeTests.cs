using System.Text;
using MailEngine.Sasl;

namespace MailAdmin.Tests.Sasl;

public sealed class SaslExchangeTests
{
    static byte[] Bytes(string s) => Encoding.UTF8.GetBytes(s);

    [Theory]
    [InlineData("\0tim\0tanstaaftanstaaf", "", "tim", "tanstaaftanstaaf")]   // RFC 4616 §4
    [InlineData("Ursel\0Kurt\0xipj3plmq", "Ursel", "Kurt", "xipj3plmq")]
    [InlineData("\0ünï\0pässwörd 😀", "", "ünï", "pässwörd 😀")]
    public void When_the_plain_message_is_whole_then_its_three_parts_come_out(string message, string authzid, string user, string password)
    {
        Assert.True(SaslPlain.TryParse(Bytes(message), out string a, out string u, out string p));
        Assert.Equal((authzid, user, password), (a, u, p));
        for (int cut = 0; cut < Bytes(message).Length; cut++)   // every truncation is refused or a shorter password, never a fault
            _ = SaslPlain.TryParse(Bytes(message).AsSpan(0, cut), out _, out _, out _);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("\0\0")]
    [InlineData("user")]
    [InlineData("\0user")]
    [InlineData("\0user\0")]
    [InlineData("\0\0password")]
    [InlineData("\0user\0pass\0more")]
    public void When_the_plain_message_is_broken_then_it_is_refused(string message) =>
        Assert.False(SaslPlain.TryParse(Bytes(message), out _, out _, out _));

    [Fact]
    public void When_bytes_are_not_utf8_then_they_match_nobody()
    {
        Assert.False(SaslPlain.TryParse([0, (byte)'a', 0, 0xFF], out _, out _, out _));
        Assert.False(SaslPlain.TryParse([0, 0xC0, 0x80, 0, (byte)'p'], out _, out _, out _));
        var random = new Random(7);
        byte[] noise = new byte[64];
        for (int i = 0; i < 20_000; i++)
        {
            random.NextBytes(noise);
            _ = SaslPlain.TryParse(noise.AsSpan(0, random.Next(64)), out _, out _, out _);
        }
    }

    [Fact]
    public void When_the_client_says_PLAIN_then_one_answer_finishes()
    {
        SaslExchange exchange = SaslExchange.Start("plain")!;
        Assert.True(exchange.FirstChallenge.IsEmpty);
        SaslStep step = exchange.Next(Bytes("Tim\0tim\0secret"));
        Assert.Equal((SaslStep.Outcome.Finished, "tim", "secret"), (step.Kind, step.User, step.Password));
        Assert.Equal(SaslStep.Outcome.Failed, SaslExchange.Start("PLAIN")!.Next(Bytes("root\0tim\0secret")).Kind);
    }

    [Fact]
    public void When_the_client_says_LOGIN_then_user_and_password_are_asked_for()
    {
        SaslExchange exchange = SaslExchange.Start("LOGIN")!;
        Assert.Equal("Username:", Encoding.ASCII.GetString(exchange.FirstChallenge.Span));
        SaslStep step = exchange.Next(Bytes("tim"));
        Assert.Equal("Password:", Encoding.ASCII.GetString(step.Challenge.Span));
        step = exchange.Next(Bytes("secret"));
        Assert.Equal((SaslStep.Outcome.Finished, "tim", "secret"), (step.Kind, step.User, step.Password));
        Assert.Equal(SaslStep.Outcome.Failed, SaslExchange.Start("LOGIN")!.Next([]).Kind);
        Assert.Equal(SaslStep.Outcome.Failed, SaslExchange.Start("LOGIN")!.Next(new byte[5000]).Kind);
    }

    [Fact]
    public void When_the_mechanism_is_unknown_then_there_is_no_exchange() => Assert.Null(SaslExchange.Start("CRAM-MD5"));
}
