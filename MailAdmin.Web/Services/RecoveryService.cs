using System.Globalization;
using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>How an account's owner gets in without a password.</summary>
/// <param name="Address">Where a link for a new password goes; empty: nowhere.</param>
/// <param name="Waiting">An address that has not been shown to be read by the owner yet; empty: none.</param>
/// <param name="HasPassword">False: an invitation is what is missing.</param>
/// <param name="InvitedUntil">An invitation is good until then; null: there is none.</param>
public sealed record RecoveryStatus(string Address, string Waiting, bool HasPassword, DateTimeOffset? InvitedUntil);

/// <summary>A recovery address, and the password of whoever sets it.</summary>
public sealed class RecoveryForm
{
    /// <summary>Empty: none any more.</summary>
    public string Address { get; set; } = "";
    public string Password { get; set; } = "";
}

/// <summary>The way back in for who has forgotten his password: a link that is mailed to his recovery address.</summary>
/// <remarks>The second factor stays: a new password alone opens no account that has one.</remarks>
public sealed class RecoveryService(
    Changes changes, AccountsDatabase database, AccountDirectory directory, OwnPasswordCheck own, PasswordHashes hashes, PanelAddress panel, IStoreDoor store, EngineOptions options)
{
    static readonly TimeSpan s_countedFor = TimeSpan.FromHours(1);

    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<RecoveryStatus>> StatusAsync(Actor actor, long? accountId = null, CancellationToken ct = default) =>
        changes.ReadAsync<RecoveryStatus>(actor, async (db, rights) =>
        {
            if ((accountId ?? rights.AccountId) is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account
                || (rights.AccountId != id && !rights.May(Permissions.Passwords, account.DomainId)))
                return ServiceResult.NotFound("account");
            DateTimeOffset now = changes.Now;
            List<OneTimeLink> links = await db.OneTimeLinks.Where(l => l.AccountId == id && l.EndsAt > now).ToListAsync(ct);
            return new RecoveryStatus(
                account.RecoveryAddress, links.Find(l => l.Purpose == LinkPurpose.RecoveryAddress)?.SentTo ?? "", account.PasswordHash is not null,
                account.PasswordHash is null ? links.Find(l => l.Purpose == LinkPurpose.Invitation)?.EndsAt : null);
        }, ct);

    /// <summary>Sets one's own: the address counts once the link that is mailed to it was followed. Empty: takes it away at once.</summary>
    public async Task<ServiceResult> SetOwnAsync(Actor actor, RecoveryForm form, CancellationToken ct = default)
    {
        var problems = new Problems();
        ServiceResult<Account> owner = await own.CheckAsync(actor, form.Password, nameof(form.Password), problems, ct);
        if (!owner.Ok)
            return owner;
        string address = await CheckAsync(owner.Value!.Id, form.Address, problems, ct);
        if (problems.Any)
            return problems.Refuse();
        if (address.Length == 0)
            return await SetAndTellAsync(actor, async (db, rights) => rights.AccountId is { } id ? await SetAsync(db, actor, id, "", ct) : ServiceResult.Forbidden(), ct);
        ServiceResult<string> issued = await changes.RunAsync<string>(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
                return ServiceResult.Forbidden();
            string token = await OneTimeLinks.IssueAsync(db, account, LinkPurpose.RecoveryAddress, changes.Now, options.Links.InvitationTime, address, ct);
            changes.Audit(db, actor, "recovery.ask", account, null, new { address });
            await db.SaveChangesAsync(ct);
            return token;
        }, ct);
        if (!issued.Ok)
            return issued;
        return await SendAsync(address, LinkPurpose.RecoveryAddress, owner.Value!.UserName ?? "", issued.Value!, options.Links.InvitationTime, ct)
            ? ServiceResult.Done()
            : ServiceResult.Invalid(nameof(form.Address), Texts.Of("Error.RecoveryMail"));
    }

    /// <summary>Sets somebody else's; it counts at once, since who may do this may set the password too.</summary>
    public async Task<ServiceResult> SetForAsync(Actor actor, long accountId, string address, CancellationToken ct = default)
    {
        var problems = new Problems();
        string canonical = await CheckAsync(accountId, address, problems, ct);
        return await SetAndTellAsync(actor, async (db, rights) =>
        {
            ServiceResult<Account> found = await rights.FindToChangeAsync(db, db.Accounts, Permissions.Passwords, accountId, changes.Now, ct);
            if (!found.Ok)
                return new ServiceResult.Refused(found.Refusal, found.Errors);
            return problems.Any ? problems.Refuse() : await SetAsync(db, actor, accountId, canonical, ct);
        }, ct);
    }

    /// <summary>What a link is for; null: it is good for nothing (any more).</summary>
    public async Task<LinkFacts?> FindAsync(string? token, CancellationToken ct = default)
    {
        await using AccountsContext db = database.NewContext();
        return await OneTimeLinks.FindAsync(db, token, changes.Now, ct) is var (link, account)
            ? new LinkFacts(link.Purpose, account.UserName ?? "", account.DisplayName, link.SentTo, link.EndsAt) : null;
    }

    /// <summary>Uses an invitation, or a link for a new password. All sessions of the account end, and its other links with them.</summary>
    public async Task<ServiceResult> SetPasswordAsync(string token, NewPasswordForm form, string client, CancellationToken ct = default)
    {
        if (await FindAsync(token, ct) is not { Purpose: not LinkPurpose.RecoveryAddress } facts)
            return LinkIsVoid();
        var problems = new Problems();
        problems.RequirePassword(nameof(form.New), form.New, options.Passwords, facts.Login, facts.DisplayName);
        problems.RequireRepeated(nameof(form.Repeat), form.New, form.Repeat);
        if (problems.Any)
            return problems.Refuse();
        string hash = await Task.Run(() => hashes.Make(form.New), ct);
        return await changes.RunAsync(ActorOf(facts, client), async (db, _) =>
        {
            // Again, inside the transaction: of two who hold the link only one gets through.
            if (await OneTimeLinks.FindAsync(db, token, changes.Now, ct) is not { Link.Purpose: not LinkPurpose.RecoveryAddress } found)
                return LinkIsVoid();
            (OneTimeLink link, Account account) = found;
            account.PasswordHash = hash;
            account.SecurityStamp = AccountRows.NewStamp();
            await db.OneTimeLinks.Where(l => l.AccountId == account.Id && l.Purpose != LinkPurpose.RecoveryAddress).ExecuteDeleteAsync(ct);
            await db.PanelSessions.Where(s => s.AccountId == account.Id).ExecuteDeleteAsync(ct);
            changes.Audit(db, ByOwner(account, client), link.Purpose == LinkPurpose.Invitation ? "invitation.use" : "password.recover", account, null, null);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
    }

    /// <summary>Uses a link that was mailed to a recovery address: it is the account's from now on.</summary>
    public async Task<ServiceResult> ConfirmAddressAsync(string token, string client, CancellationToken ct = default)
    {
        if (await FindAsync(token, ct) is not { Purpose: LinkPurpose.RecoveryAddress } facts)
            return LinkIsVoid();
        return await SetAndTellAsync(ActorOf(facts, client), async (db, _) =>
            await OneTimeLinks.FindAsync(db, token, changes.Now, ct) is { Link.Purpose: LinkPurpose.RecoveryAddress } found
                ? await SetAsync(db, ByOwner(found.Account, client), found.Account.Id, found.Link.SentTo, ct)
                : LinkIsVoid(), ct);
    }

    /// <summary>Mails a link for a new password, if there is such an account and it has a recovery address. Whoever asked is told the same in any
    /// case, before this runs: see <see cref="PasswordRequests"/>.</summary>
    internal async Task MailLinkAsync(string login, string client, CancellationToken ct)
    {
        if (await directory.FindLoginAsync(login, ct) is not { } found)
            return;
        string address = "", language = "";
        Actor anybody = Actor.Of(new System.Security.Claims.ClaimsPrincipal(), client);
        ServiceResult<string> issued = await changes.RunAsync<string>(anybody, async (db, _) =>
        {
            DateTimeOffset now = changes.Now, counted = now - s_countedFor;
            if (await db.Accounts.FirstOrDefaultAsync(a => a.Id == found.AccountId, ct) is not { RecoveryAddress.Length: > 0 } account
                || !account.Services.HasFlag(MailServices.Panel) || !await OneTimeLinks.IsOnAsync(db, account, ct)
                || await db.OneTimeLinks.CountAsync(l => l.AccountId == account.Id && l.Purpose == LinkPurpose.NewPassword && l.CreatedAt > counted, ct) >= options.Links.MailsPerAccount)
                return ServiceResult.NotFound("account");
            address = account.RecoveryAddress;
            language = await db.Preferences.Where(p => p.AccountId == account.Id).Select(p => p.Language).FirstOrDefaultAsync(ct) ?? "";
            string token = await OneTimeLinks.IssueAsync(db, account, LinkPurpose.NewPassword, now, options.Links.PasswordTime, address, ct);
            changes.Audit(db, anybody, "password.forgotten", account, null, null);
            await db.SaveChangesAsync(ct);
            return token;
        }, ct);
        if (!issued.Ok)
            return;
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(language.Length > 0 ? language : "en");   // of this flow alone
        await SendAsync(address, LinkPurpose.NewPassword, found.Login, issued.Value!, options.Links.PasswordTime, ct);
    }

    /// <summary>Mails a link.</summary>
    internal async Task<bool> SendAsync(string to, LinkPurpose purpose, string login, string token, TimeSpan goodFor, CancellationToken ct)
    {
        DateTimeOffset end = changes.Now + goodFor;
        string link = await panel.OneTimeAsync(token, ct);
        string until = end.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);   // one form for all: no reader's time zone is known
        return await store.SendAsync(new SystemMessage(to, Texts.Of("LinkMail." + purpose + "_Subject", login), Texts.Of("LinkMail." + purpose + "_Text", login, link, until)), ct);
    }

    /// <returns>The address in canonical form; empty: none is wanted.</returns>
    internal async Task<string> CheckAsync(long? accountId, string wanted, Problems problems, CancellationToken ct)
    {
        if (wanted.Trim().Length == 0)
            return "";
        if (!EmailAddress.TryParse(wanted.Trim(), out EmailAddress address))
        {
            problems.Add(nameof(RecoveryForm.Address), Texts.Of("Error.RecoveryAddress"));
            return "";
        }
        Resolution there = await directory.ResolveAsync(address, ct);
        problems.Require(accountId is null || there.Address?.Targets.Any(t => t.Account?.AccountId == accountId) != true, nameof(RecoveryForm.Address), Texts.Of("Error.RecoveryOwn"));
        return address.ToString();
    }

    /// <param name="Before">Empty: there was none.</param>
    sealed record AddressChange(string Login, string Before, string After, string Language);

    /// <summary>Sets an address in a transaction; whoever reads the one before is told, since only he can say that it was not his wish.</summary>
    async Task<ServiceResult> SetAndTellAsync(Actor actor, Func<AccountsContext, Rights, Task<ServiceResult<AddressChange>>> set, CancellationToken ct)
    {
        ServiceResult<AddressChange> done = await changes.RunAsync(actor, set, ct);
        if (done is { Ok: true, Value: { Before.Length: > 0 } change } && change.Before != change.After)
        {
            CultureInfo panelOf = CultureInfo.CurrentUICulture;
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(change.Language.Length > 0 ? change.Language : "en");
            SystemMessage mail;
            try
            {
                mail = new SystemMessage(change.Before, Texts.Of("RecoveryMail.Subject", change.Login), Texts.Of("RecoveryMail.Text", change.Login));
            }
            finally
            {
                CultureInfo.CurrentUICulture = panelOf;
            }
            await store.SendAsync(mail, ct);   // where it leads nowhere nobody is left to be told: the change stands
        }
        return done;
    }

    async Task<ServiceResult<AddressChange>> SetAsync(AccountsContext db, Actor actor, long accountId, string address, CancellationToken ct)
    {
        Account account = await db.Accounts.FirstAsync(a => a.Id == accountId, ct);
        string before = account.RecoveryAddress;
        account.RecoveryAddress = address;
        // Links that went to the address before must not outlive it.
        await db.OneTimeLinks.Where(l => l.AccountId == accountId && l.Purpose != LinkPurpose.Invitation).ExecuteDeleteAsync(ct);
        changes.Audit(db, actor, "recovery.set", account, new { address = before }, new { address });
        string language = await db.Preferences.Where(p => p.AccountId == accountId).Select(p => p.Language).FirstOrDefaultAsync(ct) ?? "";
        await db.SaveChangesAsync(ct);
        return new AddressChange(account.UserName ?? "", before, address, language);
    }

    // Whoever has the link acts for the owner, whose name the record then bears.
    static Actor ActorOf(LinkFacts facts, string client) => Actor.ByLink(null, facts.Login, client);

    static Actor ByOwner(Account account, string client) => Actor.ByLink(account.Id, account.UserName ?? "", client);

    static ServiceResult.Refused LinkIsVoid() => ServiceResult.Invalid("", Texts.Of("Error.Link"));
}
