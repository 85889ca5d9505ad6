using MailAdmin.Tests.Imap;
using MailAdmin.Tests.Rig;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Sasl;

/// <summary>App passwords over the wire: each for its protocols, and gone within a second of being taken away.</summary>
public sealed class AppPasswordTests
{
    static async Task<(long Id, string Secret)> GivenAsync(ImapRig rig, MailServices services)
    {
        string secret = AppPassword.NewSecret();
        long id = await rig.Mail.Accounts.WriteAsync(async db =>
        {
            var app = new AppPassword { AccountId = rig.Mail.Ann, Name = "telephone", Hash = AppPassword.HashOf(secret)!, Services = services };
            db.AppPasswords.Add(app);
            Account ann = await db.Accounts.SingleAsync(a => a.Id == rig.Mail.Ann);
            ann.TwoFactorEnabled = true;
            await db.SaveChangesAsync();
            return app.Id;
        });
        return (id, secret);
    }

    [Fact]
    public async Task When_mail_programs_log_in_then_the_app_password_is_good_for_its_protocol_and_the_main_one_for_none()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        (_, string imap) = await GivenAsync(rig, MailServices.Imap);
        (_, string sending) = await GivenAsync(rig, MailServices.Sending);
        await using WireScript c = await rig.ConnectAsync();
        await c.PlayAsync($"""
            C: a LOGIN ann@example.test "{MailRig.Password}"
            S: a NO [AUTHENTICATIONFAILED] *
            C: b LOGIN ann@example.test {sending}
            S: b NO [AUTHENTICATIONFAILED] *
            C: c LOGIN ann@example.test {imap}
            S: c OK *
            """);
        await using WireScript s = await rig.Mail.ConnectAsync(MailEngine.MailProtocol.Submission, implicitTls: true);
        await s.PlayAsync("S: 220 *\nC: EHLO c");
        await s.ReadUntilAsync("250 ");
        await s.PlayAsync($"""
            C: AUTH PLAIN {MailRig.Plain("ann@example.test", MailRig.Password)}
            S: 535 5.7.8 *
            C: AUTH PLAIN {MailRig.Plain("ann@example.test", imap)}
            S: 535 5.7.8 *
            C: AUTH PLAIN {MailRig.Plain("ann@example.test", sending)}
            S: 235 2.7.0 *
            C: MAIL FROM:<ann@example.test>
            S: 250 *
            """);
    }

    [Fact]
    public async Task When_the_app_password_is_taken_away_then_the_open_session_ends_within_a_second()
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        (long id, string secret) = await GivenAsync(rig, MailServices.Imap);
        (_, string other) = await GivenAsync(rig, MailServices.Imap);
        await using WireScript lost = await rig.ConnectAsync();
        await lost.PlayAsync($"C: a LOGIN ann@example.test {secret}\nS: a OK *\nC: b SELECT INBOX");
        await lost.ReadUntilAsync("b OK");
        await lost.SendAsync("c IDLE\r\n");
        await lost.ReadUntilAsync("+ ");
        await using WireScript kept = await rig.ConnectAsync();
        await kept.PlayAsync($"C: a LOGIN ann@example.test {other}\nS: a OK *");

        await rig.Mail.Accounts.WriteAsync(db => db.AppPasswords.Where(p => p.Id == id).ExecuteDeleteAsync());
        TimeSpan took = await QuietTime.OfAsync(() => lost.ReadUntilAsync("* BYE"));
        Assert.True(took < TimeSpan.FromSeconds(1), $"after {took}");
        await kept.PlayAsync("C: d NOOP\nS: d OK *");
    }
}
