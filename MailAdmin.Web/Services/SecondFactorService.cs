using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Net;
using MailEngine.Sasl;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>How it stands with an account's second factor.</summary>
public sealed record SecondFactorStatus(bool IsOn, DateTimeOffset? Since, int CodesLeft)
{
    /// <summary>The actor will need one from then on; null: nobody asks for one, or it is on.</summary>
    public DateTimeOffset? NeededFrom { get; init; }
    /// <summary>That time has come: he may do nothing else before.</summary>
    public bool IsNeeded { get; init; }
}

/// <summary>A key that waits for its first code.</summary>
/// <param name="Ticket">Carry it to <see cref="SecondFactorService.ConfirmAsync"/>: the key, so that nothing is stored before it is known to work.</param>
public sealed record SecondFactorSetup(string Uri, string KeyText, string Ticket);

/// <summary>The code from the program, and the password again.</summary>
public sealed class SecondFactorForm
{
    public string Ticket { get; set; } = "";
    public string Code { get; set; } = "";
    public string Password { get; set; } = "";
}

/// <summary>The second factor (TOTP) and the codes for when it is lost.</summary>
/// <remarks>Turning it on or off is a new stamp: all sessions end, those of mail programs too, which need an app password from then on. Codes are
/// tried only by who knows the password; after twenty wrong ones in an hour they are not looked at any more. Networks the owner is known from count
/// for themselves, so that whoever has stolen the password cannot shut him out.</remarks>
public sealed class SecondFactorService(
    Changes changes, OwnPasswordCheck own, Authenticator authenticator, AccountsDatabase database, IDataProtectionProvider protection, ServerName server, TimeProvider clock)
{
    const int Codes = 10;
    const int MostFailures = 20;
    static readonly TimeSpan s_failureWindow = TimeSpan.FromHours(1);
    static readonly TimeSpan s_setupTime = TimeSpan.FromMinutes(30);

    readonly ITimeLimitedDataProtector _tickets = protection.CreateProtector("second-factor-setup").ToTimeLimitedDataProtector();
    // All networks together that an account is not known from.
    const string Strangers = "";
    const int MostCounters = 10_000;

    readonly ConcurrentDictionary<(long Account, string Network), (int Count, DateTimeOffset Until)> _failures = new();

    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<SecondFactorStatus>> StatusAsync(Actor actor, long? accountId = null, CancellationToken ct = default) =>
        changes.ReadAsync<SecondFactorStatus>(actor, async (db, rights) =>
        {
            if ((accountId ?? rights.SetsUp) is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account
                || (rights.SetsUp != id && !rights.May(Permissions.See, account.DomainId)))
                return ServiceResult.NotFound("account");
            DateTimeOffset? since = await db.SecondFactors.Where(f => f.AccountId == id).Select(f => (DateTimeOffset?)f.Since).FirstOrDefaultAsync(ct);
            return new SecondFactorStatus(account.TwoFactorEnabled, since, await db.RecoveryCodes.CountAsync(c => c.AccountId == id, ct))
            {
                NeededFrom = rights.SetsUp == id ? rights.SecondFactorFrom : null, IsNeeded = rights.MustSetUp == id,
            };
        }, ct);

    /// <summary>A new key to put into the program; it counts once <see cref="ConfirmAsync"/> has seen a code of it.</summary>
    public Task<ServiceResult<SecondFactorSetup>> StartAsync(Actor actor, string ticket = "", CancellationToken ct = default) =>
        changes.ReadAsync<SecondFactorSetup>(actor, async (db, rights) =>
        {
            if (rights.SetsUp is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
                return ServiceResult.Forbidden();
            byte[] key = KeyOf(ticket, id) ?? Totp.NewKey();   // the page comes back with the same key when the code was wrong
            string text = string.Create(CultureInfo.InvariantCulture, $"{id} {Convert.ToBase64String(key)}");
            return new SecondFactorSetup(Totp.Uri(key, server.Name, account.UserName ?? ""), Totp.KeyText(key), _tickets.Protect(text, s_setupTime));
        }, ct);

    /// <summary>Turns it on.</summary>
    /// <returns>The recovery codes; they are kept nowhere in this form.</returns>
    public async Task<ServiceResult<IReadOnlyList<string>>> ConfirmAsync(Actor actor, SecondFactorForm form, CancellationToken ct = default)
    {
        var problems = new Problems();
        ServiceResult<Account> owner = await own.CheckAsync(actor, form.Password, nameof(form.Password), problems, ct);
        if (!owner.Ok)
            return new ServiceResult.Refused(owner.Refusal, owner.Errors);
        long? step = null;
        if (KeyOf(form.Ticket, owner.Value!.Id) is not { } key)
            return ServiceResult.Invalid("", Texts.Of("Error.SetupTicket"));
        problems.Require((step = Totp.Match(key, form.Code, changes.Now, 0)) is not null, nameof(form.Code), Texts.Of("Error.SecondCode"));
        if (problems.Any)
            return problems.Refuse();
        return await changes.RunAsync<IReadOnlyList<string>>(actor, async (db, rights) =>
        {
            if (rights.SetsUp is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
                return ServiceResult.Forbidden();
            if (account.TwoFactorEnabled)
                return ServiceResult.Conflict();
            account.TwoFactorEnabled = true;
            account.SecurityStamp = AccountRows.NewStamp();
            db.SecondFactors.Add(new SecondFactor { AccountId = id, Key = key, Since = changes.Now, LastStep = step!.Value });
            string[] codes = await NewCodesAsync(db, id, ct);
            changes.Audit(db, actor, "secondfactor.on", account, null, null);
            await db.SaveChangesAsync(ct);
            return ServiceResult<IReadOnlyList<string>>.Of(codes);
        }, ct);
    }

    /// <summary>New recovery codes; the old ones are void.</summary>
    public async Task<ServiceResult<IReadOnlyList<string>>> RenewCodesAsync(Actor actor, string password, CancellationToken ct = default)
    {
        if (await AskAsync(actor, password, ct) is { } refused)
            return refused;
        return await changes.RunAsync<IReadOnlyList<string>>(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id && a.TwoFactorEnabled, ct) is not { } account)
                return ServiceResult.Forbidden();
            string[] codes = await NewCodesAsync(db, id, ct);
            changes.Audit(db, actor, "secondfactor.codes", account, null, null);
            await db.SaveChangesAsync(ct);
            return ServiceResult<IReadOnlyList<string>>.Of(codes);
        }, ct);
    }

    /// <summary>Turns one's own off.</summary>
    public async Task<ServiceResult> TurnOffAsync(Actor actor, string password, CancellationToken ct = default)
    {
        if (await AskAsync(actor, password, ct) is { } refused)
            return refused;
        return await changes.RunAsync(actor, async (db, rights) => rights.AccountId is { } id ? await RemoveAsync(db, actor, id, ct) : ServiceResult.Forbidden(), ct);
    }

    /// <summary>Takes away the second factor of somebody who has lost it.</summary>
    public Task<ServiceResult> TakeAwayAsync(Actor actor, long accountId, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            ServiceResult<Account> found = await rights.FindToChangeAsync(db, db.Accounts, Permissions.Passwords, accountId, changes.Now, ct);
            return found.Ok ? await RemoveAsync(db, actor, accountId, ct) : found;
        }, ct);

    /// <summary>Checks a code, or a recovery code, which is used up by it. Only for who has shown the password.</summary>
    internal async Task<bool> VerifyAsync(long accountId, string code, IPAddress? client, CancellationToken ct)
    {
        DateTimeOffset now = clock.GetUtcNow();
        string network = LoginNetwork.Of(client);
        bool known = await authenticator.IsKnownAsync(accountId, client, ct);
        if (IsShut(accountId, network, now) || (!known && IsShut(accountId, Strangers, now)))
            return false;
        bool good = false;
        await database.WriteQuietlyAsync(async db =>
        {
            if (await db.SecondFactors.FirstOrDefaultAsync(f => f.AccountId == accountId, ct) is not { } factor)
                return;
            if (Totp.Match(factor.Key, code, now, factor.LastStep) is { } step)
            {
                factor.LastStep = step;
                good = true;
            }
            else if (AppPassword.HashOf(code.Trim()) is { } hash)
            {
                List<RecoveryCode> codes = await db.RecoveryCodes.Where(c => c.AccountId == accountId).ToListAsync(ct);
                if (codes.Find(c => CryptographicOperations.FixedTimeEquals(Convert.FromHexString(c.Hash), Convert.FromHexString(hash))) is { } used)
                {
                    db.RecoveryCodes.Remove(used);
                    good = true;
                }
            }
            await db.SaveChangesAsync(ct);
        }, ct);
        if (good)
        {
            _failures.TryRemove((accountId, network), out _);
        }
        else
        {
            Count(accountId, network, now);
            if (!known)
                Count(accountId, Strangers, now);
        }
        return good;
    }

    bool IsShut(long accountId, string network, DateTimeOffset now) =>
        _failures.TryGetValue((accountId, network), out (int Count, DateTimeOffset Until) failed) && failed.Until > now && failed.Count >= MostFailures;

    void Count(long accountId, string network, DateTimeOffset now)
    {
        if (_failures.Count >= MostCounters)
        {
            foreach (((long, string) key, (int Count, DateTimeOffset Until) old) in _failures)
            {
                if (old.Until <= now)
                    _failures.TryRemove(key, out _);
            }
        }
        _failures.AddOrUpdate((accountId, network), (1, now + s_failureWindow), (_, old) => old.Until > now ? (old.Count + 1, old.Until) : (1, now + s_failureWindow));
    }

    async Task<ServiceResult.Refused?> AskAsync(Actor actor, string password, CancellationToken ct)
    {
        var problems = new Problems();
        ServiceResult<Account> owner = await own.CheckAsync(actor, password, nameof(SecondFactorForm.Password), problems, ct);
        return !owner.Ok ? new ServiceResult.Refused(owner.Refusal, owner.Errors) : problems.Any ? problems.Refuse() : null;
    }

    async Task<ServiceResult> RemoveAsync(AccountsContext db, Actor actor, long accountId, CancellationToken ct)
    {
        Account account = await db.Accounts.FirstAsync(a => a.Id == accountId, ct);
        account.TwoFactorEnabled = false;
        account.SecurityStamp = AccountRows.NewStamp();
        await db.SecondFactors.Where(f => f.AccountId == accountId).ExecuteDeleteAsync(ct);
        await db.RecoveryCodes.Where(c => c.AccountId == accountId).ExecuteDeleteAsync(ct);
        changes.Audit(db, actor, "secondfactor.off", account, null, null);
        await db.SaveChangesAsync(ct);
        return ServiceResult.Done();
    }

    static async Task<string[]> NewCodesAsync(AccountsContext db, long accountId, CancellationToken ct)
    {
        await db.RecoveryCodes.Where(c => c.AccountId == accountId).ExecuteDeleteAsync(ct);
        string[] codes = [.. Enumerable.Range(0, Codes).Select(_ => AppPassword.NewSecret())];
        db.RecoveryCodes.AddRange(codes.Select(c => new RecoveryCode { AccountId = accountId, Hash = AppPassword.HashOf(c)! }));
        return codes;
    }

    byte[]? KeyOf(string ticket, long accountId)
    {
        try
        {
            return ticket.Length > 0 && _tickets.Unprotect(ticket).Split(' ') is [var id, var key] && id == accountId.ToString(CultureInfo.InvariantCulture)
                ? Convert.FromBase64String(key) : null;
        }
        catch (CryptographicException)   // somebody else's, too old, or no ticket at all
        {
            return null;
        }
    }
}
