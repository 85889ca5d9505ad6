namespace MailEngine.Store;

/// <summary>A message in a short list.</summary>
/// <param name="From">Decoded; empty: none, or its bytes cannot be read.</param>
/// <param name="ReversePath">As the delivery wrote it down, without brackets; empty: the null reverse path, or not known.</param>
/// <param name="DeliveredTo">Likewise; empty: not known.</param>
public sealed record MessageHead(uint Uid, DateTimeOffset ReceivedAt, long Bytes, string From, string Subject, string ReversePath, string DeliveredTo);

/// <summary>The last messages of a mailbox, for whom it belongs to.</summary>
public static class NewestMail
{
    const int HeaderBytes = 32 << 10;

    /// <summary>The newest first.</summary>
    public static IReadOnlyList<MessageHead> List(MailStore store, Mailbox box, int most)
    {
        MailboxSnapshot snapshot = box.Current;
        var heads = new List<MessageHead>(most);
        for (int i = snapshot.Count - 1; i >= 0 && heads.Count < most; i--)
        {
            MessageEntry entry = snapshot[i];
            byte[] header = [];
            int prefix = 0;
            try
            {
                using MessageReader reader = store.OpenMessage(snapshot, entry);
                header = new byte[Math.Min(reader.Length, reader.PrefixLength + HeaderBytes)];
                prefix = Math.Min(reader.PrefixLength, header.Length);
                reader.Read(0, header);
            }
            catch (IOException)
            {
                // The segment is lost; the row can be listed all the same (S5).
            }
            ReadOnlySpan<byte> own = header.AsSpan(0, prefix), message = header.AsSpan(prefix);
            heads.Add(new MessageHead(entry.Uid, DateTimeOffset.FromUnixTimeSeconds(entry.InternalDate), entry.Size, HeaderText.Of(message, "From"u8), HeaderText.Of(message, "Subject"u8),
                HeaderText.Of(own, "Return-Path"u8).Trim('<', '>'), HeaderText.Of(own, "Delivered-To"u8)));
        }
        return heads;
    }

    /// <summary>A message as it came in; null: it is not there any more, or has more octets than wanted.</summary>
    /// <exception cref="IOException">Its bytes cannot be read now.</exception>
    public static byte[]? Read(MailStore store, Mailbox box, uint uid, long most)
    {
        MailboxSnapshot snapshot = box.Current;
        int index = snapshot.LowerBound(uid);
        if (index >= snapshot.Count || snapshot[index].Uid != uid)
            return null;
        using MessageReader reader = store.OpenMessage(snapshot, snapshot[index]);
        if (reader.Length > most)
            return null;
        var message = new byte[reader.Length - reader.PrefixLength];
        return reader.Read(reader.PrefixLength, message) == message.Length ? message : throw new IOException("the message ended before its length");
    }
}
