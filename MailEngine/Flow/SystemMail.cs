using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Net;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>A message of the server itself to one person.</summary>
/// <param name="Text">Lines as they are to be read.</param>
public sealed record SystemMessage(string To, string Subject, string Text);

/// <summary>Sends what the server itself has to tell somebody: links for passwords. Through the same queue as all other mail.</summary>
/// <remarks>Like a report it carries the null reverse path, so nobody is told when it cannot be delivered, and nothing answers it:
/// RFC 5321 §4.5.5, RFC 3834 §2.</remarks>
public sealed class SystemMail(Router router, Delivery delivery, MailStore store, ServerName server, TimeProvider clock)
{
    /// <returns>False: it is no address, leads nowhere, or cannot be kept now.</returns>
    public async Task<bool> SendAsync(SystemMessage message, CancellationToken ct = default)
    {
        if (!EmailAddress.TryParse(message.To, out EmailAddress to))
            return false;
        IReadOnlyList<Route> routes = await router.PlanAsync(to, mayRelay: true, ct);
        if (routes is [Route.Reject])
            return false;
        DateTimeOffset now = clock.GetUtcNow();
        var envelope = new Envelope { MessageKey = MessageKey.Next(now), With = TransmissionType.Internal, ReceivedAt = now };
        envelope.Recipients.Add(new EnvelopeRecipient(to, routes) { Parameters = new RecipientParameters(DsnNotify.Never, "") });
        EmailAddress postmaster = await router.PostmasterAsync(server.Name, ct);
        using Body body = Write(message, to, postmaster.IsEmpty ? $"postmaster@{server.Name}" : postmaster.ToString(), envelope.MessageKey, now);
        Reply[] replies = await delivery.AcceptAsync(envelope, body, body.Sha256, queueFaults: true, ct);
        return replies[0].IsPositive;
    }

    Body Write(SystemMessage message, EmailAddress to, string from, string key, DateTimeOffset now)
    {
        using BodyWriter body = store.NewBody();
        using var header = new HeaderWriter();
        header.Field("From", $"<{from}>")
            .Field("To", $"<{to}>")
            .Text("Subject", message.Subject)
            .Date("Date", now)
            .Field("Message-ID", $"<{key}@{server.Name}>")
            .Field("Auto-Submitted", "auto-generated")   // RFC 3834 §5
            .Field("MIME-Version", "1.0");
        PlainText.Write(body, header, message.Text);
        return body.Complete();
    }
}
