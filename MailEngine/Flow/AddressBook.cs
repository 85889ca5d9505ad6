using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Store;
using MailEngine.Store.Columns;

namespace MailEngine.Flow;

/// <summary>Whom somebody knows: those he put into his address book, and those he has written to. What he sent stands in his mailboxes for sent mail
/// (RFC 6154 §2), so nothing is kept of it beside that, and who is deleted there is forgotten here.</summary>
sealed class AddressBook
{
    const string Sent = "\\Sent";

    static readonly ColumnSet[] s_fields = [ColumnSet.ToText, ColumnSet.CcText, ColumnSet.BccText];

    readonly AccountDirectory _directory;
    readonly MailStore? _store;
    readonly long _accountId;
    readonly List<Mailbox> _sent = [];

    AddressBook(AccountDirectory directory, MailStore? store, long accountId) => (_directory, _store, _accountId) = (directory, store, accountId);

    /// <param name="store">Null: what he sent is not looked at.</param>
    /// <exception cref="IOException">The mail of the account cannot be read now.</exception>
    public static async ValueTask<AddressBook> OpenAsync(AccountDirectory directory, MailStore? store, long accountId)
    {
        var book = new AddressBook(directory, store, accountId);
        if (store is null)
            return book;
        foreach (MailboxInfo box in (await store.ListAsync(accountId)).Where(box => box.SpecialUse == Sent && box.Count > 0))
        {
            if (await store.OpenAsync(accountId, box.Name) is { } sent)
                book._sent.Add(sent);
        }
        return book;
    }

    /// <summary>Messages that are looked through to find somebody.</summary>
    public int Messages => _sent.Sum(box => box.Current.Count);

    /// <exception cref="DirectoryUnavailableException">The address book cannot be read now.</exception>
    /// <exception cref="IOException">The mail of the account cannot be read now.</exception>
    public bool Has(EmailAddress address)
    {
        if (_directory.HasContact(_accountId, address))
            return true;
        return _sent.Count > 0 && _directory.SameAs(address).Any(HasSentTo);
    }

    bool HasSentTo(EmailAddress address)
    {
        using var folded = new ByteBuffer(64);
        UnicodeCasemap.FoldToUtf8($"<{address.Canonical}>", folded);
        foreach (Mailbox sent in _sent)
        {
            ColumnView columns = _store!.OpenColumns(sent, sent.Current, ColumnSet.ToText | ColumnSet.CcText | ColumnSet.BccText);
            foreach (ColumnSet field in s_fields)
            {
                bool found = false;
                columns.Search(field).Find(folded.Written, _ => found = true);
                if (found)
                    return true;
            }
        }
        return false;
    }
}
