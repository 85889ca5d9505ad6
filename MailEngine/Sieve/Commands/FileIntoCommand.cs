using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;
using MailEngine.Store;

namespace MailEngine.Sieve.Commands;

/// <summary>fileinto [":copy"] [":create"] [":flags" list-of-flags] mailbox. RFC 5228 §4.1, RFC 3894 §3, RFC 5490 §3.2</summary>
internal sealed class FileIntoCommand(ScriptString mailbox, FlagsTag flags, bool copy, bool create) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        bool copy = arguments.Flag("copy", Capability.Copy), create = arguments.Flag("create", Capability.Mailbox);
        FlagsTag flags = FlagsTag.Read(arguments);
        ScriptString mailbox = arguments.String("the mailbox");
        if (mailbox.Constant is { } name && !MailboxName.TryParse(Octets.ToText(name), out _))
            arguments.Script.Error(mailbox.Offset, "This cannot be the name of a mailbox: levels stand apart by single \"/\", and there are no control characters, \"*\" or \"%\" in it.");
        return new FileIntoCommand(mailbox, flags, copy, create);
    }

    public override void Run(SieveRun run)
    {
        if (!MailboxName.TryParse(Octets.ToText(mailbox.Get(run)), out MailboxName name))
            throw new SieveFaultException("fileinto has a name that no mailbox can have");
        run.Store(name.Value, flags.Get(run), create);
        if (!copy)
            run.CancelImplicitKeep();
    }
}
