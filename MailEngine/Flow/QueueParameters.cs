using System.Net;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>What a queue row carries on beside its addresses: the ESMTP parameters, in the words of RFC 3461, RFC 6152 and RFC 6531, and in words of our
/// own where the message came from.</summary>
static class QueueParameters
{
    const string Client = "CLIENT=", ClientName = "HELO=", Digest = "SHA256=", Unknown = "unknown";

    /// <param name="origin">Of mail from outside; null: its sender is known.</param>
    public static string Write(SenderParameters sender, RecipientParameters recipient, Origin? origin = null)
    {
        if (sender == SenderParameters.None && recipient == RecipientParameters.None && origin is null)
            return "";
        var words = new List<string>();
        if (sender.EightBit)
            words.Add("BODY=8BITMIME");
        if (sender.Utf8)
            words.Add("SMTPUTF8");
        if (sender.Return.Length > 0)
            words.Add("RET=" + sender.Return);
        if (sender.EnvelopeId.Length > 0)
            words.Add("ENVID=" + sender.EnvelopeId);
        if (recipient.ToString() is { Length: > 0 } wishes)
            words.Add(wishes);
        if (origin is not null)
        {
            words.Add(Client + (origin.Client?.ToString() ?? Unknown));
            words.Add(ClientName + Uri.EscapeDataString(origin.Name));
        }
        return string.Join(' ', words);
    }

    /// <summary>Reads what <see cref="Write"/> wrote; words that are not known are left out.</summary>
    public static (SenderParameters Sender, RecipientParameters Recipient) Read(string text)
    {
        if (text.Length == 0)
            return (SenderParameters.None, RecipientParameters.None);
        var mine = new List<string>();
        var theirs = new List<string>();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.StartsWith(Client, StringComparison.Ordinal) || word.StartsWith(ClientName, StringComparison.Ordinal) || word.StartsWith(Digest, StringComparison.Ordinal))
                continue;
            bool ofRecipient = word.StartsWith("NOTIFY=", StringComparison.Ordinal) || word.StartsWith("ORCPT=", StringComparison.Ordinal);
            (ofRecipient ? theirs : mine).Add(word);
        }
        _ = SenderParameters.TryParse(string.Join(' ', mine), out SenderParameters sender);
        _ = RecipientParameters.TryParse(string.Join(' ', theirs), out RecipientParameters recipient);
        return (sender, recipient);
    }

    /// <summary>Where the message of the row came from; null: its sender is known.</summary>
    public static Origin? ReadOrigin(QueueEntry row)
    {
        IPAddress? client = null;
        string? name = null;
        foreach (string word in row.Parameters.Split(' '))
        {
            if (word.StartsWith(Client, StringComparison.Ordinal))
                _ = IPAddress.TryParse(word.AsSpan(Client.Length), out client);
            else if (word.StartsWith(ClientName, StringComparison.Ordinal))
                name = Uri.UnescapeDataString(word[ClientName.Length..]);
        }
        return name is null ? null : new Origin(client, name) { At = row.QueuedAt };
    }

    /// <summary>Adds what the client sent, so that a copy which others have of it is known for the same.</summary>
    public static string WithFingerprint(string parameters, byte[] fingerprint) => $"{parameters} {Digest}{Convert.ToHexString(fingerprint)}".TrimStart();

    /// <summary>Null: the row has none.</summary>
    public static byte[]? ReadFingerprint(string parameters)
    {
        foreach (string word in parameters.Split(' '))
        {
            if (word.StartsWith(Digest, StringComparison.Ordinal) && word.Length == Digest.Length + 64)
                return Convert.FromHexString(word.AsSpan(Digest.Length));
        }
        return null;
    }
}
