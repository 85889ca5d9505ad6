using MailEngine.Accounts;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>The copy that somebody keeps of what was sent in his name. RFC 8580 §3</summary>
static class FiledCopy
{
    /// <returns>Null: none is wanted.</returns>
    public static Deposit? Of(SieveAction.Store? fcc, AccountEntry account, MailStore store, DateTimeOffset now)
    {
        if (fcc is null || !MailboxName.TryParse(fcc.Mailbox, out MailboxName name))
            return null;
        bool isThere = store.Find(account.AccountId, name) is not null;
        return new Deposit
        {
            Owner = new Owner(account.AccountId, account.QuotaBytes),
            Mailbox = isThere || fcc.Create ? name : MailboxName.Inbox,   // as with fileinto: RFC 5228 §4.1
            Create = !isThere && fcc.Create ? fcc.NewUse : null,
            Prefix = ReadOnlyMemory<byte>.Empty,
            InternalDate = now,
            Flags = DeliveryPlan.SystemFlags(fcc.Flags),
            Keywords = [.. fcc.Flags.Where(flag => flag[0] != '\\')],
        };
    }
}
