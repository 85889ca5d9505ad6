using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Address books: whom somebody knows beside those he has written to. Scripts ask for them (docs/filters.md).</summary>
/// <remarks>Whose address book is whose business says <see cref="ScriptService"/>: it is a part of what his scripts decide by. The audit has numbers and no addresses: with
/// whom somebody is acquainted is for nobody to read years later.</remarks>
public sealed class ContactService(Changes changes, ScriptService scripts, EngineOptions options)
{
    public int MostFileBytes => options.Limits.ContactFileBytes;

    /// <summary>Sorts by Address, Name and CreatedAt.</summary>
    /// <param name="accountId">Null: the actor's own.</param>
    public Task<ServiceResult<PageOf<ContactRow>>> ListAsync(Actor actor, long? accountId, PageRequest page, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<ContactRow>>(actor, async (db, rights) =>
        {
            ServiceResult<Account> owner = await OwnerAsync(db, rights, accountId, toChange: false, ct);
            if (!owner.Ok)
                return new ServiceResult.Refused(owner.Refusal, owner.Errors);
            IQueryable<AccountContact> contacts = db.Contacts.Where(c => c.AccountId == owner.Value!.Id);
            if (page.Filter.Trim() is { Length: > 0 } needle)
            {
                string like = $"%{needle.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
                contacts = contacts.Where(c => EF.Functions.Like(c.Written, like, "\\") || EF.Functions.Like(c.Name, like, "\\"));
            }
            int total = await contacts.CountAsync(ct);
            IOrderedQueryable<AccountContact> sorted = (page.Sort, page.Descending) switch
            {
                (nameof(ContactRow.Name), false) => contacts.OrderBy(c => c.Name),
                (nameof(ContactRow.Name), true) => contacts.OrderByDescending(c => c.Name),
                (nameof(ContactRow.CreatedAt), false) => contacts.OrderBy(c => c.CreatedAt),
                (nameof(ContactRow.CreatedAt), true) => contacts.OrderByDescending(c => c.CreatedAt),
                (_, true) => contacts.OrderByDescending(c => c.Address),
                _ => contacts.OrderBy(c => c.Address),
            };
            return new PageOf<ContactRow>(await sorted.ThenBy(c => c.Address).Skip(page.SafeSkip).Take(page.SafeTake)
                .Select(c => new ContactRow(c.Id, c.Written, c.Name, c.CreatedAt)).ToListAsync(ct), total);
        }, ct);

    /// <summary>All of it as vCards.</summary>
    public Task<ServiceResult<string>> ExportAsync(Actor actor, long? accountId, CancellationToken ct = default) =>
        changes.ReadAsync<string>(actor, async (db, rights) =>
        {
            ServiceResult<Account> owner = await OwnerAsync(db, rights, accountId, toChange: false, ct);
            if (!owner.Ok)
                return new ServiceResult.Refused(owner.Refusal, owner.Errors);
            var rows = await db.Contacts.Where(c => c.AccountId == owner.Value!.Id).OrderBy(c => c.Address).Select(c => new { c.Written, c.Name }).ToListAsync(ct);
            return VCardWriter.Write(rows.Select(c => (c.Written, c.Name)));
        }, ct);

    public Task<ServiceResult> AddAsync(Actor actor, long? accountId, ContactForm form, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            ServiceResult<Account> owner = await OwnerAsync(db, rights, accountId, toChange: true, ct);
            if (!owner.Ok)
                return owner;
            var problems = new Problems();
            string written = form.Address.Trim();
            string name = ContactReader.NameOf(form.Name);
            problems.Require(EmailAddress.TryParse(written, out EmailAddress address), nameof(form.Address), Texts.Of("Error.NoAddress", written));
            problems.Require(form.Name.Trim().Length <= AccountContact.MaxName, nameof(form.Name), Texts.Of("Contacts.NameLong", AccountContact.MaxName));
            if (problems.Any)
                return problems.Refuse();
            long id = owner.Value!.Id;
            if (await db.Contacts.AnyAsync(c => c.AccountId == id && c.Address == address.Canonical, ct))
                return ServiceResult.Invalid(nameof(form.Address), Texts.Of("Contacts.There", written));
            if (await db.Contacts.CountAsync(c => c.AccountId == id, ct) >= options.Limits.Contacts)
                return ServiceResult.Invalid("", Texts.Of("Contacts.Full", options.Limits.Contacts));
            Add(db, id, new FoundContact(address, written, name));
            changes.Audit(db, actor, "contact.add", owner.Value, null, new { added = 1 });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    /// <summary>Puts in whoever stands in a text or file: lines, a table, vCards. Who is there already stays as he is.</summary>
    public Task<ServiceResult<ContactImport>> ImportAsync(Actor actor, long? accountId, byte[] file, CancellationToken ct = default)
    {
        if (file.Length > MostFileBytes)
            return Task.FromResult<ServiceResult<ContactImport>>(ServiceResult.Invalid("File", Texts.Of("Contacts.FileLarge", Size.Text(MostFileBytes))));
        ContactReader read = ContactReader.Read(ContactReader.TextOf(file), options.Limits.Contacts);
        return changes.RunAsync<ContactImport>(actor, async (db, rights) =>
        {
            ServiceResult<Account> owner = await OwnerAsync(db, rights, accountId, toChange: true, ct);
            if (!owner.Ok)
                return new ServiceResult.Refused(owner.Refusal, owner.Errors);
            if (read.Found.Count == 0 && read.FaultCount == 0)
                return ServiceResult.Invalid("File", Texts.Of("Contacts.FileEmpty"));
            long id = owner.Value!.Id;
            HashSet<string> there = [.. await db.Contacts.Where(c => c.AccountId == id).Select(c => c.Address).ToListAsync(ct)];
            FoundContact[] added = [.. read.Found.Where(c => !there.Contains(c.Address.Canonical))];
            // All or nothing: nobody wants to find out by hand who is missing.
            if (read.IsTooMany || there.Count + added.Length > options.Limits.Contacts)
                return ServiceResult.Invalid("File", Texts.Of("Contacts.TooMany", options.Limits.Contacts, there.Count));
            foreach (FoundContact contact in added)
                Add(db, id, contact);
            if (added.Length > 0)
                changes.Audit(db, actor, "contact.add", owner.Value, null, new { added = added.Length });
            await db.SaveChangesAsync(ct);
            return new ContactImport(added.Length, read.Found.Count - added.Length + read.Doubles,
                [.. read.Faults.Select(f => f.Text.Length > 0 ? Texts.Of("Contacts.FaultText", f.Line, f.Text) : Texts.Of("Contacts.FaultNone", f.Line))], read.FaultCount);
        }, ct);
    }

    /// <summary>The entry of an address.</summary>
    public Task<ServiceResult<ContactRow>> FindAsync(Actor actor, long? accountId, string address, CancellationToken ct = default) =>
        changes.ReadAsync<ContactRow>(actor, async (db, rights) =>
        {
            ServiceResult<Account> owner = await OwnerAsync(db, rights, accountId, toChange: false, ct);
            if (!owner.Ok)
                return new ServiceResult.Refused(owner.Refusal, owner.Errors);
            if (!EmailAddress.TryParse(address.Trim(), out EmailAddress wanted))
                return ServiceResult.Invalid(nameof(ContactForm.Address), Texts.Of("Error.NoAddress", address));
            return await db.Contacts.Where(c => c.AccountId == owner.Value!.Id && c.Address == wanted.Canonical)
                .Select(c => new ContactRow(c.Id, c.Written, c.Name, c.CreatedAt)).FirstOrDefaultAsync(ct) is { } found
                ? found : ServiceResult.Invalid(nameof(ContactForm.Address), Texts.Of("Contacts.NotThere", address.Trim()));
        }, ct);

    /// <summary>Gives somebody another name.</summary>
    /// <param name="name">Empty: none.</param>
    public Task<ServiceResult> NameAsync(Actor actor, long? accountId, long contactId, string name, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            ServiceResult<Account> owner = await OwnerAsync(db, rights, accountId, toChange: true, ct);
            if (!owner.Ok)
                return owner;
            if (await db.Contacts.FirstOrDefaultAsync(c => c.Id == contactId && c.AccountId == owner.Value!.Id, ct) is not { } contact)
                return ServiceResult.NotFound("address");
            if (name.Trim().Length > AccountContact.MaxName)
                return ServiceResult.Invalid(nameof(ContactForm.Name), Texts.Of("Contacts.NameLong", AccountContact.MaxName));
            contact.Name = ContactReader.NameOf(name);
            changes.Audit(db, actor, "contact.name", owner.Value!, null, new { named = 1 });
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    public Task<ServiceResult> RemoveAsync(Actor actor, long? accountId, long contactId, CancellationToken ct = default) =>
        changes.RunAsync(actor, async (db, rights) =>
        {
            ServiceResult<Account> owner = await OwnerAsync(db, rights, accountId, toChange: true, ct);
            if (!owner.Ok)
                return owner;
            if (await db.Contacts.FirstOrDefaultAsync(c => c.Id == contactId && c.AccountId == owner.Value!.Id, ct) is not { } contact)
                return ServiceResult.NotFound("address");
            db.Contacts.Remove(contact);
            changes.Audit(db, actor, "contact.remove", owner.Value!, new { removed = 1 }, null);
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);

    void Add(AccountsContext db, long accountId, FoundContact contact) => db.Contacts.Add(new AccountContact
    {
        AccountId = accountId, Address = contact.Address.Canonical, Written = contact.Written, Name = contact.Name, CreatedAt = changes.Now,
    });

    async Task<ServiceResult<Account>> OwnerAsync(AccountsContext db, Rights rights, long? accountId, bool toChange, CancellationToken ct) =>
        (accountId ?? rights.AccountId) is { } id ? await scripts.FindOwnerAsync(db, rights, id, toChange, ct) : ServiceResult.NotFound("account");
}
