using System.Globalization;

namespace MailEngine.Store;

/// <summary>Object identifiers of mailboxes, as clients and scripts see them. RFC 8474 §4</summary>
internal static class MailboxIds
{
    /// <summary>Stays with a mailbox through renames.</summary>
    public static string Of(long accountId, uint uidValidity) => string.Create(CultureInfo.InvariantCulture, $"F{accountId:x}-{uidValidity:x}");
}
