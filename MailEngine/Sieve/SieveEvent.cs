namespace MailEngine.Sieve;

/// <summary>What somebody did over IMAP that a script runs for. Octets. RFC 6785 §4</summary>
/// <param name="User">Log-in name of who did it. RFC 6785 §4.2</param>
/// <param name="Email">His main address.</param>
/// <param name="Cause">RFC 6785 §4.3</param>
/// <param name="Mailbox">Where the message is. RFC 6785 §4.4</param>
/// <param name="ChangedFlags">Apart by spaces; of another cause than <see cref="FlagCause"/> none. RFC 6785 §4.5</param>
/// <param name="Flags">Those of the message as it is now, apart by spaces. RFC 6785 §2.2.3</param>
public sealed record SieveEvent(string User, string Email, string Cause, string Mailbox, string ChangedFlags, string Flags)
{
    public const string AppendCause = "APPEND", CopyCause = "COPY", FlagCause = "FLAG";
}
