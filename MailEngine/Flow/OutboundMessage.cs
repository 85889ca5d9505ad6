using MailEngine.Addresses;
using MailEngine.Mime;

namespace MailEngine.Flow;

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
