using MailEngine.Addresses;

namespace MailEngine.Flow;

/// <summary>A mail transaction under way: from MAIL until the end of data or RSET. RFC 5321 §3.3</summary>
sealed class Transaction(EmailAddress? reversePath, SenderParameters parameters)
{
    /// <summary>Null: the null reverse path.</summary>
    public EmailAddress? ReversePath { get; } = reversePath;

    public SenderParameters Parameters { get; } = parameters;

    public List<EnvelopeRecipient> Recipients { get; } = [];
}
