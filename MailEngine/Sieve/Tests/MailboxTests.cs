using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>mailboxexists mailbox-names: all of them are there, and mail can be put into them. RFC 5490 §3.1</summary>
internal sealed class MailboxExistsTest(ScriptString[] names) : SieveTest
{
    public static SieveTest Parse(Arguments arguments) => new MailboxExistsTest(arguments.Strings("the list of mailboxes"));

    public override bool Evaluate(SieveRun run)
    {
        foreach (ScriptString name in names)
        {
            run.Charge(20);   // a look-up in the index
            if (!run.Surroundings.MailboxExists(Octets.ToText(name.Get(run))))
                return false;
        }
        return true;
    }
}

/// <summary>specialuse_exists [mailbox] special-use-attrs: a mailbox has each of them; or the one named has all. RFC 8579 §3</summary>
internal sealed class SpecialUseExistsTest(ScriptString? mailbox, ScriptString[] uses) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        ScriptString? mailbox = arguments.Left > 1 ? arguments.String("the mailbox") : null;
        return new SpecialUseExistsTest(mailbox, arguments.Strings("the list of special uses"));
    }

    public override bool Evaluate(SieveRun run)
    {
        string? name = mailbox is null ? null : Octets.ToText(mailbox.Get(run));
        foreach (ScriptString use in uses)
        {
            run.Charge(1 + run.Mailboxes.Count);
            string wanted = use.Get(run);
            if (wanted.Length == 0 || !run.Mailboxes.Any(box => box.SpecialUse.Equals(wanted, StringComparison.OrdinalIgnoreCase) && (name is null || IsMailbox(box, name))))
                return false;
        }
        return true;
    }

    static bool IsMailbox(SieveMailbox box, string name) =>
        box.Name == name || (box.Name == SieveAction.Store.Inbox && name.Equals(SieveAction.Store.Inbox, StringComparison.OrdinalIgnoreCase));
}

/// <summary>mailboxidexists mailbox-objectids: mail can be put into the mailboxes of all these identifiers. RFC 9042 §4</summary>
internal sealed class MailboxIdExistsTest(ScriptString[] ids) : SieveTest
{
    public static SieveTest Parse(Arguments arguments) => new MailboxIdExistsTest(arguments.Strings("the list of identifiers"));

    public override bool Evaluate(SieveRun run)
    {
        foreach (ScriptString id in ids)
        {
            run.Charge(1 + run.Mailboxes.Count);
            string wanted = id.Get(run);
            if (!run.Mailboxes.Any(box => box.Id == wanted))
                return false;
        }
        return true;
    }
}

/// <summary>metadata [MATCH-TYPE] [COMPARATOR] mailbox annotation-name key-list, and servermetadata without the mailbox. RFC 5490 §3.3, RFC 5490 §4.1</summary>
internal sealed class MetadataTest(ScriptString? mailbox, ScriptString name, Matcher matcher) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        Matcher.Spec match = Matcher.ReadTags(arguments);
        ScriptString? mailbox = arguments.Name == "metadata" ? arguments.String("the mailbox") : null;
        ScriptString name = arguments.String("the name of the annotation");
        return new MetadataTest(mailbox, name, Matcher.Of(match, arguments.Strings("the list of keys"), arguments.Script));
    }

    public override bool Evaluate(SieveRun run)
    {
        run.Charge(20);   // a look-up in the index
        if (run.Surroundings.Annotation(mailbox is null ? null : Octets.ToText(mailbox.Get(run)), Octets.ToText(name.Get(run))) is not { } value)
            return matcher.IsCount && matcher.MatchesCount(run, 0);
        return matcher.IsCount ? matcher.MatchesCount(run, 1) : matcher.Matches(run, matcher.Keys(run), new MatchValue(value));
    }
}

/// <summary>metadataexists mailbox annotation-names, and servermetadataexists without the mailbox: all of them have a value. RFC 5490 §3.4, RFC 5490 §4.2</summary>
internal sealed class MetadataExistsTest(ScriptString? mailbox, ScriptString[] names) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        ScriptString? mailbox = arguments.Name == "metadataexists" ? arguments.String("the mailbox") : null;
        return new MetadataExistsTest(mailbox, arguments.Strings("the list of annotations"));
    }

    public override bool Evaluate(SieveRun run)
    {
        foreach (ScriptString name in names)
        {
            run.Charge(20);   // a look-up in the index
            if (run.Surroundings.Annotation(mailbox is null ? null : Octets.ToText(mailbox.Get(run)), Octets.ToText(name.Get(run))) is null)
                return false;
        }
        return true;
    }
}
