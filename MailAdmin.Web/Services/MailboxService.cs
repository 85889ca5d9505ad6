using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Web.Services;

/// <summary>Mailboxes, who may use them, and how much may be in them: everybody's own, and for administrators those of the accounts
/// and domains that they manage. The same rights as over IMAP (RFC 4314), on the same record.</summary>
/// <remarks>Every change is audited before it is done: the store has a commit of its own, and nothing may be changed that no audit row tells of.
/// No method reads mail.</remarks>
/// <param name="store">Null: this process has no store open.</param>
public sealed class MailboxService(Changes changes, AccountDirectory directory, MailStore? store)
{
    /// <summary>Sorts by Name (INBOX first), Messages or Bytes.</summary>
    public Task<ServiceResult<PageOf<MailboxListRow>>> ListAsync(Actor actor, MailTree tree, PageRequest page, CancellationToken ct = default) =>
        changes.ReadAsync<PageOf<MailboxListRow>>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, tree, ct) is not { } owner)
                return NoTree(tree);
            IEnumerable<MailboxListRow> rows = MailboxesOf(owner).Select(info => RowOf(owner, info));
            if (page.Filter.Trim() is { Length: > 0 } needle)
                rows = rows.Where(r => r.Name.Contains(needle, StringComparison.OrdinalIgnoreCase));
            rows = page.Sort switch
            {
                nameof(MailboxListRow.Messages) => rows.OrderBy(r => r.Messages).ThenBy(r => r.Name, StringComparer.Ordinal),
                nameof(MailboxListRow.Bytes) => rows.OrderBy(r => r.Bytes).ThenBy(r => r.Name, StringComparer.Ordinal),
                _ => rows.OrderBy(r => r.Name != MailboxName.Inbox.Value).ThenBy(r => r.Name, StringComparer.OrdinalIgnoreCase),
            };
            MailboxListRow[] all = [.. rows];
            if (page.Descending)
                Array.Reverse(all);
            return new PageOf<MailboxListRow>([.. all.Skip(page.SafeSkip).Take(page.SafeTake)], all.Length);
        }, ct);

    /// <summary>A mailbox and who may use it; the owner first.</summary>
    public Task<ServiceResult<MailboxAccess>> GetAsync(Actor actor, MailTree tree, long mailboxId, CancellationToken ct = default) =>
        changes.ReadAsync<MailboxAccess>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, tree, ct) is not { } owner)
                return NoTree(tree);
            if (MailboxesOf(owner).FirstOrDefault(info => info.Id == mailboxId) is not { } box)
                return ServiceResult.NotFound("folder");
            var access = new List<AccessRow>();
            if (!owner.IsShared)
                access.Add(new AccessRow(AclIdentifier.OfAccount(owner.Tree), AccessKind.Account, owner.Name, false, box.Acl.OwnerRights(owner.Tree), IsOwner: true, IsGone: false));
            foreach (AclEntry entry in box.Acl.Entries.Where(e => e.Identifier != owner.Identifier))
                access.Add(await ShowAsync(entry, ct));
            return new MailboxAccess(RowOf(owner, box), owner.Name, owner.IsShared, access, owner.MayChange);
        }, ct);

    /// <summary>Gives rights, or takes them away for good; an entry that is there for the same one is replaced.</summary>
    public async Task<ServiceResult> GrantAsync(Actor actor, MailTree tree, long mailboxId, AccessForm form, CancellationToken ct = default)
    {
        // Asked before the write transaction: the directory reads on a connection of its own.
        string stored = await ReadAsync(form, ct);
        return await ChangeAsync(actor, tree, mailboxId, "mailbox.acl", (owner, box) =>
        {
            var problems = new Problems();
            problems.Require((form.Rights & ~AclRights.All) == 0 && form.Rights != AclRights.None, nameof(form.Rights), Texts.Of("Error.AclRights"));
            problems.Require(stored.Length > 0, nameof(form.Who), Texts.Of("AclWho." + form.Kind));
            problems.Require(stored != owner.Identifier, nameof(form.Who), Texts.Of("Error.AclOwner"));
            return problems.Any ? problems.Refuse() : new Step(
                box.Acl.RightsAt(stored) is var before and not AclRights.None ? Shown(box, stored, form, before) : null, Shown(box, stored, form, form.Rights),
                s => s.SetAclAsync(box.Id, stored, AclChangeMode.Replace, form.Rights));
        }, ct);

        static object Shown(MailboxInfo box, string identifier, AccessForm form, AclRights rights) =>
            new { mailbox = box.Id, identifier, kind = form.Kind.ToString(), who = form.Who.Trim(), rights = AclText.Format(rights), form.TakesAway };
    }

    /// <summary>Takes an entry off the list.</summary>
    /// <param name="identifier">Of <see cref="AccessRow.Identifier"/>.</param>
    public async Task<ServiceResult> RevokeAsync(Actor actor, MailTree tree, long mailboxId, string identifier, CancellationToken ct = default)
    {
        string name = await AclIdentifierNames.ShowAsync(directory, identifier, ct);
        return await ChangeAsync(actor, tree, mailboxId, "mailbox.acl", (_, box) => box.Acl.Entries.All(e => e.Identifier != identifier)
            ? ServiceResult.Conflict()
            : new Step(new { mailbox = box.Id, identifier, who = name, rights = AclText.Format(box.Acl.RightsAt(identifier)) }, null,
                s => s.SetAclAsync(box.Id, identifier, AclChangeMode.Delete, AclRights.None)), ct);
    }

    /// <summary>Gives an entry the rights that it had before a change, as long as it has those that the change left.</summary>
    public async Task<ServiceResult> PutBackAsync(
        Actor actor, MailTree tree, long mailboxId, string identifier, AclRights left, AclRights wanted, CancellationToken ct = default)
    {
        string name = await AclIdentifierNames.ShowAsync(directory, identifier, ct);
        object? Shown(AclRights rights, MailboxInfo box) => rights == AclRights.None ? null : new { mailbox = box.Id, identifier, who = name, rights = AclText.Format(rights) };
        return await ChangeAsync(actor, tree, mailboxId, "mailbox.acl", (_, box) => box.Acl.RightsAt(identifier) != left
            ? ServiceResult.Invalid("", Texts.Of("Error.RevertChanged"))
            : new Step(Shown(left, box), Shown(wanted, box),
                s => s.SetAclAsync(box.Id, identifier, wanted == AclRights.None ? AclChangeMode.Delete : AclChangeMode.Replace, wanted)), ct);
    }

    public Task<ServiceResult<MailLimits>> LimitsAsync(Actor actor, MailTree tree, CancellationToken ct = default) =>
        changes.ReadAsync<MailLimits>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, tree, ct) is not { } owner)
                return NoTree(tree);
            if (store is null)
                return new MailLimits(null, null, null, 0, 0, 0, owner.IsAdministered);
            AccountLimits limits = store.LimitsOf(owner.Tree);
            AccountUse use = await store.UseAsync(owner.Tree);
            return new MailLimits(limits.Bytes, limits.Messages, limits.Mailboxes, use.Bytes, use.Messages, MailboxesOf(owner).Count, owner.IsAdministered);
        }, ct);

    /// <summary>Sets the limits that the store keeps; administrators only. Octets of an account are set with the account.</summary>
    public async Task<ServiceResult> SetLimitsAsync(Actor actor, MailTree tree, MailLimitsForm form, CancellationToken ct = default)
    {
        if (store is null)
            return Result(StoreError.Unavailable);
        TreeOwner? found = null;
        AccountLimits after = default;
        ServiceResult allowed = await changes.RunAsync(actor, async (db, rights) =>
        {
            if ((found = await FindAsync(db, rights, tree, ct)) is not { } owner)
                return NoTree(tree);
            if (!owner.IsAdministered)
                return ServiceResult.Forbidden();
            var problems = new Problems();
            problems.Require(form.MaxMessages is null or >= 0, nameof(form.MaxMessages), Texts.Of("Field.NotANumber"));
            problems.Require(form.MaxMailboxes is null or >= 0, nameof(form.MaxMailboxes), Texts.Of("Field.NotANumber"));
            problems.Require(form.MaxBytes is null or >= 0, nameof(form.MaxBytes), Texts.Of("Field.NotASize"));
            if (problems.Any)
                return problems.Refuse();
            AccountLimits before = store.LimitsOf(owner.Tree);
            after = new AccountLimits(owner.IsShared ? form.MaxBytes : before.Bytes, form.MaxMessages, form.MaxMailboxes);
            if (after == before)
                found = null;   // nothing to do, nothing to tell
            else
                db.Record(changes.AuditOf(db, actor, "mailbox.quota", owner.Name, owner.AccountId, owner.DomainId, before, after));
            await db.SaveChangesAsync(ct);
            return ServiceResult.Done();
        }, ct);
        return allowed.Ok && found is not null ? Result(await store.SetLimitsAsync(found.Tree, after)) : allowed;
    }

    /// <summary>Makes a mailbox that belongs to a domain, and those above it that are missing.</summary>
    public async Task<ServiceResult<long>> CreateAsync(Actor actor, long domainId, SharedMailboxForm form, CancellationToken ct = default)
    {
        if (store is null)
            return Refused(StoreError.Unavailable);
        long tree = MailStore.SharedTree(domainId);
        ServiceResult<NewMailbox> allowed = await changes.RunAsync<NewMailbox>(actor, async (db, rights) =>
        {
            if (!rights.May(Permissions.Mailboxes, domainId) || await db.Domains.AsNoTracking().FirstOrDefaultAsync(d => d.Id == domainId, ct) is not { } domain)
                return ServiceResult.NotFound("domain");
            var problems = new Problems();
            problems.Require(domain.Kind == DomainKind.Local, "", Texts.Of("Error.DomainNotLocal", domain.DisplayName));
            // INBOX is a name of an account's own tree alone.
            problems.Require(MailboxName.TryParse(form.Name.Trim(), out MailboxName name) && !name.IsInbox && !name.IsBelow(MailboxName.Inbox),
                nameof(form.Name), Texts.Of("Error.MailboxName"));
            problems.Require(problems.Any || store.Find(tree, name) is null, nameof(form.Name), Texts.Of("Error.MailboxExists", name.Value));
            problems.Require((form.Everyone & ~AclRights.All) == 0, nameof(form.Everyone), Texts.Of("Error.AclRights"));
            if (problems.Any)
                return problems.Refuse();
            changes.Audit(db, actor, "mailbox.create", $"{name} ({domain.DisplayName})", domainId, null, new { everyone = AclText.Format(form.Everyone) });
            await db.SaveChangesAsync(ct);
            return new NewMailbox(name, "$@" + domain.Name);
        }, ct);
        if (!allowed.Ok)
            return new ServiceResult.Refused(allowed.Refusal, allowed.Errors);
        (MailboxName name, string everyone) = allowed.Value!;
        StoreError error = await store.CreateAsync(tree, name);
        if (error == StoreError.AlreadyExists)
            return ServiceResult.Invalid(nameof(form.Name), Texts.Of("Error.MailboxExists", name.Value));
        MailboxInfo? made = error == StoreError.None ? store.Find(tree, name) : null;
        if (made is null)
            return Refused(error);
        if (form.Everyone != AclRights.None)
            error = await store.SetAclAsync(made.Id, everyone, AclChangeMode.Replace, form.Everyone);
        if (error != StoreError.None)
            return Refused(error);
        return made.Id;
    }

    /// <summary>Removes a mailbox of a domain with its messages.</summary>
    public Task<ServiceResult> DeleteAsync(Actor actor, long domainId, long mailboxId, CancellationToken ct = default) =>
        ChangeAsync(actor, MailTree.OfDomain(domainId), mailboxId, "mailbox.delete", (owner, box) =>
            MailboxesOf(owner).Any(other => other.Name.IsBelow(box.Name))
                ? ServiceResult.Invalid("", Texts.Of("Error.MailboxHasChildren"))
                : new Step(new { messages = box.Count }, null, s => s.DeleteAsync(owner.Tree, box.Name)), ct);

    /// <param name="Everyone">Identifier of all accounts of the domain.</param>
    sealed record NewMailbox(MailboxName Name, string Everyone);

    /// <summary>A change of a mailbox that is allowed: what the audit says of it, and the change.</summary>
    sealed record Step(object? Before, object? After, Func<MailStore, Task<StoreError>> Do);

    async Task<ServiceResult> ChangeAsync(
        Actor actor, MailTree tree, long mailboxId, string action, Func<TreeOwner, MailboxInfo, ServiceResult<Step>> check, CancellationToken ct)
    {
        if (store is null)
            return Result(StoreError.Unavailable);
        ServiceResult<Step> allowed = await changes.RunAsync<Step>(actor, async (db, rights) =>
        {
            if (await FindAsync(db, rights, tree, ct) is not { } owner)
                return NoTree(tree);
            if (!owner.MayChange)
                return ServiceResult.Forbidden();
            if (MailboxesOf(owner).FirstOrDefault(info => info.Id == mailboxId) is not { } box)
                return ServiceResult.NotFound("folder");
            ServiceResult<Step> step = check(owner, box);
            if (!step.Ok)
                return step;
            db.Record(changes.AuditOf(db, actor, action, $"{box.Name} ({owner.Name})", owner.AccountId, owner.DomainId, step.Value!.Before, step.Value.After));
            await db.SaveChangesAsync(ct);
            return step;
        }, ct);
        return allowed.Ok ? Result(await allowed.Value!.Do(store)) : allowed;
    }

    /// <param name="Tree">Number under which the store keeps the mailboxes.</param>
    /// <param name="IsAdministered">The actor manages it by his role.</param>
    sealed record TreeOwner(long Tree, string Name, long? DomainId, bool IsOwn, bool IsAdministered)
    {
        public bool MayChange => IsOwn || IsAdministered;

        public bool IsShared => Tree < 0;
        public long? AccountId => IsShared ? null : Tree;
        /// <summary>Null: nobody's own. (The number of a domain's tree would read as an account's with a "-".)</summary>
        public string? Identifier => IsShared ? null : AclIdentifier.OfAccount(Tree);
    }

    /// <summary>Null: there is no such account or domain among those that the actor may see.</summary>
    async Task<TreeOwner?> FindAsync(AccountsContext db, Rights rights, MailTree tree, CancellationToken ct)
    {
        if (tree.DomainId is { } domainId)
        {
            return rights.May(Permissions.SeeMailboxes, domainId) && await db.Domains.Where(d => d.Id == domainId).Select(d => d.DisplayName).FirstOrDefaultAsync(ct) is { } name
                ? new TreeOwner(MailStore.SharedTree(domainId), name, domainId, IsOwn: false, rights.May(Permissions.Mailboxes, domainId))
                : null;
        }
        if ((tree.AccountId ?? rights.AccountId) is not { } id
            || await db.Accounts.AsNoTracking().FirstOrDefaultAsync(a => a.Id == id && a.HasMailbox, ct) is not { } account)
            return null;
        bool isOwn = rights.AccountId == id;
        if (!isOwn && !(rights.May(Permissions.SeeMailboxes, account.DomainId) && await rights.MayLookAtAsync(db, id, changes.Now, ct)))
            return null;
        bool isAdministered = rights.May(Permissions.Mailboxes, account.DomainId) && await rights.MayTouchAsync(db, id, changes.Now, ct);
        return new TreeOwner(id, account.UserName ?? "", account.DomainId, isOwn, isAdministered);
    }

    static ServiceResult.Refused NoTree(MailTree tree) => ServiceResult.NotFound(tree.DomainId is null ? "account" : "domain");

    IReadOnlyList<MailboxInfo> MailboxesOf(TreeOwner owner) => store?.MailboxesOf(owner.Tree) ?? [];

    static MailboxListRow RowOf(TreeOwner owner, MailboxInfo info) => new(
        info.Id, info.Name.Value, info.SpecialUse, info.Count, info.Unseen, info.Bytes, info.Acl.Entries.Count(e => e.Identifier != owner.Identifier));

    async Task<AccessRow> ShowAsync(AclEntry entry, CancellationToken ct)
    {
        bool takesAway = entry.Identifier.StartsWith('-');
        string bare = entry.Identifier[(takesAway ? 1 : 0)..];
        (AccessKind kind, string name) = bare switch
        {
            AclIdentifier.Anyone => (AccessKind.Everybody, ""),
            ['$', '@', ..] => (AccessKind.DomainAccounts, bare[2..]),
            ['$', ..] => (AccessKind.Address, bare[1..]),
            _ => (AccessKind.Account, await AclIdentifierNames.ShowAsync(directory, bare, ct)),
        };
        return new AccessRow(entry.Identifier, kind, name, takesAway, entry.Rights, IsOwner: false, IsGone: kind == AccessKind.Account && name.StartsWith('#'));
    }

    /// <returns>The identifier as it is stored; empty: there is nobody of that name.</returns>
    async Task<string> ReadAsync(AccessForm form, CancellationToken ct)
    {
        string who = form.Who.Trim();
        // A name must not be read as a sign that another kind has.
        bool isName = who.Length > 0 && who[0] is not ('-' or '$' or '#' or '@') && !string.Equals(who, AclIdentifier.Anyone, StringComparison.OrdinalIgnoreCase);
        string? text = form.Kind switch
        {
            AccessKind.Everybody => AclIdentifier.Anyone,
            AccessKind.Account when isName => who,
            AccessKind.DomainAccounts when isName => "$@" + who,
            AccessKind.Address when isName => "$" + who,
            _ => null,
        };
        return text is null ? "" : (await AclIdentifierNames.ReadAsync(directory, (form.TakesAway ? "-" : "") + text, ct)).Stored;
    }

    static ServiceResult Result(StoreError error) => error == StoreError.None ? ServiceResult.Done() : Refused(error);

    static ServiceResult.Refused Refused(StoreError error) => error switch
    {
        StoreError.NoSuchMailbox => ServiceResult.NotFound("folder"),
        StoreError.HasChildren => ServiceResult.Invalid("", Texts.Of("Error.MailboxHasChildren")),
        StoreError.Limit or StoreError.OverQuota => ServiceResult.Invalid("", Texts.Of("Error.MailboxLimit")),
        _ => ServiceResult.Invalid("", Texts.Of("Error.StoreOut")),
    };
}
