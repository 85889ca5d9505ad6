using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>One line of the audit; newest first.</summary>
/// <param name="RevertsId">The entry whose change this one took back.</param>
/// <param name="RevertedBy">The entry that took this change back.</param>
public sealed record AuditRow(
    long Id, DateTimeOffset Time, string Actor, string Role, string Action, string Object, string Before, string After, string Reason, string Client,
    long? RevertsId = null, long? RevertedBy = null)
{
    /// <summary>The actor may take it back, as far as can be said before it is tried.</summary>
    public bool MayRevert { get; init; }
    internal long? DomainId { get; init; }
}

/// <summary>Which entries.</summary>
/// <param name="Page">Its filter looks in actor, action, object and reason.</param>
/// <param name="From">The first day, where the actor is; null: from the beginning.</param>
/// <param name="To">The last day; null: up to now.</param>
/// <param name="Action">What actions begin with: <c>account.</c>; empty: all.</param>
public sealed record AuditQuery(PageRequest Page, DateOnly? From = null, DateOnly? To = null, string Action = "", long? DomainId = null);

/// <summary>How the audit is written out.</summary>
public enum AuditFormat { Csv, Json }

/// <summary>Reads the audit: all of it, or what concerns the domains where the actor may.</summary>
public sealed class AuditService(Changes changes, AccountsDatabase database)
{
    static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    public Task<ServiceResult<PageOf<AuditRow>>> ListAsync(Actor actor, AuditQuery query, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<AuditRow>>(actor, async (db, rights) =>
        {
            if (!MayRead(rights, query))
                return ServiceResult.Forbidden();
            IQueryable<AuditEntry> entries = Chosen(db, actor, rights, query);
            int total = await entries.CountAsync(ct);
            List<AuditRow> rows = await entries.OrderByDescending(e => e.Id).Skip(query.Page.SafeSkip).Take(query.Page.SafeTake)
                .Select(e => new AuditRow(e.Id, e.Time, e.Actor, e.Role, e.Action, e.Object, e.Before, e.After, e.Reason, e.Client, e.RevertsId,
                    db.Audit.Where(r => r.RevertsId == e.Id).Select(r => (long?)r.Id).FirstOrDefault())
                { DomainId = e.DomainId }).ToListAsync(ct);
            return new PageOf<AuditRow>([.. rows.Select(r => r with { MayRevert = r.RevertedBy is null && RevertService.MayTry(rights, r.Action, r.Before, r.After, r.DomainId) })], total);
        }, ct);

    /// <summary>Writes all that the query chooses, oldest first, as it is read: memory does not grow with it.</summary>
    /// <param name="open">Gives the stream to write to, once it is known that the actor may.</param>
    /// <returns>How many entries there were.</returns>
    public Task<ServiceResult<long>> ExportAsync(Actor actor, AuditQuery query, AuditFormat format, Func<Stream> open, CancellationToken ct = default) =>
        changes.ReadAsync<long>(actor, async (db, rights) =>
        {
            if (!MayRead(rights, query))
                return ServiceResult.Forbidden();
            Stream stream = open();
            return format == AuditFormat.Csv
                ? await WriteCsvAsync(ReadAsync(actor, rights, query, ct), stream, ct)
                : await WriteJsonAsync(ReadAsync(actor, rights, query, ct), stream, ct);
        }, ct);

    static bool MayRead(Rights rights, AuditQuery query) =>
        query.DomainId is { } domain ? rights.May(Permissions.Audit, domain) : rights.MayAnywhere(Permissions.Audit);

    static IQueryable<AuditEntry> Chosen(AccountsContext db, Actor actor, Rights rights, AuditQuery query)
    {
        IQueryable<AuditEntry> entries = db.Audit.Within(rights.Where(Permissions.Audit));
        if (query.DomainId is { } domain)
            entries = entries.Where(e => e.DomainId == domain);
        if (query.From is { } from)
        {
            var first = actor.Zone.StartOf(from);
            entries = entries.Where(e => e.Time >= first);
        }
        if (query.To is { } to && to < DateOnly.MaxValue)
        {
            var end = actor.Zone.EndOf(to);
            entries = entries.Where(e => e.Time < end);
        }
        if (query.Action.Length > 0)
            entries = entries.Where(e => e.Action.StartsWith(query.Action));
        return query.Page.Needle is { Length: > 0 } needle
            ? entries.Where(e => e.Object.Contains(needle) || e.Actor.Contains(needle) || e.Action.Contains(needle) || e.Reason.Contains(needle))
            : entries;
    }

    // In pieces, each a query of its own: a slow reader at the other end must not hold a snapshot of the database open for minutes.
    async IAsyncEnumerable<AuditRow> ReadAsync(Actor actor, Rights rights, AuditQuery query, [EnumeratorCancellation] CancellationToken ct)
    {
        const int piece = 1000;
        long after = 0;
        List<AuditRow> some;
        do
        {
            await using AccountsContext db = database.NewContext();
            some = await Chosen(db, actor, rights, query).Where(e => e.Id > after).OrderBy(e => e.Id).Take(piece)
                .Select(e => new AuditRow(e.Id, e.Time, e.Actor, e.Role, e.Action, e.Object, e.Before, e.After, e.Reason, e.Client, e.RevertsId, null)).ToListAsync(ct);
            foreach (AuditRow row in some)
            {
                after = row.Id;
                yield return row;
            }
        }
        while (some.Count == piece);
    }

    static async Task<long> WriteCsvAsync(IAsyncEnumerable<AuditRow> rows, Stream stream, CancellationToken ct)
    {
        await using var writer = new StreamWriter(stream, leaveOpen: true);
        await writer.WriteAsync("id,time,actor,role,from,action,object,before,after,reason,reverts\r\n".AsMemory(), ct);
        long count = 0;
        await foreach (AuditRow r in rows.WithCancellation(ct))
        {
            string[] cells =
            [
                r.Id.ToString(CultureInfo.InvariantCulture), r.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture), r.Actor, r.Role, r.Client, r.Action, r.Object,
                r.Before, r.After, r.Reason, r.RevertsId?.ToString(CultureInfo.InvariantCulture) ?? "",
            ];
            await writer.WriteAsync((string.Join(',', cells.Select(Cell)) + "\r\n").AsMemory(), ct);
            count++;
        }
        return count;
    }

    // RFC 4180 quotes. A spreadsheet would take a cell that begins like a formula for one, and people write names and reasons.
    static string Cell(string text)
    {
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r')
            text = "'" + text;
        return text.AsSpan().IndexOfAny("\",\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    static async Task<long> WriteJsonAsync(IAsyncEnumerable<AuditRow> rows, Stream stream, CancellationToken ct)
    {
        await using var writer = new StreamWriter(stream, leaveOpen: true);
        long count = 0;
        await foreach (AuditRow r in rows.WithCancellation(ct))
        {
            await writer.WriteAsync((count++ == 0 ? "[\n" : ",\n").AsMemory(), ct);
            await writer.WriteAsync(JsonSerializer.Serialize(new
            {
                r.Id, r.Time, r.Actor, r.Role, from = r.Client, r.Action, r.Object, before = Raw(r.Before), after = Raw(r.After), r.Reason, reverts = r.RevertsId,
            }, s_json).AsMemory(), ct);
        }
        await writer.WriteAsync((count == 0 ? "[]\n" : "\n]\n").AsMemory(), ct);
        return count;
    }

    static JsonElement? Raw(string json) => json.Length == 0 ? null : JsonElement.Parse(json);
}
