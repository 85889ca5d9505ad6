using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Reflection;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>How somebody wants the panel to be.</summary>
public sealed class PreferencesForm
{
    /// <summary>Empty: as the browser says.</summary>
    public string Language { get; set; } = "";
    /// <summary>Of the tz database; empty: as the browser says.</summary>
    public string TimeZone { get; set; } = "";
    public int RowsPerPage { get; set; } = Preferences.UsualRowsPerPage;
    public ColourScheme Scheme { get; set; }
    public int WarnPercent { get; set; } = Preferences.UsualWarnPercent;
}

/// <summary>The panel's languages: English, and each that has a Texts.xx.resx, for which the build makes a folder beside the binary.</summary>
public static class Languages
{
    public static IReadOnlyList<CultureInfo> All { get; } = Find();

    static CultureInfo[] Find()
    {
        string assembly = Assembly.GetExecutingAssembly().GetName().Name!;
        return
        [
            .. Directory.EnumerateFiles(AppContext.BaseDirectory, assembly + ".resources.dll", SearchOption.AllDirectories)
                .Select(file => Path.GetFileName(Path.GetDirectoryName(file)!)).Prepend("en").Distinct().Order(StringComparer.Ordinal).Select(CultureInfo.GetCultureInfo),
        ];
    }
}

/// <summary>Everybody's own preferences. Asked for on every request, so they are kept in memory until they change.</summary>
public sealed class PreferencesService : IDisposable
{
    public const int MinRows = 10;
    public const int MaxRows = 200;
    const int MaxRemembered = 10_000;

    readonly Changes _changes;
    readonly AccountsDatabase _database;
    readonly IDisposable _listening;
    ConcurrentDictionary<long, PreferencesForm> _known = new();

    public PreferencesService(Changes changes, AccountsDatabase database, AccountDirectory directory)
    {
        (_changes, _database) = (changes, database);
        _listening = directory.OnChange(() => _known = new());
    }

    /// <summary>Those of whoever asks; somebody who is not logged in has the defaults.</summary>
    /// <remarks>What comes back is shared: do not change it.</remarks>
    public async Task<PreferencesForm> GetAsync(Actor actor, CancellationToken ct = default)
    {
        if (actor.AccountId is not { } id)
            return new PreferencesForm();
        ConcurrentDictionary<long, PreferencesForm> known = _known;
        if (known.TryGetValue(id, out PreferencesForm? form))
            return form;
        Preferences p;
        try
        {
            await using AccountsContext db = _database.NewContext();
            p = await db.Preferences.AsNoTracking().FirstOrDefaultAsync(x => x.AccountId == id, ct) ?? new Preferences { AccountId = id };
        }
        catch (DbException)
        {
            return new PreferencesForm();   // the page that says what is wrong must not fail for its colours
        }
        form = new PreferencesForm { Language = p.Language, TimeZone = p.TimeZone, RowsPerPage = p.RowsPerPage, Scheme = p.Scheme, WarnPercent = p.WarnPercent };
        if (known.Count < MaxRemembered)
            known[id] = form;
        return form;
    }

    public async Task<ServiceResult> SetAsync(Actor actor, PreferencesForm form, CancellationToken ct = default)
    {
        ServiceResult result = await _changes.RunAsync(actor, async (db, rights) =>
        {
            if (rights.AccountId is not { } id)
                return ServiceResult.Forbidden();
            var problems = new Problems();
            problems.Require(form.Language.Length == 0 || Languages.All.Any(l => l.Name == form.Language), nameof(form.Language), Texts.Of("Error.Language"));
            problems.Require(form.TimeZone.Length == 0 || LocalDays.ZoneOf(form.TimeZone) is not null, nameof(form.TimeZone), Texts.Of("Error.TimeZone"));
            problems.Require(form.RowsPerPage is >= MinRows and <= MaxRows, nameof(form.RowsPerPage), Texts.Of("Error.Rows", MinRows, MaxRows));
            problems.Require(Enum.IsDefined(form.Scheme), nameof(form.Scheme), Texts.Of("Error.Scheme"));
            problems.Require(form.WarnPercent is >= 1 and <= 100, nameof(form.WarnPercent), Texts.Of("Error.Warn"));
            if (problems.Any)
                return problems.Refuse();
            Preferences? p = await db.Preferences.FirstOrDefaultAsync(x => x.AccountId == id, ct);
            if (p is null)
                db.Preferences.Add(p = new Preferences { AccountId = id });
            (p.Language, p.TimeZone, p.RowsPerPage, p.Scheme, p.WarnPercent) = (form.Language, form.TimeZone, form.RowsPerPage, form.Scheme, form.WarnPercent);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
        _known = new();   // the page is loaded again at once; the directory's word may come after that
        return result;
    }

    public void Dispose() => _listening.Dispose();
}
