using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Sieve;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>What senders are told while somebody is away. Days are those of whoever sets it.</summary>
public sealed class VacationForm
{
    public bool Enabled { get; set; }
    /// <summary>First day; null: at once.</summary>
    public DateOnly? From { get; set; }
    /// <summary>Last day; null: until it is switched off.</summary>
    public DateOnly? Until { get; set; }
    public string Subject { get; set; } = "";
    public string Text { get; set; } = "";
    public int IntervalDays { get; set; } = Vacation.UsualIntervalDays;
    public bool KnownSendersOnly { get; set; }

    public string Login { get; internal set; } = "";
    /// <summary>False: the account has no mail, and nothing to answer.</summary>
    public bool HasMailbox { get; internal set; }
    /// <summary>The actor may set it.</summary>
    public bool MayChange { get; internal set; }
    /// <summary>Just now senders are told.</summary>
    public bool IsOn { get; internal set; }
}

/// <summary>Vacation answers: everybody sets his own, administrators those of their accounts. They are scripts (<see cref="VacationScript"/>), which the engine carries out.</summary>
public sealed class VacationService(Changes changes, EngineOptions options)
{
    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<VacationForm>> GetAsync(Actor actor, long? accountId, CancellationToken ct = default) =>
        changes.ReadAsync<VacationForm>(actor, async (db, rights) =>
        {
            if (await OwnerAsync(db, rights, accountId, Permissions.See, ct) is not { } account)
                return ServiceResult.NotFound("account");
            Vacation? v = await db.Vacations.FirstOrDefaultAsync(x => x.AccountId == account.Id, ct);
            bool mayChange = await MaySetAsync(db, rights, account, ct);
            return v is null ? new VacationForm { Login = account.UserName ?? "", MayChange = mayChange, HasMailbox = account.HasMailbox } : new VacationForm
            {
                MayChange = mayChange, HasMailbox = account.HasMailbox,
                Enabled = v.Enabled, From = DayOf(v, v.From), Until = DayOf(v, v.Until?.AddTicks(-1)), Subject = v.Subject, Text = v.Text, IntervalDays = v.IntervalDays,
                KnownSendersOnly = v.KnownSendersOnly, Login = account.UserName ?? "", IsOn = v.Enabled && !(v.From > changes.Now) && !(v.Until <= changes.Now),
            };
        }, ct);

    async Task<bool> MaySetAsync(AccountsContext db, Rights rights, Account account, CancellationToken ct) =>
        rights.AccountId == account.Id || (await rights.OnAccountAsync(db, account, changes.Now, ct)).HasFlag(Permissions.Accounts);

    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult> SetAsync(Actor actor, long? accountId, VacationForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            if (await OwnerAsync(db, rights, accountId, Permissions.See, ct) is not { } account)
                return ServiceResult.NotFound("account");
            if (!await MaySetAsync(db, rights, account, ct))
                return ServiceResult.Forbidden();
            var problems = new Problems();
            Check(form, problems);
            problems.Require(account.HasMailbox, "", Texts.Of("Error.VacationMailbox"));
            if (problems.Any)
                return problems.Refuse();
            Vacation? there = await db.Vacations.FirstOrDefaultAsync(v => v.AccountId == account.Id, ct);
            object? before = there is null ? null : Shown(there);
            Vacation vacation = there ?? new Vacation { AccountId = account.Id };
            if (there is null)
                db.Vacations.Add(vacation);
            string text = form.Text.ReplaceLineEndings("\n").Trim();
            string subject = form.Subject.Trim();
            // Another text, or a new absence, is told again to those who had the one before. RFC 5230 §4.2
            if (text != vacation.Text || subject != vacation.Subject || (form.Enabled && !vacation.Enabled))
                vacation.Handle = Guid.NewGuid();
            vacation.Enabled = form.Enabled;
            vacation.TimeZone = actor.Zone.Id;
            vacation.From = form.From is { } from ? actor.Zone.StartOf(from) : null;
            vacation.Until = form.Until is { } until ? actor.Zone.EndOf(until) : null;
            vacation.Subject = subject;
            vacation.Text = text;
            vacation.IntervalDays = form.IntervalDays;
            vacation.KnownSendersOnly = form.KnownSendersOnly;
            vacation.ChangedAt = changes.Now;
            if (SieveCompiler.Compile(VacationScript.Write(vacation), options.Sieve).Program is null)
                return ServiceResult.Invalid(nameof(form.Text), Texts.Of("Error.VacationScript", options.Sieve.ScriptBytes));
            await ScriptRows.SetVacationAsync(db, vacation, changes.Now, ct);
            changes.Audit(db, actor, "vacation.set", account, before, Shown(vacation));
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    static void Check(VacationForm form, Problems problems)
    {
        problems.Require(!form.Enabled || form.Text.Trim().Length > 0, nameof(form.Text), Texts.Of("Error.VacationText"));
        problems.Require(form.Text.Length <= Vacation.MaxText && !form.Text.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')), nameof(form.Text),
            Texts.Of("Error.VacationLong", Vacation.MaxText));
        problems.Require(form.Subject.Length <= Vacation.MaxSubject && !form.Subject.Any(char.IsControl), nameof(form.Subject), Texts.Of("Error.VacationSubject", Vacation.MaxSubject));
        problems.Require(form.IntervalDays is >= 1 and <= Vacation.MaxIntervalDays, nameof(form.IntervalDays), Texts.Of("Error.VacationDays", Vacation.MaxIntervalDays));
        problems.Require(form.From is not { Year: < 2000 or > 9000 } && form.Until is not { Year: < 2000 or > 9000 }, nameof(form.From), Texts.Of("Error.Date"));
        problems.Require(!(form.Until < form.From), nameof(form.Until), Texts.Of("Error.VacationUntil"));
    }

    // In the zone of whoever set it, so that everybody reads the days that he wrote.
    static DateOnly? DayOf(Vacation v, DateTimeOffset? time) => time is { } t ? LocalDays.ZoneOf(v.TimeZone).DayOf(t) : null;

    // The text is the user's own words: the audit says that there is another one, not what it says.
    static object Shown(Vacation v) => new
    {
        v.Enabled, from = DayOf(v, v.From), until = DayOf(v, v.Until?.AddTicks(-1)), v.IntervalDays, v.KnownSendersOnly, textLength = v.Text.Length,
    };

    internal static async Task<Account?> OwnerAsync(AccountsContext db, Rights rights, long? accountId, Permissions what, CancellationToken ct) =>
        (accountId ?? rights.AccountId) is { } id && await db.Accounts.AsNoTracking().FirstOrDefaultAsync(a => a.Id == id, ct) is { } account
        && (rights.AccountId == id || rights.May(what, account.DomainId)) ? account : null;
}
