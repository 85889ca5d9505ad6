using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>The message for a next hop that takes seven bits only. RFC 6152 §3</summary>
static class SevenBitCopy
{
    /// <summary>RFC 3463 §3.7: X.6.3 is for a conversion that is needed and cannot be made.</summary>
    public static Reply Refusal(string host) =>
        new(554, "5.6.3", $"{host} does not take 8-bit mail, and this message cannot be converted: its header has 8-bit text, or what is 8-bit is signed or encrypted");

    public static bool IsNeeded(OutboundConnection connection, OutboundMessage message) =>
        !connection.Offers("8BITMIME")
        && !message.NeedsUtf8        // its header may have UTF-8; SMTPUTF8 covers the body: RFC 6531 §3.6
        && SevenBitParts.IsNeeded(message.Read, message.Length);

    /// <summary>Makes the copy; null: it cannot be made. A large one is written to disk as it is made, never held in memory.</summary>
    /// <remarks>The message is copied first, because a segment that breaks while it is taken apart must cost this message only.</remarks>
    /// <exception cref="IOException">The message cannot be read, or the disk is full.</exception>
    public static Body? Make(MailStore store, OutboundMessage message)
    {
        using BodyWriter spool = store.NewBody();
        new PartCopy(message.Read, spool.Write).Copy(0, message.Length);
        using Body original = spool.Complete();
        var parts = new List<MimePart>();
        new MimeLayout(original.Summary.Layout).TryRead(parts);
        using BodyWriter to = store.NewBody();
        return SevenBitParts.TryWrite(original.Read, original.Length, parts, store.MimeLimits, to.Write) ? to.Complete() : null;
    }
}
