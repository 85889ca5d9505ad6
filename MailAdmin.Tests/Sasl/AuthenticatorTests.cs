using System.Net;
using MailAdmin.Tests.Accounts;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Sasl;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Sasl;

public sealed class AuthenticatorTests : IAsyncLifetime
{
    const string Good = "correct horse 7 stairs";
    static readonly IPAddress s_home = IPAddress.Parse("192.0.2.7");
    static readonly IPAddress s_enemy = IPAddress.Parse("198.51.100.1");

    AccountsRig _rig = null!;
    long _ann;

    public async Task InitializeAsync()
    {
        _rig = await AccountsRig.OpenAsync(limits: new LimitOptions { FailedLogins = 3, LoginCache = TimeSpan.FromMinutes(5) });
        await _rig.GivenDomainAsync("example.test");
        _ann = await _rig.GivenAccountAsync("ann@example.test", Good);
    }

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    async Task<AuthFailure> LogIn(string user, string password, IPAddress? from = null, MailServices service = MailServices.Imap) =>
        (await _rig.Authenticator.AuthenticateAsync(user, password, service, from ?? s_home, default)).Failure;

    Task Change(Action<Account> change) => _rig.WriteAsync(async db =>
    {
        change(await db.Accounts.SingleAsync(a => a.Id == _ann));
        await db.SaveChangesAsync();
    });

    [Fact]
    public async Task When_name_and_password_are_right_then_the_account_is_handed_over()
    {
        AuthOutcome outcome = await _rig.Authenticator.AuthenticateAsync("Ann@Example.Test", Good, MailServices.Imap, s_home, default);
        Assert.Equal((AuthFailure.None, _ann), (outcome.Failure, outcome.Account!.AccountId));
    }

    [Theory]
    [InlineData("ann@example.test", "wrong")]
    [InlineData("ann@example.test", "")]
    [InlineData("bob@example.test", Good)]
    [InlineData("", Good)]
    [InlineData("ann@example.test\0", Good)]
    [InlineData("ann@example.test", Good + " ")]
    public async Task When_something_is_wrong_then_the_answer_is_always_the_same(string user, string password) =>
        Assert.Equal(AuthFailure.Invalid, await LogIn(user, password));

    [Fact]
    public async Task When_the_account_is_switched_off_then_only_who_knows_the_password_hears_it()
    {
        await Change(a => a.State = AccountState.Suspended);
        Assert.Equal(AuthFailure.Suspended, await LogIn("ann@example.test", Good));
        Assert.Equal(AuthFailure.Invalid, await LogIn("ann@example.test", "wrong"));
    }

    [Theory]
    [InlineData(AccountState.Active, MailServices.All, MailServices.Imap, AuthFailure.None)]
    [InlineData(AccountState.Active, MailServices.Sending, MailServices.Imap, AuthFailure.ServiceOff)]
    [InlineData(AccountState.Active, MailServices.Imap, MailServices.Sending, AuthFailure.ServiceOff)]
    [InlineData(AccountState.ReceiveOnly, MailServices.All, MailServices.Sending, AuthFailure.ServiceOff)]
    [InlineData(AccountState.ReceiveOnly, MailServices.All, MailServices.Imap, AuthFailure.None)]
    [InlineData(AccountState.SendOnly, MailServices.All, MailServices.Sending, AuthFailure.None)]
    [InlineData(AccountState.SendOnly, MailServices.All, MailServices.Imap, AuthFailure.ServiceOff)]
    [InlineData(AccountState.SendOnly, MailServices.All, MailServices.Panel, AuthFailure.None)]
    public async Task When_state_and_switches_differ_then_each_service_follows_them(
        AccountState state, MailServices allowed, MailServices asked, AuthFailure expected)
    {
        await Change(a => (a.State, a.Services) = (state, allowed));
        Assert.Equal(expected, await LogIn("ann@example.test", Good, service: asked));
    }

    [Fact]
    public async Task When_the_domain_is_off_then_nobody_of_it_gets_in()
    {
        await _rig.WriteAsync(db => db.Domains.ExecuteUpdateAsync(s => s.SetProperty(d => d.Enabled, false)));
        Assert.Equal(AuthFailure.Suspended, await LogIn("ann@example.test", Good));
    }

    [Fact]
    public async Task When_a_stranger_guesses_too_often_then_he_is_shut_out_and_the_owner_is_not()
    {
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        for (int i = 0; i < 3; i++)
            Assert.Equal(AuthFailure.Invalid, await LogIn("ann@example.test", $"guess {i}", s_enemy));
        Assert.Equal(AuthFailure.Throttled, await LogIn("ann@example.test", Good, s_enemy));
        Assert.Equal(AuthFailure.Throttled, await LogIn("bob@example.test", "x", s_enemy));
        Assert.Equal(AuthFailure.Throttled, await LogIn("ann@example.test", Good, IPAddress.Parse("203.0.113.9")));
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        _rig.Hands.Advance(TimeSpan.FromMinutes(16));
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good, s_enemy));
    }

    [Fact]
    public async Task When_the_process_was_restarted_then_the_owner_is_still_known()
    {
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        await _rig.Authenticator.FlushAsync();
        await using var second = new Authenticator(_rig.Directory, _rig.Database, _rig.Hashes, new LimitOptions { FailedLogins = 3 },
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Authenticator>.Instance);
        for (int i = 0; i < 4; i++)
            await second.AuthenticateAsync("ann@example.test", $"guess {i}", MailServices.Imap, s_enemy, default);
        Assert.Equal(AuthFailure.None, (await second.AuthenticateAsync("ann@example.test", Good, MailServices.Imap, s_home, default)).Failure);
    }

    [Fact]
    public async Task When_guesses_come_side_by_side_then_few_more_than_the_limit_are_looked_at()
    {
        AuthFailure[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => LogIn("ann@example.test", $"guess {i}", s_enemy)));
        Assert.InRange(answers.Count(a => a == AuthFailure.Invalid), 3, 3 + Environment.ProcessorCount);
    }

    [Fact]
    public async Task When_the_same_wrong_password_comes_again_then_it_is_not_a_new_guess()
    {
        for (int i = 0; i < 20; i++)
            Assert.Equal(AuthFailure.Invalid, await LogIn("ann@example.test", "last year's", s_enemy));
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good, s_enemy));
    }

    [Fact]
    public async Task When_failures_come_from_the_owners_own_network_then_he_is_slowed_down_and_not_shut_out()
    {
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        for (int i = 0; i < 3; i++)
            await LogIn("ann@example.test", $"typo {i}");
        Task<AuthFailure> waiting = LogIn("ann@example.test", Good);
        Assert.False(waiting.IsCompleted);
        while (!waiting.IsCompleted)
        {
            _rig.Hands.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.Equal(AuthFailure.None, await waiting);
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
    }

    [Fact]
    public async Task When_the_security_stamp_changes_then_a_remembered_log_in_is_worthless()
    {
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        // The hash alone: the remembered log-in still answers.
        await Change(a => a.PasswordHash = _rig.Hashes.Make("another password"));
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        await Change(a => a.SecurityStamp = "new");
        Assert.Equal(AuthFailure.Invalid, await LogIn("ann@example.test", Good));
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", "another password"));
    }

    [Fact]
    public async Task When_a_remembered_log_in_is_too_old_then_the_hash_is_asked_again()
    {
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        await Change(a => a.PasswordHash = _rig.Hashes.Make("another password"));
        _rig.Hands.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(AuthFailure.Invalid, await LogIn("ann@example.test", Good));
    }

    [Fact]
    public async Task When_an_old_hash_was_right_then_it_is_replaced_by_ours()
    {
        string old = LegacyCryptTestDoor.Make(Good, "$1$saltsalt$");
        await Change(a => a.PasswordHash = old);
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
        AccountEntry now = (await _rig.Directory.FindAccountAsync(_ann, default))!;
        Assert.StartsWith("AQ", now.PasswordHash, StringComparison.Ordinal);
        _rig.Hands.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
    }

    [Fact]
    public async Task When_log_ins_fail_then_one_audit_row_counts_them_and_a_good_one_is_written_down()
    {
        await LogIn("ann@example.test", Good);
        for (int i = 0; i < 3; i++)
            await LogIn("ann@example.test", $"guess {i}", s_enemy);
        await _rig.Authenticator.FlushAsync();
        await using AccountsContext db = _rig.Database.NewContext();
        AuditEntry row = await db.Audit.SingleAsync();
        Assert.Equal(("login.failed", "ann@example.test", "198.51.100.1"), (row.Action, row.Object, row.Client));
        Assert.Contains("\"times\":3", row.After, StringComparison.Ordinal);
        Assert.DoesNotContain("guess", row.After, StringComparison.Ordinal);
        Assert.Equal(_rig.Clock.GetUtcNow(), (await db.Accounts.SingleAsync()).LastLoginAt);
    }

    [Fact]
    public async Task When_ten_thousand_names_fail_then_the_audit_stays_small()
    {
        for (int i = 0; i < 500; i++)
            await LogIn($"nobody{i}@example.test", "x", new IPAddress([10, 0, (byte)(i / 250), (byte)(i % 250)]));
        await _rig.Authenticator.FlushAsync();
        await using AccountsContext db = _rig.Database.NewContext();
        Assert.Equal(101, await db.Audit.CountAsync());
    }

    [Fact]
    public async Task When_the_account_changes_then_a_session_learns_whether_it_may_go_on()
    {
        AccountEntry entry = (await _rig.Authenticator.AuthenticateAsync("ann@example.test", Good, MailServices.Imap, s_home, default)).Account!;
        Assert.True(await _rig.Authenticator.MayContinueAsync(entry, MailServices.Imap, default));
        await Change(a => a.DisplayName = "Ann");
        Assert.True(await _rig.Authenticator.MayContinueAsync(entry, MailServices.Imap, default));
        await Change(a => a.Services = MailServices.Panel);
        Assert.False(await _rig.Authenticator.MayContinueAsync(entry, MailServices.Imap, default));
    }

    [Fact]
    public async Task When_the_database_does_not_answer_then_the_log_in_is_a_temporary_fault()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        string path = Path.Combine(_rig.Folder, "accounts.db");
        File.Move(path, path + ".gone");
        Directory.CreateDirectory(path);
        Assert.Equal(AuthFailure.Unavailable, await LogIn("ann@example.test", Good));
        Directory.Delete(path);
        File.Move(path + ".gone", path);
        Assert.Equal(AuthFailure.None, await LogIn("ann@example.test", Good));
    }
}
