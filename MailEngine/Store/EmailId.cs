using System.Globalization;

namespace MailEngine.Store;

/// <summary>Names the content of a message: where it was first put. Copies keep it. RFC 8474 §5.1</summary>
/// <remarks>Account, UIDVALIDITY and UID together are never given twice (S3), whatever partition the account is in. A copy has it in its
/// row (message.email_id); a message without one there is its own first place.</remarks>
internal static class EmailId
{
    public static string Of(long accountId, uint uidValidity, uint uid) =>
        string.Create(CultureInfo.InvariantCulture, $"{accountId:x}-{uidValidity:x}-{uid:x}");
}
