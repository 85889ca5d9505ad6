using System.Text;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>replace [":mime"] [":subject" string] [":from" string] replacement: the part that the loop is at, or the whole message, becomes another one.
/// RFC 5703 §5</summary>
internal sealed class ReplaceCommand(bool isMime, ScriptString? subject, ScriptString? from, ScriptString replacement) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        bool isMime = arguments.Flag("mime");
        ScriptString? subject = arguments.TaggedString("subject"), from = arguments.TaggedString("from");
        if (from?.Constant is { } sender && SieveAddress.ParseList(sender) is null)
            arguments.Script.Error(from.Offset, SieveAddress.NoList);
        return new ReplaceCommand(isMime, subject, from, arguments.String("the replacement"));
    }

    public override void Run(SieveRun run)
    {
        string text = replacement.Get(run);
        run.ChargeFor(text.Length * 8L);
        NewEntity entity = isMime ? NewEntity.OfMime(text, "replace") : NewEntity.OfText(text);
        if (run.Part == 0)
            run.ReplaceWhole(Fields(run), entity);
        else
            run.ReplacePart(entity);
    }

    /// <summary>Header fields of the new message but those that say what it is: the old ones; what :subject and :from replace is kept under another name.</summary>
    List<byte[]> Fields(SieveRun run)
    {
        string? title = subject?.Get(run);
        // An address that is none is passed over. RFC 5703 §5
        IReadOnlyList<NamedAddress>? senders = from is null ? null : SieveAddress.ParseList(from.Get(run));
        var fields = new List<byte[]>();
        if (senders is not null)
            fields.Add(WrittenField.Mailboxes("From", senders));
        if (senders is { Count: > 1 })
            fields.Add(WrittenField.Mailbox("Sender", run.Surroundings.EnvelopeTo));   // RFC 5322 §3.6.2
        if (title is not null)
            fields.Add(WrittenField.Text("Subject", title));
        foreach (HeaderLine line in run.Whole.Lines)
        {
            bool isGone = (senders is not null && Ascii.EqualsIgnoreCase(line.Name, "from"u8)) || (senders is { Count: > 1 } && Ascii.EqualsIgnoreCase(line.Name, "sender"u8)) || (title is not null && Ascii.EqualsIgnoreCase(line.Name, "subject"u8));
            if (isGone)
                fields.Add([.. "Original-"u8, .. line.Raw.Span]);
            else if (!NewEntity.IsContent(line.Name) && !Ascii.EqualsIgnoreCase(line.Name, "mime-version"u8))
                fields.Add(line.Raw.ToArray());
        }
        fields.Add("MIME-Version: 1.0\r\n"u8.ToArray());
        return fields;
    }
}

/// <summary>enclose [":subject" string] [":headers" string-list] text: the message becomes an attachment of a new one. RFC 5703 §6</summary>
internal sealed class EncloseCommand(ScriptString? subject, ScriptString[] headers, ScriptString text) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        ScriptString? subject = arguments.TaggedString("subject");
        ScriptString[] headers = arguments.TaggedStrings("headers") ?? [];
        return new EncloseCommand(subject, headers, arguments.String("the text"));
    }

    public override void Run(SieveRun run)
    {
        string words = text.Get(run);
        run.ChargeFor(words.Length * 8L);
        MessageView message = run.Whole;
        var fields = new List<byte[]>();
        // What says that a machine wrote it goes on saying so, else two machines could answer one another. RFC 3834 §5
        foreach (string name in headers.Select(header => header.Get(run)).Append("Auto-Submitted").Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (name.Length < 8 || !name.StartsWith("content-", StringComparison.OrdinalIgnoreCase))
                fields.AddRange(message.Fields(name).Select(line => line.Raw.ToArray()));
            run.Charge(1);
        }
        bool Has(string name) => headers.Any(header => header.Get(run).Equals(name, StringComparison.OrdinalIgnoreCase)) && message.Fields(name).Length > 0;
        if (!Has("From"))
            fields.Add(WrittenField.Mailbox("From", run.Surroundings.EnvelopeTo));
        if (!Has("Date"))
            fields.Add(WrittenField.Plain("Date", MailDate.Format(run.Surroundings.Now)));
        if (subject is not null)
            fields = [.. fields.Where(field => HeaderFieldReader.Find(field, "Subject"u8).Raw.IsEmpty), WrittenField.Text("Subject", subject.Get(run))];
        else if (!Has("Subject"))
            fields.AddRange(message.Fields("Subject").Select(line => line.Raw.ToArray()));
        if (!Has("Message-ID"))
            fields.Add(WrittenField.Plain("Message-ID", HeaderWriter.NewMessageId(run.Surroundings.Now, run.Surroundings.Environment.Host)));
        if (!Has("MIME-Version"))
            fields.Add(WrittenField.Plain("MIME-Version", "1.0"));
        run.Enclose(fields, NewEntity.OfText(words));
    }
}

/// <summary>Header fields as scripts write them.</summary>
internal static class WrittenField
{
    public static byte[] Plain(string name, string value)
    {
        using var line = new HeaderWriter();
        return line.Field(name, value).Written.ToArray();
    }

    /// <param name="octets">Free text.</param>
    public static byte[] Text(string name, string octets)
    {
        using var line = new HeaderWriter();
        return line.Text(name, string.Concat(Octets.ToText(Octets.Cut(octets, 2000)).Select(c => char.IsControl(c) ? ' ' : c)).Trim()).Written.ToArray();
    }

    public static byte[] Mailboxes(string name, IReadOnlyList<NamedAddress> list)
    {
        using var line = new HeaderWriter();
        return line.Mailboxes(name, [.. list.Select(one => (one.Name, one.Address.ToString()))]).Written.ToArray();
    }

    /// <param name="octets">An address.</param>
    public static byte[] Mailbox(string name, string octets)
    {
        using var line = new HeaderWriter();
        return line.Mailbox(name, "", SieveAddress.Parse(octets)?.ToString() ?? "").Written.ToArray();
    }
}
