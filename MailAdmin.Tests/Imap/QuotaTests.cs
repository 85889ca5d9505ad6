using MailAdmin.Tests.Rig;
using MailEngine.Store;

namespace MailAdmin.Tests.Imap;

public class QuotaTests
{
    [Fact]
    public async Task When_an_account_has_limits_then_they_are_shown_and_kept()   // RFC 9208 §4
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.Mail.Accounts.WriteAsync(async db => { (await db.Accounts.FindAsync(rig.Mail.Ann))!.QuotaBytes = 2048; await db.SaveChangesAsync(); });
        await rig.Mail.Store.SetLimitsAsync(rig.Mail.Ann, new AccountLimits(null, 3, 4));
        await rig.GivenMessagesAsync(2, text: _ => $"Subject: x\r\n\r\n{new string('x', 500)}\r\n");
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("""
            C: a1 GETQUOTAROOT INBOX
            S: * QUOTAROOT "INBOX" "user/ann@example.test"
            S: * QUOTA "user/ann@example.test" (STORAGE 2 2 MESSAGE 2 3 MAILBOX 1 4)
            S: a1 OK *
            C: a2 GETQUOTA user/ann@example.test
            S: * QUOTA "user/ann@example.test" (STORAGE 2 2 MESSAGE 2 3 MAILBOX 1 4)
            S: a2 OK *
            C: a3 GETQUOTA user/bob@example.test
            S: a3 NO [NONEXISTENT] *
            C: a4 GETQUOTAROOT "Other Users/bob@example.test"
            S: a4 NO [NONEXISTENT] *
            C: a5 SETQUOTA user/ann@example.test (STORAGE 99999)
            S: a5 NO [NOPERM] *
            C: a6 CREATE A/B
            S: a6 OK *
            C: a7 CREATE C/D
            S: a7 NO [OVERQUOTA] *
            C: a8 CREATE C
            S: a8 OK *
            C: a9 RENAME C E/F
            S: a9 NO [OVERQUOTA] *
            C: b0 RENAME C E
            S: b0 OK *
            C: b1 APPEND INBOX {3+}
            C: abc
            S: b1 OK *
            C: b2 APPEND INBOX {3+}
            C: abc
            S: b2 NO [OVERQUOTA] *
            C: b3 SELECT INBOX
            """);
        await c.ReadUntilAsync("b3 OK");
        await c.PlayAsync("""
            C: b4 COPY 1 A
            S: b4 NO [OVERQUOTA] *
            C: b5 MOVE 1 A
            S: * OK [COPYUID *
            S: * 1 EXPUNGE
            """);
        await c.ReadUntilAsync("b5 OK");
        await c.PlayAsync("C: b6 STORE 1 +FLAGS.SILENT (\\Deleted)");
        await c.ReadUntilAsync("b6 OK");
        await c.PlayAsync("""
            C: b7 STATUS INBOX (DELETED DELETED-STORAGE)
            S: * STATUS "INBOX" (DELETED 1 DELETED-STORAGE 1)
            S: b7 OK *
            C: b8 STATUS INBOX (DELETEDSTORAGE)
            S: b8 BAD *
            """);
        AcceptOutcome mail = await DeliverAsync(rig);
        Assert.Equal(StoreError.OverQuota, mail.Deposits[0].Error);
        await rig.Mail.Store.SetLimitsAsync(rig.Mail.Ann, default);
        Assert.Equal(StoreError.None, (await DeliverAsync(rig)).Deposits[0].Error);
    }

    static async Task<AcceptOutcome> DeliverAsync(ImapRig rig)
    {
        using BodyWriter writer = rig.Mail.Store.NewBody();
        writer.Write("Subject: y\r\n\r\n"u8);
        using Body body = writer.Complete();
        return await rig.Mail.Store.AcceptAsync(new Acceptance { Body = body, Deposits = [StoreRig.To(rig.Mail.Ann)] }, CancellationToken.None);
    }
}
