using MailEngine.Addresses;
using MailEngine.Mime;

namespace MailEngine.Flow;

/// <summary>The octets of a queued message are lost: trouble of this message, and of no host (fault case C13).</summary>
sealed class UnreadableMessageException(IOException fault) : Exception(fault.Message, fault)
{
    /// <summary>A reader whose faults cannot be taken for those of a connection.</summary>
    public static OctetReader Wrap(OctetReader read) => (offset, to) =>
    {
        try
        {
            return read(offset, to);
        }
        catch (IOException e)
        {
            throw new UnreadableMessageException(e);
        }
    };
}

/// <summary>A recipient of a message on its way out.</summary>
sealed record OutboundRecipient(EmailAddress Address, RecipientParameters Parameters);

/// <summary>One message for one next hop.</summary>
/// <param name="ReversePath">Wire text; empty for the null one.</param>
/// <param name="Length">Octets.</param>
/// <param name="Read">Reads its octets from an offset on.</param>
sealed record OutboundMessage(
    string ReversePath, SenderParameters Parameters, IReadOnlyList<OutboundRecipient> Recipients, long Length, OctetReader Read)
{
    /// <summary>RFC 6531 §3.4</summary>
    public bool NeedsUtf8 { get; } =
        Parameters.Utf8 || !System.Text.Ascii.IsValid(ReversePath) || Recipients.Any(r => r.Address.NeedsUtf8);
}
