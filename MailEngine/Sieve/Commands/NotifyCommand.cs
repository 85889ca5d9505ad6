using MailEngine.Addresses;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>notify [":from" string] [":importance" "1" / "2" / "3"] [":options" string-list] [":message" string] [FCC] method. RFC 5435 §3, RFC 8580 §3</summary>
internal sealed class NotifyCommand(ScriptString? from, int importance, ScriptString? message, FccTag? fcc, ScriptString method) : SieveCommand
{
    const int MostSubject = 1000;

    public static SieveCommand Parse(Arguments arguments)
    {
        ScriptString? from = arguments.TaggedString("from"), importance = arguments.TaggedString("importance"), message = arguments.TaggedString("message");
        int number = importance is null ? 2 : importance.Constant switch { "1" => 1, "2" => 2, "3" => 3, _ => 0 };
        if (number == 0)
            arguments.Script.Error(importance!.Offset, "After :importance \"1\" (high), \"2\" or \"3\" (low) must stand.");
        foreach (ScriptString option in arguments.TaggedStrings("options") ?? [])
        {
            // Mailto has none: RFC 5436 §2.5
            if (option.Constant is { } pair && pair.IndexOf('=', StringComparison.Ordinal) < 1)
                arguments.Script.Error(option.Offset, "An option has the form \"name=value\".");
        }
        if (from?.Constant is { } sender && SieveAddress.Parse(sender) is null)
            arguments.Script.Error(from.Offset, "After :from one mail address must stand, such as Jo <jo@example.org>.");
        var fcc = FccTag.Read(arguments);
        ScriptString method = arguments.String("the method");
        if (method.Constant is { } uri && NotifyMethod.Parse(uri) is null)
            arguments.Script.Errors.Warn(method.Offset, "This is no method that is known here, so it is an error when it is reached: \"mailto:\" and addresses are.");
        return new NotifyCommand(from, number, message, fcc, method);
    }

    public override void Run(SieveRun run)
    {
        run.Charge(20);
        if (NotifyMethod.Parse(method.Get(run)) is not { } target)
            throw new SieveFaultException("notify has a method that is not known here, or is written wrongly");   // RFC 5435 §3.2
        if (run.IsAutomatic)
            return;   // RFC 5436 §2.7
        EmailAddress? sender = from is null ? null : SieveAddress.Parse(from.Get(run));
        run.Notify(new SieveAction.Notify(target, sender, message is null ? target.Subject : Octets.ToText(Octets.Cut(message.Get(run), MostSubject)), importance) { Fcc = fcc?.Get(run) });
    }
}

/// <summary>valid_notify_method notification-uris. RFC 5435 §4</summary>
internal sealed class ValidNotifyMethodTest(ScriptString[] uris) : SieveTest
{
    public static SieveTest Parse(Arguments arguments) => new ValidNotifyMethodTest(arguments.Strings("the list of methods"));

    public override bool Evaluate(SieveRun run)
    {
        run.Charge(uris.Length * 10);
        return Array.TrueForAll(uris, uri => NotifyMethod.Parse(uri.Get(run)) is not null);
    }
}

/// <summary>notify_method_capability [COMPARATOR] [MATCH-TYPE] notification-uri notification-capability key-list. RFC 5435 §5</summary>
internal sealed class NotifyMethodCapabilityTest(ScriptString uri, ScriptString capability, Matcher matcher) : SieveTest
{
    static readonly MatchValue s_maybe = new("maybe");   // nobody knows who reads his mail: RFC 5436 §2.2

    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        ScriptString uri = arguments.String("the method"), capability = arguments.String("the name of what is asked");
        return new NotifyMethodCapabilityTest(uri, capability, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        if (NotifyMethod.Parse(uri.Get(run)) is null || Octets.ToLower(capability.Get(run)) != "online")
            return false;
        return matcher.IsCount ? matcher.MatchesCount(run, 1) : matcher.Matches(run, matcher.Keys(run), s_maybe);
    }
}

/// <summary>Reads the one kind of methods that there is: mailto URIs. RFC 5436 §2.1</summary>
internal static class NotifyMethod
{
    const int MostOctets = 4000, MostAddresses = 10, MostFields = 20;

    /// <summary>Nobody writes these into a notification from a URI. RFC 5436 §2.7; the last ones would change what its text is.</summary>
    static readonly string[] s_unsafe =
        ["from", "sender", "auto-submitted", "received", "message-id", "date", "return-path", "bcc", "to", "cc", "subject", "references", "in-reply-to", "mime-version",
            "content-type", "content-transfer-encoding", "content-disposition", "dkim-signature", "authentication-results", "x-sieve-redirected-from"];

    /// <returns>Null: it is another method, or written wrongly.</returns>
    public static NotifyTarget? Parse(string uri)
    {
        if (uri.Length > MostOctets || !uri.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase) || uri.Any(c => c is <= ' ' or >= '\x7F'))
            return null;
        int question = uri.IndexOf('?', StringComparison.Ordinal);
        var (to, copies) = (new List<EmailAddress>(), new List<EmailAddress>());
        var fields = new List<(string, string)>();
        string? subject = null;
        string text = "";
        if (!AddAll(question < 0 ? uri[7..] : uri[7..question], to))
            return null;
        foreach (string header in question < 0 ? [] : uri[(question + 1)..].Split('&'))
        {
            int equals = header.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || Decode(header[..equals]) is not { } name || Decode(header[(equals + 1)..]) is not { } value)
                return null;
            name = Octets.ToLower(name);
            switch (name)
            {
                case "to" or "cc":
                    if (!AddAll(header[(equals + 1)..], name == "to" ? to : copies))
                        return null;
                    break;
                case "subject":
                    subject = Octets.ToText(value);
                    break;
                case "body":
                    text = Octets.ToText(value);
                    break;
                default:
                    if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
                        return null;
                    if (!s_unsafe.Contains(name) && !name.StartsWith("resent-", StringComparison.Ordinal))
                        fields.Add((char.ToUpperInvariant(name[0]) + name[1..], Octets.ToText(value)));
                    break;
            }
        }
        return to.Count + copies.Count is 0 or > MostAddresses || fields.Count > MostFields ? null : new NotifyTarget(to, copies, subject, text, fields);
    }

    static bool AddAll(string list, List<EmailAddress> to)
    {
        foreach (string part in list.Length == 0 ? [] : list.Split(','))
        {
            if (Decode(part) is not { } octets || SieveAddress.Parse(octets) is not { } address)
                return false;
            if (!to.Contains(address))
                to.Add(address);
        }
        return true;
    }

    /// <returns>Null: a "%" without two digits behind it.</returns>
    static string? Decode(string text)
    {
        if (!text.Contains('%', StringComparison.Ordinal))
            return text;
        var octets = new System.Text.StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
                octets.Append(text[i]);
            else if (i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
                octets.Append((char)Convert.FromHexString(text.AsSpan(i + 1, 2))[0]);
            else
                return null;
            i += text[i] == '%' ? 2 : 0;
        }
        return octets.ToString();
    }
}
