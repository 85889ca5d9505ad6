using System.Security.Cryptography;
using System.Text;
using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Many accounts at once.</summary>
public sealed class ManyAccountsForm
{
    public long DomainId { get; set; }
    /// <summary>One account a line: local part, name, password; the last two may be left out. A password that is left out is made.</summary>
    public string Lines { get; set; } = "";
    /// <summary>Octets; null: the domain's default.</summary>
    public long? QuotaBytes { get; set; }
}

/// <summary>An account that was made, with the password that nobody will be able to read again.</summary>
/// <param name="Password">Empty: it was given.</param>
public sealed record MadeAccount(string Address, string Name, string Password);

/// <summary>What became of it: accounts made, and a line for each that was left out.</summary>
public sealed record ManyAccounts(IReadOnlyList<MadeAccount> Made, IReadOnlyList<string> Errors);

/// <summary>Makes many accounts of one domain: a class, a department. Those with a fault do not keep the others back.</summary>
public sealed class ManyAccountsService(Changes changes, AccountImport import)
{
    /// <summary>Accounts at once: as many passwords are hashed while the person waits, a tenth of a second each. More come by a file and the command line.</summary>
    public const int Most = 500;

    public async Task<ServiceResult<ManyAccounts>> CreateAsync(Actor actor, ManyAccountsForm form, CancellationToken ct = default)
    {
        ServiceResult<string> domain = await changes.ReadAsync<string>(actor, async (db, rights) =>
        {
            if (form.DomainId == 0 && rights.MayAnywhere(Permissions.Accounts))
                return ServiceResult.Invalid(nameof(form.DomainId), Texts.Of("DomainPicker.Choose"));
            if (rights.Refuse(Permissions.Accounts, form.DomainId, "domain") is { } refused)
                return refused;
            string? name = await db.Domains.Where(d => d.Id == form.DomainId).Select(d => d.Name).FirstOrDefaultAsync(ct);
            return name is null ? ServiceResult.NotFound("domain") : name;
        }, ct);
        if (!domain.Ok)
            return new ServiceResult.Refused(domain.Refusal, domain.Errors);
        List<(string Address, string Name, string Password, bool IsMade)> wanted = Read(form.Lines, domain.Value!);
        if (wanted.Count is 0 or > Most)
            return ServiceResult.Invalid(nameof(form.Lines), wanted.Count == 0 ? Texts.Of("Error.NoLines") : Texts.Of("Error.MostLines", Most));
        if (form.QuotaBytes is < 0)
            return ServiceResult.Invalid(nameof(form.QuotaBytes), Texts.Of("Error.QuotaSize"));
        var csv = new StringBuilder("address,password,name,quota\n");
        foreach ((string address, string name, string password, _) in wanted)
            csv.Append(Quoted(address)).Append(',').Append(Quoted(password)).Append(',').Append(Quoted(name)).Append(',').Append(form.QuotaBytes).Append('\n');
        using var reader = new StringReader(csv.ToString());
        ServiceResult<ImportReport> report = await import.ImportAsync(actor, reader, ct);
        if (!report.Ok)
            return new ServiceResult.Refused(report.Refusal, report.Errors);
        HashSet<string> made = report.Value!.Addresses.ToHashSet(StringComparer.Ordinal);
        return new ManyAccounts(
            [.. wanted.Where(w => EmailAddress.TryParse(w.Address, out EmailAddress a) && made.Remove(a.Canonical)).Select(w => new MadeAccount(w.Address, w.Name, w.IsMade ? w.Password : ""))],
            report.Value.Errors);
    }

    static List<(string, string, string, bool)> Read(string lines, string domain)
    {
        var wanted = new List<(string, string, string, bool)>();
        foreach (string line in lines.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split([',', ';', '\t'], 3, StringSplitOptions.TrimEntries);
            string local = parts[0].EndsWith("@" + domain, StringComparison.OrdinalIgnoreCase) ? parts[0][..^(domain.Length + 1)] : parts[0];
            bool isMade = parts.Length < 3 || parts[2].Length == 0;
            wanted.Add(($"{local}@{domain}", parts.Length > 1 ? parts[1] : "", isMade ? NewPassword() : parts[2], isMade));
        }
        return wanted;
    }

    /// <summary>Sixteen letters and digits that are not taken for one another, in groups that can be read out: 79 bits.</summary>
    static string NewPassword()
    {
        string letters = RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 16);
        return $"{letters[..4]}-{letters[4..8]}-{letters[8..12]}-{letters[12..]}";
    }

    static string Quoted(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
