using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Store;

namespace MailAdmin.Tests.Services;

/// <summary>Undelete as the panel and the command line call it.</summary>
public sealed class DeletedMailTests
{
    [Fact]
    public async Task When_a_user_restores_a_message_then_it_is_back_and_the_audit_says_so()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore: true);
        long id = await rig.Store!.GivenExpungedAsync(rig.OwnUser, "budget");
        var service = rig.Get<DeletedMailService>();
        Actor user = ServicesRig.As(rig.OwnUser);
        DeletedMessageRow row = Assert.Single((await service.ListAsync(user, null, new PageRequest(Filter: "BUDG"))).Value!.Items);
        Assert.Equal((id, "budget", "INBOX"), (row.Id, row.Subject, row.Mailbox));
        Assert.Equal(1, (await service.RestoreMessagesAsync(user, null, [id])).Value);
        Assert.Equal(1, (await rig.Store!.OpenAsync(rig.OwnUser, MailboxName.Inbox))!.Current.Count);
        await using AccountsContext db = rig.Accounts.Database.NewContext();
        AuditEntry entry = Assert.Single(db.Audit, a => a.Action == "mail.restore");
        Assert.Equal(("ann@own.test", rig.OwnUser), (entry.Object, entry.ActorId));
        Assert.Contains(id.ToString(System.Globalization.CultureInfo.InvariantCulture), entry.After, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_an_administrator_lists_deleted_mail_then_he_sees_where_and_when_but_not_what_it_says()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore: true);
        await rig.Store!.GivenExpungedAsync(rig.OwnUser, "secret");
        var service = rig.Get<DeletedMailService>();
        foreach (Actor admin in new[] { rig.Super, rig.Master })
        {
            DeletedMessageRow row = Assert.Single((await service.ListAsync(admin, rig.OwnUser, new PageRequest())).Value!.Items);
            Assert.Equal(("", "", "INBOX"), (row.From, row.Subject, row.Mailbox));
            Assert.Empty((await service.ListAsync(admin, rig.OwnUser, new PageRequest(Filter: "secret"))).Value!.Items);
        }
        Assert.Equal("secret", Assert.Single((await service.ListAsync(ServicesRig.Root, rig.OwnUser, new PageRequest())).Value!.Items).Subject);
    }

    [Fact]
    public async Task When_the_quota_has_no_room_then_the_user_is_told_what_to_do()
    {
        await using ServicesRig rig = await ServicesRig.OpenAsync(withStore: true);
        long id = await rig.Store!.GivenExpungedAsync(rig.OwnUser, "m");
        await rig.Get<AccountService>().UpdateAsync(rig.Super, rig.OwnUser, new AccountForm { QuotaBytes = 10 });
        ServiceResult<int> result = await rig.Get<DeletedMailService>().RestoreMessagesAsync(ServicesRig.As(rig.OwnUser), null, [id]);
        Assert.Equal(Refusal.Invalid, result.Refusal);
        Assert.Contains("quota", result.Text, StringComparison.Ordinal);
    }
}
