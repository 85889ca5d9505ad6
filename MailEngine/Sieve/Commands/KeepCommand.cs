using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>[":flags" list-of-flags] of keep and fileinto; without it the internal variable counts. RFC 5232 §5</summary>
internal sealed class FlagsTag(ScriptString[]? flags)
{
    public static FlagsTag Read(Arguments arguments) => new(arguments.TaggedStrings("flags", Capability.Imap4Flags));

    public List<string> Get(SieveRun run) => flags is null ? FlagList.Valid(run.Flags) : FlagList.Valid(run, flags);
}

/// <summary>keep [":flags" list-of-flags]. RFC 5228 §4.3, RFC 5232 §5</summary>
internal sealed class KeepCommand(FlagsTag flags) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments) => new KeepCommand(FlagsTag.Read(arguments));

    public override void Run(SieveRun run) => run.Keep(flags.Get(run));
}

/// <summary>discard: nothing is kept, unless something else keeps it. RFC 5228 §4.4</summary>
internal sealed class DiscardCommand : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments) => new DiscardCommand();

    public override void Run(SieveRun run) => run.CancelImplicitKeep();
}
