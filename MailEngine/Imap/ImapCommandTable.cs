using System.Collections.Frozen;
using System.Text;
using MailEngine.Imap.Commands;

namespace MailEngine.Imap;

/// <summary>All commands. A new one is a row here and a file in Commands/.</summary>
internal static class ImapCommandTable
{
    static readonly CommandRow[] s_rows =
    [
        new("CAPABILITY", ImapState.Any, SeqUse.None, CapabilityCommand.Parse),
        new("NOOP", ImapState.Any, SeqUse.None, NoopCommand.Parse),
        new("LOGOUT", ImapState.Any, SeqUse.None, LogoutCommand.Parse),
        new("ID", ImapState.Any, SeqUse.None, IdCommand.Parse),

        new("STARTTLS", ImapState.NotAuthenticated, SeqUse.None, StartTlsCommand.Parse),
        new("AUTHENTICATE", ImapState.NotAuthenticated, SeqUse.None, AuthenticateCommand.Parse),
        new("LOGIN", ImapState.NotAuthenticated, SeqUse.None, LoginCommand.Parse),

        new("UNAUTHENTICATE", ImapState.LoggedIn, SeqUse.None, UnauthenticateCommand.Parse),
        new("ENABLE", ImapState.LoggedIn, SeqUse.None, EnableCommand.Parse),
        new("SELECT", ImapState.LoggedIn, SeqUse.None, SelectCommand.Parse),
        new("EXAMINE", ImapState.LoggedIn, SeqUse.None, SelectCommand.ParseExamine),
        new("CREATE", ImapState.LoggedIn, SeqUse.None, CreateCommand.Parse),
        new("DELETE", ImapState.LoggedIn, SeqUse.None, DeleteCommand.Parse),
        new("RENAME", ImapState.LoggedIn, SeqUse.None, RenameCommand.Parse),
        new("SUBSCRIBE", ImapState.LoggedIn, SeqUse.None, SubscribeCommand.Parse),
        new("UNSUBSCRIBE", ImapState.LoggedIn, SeqUse.None, SubscribeCommand.ParseUnsubscribe),
        new("LIST", ImapState.LoggedIn, SeqUse.None, ListCommand.Parse),
        new("LSUB", ImapState.LoggedIn, SeqUse.None, LsubCommand.Parse),
        new("NAMESPACE", ImapState.LoggedIn, SeqUse.None, NamespaceCommand.Parse),
        new("STATUS", ImapState.LoggedIn, SeqUse.None, StatusCommand.Parse),
        new("GETQUOTA", ImapState.LoggedIn, SeqUse.None, GetQuotaCommand.Parse),
        new("GETQUOTAROOT", ImapState.LoggedIn, SeqUse.None, GetQuotaRootCommand.Parse),
        new("SETQUOTA", ImapState.LoggedIn, SeqUse.None, SetQuotaCommand.Parse),
        new("GETMETADATA", ImapState.LoggedIn, SeqUse.None, GetMetadataCommand.Parse),
        new("SETMETADATA", ImapState.LoggedIn, SeqUse.None, SetMetadataCommand.Parse),
        new("GETACL", ImapState.LoggedIn, SeqUse.None, GetAclCommand.Parse),
        new("SETACL", ImapState.LoggedIn, SeqUse.None, SetAclCommand.Parse),
        new("DELETEACL", ImapState.LoggedIn, SeqUse.None, SetAclCommand.ParseDelete),
        new("LISTRIGHTS", ImapState.LoggedIn, SeqUse.None, ListRightsCommand.Parse),
        new("MYRIGHTS", ImapState.LoggedIn, SeqUse.None, MyRightsCommand.Parse),
        new("APPEND", ImapState.LoggedIn, SeqUse.None, AppendCommand.Parse),
        new("COMPRESS", ImapState.LoggedIn, SeqUse.None, CompressCommand.Parse),
        new("NOTIFY", ImapState.LoggedIn, SeqUse.None, NotifyCommand.Parse),
        new("GENURLAUTH", ImapState.LoggedIn, SeqUse.None, GenUrlAuthCommand.Parse),
        new("URLFETCH", ImapState.LoggedIn, SeqUse.None, UrlFetchCommand.Parse),
        new("RESETKEY", ImapState.LoggedIn, SeqUse.None, ResetKeyCommand.Parse),
        new("ESEARCH", ImapState.LoggedIn, SeqUse.None, MultiSearchCommand.Parse),
        new("IDLE", ImapState.LoggedIn, SeqUse.None, IdleCommand.Parse),

        new("CANCELUPDATE", ImapState.Selected, SeqUse.None, CancelUpdateCommand.Parse),
        new("CHECK", ImapState.Selected, SeqUse.None, NoopCommand.ParseCheck),
        new("CLOSE", ImapState.Selected, SeqUse.None, CloseCommand.Parse),
        new("UNSELECT", ImapState.Selected, SeqUse.None, CloseCommand.ParseUnselect),
        new("EXPUNGE", ImapState.Selected, SeqUse.None, ExpungeCommand.Parse),
        new("SEARCH", ImapState.Selected, SeqUse.Numbers, SearchCommand.Parse),
        new("SORT", ImapState.Selected, SeqUse.Numbers, SearchCommand.ParseSort),
        new("THREAD", ImapState.Selected, SeqUse.Numbers, ThreadCommand.Parse),
        new("FETCH", ImapState.Selected, SeqUse.Numbers, FetchCommand.Parse),
        new("STORE", ImapState.Selected, SeqUse.Numbers, StoreCommand.Parse),
        new("COPY", ImapState.Selected, SeqUse.None, CopyCommand.Parse),
        new("MOVE", ImapState.Selected, SeqUse.None, CopyCommand.ParseMove),
        new("REPLACE", ImapState.Selected, SeqUse.None, ReplaceCommand.Parse),
        new("UID EXPUNGE", ImapState.Selected, SeqUse.None, ExpungeCommand.ParseUid),
        new("UID SEARCH", ImapState.Selected, SeqUse.None, SearchCommand.ParseUid),
        new("UID SORT", ImapState.Selected, SeqUse.None, SearchCommand.ParseUidSort),
        new("UID THREAD", ImapState.Selected, SeqUse.None, ThreadCommand.ParseUid),
        new("UID FETCH", ImapState.Selected, SeqUse.None, FetchCommand.ParseUid),
        new("UID STORE", ImapState.Selected, SeqUse.None, StoreCommand.ParseUid),
        new("UID COPY", ImapState.Selected, SeqUse.None, CopyCommand.ParseUid),
        new("UID MOVE", ImapState.Selected, SeqUse.None, CopyCommand.ParseUidMove),
        new("UID REPLACE", ImapState.Selected, SeqUse.None, ReplaceCommand.ParseUid),
    ];

    static readonly FrozenDictionary<string, CommandRow>.AlternateLookup<ReadOnlySpan<char>> s_byName =
        s_rows.ToFrozenDictionary(row => row.Name, StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();

    public static IReadOnlyList<CommandRow> Rows => s_rows;

    /// <summary>The command counts in sequence numbers and has another form that counts in UIDs.</summary>
    public static bool HasUidForm(CommandRow row) => row.Name != "EXPUNGE" && s_byName.ContainsKey($"UID {row.Name}");

    /// <summary>Reads the name; null: no command of ours.</summary>
    public static CommandRow? Find(ref ImapReader reader)
    {
        Span<char> name = stackalloc char[32];
        int length = 0;
        while (length < name.Length && char.IsAsciiLetter((char)reader.Peek()))
        {
            name[length++] = (char)reader.Peek();
            reader.TryTake(reader.Peek());
            if (length == 3 && ((ReadOnlySpan<char>)name[..3]).Equals("UID", StringComparison.OrdinalIgnoreCase) && reader.TryTake((byte)' '))
                name[length++] = ' ';
        }
        return s_byName.TryGetValue(name[..length], out CommandRow? row) ? row : null;
    }
}
