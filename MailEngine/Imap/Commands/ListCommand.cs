using MailEngine.Accounts;
using MailEngine.Imap.Access;
using MailEngine.Imap.Listing;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>LIST: names of mailboxes, with their attributes; in its extended form it also selects and tells more.</summary>
/// <remarks>RFC 9051 §6.3.9, RFC 3501 §6.3.8; extended: RFC 5258 §3; children: RFC 3348 §3; special use: RFC 6154 §2; STATUS: RFC 5819 §2; MYRIGHTS: RFC 8440 §3; METADATA: RFC 9590 §3</remarks>
internal sealed record ListCommand(string Reference, IReadOnlyList<string> Patterns, ListOptions Options) : ImapCommand
{
    /// <summary>All patterns of one command, characters: what the longest name can need, so that matching stays in bounds (attack case A7).</summary>
    const int MaxPatterns = MailboxName.MaxBytes * 4;

    // list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts] (RFC 5258 §6)
    public static ListCommand Parse(ref ImapReader r)
    {
        r.Sp();
        ListSelect? select = ListOptions.ParseSelect(ref r);
        string reference = r.ListMailbox();
        r.Sp();
        var patterns = new List<string>();
        bool several = r.TryTake((byte)'(');
        int length = 0;
        do
        {
            patterns.Add(r.ListMailbox());
            if ((length += patterns[^1].Length) > MaxPatterns)
                r.Fail("Patterns too long");
        }
        while (several && !r.Failed && r.TryTake((byte)' '));
        if (several)
            r.Take((byte)')');
        (ListReturn Return, StatusItems Status, List<string>? Entries) wanted = default;
        bool returns = r.TryTake((byte)' ');
        if (returns)
        {
            if (r.TryWord("RETURN"u8))
                wanted = ListOptions.ParseReturn(ref r);
            else
                r.Fail("Expected RETURN");
        }
        bool extended = several || returns || select is not null;
        return new(reference, patterns, new ListOptions(extended, select ?? ListSelect.None, wanted.Return, wanted.Status, wanted.Entries ?? []));
    }

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        char separator = session.Writer.Names.Separator;
        if (Patterns is [""] && !Options.IsExtended)
        {
            session.Writer.WriteAscii($"* LIST (\\Noselect) \"{separator}\" \"\"\r\n");   // asks for the separator: RFC 9051 §6.3.9
            return ImapReply.Ok("LIST completed");
        }
        ListPattern[] patterns = [.. Patterns.Select(pattern => new ListPattern(Reference, pattern, separator))];
        Rights? admin = await AdministersAsync(session, ct);
        MailboxTree tree = await MailboxTree.OfAsync(session, ct, others: admin is null || session.Account!.HasMailbox);   // one without has them in what he administers
        if (admin is not null)
        {
            // Subscribed names that are there come with what he administers.
            foreach (ListedMailbox name in tree.All.Where(box => box is { Info: null, Subscribed: true }).ToList())
            {
                if ((await session.Access.FindAsync(name.Shown, ct)).Exists)
                    name.Subscribed = false;
            }
        }
        await WriteAsync(session, tree, patterns, null, ct);
        if (admin is not null)
            await WriteAdministeredAsync(session, admin, patterns, ct);
        return ImapReply.Ok("LIST completed");
    }

    /// <summary>Null: the user is no administrator, or has a mailbox and does not ask for them by name.</summary>
    async ValueTask<Rights?> AdministersAsync(ImapSession session, CancellationToken ct)
    {
        bool asked = !(await session.Access.SubjectAsync(ct)).Account.HasMailbox
            || Patterns.Any(pattern => session.Writer.Names.Inside(Reference + pattern).StartsWith(AdminNames.Users + "/", StringComparison.Ordinal));
        return asked && await session.Access.AdminAsync(ct) is var admin && admin.MayAnywhere(Permissions.Mailboxes) ? admin : null;
    }

    /// <summary>What an administrator manages, where the patterns can match it: account by account, however many there are.</summary>
    async ValueTask WriteAdministeredAsync(ImapSession session, Rights admin, ListPattern[] patterns, CancellationToken ct)
    {
        AclSubject subject = await session.Access.SubjectAsync(ct);
        string? logins = null;
        foreach (string pattern in Patterns)
        {
            if (AdminNames.LoginsOf(session.Writer.Names.Inside(Reference + pattern)) is { } begin)
                logins = logins is null ? begin : Common(logins, begin);
        }
        IReadOnlySet<string> subscribed = session.Store.SubscriptionsOf(session.AccountId);
        var levels = new HashSet<string>(StringComparer.Ordinal);
        await foreach (List<AdministeredMailbox> some in AdminNames.ListAsync(session, admin, logins, ct))
            await WriteAsync(session, MailboxTree.Of(session, some, subject, subscribed), patterns, levels, ct);
    }

    static string Common(string a, string b)
    {
        int length = 0;
        while (length < a.Length && length < b.Length && a[length] == b[length])
            length++;
        return a[..length];
    }

    /// <param name="levels">Levels above mailboxes that a tree before this one has shown, but for those of users, of which each is in one tree.
    /// Null: this tree is all there is.</param>
    async ValueTask WriteAsync(ImapSession session, MailboxTree tree, ListPattern[] patterns, HashSet<string>? levels, CancellationToken ct)
    {
        HashSet<string>? parents = Options.Select.HasFlag(ListSelect.RecursiveMatch) ? ParentsOfUnlisted(tree, patterns) : null;
        var lines = new List<(ListedMailbox Box, bool HasSelectedBelow)>();
        foreach (ListedMailbox box in tree.All)
        {
            bool below = parents?.Remove(box.Name) ?? false;
            if ((IsSelected(box, patterns) || below) && Matches(patterns, box.Name))
                lines.Add((box, below));
        }
        foreach (string missing in parents ?? [])
        {
            if (Matches(patterns, missing))
                lines.Add((new ListedMailbox(missing, default, null), true));
        }
        string users = AdminNames.Users + session.Writer.Names.Separator;
        foreach ((ListedMailbox box, bool below) in lines.OrderBy(line => !line.Box.Shown.IsInbox).ThenBy(line => line.Box.Name, StringComparer.Ordinal))
        {
            if (levels is not null && box.Info is null && !box.Name.StartsWith(users, StringComparison.Ordinal) && !levels.Add(box.Name))
                continue;
            WriteLine(session.Writer, box, below);
            if (box.Info is { } info && (Options.Select == ListSelect.None || IsSelected(box, patterns)))
                await WriteMoreAsync(session, box, info, ct);
            await session.FlushIfFullAsync(ct);
        }
    }

    /// <summary>What follows the line of a mailbox that was selected itself. RFC 5819 §2, RFC 8440 §3</summary>
    async ValueTask WriteMoreAsync(ImapSession session, ListedMailbox box, MailboxInfo info, CancellationToken ct)
    {
        if (Options.Return.HasFlag(ListReturn.MyRights))
        {
            session.Writer.Write("* MYRIGHTS "u8);
            session.Writer.WriteMailbox(box.Shown.Value);
            session.Writer.WriteAscii($" {AclText.FormatForClient(box.Rights)}\r\n");
        }
        if (Options.Return.HasFlag(ListReturn.Metadata) && MetadataEntries.MayUse(box.Rights))
            MetadataEntries.Write(session.Writer, box.Shown.Value, session.Store.AnnotationsOf(info.Id, session.AccountId), Options.Entries, 0, null);
        if (Options.Return.HasFlag(ListReturn.Status) && box.Rights.HasFlag(AclRights.Read))
            await StatusCommand.WriteAsync(session, box.Shown, info, Options.Status, ct);
    }

    static bool Matches(ListPattern[] patterns, string name) => Array.Exists(patterns, pattern => pattern.Matches(name));

    /// <summary>Without selection options: mailboxes, and levels above them where a pattern ends with "%". RFC 3501 §6.3.8</summary>
    bool IsSelected(ListedMailbox box, ListPattern[] patterns)
    {
        if (Options.Select == ListSelect.None)
            return box.Info is not null || (box.HasChildren && Array.Exists(patterns, p => p.EndsWithPercent && p.Matches(box.Name)));
        return (!Options.Select.HasFlag(ListSelect.Subscribed) || box.Subscribed)
            && (!Options.Select.HasFlag(ListSelect.SpecialUse) || box.Info is { SpecialUse.Length: > 0 });
    }

    /// <summary>Names above a selected mailbox that no pattern shows: what CHILDINFO tells of, where it is not redundant. RFC 5258 §3.5</summary>
    HashSet<string> ParentsOfUnlisted(MailboxTree tree, ListPattern[] patterns)
    {
        var parents = new HashSet<string>(StringComparer.Ordinal);
        foreach (ListedMailbox box in tree.All)
        {
            if (!IsSelected(box, patterns) || Matches(patterns, box.Name))
                continue;
            foreach (string above in tree.Above(box.Name))
            {
                if (!parents.Add(above))
                    break;
            }
        }
        return parents;
    }

    void WriteLine(ImapWriter w, ListedMailbox box, bool hasSelectedBelow)
    {
        w.Write("* LIST ("u8);
        if (box.Info is null)
            w.Write(Options.IsExtended ? "\\NonExistent"u8 : "\\Noselect"u8);   // the first implies the second: RFC 5258 §3
        if (box.Subscribed && (Options.Return.HasFlag(ListReturn.Subscribed) || Options.Select.HasFlag(ListSelect.Subscribed)))
            w.Write(box.Info is null ? " \\Subscribed"u8 : "\\Subscribed "u8);
        if (box.Info is not null)
            w.Write(box.HasChildren ? "\\HasChildren"u8 : "\\HasNoChildren"u8);
        else if (box.HasChildren)
            w.Write(" \\HasChildren"u8);
        if (box.Info is { SpecialUse: { Length: > 0 } use })
        {
            w.Write((byte)' ');
            w.WriteAscii(use);
        }
        w.Write(") \""u8);
        w.Write((byte)w.Names.Separator);
        w.Write("\" "u8);
        w.WriteClientName(box.Name);
        if (hasSelectedBelow)
            WriteChildInfo(w);
        w.Write("\r\n"u8);
    }

    void WriteChildInfo(ImapWriter w)
    {
        w.Write(" (\"CHILDINFO\" ("u8);
        if (Options.Select.HasFlag(ListSelect.Subscribed))
            w.Write("\"SUBSCRIBED\""u8);
        if (Options.Select.HasFlag(ListSelect.SpecialUse))
            w.Write(Options.Select.HasFlag(ListSelect.Subscribed) ? " \"SPECIAL-USE\""u8 : "\"SPECIAL-USE\""u8);
        w.Write("))"u8);
    }
}
