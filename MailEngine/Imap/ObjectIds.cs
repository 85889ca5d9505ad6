using System.Security.Cryptography;
using System.Text;
using MailEngine.Store;

namespace MailEngine.Imap;

/// <summary>Object identifiers as the client sees them, one letter before each kind. RFC 8474 §8.1</summary>
internal static class ObjectIds
{
    /// <summary>Stays with a mailbox through renames. RFC 8474 §4</summary>
    public static string Mailbox(long accountId, uint uidValidity) => MailboxIds.Of(accountId, uidValidity);

    /// <summary>RFC 8474 §5.1</summary>
    /// <param name="stored">What a copy has in its row; empty: the message is where it was first put.</param>
    public static string Email(ReadOnlySpan<byte> stored, Mailbox box, uint uid) =>
        "M" + (stored.IsEmpty ? EmailId.Of(box.AccountId, box.Current.UidValidity, uid) : Encoding.ASCII.GetString(stored));

    /// <summary>The same for all messages that go back to one, in whatever mailbox: a digest of the Message-ID that a thread starts
    /// with. RFC 8474 §5.2</summary>
    /// <returns>Null: the message neither names another one nor has a name.</returns>
    public static string? Thread(ReadOnlySpan<byte> root)
    {
        if (root.IsEmpty)
            return null;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(root, digest);
        return "T" + Convert.ToHexStringLower(digest[..16]);
    }
}
