using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>address [":mime"] [":anychild"] [COMPARATOR] [ADDRESS-PART] [MATCH-TYPE] header-list key-list. RFC 5228 §5.1, RFC 5703 §5</summary>
internal sealed class AddressTest(FieldNames names, MimeScope scope, FieldIndex index, AddressPart part, Matcher matcher) : SieveTest
{
    /// <summary>Fields that hold addresses; others never match, as RFC 5228 §5.1 asks.</summary>
    static readonly HashSet<string> s_addressFields = new(StringComparer.OrdinalIgnoreCase)
    {
        "From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Resent-From", "Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-Sender", "Resent-Reply-To",
        "Return-Path", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Envelope-From", "Envelope-From", "X-Delivered-To",
        "Disposition-Notification-To", "Return-Receipt-To", "Errors-To", "Mail-Followup-To", "Mail-Reply-To", "Approved", "Apparently-To", "X-Beenthere",
        "Abuse-Reports-To", "X-Admin", "X-Report-Abuse-To", "Author", "Original-From", "Original-Recipient", "X-Forwarded-To", "X-Forwarded-For",
    };

    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        AddressPart part = AddressTags.Read(arguments);
        FieldIndex index = FieldIndex.Read(arguments);
        var scope = MimeScope.Read(arguments);
        ScriptString[] names = arguments.Strings("the list of header fields");
        foreach (ScriptString name in names)
        {
            if (name.Constant is not { } constant || s_addressFields.Contains(constant))
                continue;
            if (!HeaderLine.IsName(constant))
                arguments.Script.Errors.Warn(name.Offset, "No header field can have this name, so it never matches.");   // no error: RFC 5228 §2.4.2.2
            else
                arguments.Script.Error(name.Offset, "This header field holds no addresses that are known here: the test \"header\" looks at any field.");
        }
        return new AddressTest(new FieldNames(names), scope, index, part, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        string[] fields = names.Get(run);
        Key[] keys = matcher.IsCount ? [] : matcher.Keys(run);
        int count = 0;
        foreach (HeaderLine line in index.Fields(run, scope, fields))
        {
            if (!s_addressFields.Contains(Octets.Of(line.Name)))
                continue;
            foreach (HeaderAddress address in line.Addresses)
            {
                count++;
                if (keys.Length > 0 && address.Part(part, run.Surroundings.SubaddressSeparator) is { } value && matcher.Matches(run, keys, value))
                    return true;
            }
        }
        return matcher.IsCount && matcher.MatchesCount(run, count);
    }
}
