using System.Collections.Concurrent;
using System.Data.Common;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Accounts;
using Microsoft.Extensions.Logging;

namespace MailEngine.Sasl;

/// <summary>Why a log-in failed. To a client <see cref="Invalid"/> and <see cref="Throttled"/> look alike but for the code.</summary>
public enum AuthFailure
{
    None,
    /// <summary>No such user, or another password: 535 5.7.8, NO [AUTHENTICATIONFAILED]. RFC 4954 §6, RFC 5530 §3</summary>
    Invalid,
    /// <summary>Too many failures; the password was not looked at: 454 4.7.0, NO [UNAVAILABLE].</summary>
    Throttled,
    /// <summary>Right password, but the account may not use this service: 535 5.7.8, NO [AUTHORIZATIONFAILED].</summary>
    ServiceOff,
    /// <summary>Right password, but the account or its domain is switched off: 535 5.7.8, NO [AUTHORIZATIONFAILED].</summary>
    Suspended,
    /// <summary>The directory does not answer, or too many log-ins wait: 454 4.7.0, NO [UNAVAILABLE].</summary>
    Unavailable,
}

/// <summary>Outcome of a log-in. <see cref="Account"/> is set exactly when <see cref="Failure"/> is None.</summary>
public sealed record AuthOutcome(AccountEntry? Account, AuthFailure Failure);

/// <summary>The one door through which people log in, to every protocol and to the panel.</summary>
/// <remarks>
/// Order: throttle, remembered log-in, password hash, state and switches. Whether the account exists, is suspended or lacks the service shows
/// only to who has the password; until then everybody gets the same work and the same answer (attack case A12).
/// A good log-in is remembered as HMAC-SHA256 under a key of this process over account, security stamp and password, so a client that logs in
/// every minute costs microseconds; a new stamp makes it worthless. Hashing runs on the pool with a bound; strangers have a lane of their own,
/// so a flood of guesses does not keep the users of known networks waiting.
/// </remarks>
public sealed class Authenticator : IAsyncDisposable
{
    const int MaxPasswordChars = 1024;
    const int MaxRemembered = 100_000;
    const int MaxWaiting = 256;
    const int MaxDelayed = 8;

    readonly AccountDirectory _directory;
    readonly PasswordHashes _hashes;
    readonly LoginThrottle _throttle;
    readonly LoginJournal _journal;
    readonly TimeProvider _clock;
    readonly TimeSpan _rememberFor;
    readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    readonly ConcurrentDictionary<long, Remembered> _remembered = new();
    readonly ConcurrentDictionary<(string Login, string Network), int> _delayed = new();
    readonly SemaphoreSlim _strangers;
    readonly SemaphoreSlim _known;
    int _waiting;

    public Authenticator(AccountDirectory directory, AccountsDatabase database, PasswordHashes hashes, LimitOptions limits, ILogger<Authenticator> log)
    {
        _directory = directory;
        _hashes = hashes;
        _clock = database.Clock;
        _rememberFor = limits.LoginCache;
        _throttle = new LoginThrottle(Math.Max(1, limits.FailedLogins), database.Clock);
        _journal = new LoginJournal(database, log, _throttle.Sweep);
        int cores = Environment.ProcessorCount;
        _known = new SemaphoreSlim(cores);
        _strangers = new SemaphoreSlim(Math.Max(1, cores / 2));
    }

    /// <summary>Checks a log-in.</summary>
    /// <param name="user">Log-in name, or any address of the account.</param>
    /// <param name="service">Exactly one.</param>
    /// <param name="client">Null: a unix socket.</param>
    public async ValueTask<AuthOutcome> AuthenticateAsync(string user, string password, MailServices service, IPAddress? client, CancellationToken ct)
    {
        string? login = Account.CanonicalLogin(user);
        if (login is null || password.Length is 0 or > MaxPasswordChars)
            return new AuthOutcome(null, AuthFailure.Invalid);
        string network = LoginNetwork.Of(client);
        try
        {
            AuthOutcome outcome = await CheckAsync(login, password, service, network, ct);
            if (outcome.Failure is not (AuthFailure.None or AuthFailure.Unavailable))
                _journal.Failed(login, network, service, outcome.Failure);
            return outcome;
        }
        catch (Exception e) when (e is DirectoryUnavailableException or DbException)
        {
            return new AuthOutcome(null, AuthFailure.Unavailable);
        }
    }

    /// <summary>True while a session that logged in as this entry may go on: same stamp, not suspended, service still on.</summary>
    public async ValueTask<bool> MayContinueAsync(AccountEntry loggedIn, MailServices service, CancellationToken ct) =>
        await _directory.FindAccountAsync(loggedIn.AccountId, ct) is { } now
        && now.SecurityStamp == loggedIn.SecurityStamp
        && (loggedIn.AppPasswordId is { } app ? now.AppPasswords.Any(p => p.Id == app && IsGood(p, service))
            : service == MailServices.Panel || !now.NeedsAppPassword(_clock.GetUtcNow()))
        && await SwitchesAsync(now, service, ct) == AuthFailure.None;

    /// <summary>Notes a log-in that was proved by other means than a password, or by more than that.</summary>
    public void Note(long accountId, MailServices service, IPAddress? client) => _journal.Succeeded(accountId, LoginNetwork.Of(client), service);

    /// <summary>True when the account's owner has logged in from there within the last months.</summary>
    public async ValueTask<bool> IsKnownAsync(long accountId, IPAddress? client, CancellationToken ct) =>
        LoginNetwork.Of(client) is var network && (network == LoginNetwork.Local || await _journal.IsKnownAsync(accountId, network, ct));

    /// <summary>Writes what waits to be written: last log-ins, failures.</summary>
    internal Task FlushAsync() => _journal.FlushAsync();

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        CryptographicOperations.ZeroMemory(_key);
        _strangers.Dispose();
        _known.Dispose();
    }

    async ValueTask<AuthOutcome> CheckAsync(string login, string password, MailServices service, string network, CancellationToken ct)
    {
        AccountEntry? account = await _directory.FindLoginAsync(login, ct);
        if (account is not null && FindAppPassword(account, password, service) is { } app)
        {
            // Nobody guesses it: not even a network that is shut out is asked to wait.
            AuthFailure refused = await SwitchesAsync(account, service, ct);
            if (refused != AuthFailure.None)
                return new AuthOutcome(null, refused);
            _journal.Succeeded(account.AccountId, network, service, app.Id);
            return new AuthOutcome(account with { AppPasswordId = app.Id }, AuthFailure.None);
        }
        // A second factor that a mail program can go around would be none, whether it is there or only should be. The work and the answer are those for a wrong password.
        if (service != MailServices.Panel && account?.NeedsAppPassword(_clock.GetUtcNow()) == true)
            account = account with { PasswordHash = null };
        bool shut = _throttle.IsShut(login, network);
        TimeSpan delay = _throttle.DelayOf(login, network);
        bool known = false;
        if (shut || delay > TimeSpan.Zero)
        {
            known = network == LoginNetwork.Local || (account is not null && await _journal.IsKnownAsync(account.AccountId, network, ct));
            if (!known)
                return new AuthOutcome(null, AuthFailure.Throttled);
            if (delay > TimeSpan.Zero && !await HoldBackAsync(login, network, delay, ct))
                return new AuthOutcome(null, AuthFailure.Throttled);
        }
        byte[] mac = MacOf(account, login, password);
        if (account?.PasswordHash is null || !IsRemembered(account.AccountId, mac))
        {
            ulong tag = BitConverter.ToUInt64(mac);
            if (_throttle.IsRepeated(login, network, tag))
                return new AuthOutcome(null, AuthFailure.Invalid);   // neither a new guess nor worth the work
            known |= network == LoginNetwork.Local || (account is not null && _journal.WasSeen(account.AccountId, network));
            AuthFailure verified = await VerifyAsync(account, login, password, network, tag, known, ct);
            if (verified != AuthFailure.None || account is null)
                return new AuthOutcome(null, verified);
            Remember(account.AccountId, mac);
        }
        AuthFailure failure = await SwitchesAsync(account, service, ct);
        if (failure != AuthFailure.None)
            return new AuthOutcome(null, failure);
        _throttle.Succeeded(login, network);
        // Who has the password alone is not in yet: his network must not count as the owner's. Whoever checks the rest calls Note.
        if (!account.HasSecondFactor)
            _journal.Succeeded(account.AccountId, network, service);
        return new AuthOutcome(account, AuthFailure.None);
    }

    AppPasswordEntry? FindAppPassword(AccountEntry account, string password, MailServices service)
    {
        if (account.AppPasswords.Count == 0 || AppPassword.HashOf(password) is not { } hash)
            return null;
        byte[] given = Encoding.ASCII.GetBytes(hash);
        return account.AppPasswords.FirstOrDefault(p => IsGood(p, service) && CryptographicOperations.FixedTimeEquals(given, Encoding.ASCII.GetBytes(p.Hash)));
    }

    bool IsGood(AppPasswordEntry app, MailServices service) => app.Services.HasFlag(service) && (app.EndsAt is null || app.EndsAt > _clock.GetUtcNow());

    async ValueTask<AuthFailure> SwitchesAsync(AccountEntry account, MailServices service, CancellationToken ct)
    {
        if (account.State == AccountState.Suspended)
            return AuthFailure.Suspended;
        if (!account.Domain.IsEmpty && await _directory.FindDomainAsync(account.Domain, ct) is not { Enabled: true })
            return AuthFailure.Suspended;
        bool on = service switch
        {
            MailServices.Panel => account.Services.HasFlag(MailServices.Panel),
            // An administrator without a mailbox: what he does there is administration (cyradm), and goes by his grants.
            MailServices.Imap when !account.HasMailbox => account.Services.HasFlag(MailServices.Panel),
            MailServices.Sending => account.Services.HasFlag(service) && account.HasMailbox && account.State != AccountState.ReceiveOnly,
            _ => account.Services.HasFlag(service) && account.HasMailbox && account.State != AccountState.SendOnly,
        };
        return on ? AuthFailure.None : AuthFailure.ServiceOff;
    }

    async Task<AuthFailure> VerifyAsync(
        AccountEntry? account, string login, string password, string network, ulong tag, bool known, CancellationToken ct)
    {
        SemaphoreSlim lane = known ? _known : _strangers;
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting)
                return AuthFailure.Unavailable;
            await lane.WaitAsync(ct);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        try
        {
            // Guesses sent side by side were all let in before the first one had failed.
            if (!known && _throttle.IsShut(login, network))
                return AuthFailure.Throttled;
            PasswordMatch match = await Task.Run(() => _hashes.Verify(account?.PasswordHash, password), CancellationToken.None);
            if (match == PasswordMatch.No || account is null)
            {
                _throttle.Failed(login, network, tag);
                return AuthFailure.Invalid;
            }
            if (match == PasswordMatch.YesButRehash)
            {
                string fresh = await Task.Run(() => _hashes.Make(password), CancellationToken.None);
                await _journal.RehashAsync(account.AccountId, account.PasswordHash!, fresh);
            }
            return AuthFailure.None;
        }
        finally
        {
            lane.Release();
        }
    }

    async Task<bool> HoldBackAsync(string login, string network, TimeSpan delay, CancellationToken ct)
    {
        if (_delayed.AddOrUpdate((login, network), 1, static (_, n) => n + 1) > MaxDelayed)
        {
            Leave();
            return false;
        }
        try
        {
            await Task.Delay(delay, _clock, ct);
            return true;
        }
        finally
        {
            Leave();
        }

        void Leave()
        {
            if (_delayed.AddOrUpdate((login, network), 0, static (_, n) => n - 1) <= 0)
                _delayed.TryRemove(new((login, network), 0));
        }
    }

    // Length-framed, so that no two different sets of parts give the same bytes (attack case A14).
    byte[] MacOf(AccountEntry? account, string login, string password)
    {
        string framed = account is null
            ? $"- {login.Length} {login}{password}"
            // Refused without being looked at, it must not count as wrong where it is right: in the panel.
            : $"{account.AccountId} {(account.PasswordHash is null ? "-" : "")}{account.SecurityStamp.Length} {account.SecurityStamp}{password}";
        return HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(framed));
    }

    bool IsRemembered(long accountId, byte[] mac) =>
        _remembered.TryGetValue(accountId, out Remembered? remembered)
        && _clock.GetElapsedTime(remembered.At) < _rememberFor
        && CryptographicOperations.FixedTimeEquals(remembered.Mac, mac);

    void Remember(long accountId, byte[] mac)
    {
        if (_remembered.Count >= MaxRemembered)
            _remembered.Clear();
        _remembered[accountId] = new Remembered(mac, _clock.GetTimestamp());
    }

    sealed record Remembered(byte[] Mac, long At);
}
