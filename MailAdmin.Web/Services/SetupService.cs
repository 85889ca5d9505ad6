using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>What the first visitor writes.</summary>
public sealed class SetupForm
{
    public string Token { get; set; } = "";
    /// <summary>An address of <see cref="Domain"/> (with a mailbox then), or a plain name (without one).</summary>
    public string Login { get; set; } = "";
    public string Password { get; set; } = "";
    public string Repeat { get; set; } = "";
    /// <summary>Fully qualified name of this server.</summary>
    public string Hostname { get; set; } = "";
    /// <summary>First mail domain; empty: none yet, then <see cref="Login"/> is a plain name.</summary>
    public string Domain { get; set; } = "";
}

/// <summary>Makes the first superuser. The right to do so is a one-time token that the start prints; the database holds only its hash.</summary>
public sealed class SetupService(
    AccountsDatabase database, Changes changes, DomainService domains, AccountService accounts, GrantService grants,
    EngineOptions options, PasswordHashes hashes, StoreTaskRunner tasks, ILogger<SetupService> log)
{
    /// <summary>True while nobody administers the server.</summary>
    public async Task<bool> IsNeededAsync(CancellationToken ct = default)
    {
        await using AccountsContext db = database.NewContext();
        return !await db.Grants.AnyAsync(g => g.DomainId == null, ct);
    }

    /// <summary>Makes a token; the one before is void. 256 bits, for a URL.</summary>
    public async Task<string> NewTokenAsync(CancellationToken ct = default)
    {
        string token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        string hash = HashOf(token);
        await database.WriteAsync(async db =>
        {
            await db.Settings.Where(s => s.Key == Setting.SetupToken).ExecuteDeleteAsync(ct);
            db.Settings.Add(new Setting { Key = Setting.SetupToken, Value = hash });
            return await db.SaveChangesAsync(ct);
        }, _ => true, ct);
        return token;
    }

    public async Task<bool> IsTokenValidAsync(string token, CancellationToken ct = default)
    {
        await using AccountsContext db = database.NewContext();
        return await IsTokenValidAsync(db, token, ct);
    }

    /// <summary>Superuser, host name and first domain in one transaction; the token dies with it.</summary>
    public async Task<ServiceResult<long>> CompleteAsync(SetupForm form, string client, CancellationToken ct = default)
    {
        if (!await IsTokenValidAsync(form.Token, ct))
            return TokenIsVoid();
        string login = form.Login.Trim();
        _ = EmailAddress.TryParse(login, out EmailAddress address);
        _ = DomainName.TryParse(form.Hostname.Trim(), out DomainName hostname);
        Problems problems = await CheckAsync(form, login, address, hostname, ct);
        if (problems.Any)
            return problems.Refuse();

        string hash = await Task.Run(() => hashes.Make(form.Password), ct);
        Actor actor = Actor.Setup(client);
        ServiceResult<long> result = await changes.RunAsync<long>(actor, async (db, _) =>
        {
            // Again, inside the transaction: of two who hold the link only one gets through.
            if (!await IsTokenValidAsync(db, form.Token, ct) || await db.Grants.AnyAsync(g => g.DomainId == null, ct))
                return TokenIsVoid();
            return await CompleteAsync(db, actor, form, login, address, hostname, hash, ct);
        }, ct);
        if (result.Ok)
        {
            log.SetupDone(result.Value);
            await tasks.RunAsync(CancellationToken.None);
        }
        return result;
    }

    async Task<Problems> CheckAsync(SetupForm form, string login, EmailAddress address, DomainName hostname, CancellationToken ct)
    {
        var problems = new Problems();
        problems.RequirePassword(nameof(form.Password), form.Password, options.Passwords, form.Login);
        problems.RequireRepeated(nameof(form.Repeat), form.Password, form.Repeat);
        problems.Require(hostname.Value?.Contains('.', StringComparison.Ordinal) == true, nameof(form.Hostname), Texts.Of("Error.Hostname"));
        await using AccountsContext db = database.NewContext();
        db.ChangeTracker.QueryTrackingBehavior = QueryTrackingBehavior.NoTracking;
        Domain? domain = null;
        if (form.Domain.Trim().Length > 0)
        {
            var wrong = new Problems();
            domain = await domains.CheckNewAsync(db, new DomainForm { Name = form.Domain }, wrong, ct);
            problems.AddAll(wrong, nameof(DomainForm.Name), nameof(form.Domain));
        }
        if (!login.Contains('@', StringComparison.Ordinal))
        {
            await GrantService.CheckSuperuserAsync(db, new SuperuserForm { Login = login }, problems, ct);
        }
        else if (address.IsEmpty || domain?.Name != address.Domain.Value)
        {
            problems.Add(nameof(form.Login), Texts.Of("Error.SetupLogin"));
        }
        else
        {
            var wrong = new Problems();
            await AccountService.CheckNewAsync(db, domain, new AccountForm { LocalPart = address.Local }, wrong, ct);
            problems.AddAll(wrong, nameof(AccountForm.LocalPart), nameof(form.Login));
        }
        return problems;
    }

    async Task<ServiceResult<long>> CompleteAsync(
        AccountsContext db, Actor actor, SetupForm form, string login, EmailAddress address, DomainName hostname, string hash, CancellationToken ct)
    {
        long superuser = 0;
        if (address.IsEmpty)
        {
            ServiceResult<long> added = await grants.AddSuperuserAsync(db, actor, new SuperuserForm { Login = login }, hash, ct);
            if (!added.Ok)
                return added;
            superuser = added.Value;
        }
        if (form.Domain.Trim().Length > 0)
        {
            ServiceResult<long> domain = await domains.CreateAsync(db, actor, new DomainForm { Name = form.Domain }, roleOwner: null, ct);
            if (!domain.Ok)
                return ServiceResult.Invalid([.. domain.Errors.Select(e => e with { Field = e.Field == nameof(DomainForm.Name) ? nameof(form.Domain) : e.Field })]);
            if (!address.IsEmpty)
            {
                ServiceResult<long> account = await accounts.CreateAsync(
                    db, actor, new AccountForm { DomainId = domain.Value, LocalPart = address.Local }, hash, ct);
                if (!account.Ok)
                    return ServiceResult.Invalid([.. account.Errors.Select(e => e with { Field = e.Field == nameof(AccountForm.LocalPart) ? nameof(form.Login) : e.Field })]);
                superuser = account.Value;
                await grants.AddAsync(db, actor, superuser, null, PermissionSet.Superuser, null, ct);
            }
        }
        await db.Settings.Where(s => s.Key == Setting.SetupToken || s.Key == Setting.Hostname).ExecuteDeleteAsync(ct);
        db.Settings.Add(new Setting { Key = Setting.Hostname, Value = hostname.Value });
        changes.Audit(db, actor, "setting.update", Setting.Hostname, null, null, new { hostname = hostname.Value });
        await db.SaveChangesAsync(ct);
        return superuser;
    }

    static async Task<bool> IsTokenValidAsync(AccountsContext db, string token, CancellationToken ct)
    {
        string? stored = await db.Settings.Where(s => s.Key == Setting.SetupToken).Select(s => s.Value).FirstOrDefaultAsync(ct);
        return stored is not null && token.Length is > 0 and < 200
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(stored), Encoding.ASCII.GetBytes(HashOf(token)));
    }

    static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    static ServiceResult.Refused TokenIsVoid() =>
        ServiceResult.Invalid(nameof(SetupForm.Token), Texts.Of("Error.SetupToken"));
}
