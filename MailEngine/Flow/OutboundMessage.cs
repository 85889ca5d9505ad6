using MailEngine.Addresses;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>A recipient of a message on its way out.</summary>
sealed record OutboundRecipient(EmailAddress Address, RecipientParameters Parameters);

/// <summary>One message for one next hop.</summary>
/// <param name="ReversePath">Wire text; empty for the null one.</param>
sealed record OutboundMessage(string ReversePath, SenderParameters Parameters, IReadOnlyList<OutboundRecipient> Recipients, MessageReader Body)
{
    public long Length => Body.Length;

    /// <summary>RFC 6531 §3.4</summary>
    public bool NeedsUtf8 { get; } =
        Parameters.Utf8 || !System.Text.Ascii.IsValid(ReversePath) || Recipients.Any(r => r.Address.NeedsUtf8);
}
