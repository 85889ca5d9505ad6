using System.Security.Cryptography;

namespace MailEngine.Store.Changes;

/// <summary>GENURLAUTH: gives a mailbox the key that its authorized URLs are made with, where it has none. RFC 4467 §2.2</summary>
internal sealed class UrlKeyChange(long mailboxId) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    // 128 bits at least: RFC 4467 §2.2.
    const int KeyBytes = 32;

    public override void Prepare(CommitBatch batch)
    {
        if (batch.Mailbox(mailboxId) is not { } box)
        {
            Result = StoreError.NoSuchMailbox;
            return;
        }
        Result = StoreError.None;
        long accountId = box.Mailbox.AccountId;
        string key = Convert.ToHexString(RandomNumberGenerator.GetBytes(KeyBytes));
        // Whoever was first in this batch or before it keeps his: URLs are out that were made with it.
        batch.Row(index => index.Run("INSERT OR IGNORE INTO url_key(mailbox, account, key) VALUES(?1,?2,?3)", mailboxId, accountId, key));
    }
}

/// <summary>RESETKEY: all URLs of a mailbox, or of an account's mailboxes, are worth nothing from now on. RFC 4467 §7</summary>
/// <param name="mailboxId">Null: all of the account.</param>
internal sealed class ResetUrlKeysChange(long accountId, long? mailboxId) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Row(index =>
        {
            if (mailboxId is { } id)
                index.Run("DELETE FROM url_key WHERE mailbox=?1", id);
            else
                index.Run("DELETE FROM url_key WHERE account=?1", accountId);
        });
    }
}
