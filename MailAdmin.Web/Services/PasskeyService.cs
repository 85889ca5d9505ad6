using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace MailAdmin.Web.Services;

/// <summary>A passkey in the list.</summary>
/// <param name="IsSynced">Its maker keeps copies on other devices of the owner.</param>
public sealed record PasskeyRow(string Id, string Name, DateTimeOffset CreatedAt, bool IsSynced);

/// <summary>What a browser is asked for, and what it must send back with the answer.</summary>
/// <param name="Options">JSON for <c>navigator.credentials</c>.</param>
public sealed record PasskeyQuestion(string Options, string Ticket);

/// <summary>A passkey to add.</summary>
public sealed class PasskeyForm
{
    public string Name { get; set; } = "";
    /// <summary>The password of the account.</summary>
    public string Password { get; set; } = "";
    public string Ticket { get; set; } = "";
    /// <summary>What the browser answered, JSON.</summary>
    public string Credential { get; set; } = "";
}

/// <summary>Passkeys: made by everybody for himself, checked by ASP.NET Core Identity.</summary>
/// <remarks>The device must have asked who holds it (user verification), so a passkey is two factors in one: it opens the panel by itself, and it
/// takes the place of a code after a password. It is bound to the name that the panel was opened by, which no other site can ask for. Each question
/// is good once, for a few minutes.</remarks>
public sealed class PasskeyService(Changes changes, AccountsDatabase database, OwnPasswordCheck own, IDataProtectionProvider protection, TimeProvider clock, ILogger<UserManager<Account>> log)
{
    public const int MostCharacters = 64 << 10;

    const int Most = 20;
    const int MaxName = 60;
    static readonly TimeSpan s_answerTime = TimeSpan.FromMinutes(5);

    static readonly IOptions<IdentityPasskeyOptions> s_passkeys = Options.Create(new IdentityPasskeyOptions
    {
        AuthenticatorTimeout = s_answerTime, UserVerificationRequirement = "required", ResidentKeyRequirement = "required",
        // The name that the panel was asked by, which the device has signed too; the request's own word for where it comes from would be a copy of the answer's.
        ValidateOrigin = static context => ValueTask.FromResult(!context.CrossOrigin
            && Uri.TryCreate(context.Origin, UriKind.Absolute, out Uri? origin) && origin.Scheme is "https" or "http"
            && Uri.TryCreate($"{origin.Scheme}://{context.HttpContext.Request.Host.Value}", UriKind.Absolute, out Uri? here)
            && origin.Authority == here.Authority),
    });

    static readonly IOptions<IdentityOptions> s_identity = Options.Create(new IdentityOptions { Stores = new StoreOptions { SchemaVersion = IdentitySchemaVersions.Version3 } });

    readonly ITimeLimitedDataProtector _tickets = protection.CreateProtector("passkey").ToTimeLimitedDataProtector();
    readonly ConcurrentDictionary<string, DateTimeOffset> _answered = new(StringComparer.Ordinal);

    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<IReadOnlyList<PasskeyRow>>> ListAsync(Actor actor, long? accountId, CancellationToken ct = default) =>
        changes.ReadAsync<IReadOnlyList<PasskeyRow>>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            List<IdentityUserPasskey<long>> rows = await db.UserPasskeys.Where(p => p.UserId == account.Id).ToListAsync(ct);
            return ServiceResult<IReadOnlyList<PasskeyRow>>.Of([.. rows.OrderBy(p => p.Data.CreatedAt)
                .Select(p => new PasskeyRow(Base64Url.EncodeToString(p.CredentialId), p.Data.Name ?? "", p.Data.CreatedAt, p.Data.IsBackedUp))]);
        }, ct);

    /// <summary>Asks the browser of the actor for a new one.</summary>
    public Task<ServiceResult<PasskeyQuestion>> AskNewAsync(Actor actor, HttpContext http, CancellationToken ct = default) =>
        changes.ReadAsync<PasskeyQuestion>(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
                return ServiceResult.Forbidden();
            using UserManager<Account> users = Users(db);
            var entity = new PasskeyUserEntity
            {
                Id = id.ToString(CultureInfo.InvariantCulture), Name = account.UserName ?? "", DisplayName = account.DisplayName.Length > 0 ? account.DisplayName : account.UserName ?? "",
            };
            PasskeyCreationOptionsResult made = await Handler(users).MakeCreationOptionsAsync(entity, http);
            return new PasskeyQuestion(made.CreationOptionsJson, Seal($"new {id}", made.AttestationState));
        }, ct);

    /// <summary>Adds the one that the browser has made.</summary>
    public async Task<ServiceResult> AddAsync(Actor actor, PasskeyForm form, HttpContext http, CancellationToken ct = default)
    {
        var problems = new Problems();
        string name = form.Name.Trim();
        problems.Require(IsName(name), nameof(form.Name), Texts.Of("Error.PasskeyName", MaxName));
        ServiceResult<Account> owner = await own.CheckAsync(actor, form.Password, nameof(form.Password), problems, ct);
        if (!owner.Ok)
            return owner;
        if (problems.Any)
            return problems.Refuse();
        if (Open(form.Ticket, $"new {owner.Value!.Id}") is not { } state || form.Credential.Length is 0 or > MostCharacters)
            return ServiceResult.Invalid("", Texts.Of("Error.Passkey"));
        return await changes.RunAsync(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id || await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
                return ServiceResult.Forbidden();
            if (await db.UserPasskeys.CountAsync(p => p.UserId == id, ct) >= Most)
                return ServiceResult.Invalid("", Texts.Of("Error.PasskeyMost", Most));
            using UserManager<Account> users = Users(db);
            PasskeyAttestationResult made = await Handler(users).PerformAttestationAsync(new PasskeyAttestationContext { HttpContext = http, CredentialJson = form.Credential, AttestationState = state });
            if (!made.Succeeded || made.UserEntity.Id != id.ToString(CultureInfo.InvariantCulture))
                return ServiceResult.Invalid("", Texts.Of("Error.Passkey"));
            made.Passkey.Name = name;
            await Store(db).AddOrUpdatePasskeyAsync(account, made.Passkey, ct);
            changes.Audit(db, actor, "passkey.add", account, null, new { name });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
    }

    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult> RemoveAsync(Actor actor, long? accountId, string id, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, accountId, ct) is not { } account)
                return ServiceResult.NotFound("account");
            if (account.Id != rights.AccountId && !await rights.MayTouchAsync(db, account.Id, changes.Now, ct))
                return ServiceResult.Forbidden();
            byte[] credential = Base64Url.IsValid(id) && id.Length < 3000 ? Base64Url.DecodeFromChars(id) : [];
            if (await db.UserPasskeys.FirstOrDefaultAsync(p => p.CredentialId == credential && p.UserId == account.Id, ct) is not { } passkey)
                return ServiceResult.NotFound("passkey");
            string name = passkey.Data.Name ?? "";
            db.UserPasskeys.Remove(passkey);
            changes.Audit(db, actor, "passkey.remove", account, new { name }, null);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    /// <summary>Gives one of the actor's own another name.</summary>
    public Task<ServiceResult> RenameAsync(Actor actor, string id, string name, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            name = name.Trim();
            if (!IsName(name))
                return ServiceResult.Invalid(nameof(PasskeyForm.Name), Texts.Of("Error.PasskeyName", MaxName));
            byte[] credential = Base64Url.IsValid(id) && id.Length < 3000 ? Base64Url.DecodeFromChars(id) : [];
            if (rights.AccountId is not { } mine || await db.Accounts.FirstOrDefaultAsync(a => a.Id == mine, ct) is not { } account
                || await db.UserPasskeys.FirstOrDefaultAsync(p => p.CredentialId == credential && p.UserId == mine, ct) is not { } passkey)
                return ServiceResult.NotFound("passkey");
            string before = passkey.Data.Name ?? "";
            passkey.Data.Name = name;
            changes.Audit(db, actor, "passkey.rename", account, new { name = before }, new { name });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    static bool IsName(string name) => name.Length is > 0 and <= MaxName && !name.Any(char.IsControl);

    /// <summary>Asks a browser for a passkey.</summary>
    /// <param name="accountId">Whose, when the password was shown already; null: any, the browser knows which.</param>
    internal async Task<PasskeyQuestion> AskAsync(long? accountId, HttpContext http, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        using UserManager<Account> users = Users(db);
        Account? account = accountId is { } id ? await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) : null;
        PasskeyRequestOptionsResult made = await Handler(users).MakeRequestOptionsAsync(account, http);
        return new PasskeyQuestion(made.RequestOptionsJson, Seal(PurposeOf(account?.Id), made.AssertionState));
    }

    /// <summary>Checks a passkey.</summary>
    /// <param name="accountId">As in <see cref="AskAsync"/>.</param>
    /// <returns>Whose it is; null: it is none of ours, or not an answer to the question.</returns>
    internal async Task<long?> CheckAsync(long? accountId, string ticket, string credential, HttpContext http, CancellationToken ct)
    {
        if (Open(ticket, PurposeOf(accountId)) is not { } state || credential.Length is 0 or > MostCharacters)
            return null;
        long? whose = null;
        await database.WriteQuietlyAsync(async db =>
        {
            using UserManager<Account> users = Users(db);
            PasskeyAssertionResult<Account> shown = await Handler(users).PerformAssertionAsync(new PasskeyAssertionContext { HttpContext = http, CredentialJson = credential, AssertionState = state });
            if (!shown.Succeeded || (accountId is not null && shown.User.Id != accountId))
                return;
            await Store(db).AddOrUpdatePasskeyAsync(shown.User, shown.Passkey, ct);   // its counter
            await db.SaveChangesAsync(ct);
            whose = shown.User.Id;
        }, ct);
        return whose;
    }

    /// <summary>True: the account has one that could be asked for.</summary>
    internal async Task<bool> HasAnyAsync(long accountId, CancellationToken ct)
    {
        await using AccountsContext db = database.NewContext();
        return await db.UserPasskeys.AnyAsync(p => p.UserId == accountId, ct);
    }

    static string PurposeOf(long? accountId) => accountId is { } id ? $"step {id}" : "any";

    string Seal(string purpose, string? state) => _tickets.Protect($"{purpose}\n{state}", s_answerTime);

    // Once: whoever sees an answer go by must not be able to give it again.
    string? Open(string ticket, string purpose)
    {
        if (ticket.Length is 0 or > MostCharacters)
            return null;
        try
        {
            string[] parts = _tickets.Unprotect(ticket).Split('\n', 2);
            DateTimeOffset now = clock.GetUtcNow();
            foreach ((string old, DateTimeOffset until) in _answered)
            {
                if (until < now)
                    _answered.TryRemove(old, out _);
            }
            return parts[0] == purpose && _answered.TryAdd(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(ticket))), now + s_answerTime) ? parts[1] : null;
        }
        catch (CryptographicException)   // too old, or none of ours
        {
            return null;
        }
    }

    UserManager<Account> Users(AccountsContext db) =>
        new(Store(db), s_identity, null!, [], [], new UpperInvariantLookupNormalizer(), new IdentityErrorDescriber(), null!, log);

    static UserOnlyStore<Account, AccountsContext, long> Store(AccountsContext db) => new(db) { AutoSaveChanges = false };

    static PasskeyHandler<Account> Handler(UserManager<Account> users) => new(users, s_passkeys);

    static async Task<Account?> FindAsync(AccountsContext db, Rights rights, long? accountId, CancellationToken ct) =>
        (accountId ?? rights.AccountId) is { } id && await db.Accounts.FirstOrDefaultAsync(a => a.Id == id, ct) is { } account
            && (rights.AccountId == id || rights.May(Permissions.Passwords, account.DomainId)) ? account : null;
}
