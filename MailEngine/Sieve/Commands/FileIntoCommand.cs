using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;
using MailEngine.Store;

namespace MailEngine.Sieve.Commands;

/// <summary>fileinto [":copy"] [":create"] [":flags" list-of-flags] [":specialuse" attribute / ":mailboxid" identifier] mailbox.
/// RFC 5228 §4.1, RFC 3894 §3, RFC 5490 §3.2, RFC 8579 §4, RFC 9042 §3</summary>
internal sealed class FileIntoCommand(ScriptString mailbox, FlagsTag flags, bool copy, bool create, ScriptString? use, ScriptString? id) : SieveCommand
{
    /// <summary>Those that a mailbox can be made with. RFC 6154 §2</summary>
    static readonly string[] s_uses = ["\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"];

    public static SieveCommand Parse(Arguments arguments)
    {
        bool copy = arguments.Flag("copy", Capability.Copy), create = arguments.Flag("create", Capability.Mailbox);
        FlagsTag flags = FlagsTag.Read(arguments);
        ScriptString? use = arguments.TaggedString("specialuse", Capability.SpecialUse), id = arguments.TaggedString("mailboxid", Capability.MailboxId);
        if (use is not null && id is not null)
            arguments.Script.Error(id.Offset, ":mailboxid and :specialuse exclude one another.");
        // RFC 8579 §4: use-attr = "\" atom
        if (use?.Constant is { } attribute && (attribute.Length < 2 || attribute[0] != '\\' || !IsAtom(attribute[1..])))
            arguments.Script.Error(use.Offset, "A special use is a word behind a backslash, such as \"\\\\Junk\".");
        ScriptString mailbox = arguments.String("the mailbox");
        if (mailbox.Constant is { } name && !MailboxName.TryParse(Octets.ToText(name), out _))
            arguments.Script.Error(mailbox.Offset, "This cannot be the name of a mailbox: levels stand apart by single \"/\", and there are no control characters, \"*\" or \"%\" in it.");
        return new FileIntoCommand(mailbox, flags, copy, create, use, id);
    }

    static bool IsAtom(string word) => word.All(c => c is > ' ' and < '\x7F' and not ('(' or ')' or '{' or '%' or '*' or '"' or '\\' or ']'));

    public override void Run(SieveRun run)
    {
        if (!MailboxName.TryParse(Octets.ToText(mailbox.Get(run)), out MailboxName name))
            throw new SieveFaultException("fileinto has a name that no mailbox can have");
        string target = name.Value, newUse = "";
        if (id?.Get(run) is { } wanted)
        {
            run.Charge(run.Mailboxes.Count);
            target = run.Mailboxes.FirstOrDefault(box => box.Id == wanted)?.Name ?? target;
        }
        else if (use?.Get(run) is { Length: > 0 } attribute)
        {
            run.Charge(run.Mailboxes.Count);
            if (run.Mailboxes.FirstOrDefault(box => box.SpecialUse.Equals(attribute, StringComparison.OrdinalIgnoreCase)) is { } box)
                target = box.Name;
            else
                newUse = Array.Find(s_uses, known => known.Equals(attribute, StringComparison.OrdinalIgnoreCase)) ?? "";
        }
        run.Store(target, flags.Get(run), create, newUse);
        if (!copy)
            run.CancelImplicitKeep();
    }
}
