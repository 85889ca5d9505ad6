namespace MailEngine.Flow;

/// <summary>The ESMTP parameters that a queue row carries on, in the words of RFC 3461, RFC 6152 and RFC 6531.</summary>
static class QueueParameters
{
    public static string Write(SenderParameters sender, RecipientParameters recipient)
    {
        if (sender == SenderParameters.None && recipient == RecipientParameters.None)
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
            bool ofRecipient = word.StartsWith("NOTIFY=", StringComparison.Ordinal) || word.StartsWith("ORCPT=", StringComparison.Ordinal);
            (ofRecipient ? theirs : mine).Add(word);
        }
        _ = SenderParameters.TryParse(string.Join(' ', mine), out SenderParameters sender);
        _ = RecipientParameters.TryParse(string.Join(' ', theirs), out RecipientParameters recipient);
        return (sender, recipient);
    }
}
