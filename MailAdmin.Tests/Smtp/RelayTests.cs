using MailAdmin.Tests.Rig;
using MailEngine.Addresses;
using MailEngine.Flow;

namespace MailAdmin.Tests.Smtp;

/// <summary>Attack case A18: nobody who did not log in gets mail to others through us, whatever the address looks like.</summary>
public sealed class RelayTests : IAsyncLifetime
{
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Theory]
    [InlineData("<zoe@away.test>", "550 5.7.1")]
    [InlineData("zoe@away.test", "550 5.7.1")]
    [InlineData("<\"zoe\"@away.test>", "550 5.7.1")]
    [InlineData("<zoe%away.test@example.test>", "550 5.1.1")]
    [InlineData("<zoe@away.test@example.test>", "501 5.1.3")]
    [InlineData("<\"zoe@away.test\"@example.test>", "550 5.1.1")]
    [InlineData("<\"zoe%away.test\"@example.test>", "550 5.1.1")]
    [InlineData("<away.test!zoe@example.test>", "550 5.1.1")]
    [InlineData("<away.test!zoe>", "501 5.1.3")]
    [InlineData("<@example.test:zoe@away.test>", "550 5.7.1")]
    [InlineData("<@example.test,@other.test:zoe@away.test>", "550 5.7.1")]
    [InlineData("<@away.test:ann@example.test>", "250 2.1.5")]        // the route is dropped: RFC 5321 §3.3
    [InlineData("<zoe@[127.0.0.1]>", "501 5.1.3")]
    [InlineData("<zoe@[IPv6:::1]>", "501 5.1.3")]
    [InlineData("<ann@example.test.>", "250 2.1.5")]                  // a trailing dot is the same name
    [InlineData("<zoe@away.test.>", "550 5.7.1")]
    [InlineData("<zoe@localhost>", "550 5.7.1")]
    [InlineData("<zoe>", "501 5.1.3")]
    [InlineData("<\"ann@example.test\">", "501 5.1.3")]
    [InlineData("<zoe@away.test> <ann@example.test>", "555 5.5.4")]
    [InlineData("<ann@example.test><zoe@away.test>", "501 5.5.4")]
    [InlineData("<ann@example.test", "501 5.5.4")]
    [InlineData("<zoe @away.test>", "501 5.5.4")]
    [InlineData("<\"zoe@away.test>\"@example.test>", "550 5.1.1")]
    [InlineData("<ann@example.test,zoe@away.test>", "501 5.1.3")]
    [InlineData("<zoe@away.test\\@example.test>", "501 5.1.3")]
    [InlineData("<ann@EXAMPLE.TEST>", "250 2.1.5")]
    [InlineData("<Postmaster@away.test>", "550 5.7.1")]
    [InlineData("<ann+x@away.test>", "550 5.7.1")]
    [InlineData("<@>", "501 5.1.3")]
    [InlineData("<:ann@example.test>", "501 5.1.3")]
    public async Task When_a_stranger_names_a_recipient_then_only_our_own_are_taken(string path, string reply)
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync($"S: 220 *\nC: HELO c\nS: 250 *\nC: MAIL FROM:<ann@example.test>\nS: 250 *\nC: RCPT TO:{path}\nS: {reply} *");
    }

    [Fact]
    public async Task When_there_are_more_recipients_than_allowed_then_the_rest_is_put_off()
    {
        await using MailRig rig = await MailRig.StartAsync(o => o.Limits.Recipients = 100);
        await using WireScript client = await rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: HELO c\nS: 250 *\nC: MAIL FROM:<>\nS: 250 *");
        for (int i = 0; i < 100; i++)
            await client.PlayAsync($"C: RCPT TO:<ann+{i}@example.test>\nS: 250 *");
        await client.PlayAsync("C: RCPT TO:<bob@example.test>\nS: 452 4.5.3 *\nC: DATA\nS: 354 *\nC: x\nC: .\nS: 250 *");
        Assert.Single(await rig.MessagesAsync(rig.Ann));   // all of them one mailbox
    }

    [Theory]   // RFC 5321 §4.5.1
    [InlineData("<Postmaster>")]
    [InlineData("<postmaster@example.test>")]
    public async Task When_mail_is_for_the_postmaster_then_it_is_taken_with_or_without_domain(string path)
    {
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "postmaster", _rig.Ann);
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync($"S: 220 *\nC: HELO c\nS: 250 *\nC: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:{path}\nS: 250 *\nC: DATA\nS: 354 *\nC: help\nC: .\nS: 250 *");
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
    }

    [Fact]   // RFC 6531 §3.5
    public async Task When_an_address_is_not_ASCII_then_SMTPUTF8_must_be_said()
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync("S: 220 *\nC: EHLO c");
        await client.ReadUntilAsync("250 ");
        await client.SendAsync("MAIL FROM:<zoë@away.test>\r\n"u8.ToArray());
        await client.PlayAsync("S: 553 5.6.7 *");
        await client.SendAsync("MAIL FROM:<zoë@away.test> SMTPUTF8\r\n"u8.ToArray());
        await client.PlayAsync("S: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: x\nC: .\nS: 250 *");
        Assert.StartsWith("Return-Path: <zo\u00c3\u00ab@away.test>", Assert.Single(await _rig.MessagesAsync(_rig.Ann)));
    }

    [Theory]
    [InlineData("MAIL FROM:<a@b.test> SIZE=abc", "501")]
    [InlineData("MAIL FROM:<a@b.test> SIZE=1 SIZE=2", "501")]
    [InlineData("MAIL FROM:<a@b.test> BODY=9BIT", "501")]
    [InlineData("MAIL FROM:<a@b.test> FOO=1", "555")]
    [InlineData("MAIL FROM:<a@b.test> RET=SOME", "501")]
    [InlineData("MAIL FROM:<a@b.test> SMTPUTF8=1", "501")]
    [InlineData("MAIL FROM:<a@b.test>SIZE=1", "501")]
    [InlineData("MAIL FROM <a@b.test>", "501")]
    [InlineData("MAIL TO:<a@b.test>", "501")]
    [InlineData("MAIL FROM:", "501")]
    [InlineData("MAIL", "501")]
    [InlineData("MAIL FROM:<a@b.test> SIZE=99999999999999999999999", "501")]
    [InlineData("MAIL FROM:<a@b.test> SIZE=18446744073709551615", "552")]
    [InlineData("MAIL FROM:<> AUTH=<> BODY=8bitmime RET=hdrs ENVID=a+2Bb SIZE=10", "250")]
    [InlineData("mail from: <> ", "250")]
    [InlineData("RCPT TO:<ann@example.test>", "503")]
    [InlineData("DATA", "503")]
    [InlineData("STARTTLS now", "501")]
    [InlineData("QUIT now", "501")]
    [InlineData("AUTH PLAIN", "503")]
    [InlineData("EXPN all", "500")]
    [InlineData("HELP", "214")]
    [InlineData("VRFY", "501")]
    public async Task When_a_command_is_wrong_or_out_of_order_then_its_code_says_so(string command, string code)
    {
        await using WireScript client = await _rig.ConnectAsync();
        await client.PlayAsync($"S: 220 *\nC: HELO c\nS: 250 *\nC: {command}\nS: {code}*");
    }

    [Fact]
    public void When_paths_are_cut_anywhere_or_random_then_the_parser_says_no_and_does_not_fail()
    {
        const string Whole = "TO:<@a.test,@b.test:\"q \\\" s\"@c.test> NOTIFY=NEVER ORCPT=rfc822;x";
        for (int length = 0; length <= Whole.Length; length++)
            _ = MailPath.TrySplit(Whole[..length], "TO", out _, out _);
        var random = new Random(3);
        for (int round = 0; round < 100_000; round++)
        {
            char[] text = new char[random.Next(40)];
            for (int i = 0; i < text.Length; i++)
                text[i] = "TO:<>@\"\\ ,.ab=+"[random.Next(15)];
            string argument = "TO:" + new string(text);
            if (!MailPath.TrySplit(argument, "TO", out string path, out string rest))
                continue;
            if (MailPath.TryParseAddress(path, default, out EmailAddress address))
                Assert.True(EmailAddress.TryParse(address.ToString(), out EmailAddress again) && again == address, address.ToString());
            _ = RecipientParameters.TryParse(rest, out _);
            _ = SenderParameters.TryParse(rest, out _);
        }
    }
}
