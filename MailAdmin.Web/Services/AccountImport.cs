using System.Globalization;
using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>What became of an import.</summary>
/// <param name="Errors">One line for each row that was left out: its line number and why.</param>
public sealed record ImportReport(int Imported, IReadOnlyList<string> Errors)
{
    /// <summary>Main addresses of those that are here now, canonical.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Addresses { get; init; } = [];
}

/// <summary>Makes many accounts of a CSV file: columns address, password or password_hash, quota, name, in any order, named in the first line.</summary>
/// <remarks>A transaction each thousand rows: after a crash or an error the rest can be run again, for rows that are here already are
/// left out and named. Rows with a fault do not keep the others back.</remarks>
public sealed class AccountImport(Changes changes, EngineOptions options, PasswordHashes hashes)
{
    const int RowsPerTransaction = 1000;

    /// <summary>Rows of a file that can be looked at before: one transaction, which is undone. More come by the command line.</summary>
    public const int MostToPreview = RowsPerTransaction;

    sealed class Row
    {
        public required int Line { get; init; }
        public required EmailAddress Address { get; init; }
        public required string Password { get; init; }
        public required string Hash { get; set; }
        public required long? QuotaBytes { get; init; }
        public required string Name { get; init; }
    }

    public Task<ServiceResult<ImportReport>> ImportAsync(Actor actor, TextReader csv, CancellationToken ct = default) => RunAsync(actor, csv, keep: true, ct);

    /// <summary>What an import would do, found by doing it in a transaction that is undone.</summary>
    public Task<ServiceResult<ImportReport>> PreviewAsync(Actor actor, TextReader csv, CancellationToken ct = default) => RunAsync(actor, csv, keep: false, ct);

    async Task<ServiceResult<ImportReport>> RunAsync(Actor actor, TextReader csv, bool keep, CancellationToken ct)
    {
        ServiceResult<bool> allowed = await changes.ReadAsync<bool>(actor, (_, rights) =>
            Task.FromResult<ServiceResult<bool>>(rights.MayAnywhere(Permissions.Accounts) ? true : ServiceResult.Forbidden()), ct);
        if (!allowed.Ok)
            return new ServiceResult.Refused(allowed.Refusal, allowed.Errors);
        var reader = new CsvReader(csv);
        if (!reader.Read(out List<string> header))
            return ServiceResult.Invalid("", Texts.Of("Import.Empty"));
        string[] columns = [.. header.Select(h => h.Trim().ToLowerInvariant())];
        if (!columns.Contains("address") || (!columns.Contains("password") && !columns.Contains("password_hash")))
            return ServiceResult.Invalid("", Texts.Of("Import.Columns"));

        var errors = new List<string>();
        var imported = new List<string>();
        var batch = new List<Row>(RowsPerTransaction);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read(out List<string> fields))
        {
            if (fields is [""])
                continue;
            if (RowOf(columns, fields, reader.Line, errors) is not { } row)
                continue;
            if (!seen.Add(row.Address.Canonical))
                errors.Add(Texts.Of("Import.Twice", row.Line, row.Address));
            else
                batch.Add(row);
            if (batch.Count > MostToPreview && !keep)
                return ServiceResult.Invalid("", Texts.Of("Import.TooMany", MostToPreview));
            if (batch.Count == RowsPerTransaction && keep)
                await WriteAsync(actor, batch, imported, errors, keep, ct);
        }
        await WriteAsync(actor, batch, imported, errors, keep, ct);
        return new ImportReport(imported.Count, errors) { Addresses = imported };
    }

    Row? RowOf(string[] columns, List<string> fields, int line, List<string> errors)
    {
        string Field(string name) => Array.IndexOf(columns, name) is var i and >= 0 && i < fields.Count ? fields[i].Trim() : "";
        if (!EmailAddress.TryParse(Field("address"), out EmailAddress address))
        {
            errors.Add(Texts.Of("Import.NoAddress", line, Field("address")));
            return null;
        }
        long? quota = null;
        if (Field("quota") is { Length: > 0 } text)
        {
            if (!Size.TryParse(text, out long bytes))
            {
                errors.Add(Texts.Of("Import.NoSize", line, text));
                return null;
            }
            quota = bytes;
        }
        string hash = Field("password_hash");
        string password = Array.IndexOf(columns, "password") is var p and >= 0 && p < fields.Count ? fields[p] : "";
        if (hash.Length > 0 ? !PasswordHashes.IsSupported(hash) : password.Length == 0)
        {
            errors.Add(Texts.Of(hash.Length > 0 ? "Import.Hash" : "Import.NoPassword", line));
            return null;
        }
        string name = Field("name");
        if (hash.Length == 0 && PasswordPolicy.Check(password, options.Passwords, address.Canonical, name) is { } weak)
        {
            errors.Add(Texts.Of("Import.Line", line, weak.Text(options.Passwords)));
            return null;
        }
        if (name.Length > 200 || name.Any(char.IsControl))
        {
            errors.Add(Texts.Of("Import.Name", line));
            return null;
        }
        return new Row { Line = line, Address = address, Password = password, Hash = hash, QuotaBytes = quota, Name = name };
    }

    async Task WriteAsync(Actor actor, List<Row> batch, List<string> imported, List<string> errors, bool keep, CancellationToken ct)
    {
        if (batch.Count == 0)
            return;
        if (keep)
            Parallel.ForEach(batch.Where(r => r.Hash.Length == 0), r => r.Hash = hashes.Make(r.Password));
        var refused = new List<string>();
        var made = new List<string>();
        ServiceResult<List<string>> written = await changes.RunAsync<List<string>>(actor, async (db, rights) =>
        {
            refused.Clear();
            made.Clear();
            foreach (IGrouping<DomainName, Row> ofDomain in batch.GroupBy(r => r.Address.Domain))
                await WriteDomainAsync(db, actor, rights, ofDomain.Key, [.. ofDomain], made, refused, ct);
            return keep ? made : ServiceResult.Invalid([]);   // refused: nothing of it is kept
        }, ct);
        batch.Clear();
        errors.AddRange(refused);
        bool counts = written.Ok || (!keep && written.Refusal == Refusal.Invalid && written.Errors.Count == 0);
        if (counts)
            imported.AddRange(made);
        else
            errors.Add(written.Text);
    }

    async Task WriteDomainAsync(
        AccountsContext db, Actor actor, Rights rights, DomainName name, List<Row> rows, List<string> all, List<string> refused, CancellationToken ct)
    {
        Domain? domain = await db.Domains.FirstOrDefaultAsync(d => d.Name == name.Value, ct);
        if (domain is null || !rights.May(Permissions.Accounts, domain.Id))
        {
            refused.AddRange(rows.Select(r => Texts.Of("Import.NoDomain", r.Line, name)));
            return;
        }
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (Row[] some in rows.Chunk(400))
        {
            string[] locals = [.. some.Select(r => r.Address.CanonicalLocal)];
            taken.UnionWith(await db.Addresses.Where(a => a.DomainId == domain.Id && locals.Contains(a.LocalPart)).Select(a => a.LocalPart).ToListAsync(ct));
            string[] logins = [.. some.Select(r => NameOf(domain, r.Address))];
            taken.UnionWith(await db.Accounts.Where(a => logins.Contains(a.NormalizedUserName!)).Select(a => a.NormalizedUserName!).ToListAsync(ct));
        }
        var room = await DomainRoom.OfAsync(db, domain, ct);
        using var addresses = new PreparedInsert<Address>(db);
        using var accounts = new PreparedInsert<Account>(db);
        using var targets = new PreparedInsert<Target>(db);
        using var tasks = new PreparedInsert<StoreTask>(db);
        using var audit = new PreparedInsert<AuditEntry>(db);
        var made = new List<long>();
        foreach (Row row in rows)
        {
            var problems = new Problems();
            EmailAddress address = NewAddress.Parse(row.Address.Local, domain, problems);
            if (taken.Contains(row.Address.CanonicalLocal) || taken.Contains(NameOf(domain, row.Address)))
                problems.Add("", Texts.Of("Import.Exists", row.Address));
            DomainLimits.CheckQuota(domain, row.QuotaBytes, problems);
            if (!problems.Any)
                room.Take(row.QuotaBytes ?? domain.DefaultQuotaBytes, problems);
            if (problems.Any)
            {
                refused.Add(Texts.Of("Import.Line", row.Line, problems.Text));
                continue;
            }
            var form = new AccountForm { DisplayName = row.Name, QuotaBytes = row.QuotaBytes };
            Account account = AccountService.NewAccount(domain, address, LoginOf(domain, address), form, row.Hash, changes.Now);
            long addressId = addresses.Insert(account.PrimaryAddress!);
            account.PrimaryAddressId = addressId;
            account.Id = accounts.Insert(account);
            targets.Insert(new Target { AddressId = addressId, AccountId = account.Id });
            tasks.Insert(new StoreTask { Kind = StoreTaskKind.Provision, AccountId = account.Id, Details = domain.StandardFolders, CreatedAt = changes.Now });
            audit.Insert(db.Chain.Append(changes.AuditOf(db, actor, "account.import", account.UserName!, account.Id, domain.Id, null, new { account.DisplayName, account.QuotaBytes })));
            all.Add(row.Address.Canonical);
            if (made.Count == 0)
                await RoleAddresses.EnsureAsync(db, domain.Id, account.Id, changes.Now, ct);
            made.Add(account.Id);
        }
        await ScriptRows.CopyAsync(db, domain.Id, made, changes.Now, ct);
        await db.SaveChangesAsync(ct);   // the domain's log-in counter, postmaster and abuse
    }

    static string LoginOf(Domain domain, EmailAddress address) => domain.LoginScheme == LoginScheme.PrefixCounter
        ? string.Create(CultureInfo.InvariantCulture, $"{domain.LoginPrefix}{++domain.LoginCounter:0000}")
        : NameOf(domain, address);

    static string NameOf(Domain domain, EmailAddress address) =>
        domain.LoginScheme == LoginScheme.LocalDotDomain ? $"{address.CanonicalLocal}.{domain.Name}" : address.Canonical;

    /// <summary>What a domain's limits leave, counted once for all rows of a transaction.</summary>
    sealed class DomainRoom
    {
        readonly Domain _domain;
        int _accounts;
        long _quota;

        DomainRoom(Domain domain, int accounts, long quota)
        {
            _domain = domain;
            _accounts = accounts;
            _quota = quota;
        }

        public static async Task<DomainRoom> OfAsync(AccountsContext db, Domain domain, CancellationToken ct)
        {
            (int accounts, long quota) = await DomainLimits.UsedAsync(db, domain, ct);
            return new DomainRoom(domain,
                domain.MaxAccounts > 0 ? domain.MaxAccounts - accounts : int.MaxValue,
                domain.TotalQuotaBytes > 0 ? domain.TotalQuotaBytes - quota : long.MaxValue);
        }

        public void Take(long quota, Problems problems)
        {
            problems.Require(_accounts > 0, "", Texts.Of("Import.NoRoom", _domain.DisplayName, _domain.MaxAccounts));
            problems.Require(_quota >= quota, "", Texts.Of("Import.NoQuota", _domain.DisplayName, Size.Text(_domain.TotalQuotaBytes)));
            if (problems.Any)
                return;
            _accounts--;
            _quota -= quota;
        }
    }
}
