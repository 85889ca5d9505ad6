using System.Net;
using MailEngine.Addresses;
using MailEngine.Net;

namespace MailEngine.Flow;

/// <summary>How a message came in: the "with" word of its Received field. RFC 5321 §4.4, RFC 3848 §1</summary>
public enum TransmissionType { Smtp, Esmtp, Esmtps, Esmtpa, Esmtpsa, Lmtp, Lmtps, Internal, FromQueue }

/// <summary>One recipient as the client named it, with its wishes and where it leads.</summary>
public sealed class EnvelopeRecipient(EmailAddress address, IReadOnlyList<Route> routes)
{
    public EmailAddress Address { get; } = address;

    /// <summary>Deposits and relays, aliases already expanded; and targets of an alias that are refused for good.</summary>
    public IReadOnlyList<Route> Routes { get; } = routes;

    /// <summary>NOTIFY and ORCPT of the RCPT command. RFC 3461 §4</summary>
    public RecipientParameters Parameters { get; init; } = RecipientParameters.None;
}

/// <summary>A client that nobody vouches for: it did not log in. Its sender can be anybody.</summary>
/// <param name="Client">Null: not known (LMTP), or what it brought was changed since.</param>
/// <param name="Name">As it gave it (HELO).</param>
public sealed record Origin(IPAddress? Client, string Name)
{
    /// <summary>When the message came; null: now.</summary>
    public DateTimeOffset? At { get; init; }
}

/// <summary>What the client said about a message before its data, and what we know of the client.</summary>
public sealed class Envelope
{
    /// <summary>See <see cref="Flow.MessageKey"/>.</summary>
    public required string MessageKey { get; init; }

    /// <summary>MAIL FROM; null for the null reverse path (<c>&lt;&gt;</c>). RFC 5321 §4.5.5</summary>
    public EmailAddress? ReversePath { get; init; }

    public SenderParameters Parameters { get; init; } = SenderParameters.None;

    public List<EnvelopeRecipient> Recipients { get; } = [];

    /// <summary>Who logged in; 0: nobody.</summary>
    public long AccountId { get; init; }

    public TransmissionType With { get; init; }

    /// <summary>The name given in HELO, EHLO or LHLO, cleaned.</summary>
    public string ClientName { get; init; } = "";

    /// <summary>Null: a unix socket, or made here.</summary>
    public IPAddress? ClientAddress { get; init; }

    public TlsFacts? Tls { get; init; }

    /// <summary>Where mail from outside came from, also when it waited in the queue meanwhile; null: it was made or submitted here.</summary>
    public Origin? Origin
    {
        get => field ?? (AccountId != 0 ? null : With switch
        {
            TransmissionType.Smtp or TransmissionType.Esmtp or TransmissionType.Esmtps => new Origin(ClientAddress, ClientName),
            TransmissionType.Lmtp or TransmissionType.Lmtps => new Origin(null, ""),   // its client is the server in front
            _ => null,
        });
        init;
    }

    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Reverse path as wire text; empty for the null one.</summary>
    public string ReversePathText => ReversePath?.ToString() ?? "";

    /// <summary>Client for people: an address, "unix" or "local".</summary>
    public string Peer => ClientAddress?.ToString() ?? (With is TransmissionType.Internal or TransmissionType.FromQueue ? "local" : "unix");
}
