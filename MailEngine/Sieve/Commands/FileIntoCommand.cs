using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;
using MailEngine.Store;

namespace MailEngine.Sieve.Commands;

/// <summary>fileinto [":copy"] [":create"] [":flags" list-of-flags] [":specialuse" attribute / ":mailboxid" identifier] mailbox.
/// RFC 5228 §4.1, RFC 3894 §3, RFC 5490 §3.2, RFC 8579 §4, RFC 9042 §3</summary>
internal sealed class FileIntoCommand(FileTarget target, FlagsTag flags, bool copy) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        bool copy = arguments.Flag("copy", Capability.Copy);
        FlagsTag flags = FlagsTag.Read(arguments);
        return new FileIntoCommand(FileTarget.Read(arguments, () => arguments.String("the mailbox")), flags, copy);
    }

    public override void Run(SieveRun run)
    {
        (string name, string newUse) = target.Get(run);
        run.Store(name, flags.Get(run), target.Create, newUse);
        if (!copy)
            run.CancelImplicitKeep();
    }
}

/// <summary>[":create"] [":specialuse" attribute / ":mailboxid" identifier] mailbox: where a message is to be put.</summary>
internal sealed class FileTarget
{
    /// <summary>Those that a mailbox can be made with. RFC 6154 §2</summary>
    static readonly string[] s_uses = ["\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"];

    readonly string _command;
    readonly ScriptString _mailbox;
    readonly ScriptString? _use;
    readonly ScriptString? _id;

    FileTarget(string command, ScriptString mailbox, bool create, ScriptString? use, ScriptString? id)
    {
        _command = command;
        _mailbox = mailbox;
        Create = create;
        _use = use;
        _id = id;
    }

    /// <summary>RFC 5490 §3.2</summary>
    public bool Create { get; }

    /// <param name="mailbox">Takes the name out, after the tags.</param>
    public static FileTarget Read(Arguments arguments, Func<ScriptString> mailbox)
    {
        bool create = arguments.Flag("create", Capability.Mailbox);
        ScriptString? use = arguments.TaggedString("specialuse", Capability.SpecialUse), id = arguments.TaggedString("mailboxid", Capability.MailboxId);
        if (use is not null && id is not null)
            arguments.Script.Error(id.Offset, ":mailboxid and :specialuse exclude one another.");
        // RFC 8579 §4: use-attr = "\" atom
        if (use?.Constant is { } attribute && (attribute.Length < 2 || attribute[0] != '\\' || !IsAtom(attribute[1..])))
            arguments.Script.Error(use.Offset, "A special use is a word behind a backslash, such as \"\\\\Junk\".");
        ScriptString box = mailbox();
        if (box.Constant is { } name && !MailboxName.TryParse(Octets.ToText(name), out _))
            arguments.Script.Error(box.Offset, "This cannot be the name of a mailbox: levels stand apart by single \"/\", and there are no control characters, \"*\" or \"%\" in it.");
        return new FileTarget(arguments.Name, box, create, use, id);
    }

    static bool IsAtom(string word) => word.All(c => c is > ' ' and < '\x7F' and not ('(' or ')' or '{' or '%' or '*' or '"' or '\\' or ']'));

    /// <returns>NewUse: special use of the mailbox when it is made; empty: none.</returns>
    public (string Name, string NewUse) Get(SieveRun run)
    {
        if (!MailboxName.TryParse(Octets.ToText(_mailbox.Get(run)), out MailboxName name))
            throw new SieveFaultException($"{_command} has a name that no mailbox can have");
        if (_id?.Get(run) is { } wanted)
        {
            run.Charge(run.Mailboxes.Count);
            return (run.Mailboxes.FirstOrDefault(box => box.Id == wanted)?.Name ?? name.Value, "");
        }
        if (_use?.Get(run) is not { Length: > 0 } attribute)
            return (name.Value, "");
        run.Charge(run.Mailboxes.Count);
        return run.Mailboxes.FirstOrDefault(box => box.SpecialUse.Equals(attribute, StringComparison.OrdinalIgnoreCase)) is { } found
            ? (found.Name, "") : (name.Value, Array.Find(s_uses, known => known.Equals(attribute, StringComparison.OrdinalIgnoreCase)) ?? "");
    }
}

/// <summary>[":fcc" mailbox [":create"] [":flags" list-of-flags] [":specialuse" attribute / ":mailboxid" identifier]] of vacation and notify: a copy of
/// what is sent is kept. RFC 8580 §3</summary>
internal sealed class FccTag(FileTarget target, ScriptString[]? flags)
{
    /// <returns>Null: it is not there.</returns>
    public static FccTag? Read(Arguments arguments)
    {
        if (arguments.TaggedString("fcc", Capability.Fcc) is not { } mailbox)
            return null;
        ScriptString[]? flags = arguments.TaggedStrings("flags", Capability.Imap4Flags);
        return new FccTag(FileTarget.Read(arguments, () => mailbox), flags);
    }

    public SieveAction.Store Get(SieveRun run)
    {
        (string name, string newUse) = target.Get(run);
        // Its owner wrote it, or had it written: he need not be told of it. RFC 8580 §3
        IReadOnlyList<string> set = flags is null ? ["\\Seen"] : FlagList.Valid(run, flags);
        return new SieveAction.Store(name, set) { Create = target.Create, NewUse = newUse };
    }
}
