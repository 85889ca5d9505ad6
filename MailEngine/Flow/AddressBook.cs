using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Store;
using MailEngine.Store.Columns;

namespace MailEngine.Flow;

/// <summary>Whom somebody knows: those he has written to. What he sent stands in his mailboxes for sent mail (RFC 6154 §2), so nothing is kept of it
/// beside that, and who is deleted there is forgotten here.</summary>
sealed class AddressBook
{
    const string Sent = "\\Sent";

    static readonly ColumnSet[] s_fields = [ColumnSet.ToText, ColumnSet.CcText, ColumnSet.BccText];

    readonly MailStore _store;
    readonly List<Mailbox> _sent = [];

    AddressBook(MailStore store) => _store = store;

    /// <exception cref="IOException">The mail of the account cannot be read now.</exception>
    public static async ValueTask<AddressBook> OpenAsync(MailStore store, long accountId)
    {
        var book = new AddressBook(store);
        foreach (MailboxInfo box in (await store.ListAsync(accountId)).Where(box => box.SpecialUse == Sent && box.Count > 0))
        {
            if (await store.OpenAsync(accountId, box.Name) is { } sent)
                book._sent.Add(sent);
        }
        return book;
    }

    /// <summary>Messages that are looked through to find somebody.</summary>
    public int Messages => _sent.Sum(box => box.Current.Count);

    /// <exception cref="IOException">The mail of the account cannot be read now.</exception>
    public bool Has(EmailAddress address)
    {
        using var folded = new ByteBuffer(64);
        UnicodeCasemap.FoldToUtf8($"<{address.Canonical}>", folded);
        foreach (Mailbox sent in _sent)
        {
            ColumnView columns = _store.OpenColumns(sent, sent.Current, ColumnSet.ToText | ColumnSet.CcText | ColumnSet.BccText);
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
