using MailEngine.Addresses;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>redirect [":copy"] [":list"] [":notify" value] [":ret" "FULL" / "HDRS"] address. RFC 5228 §4.2, RFC 3894 §3, RFC 6009 §4, RFC 6134 §2.3</summary>
internal sealed class RedirectCommand(ScriptString address, bool isList, bool copy, ScriptString? notify, ScriptString? back) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        bool copy = arguments.Flag("copy", Capability.Copy);
        bool isList = arguments.Flag("list", Capability.ExtLists);
        ScriptString? notify = arguments.TaggedString("notify", Capability.RedirectDsn), back = arguments.TaggedString("ret", Capability.RedirectDsn);
        if (notify?.Constant is { } when && NotifyOf(when) is null)
            arguments.Script.Error(notify.Offset, "After :notify \"NEVER\" must stand, or of \"SUCCESS\", \"FAILURE\" and \"DELAY\" those that are wanted, apart by commas.");
        if (back?.Constant is { } what && ReturnOf(what) is null)
            arguments.Script.Error(back.Offset, "After :ret \"FULL\" or \"HDRS\" must stand.");
        ScriptString address = arguments.String(isList ? "the name of the list" : "the address");
        if (isList)
            arguments.Script.NamesList(address);
        else if (address.Constant is { } constant && SieveAddress.Parse(constant) is null)
            arguments.Script.Error(address.Offset, "This is no mail address such as jo@example.org.");
        return new RedirectCommand(address, isList, copy, notify, back);
    }

    public override void Run(SieveRun run)
    {
        string wanted = address.Get(run);
        EmailAddress to = isList ? AddressOf(run, wanted) : SieveAddress.Parse(wanted) ?? throw new SieveFaultException("redirect has an address that is none");
        run.Redirect(new SieveAction.Redirect(to)
        {
            Reports = notify is null ? null : NotifyOf(notify.Get(run)) ?? throw new SieveFaultException("redirect has a value for :notify that is none"),
            Return = back is null ? null : ReturnOf(back.Get(run)) ?? throw new SieveFaultException("redirect has a value for :ret that is none"),
        });
        if (!copy)
            run.CancelImplicitKeep();
    }

    /// <summary>The address that leads to all members of a list, which is one redirect; whom it leads to is Flow's business. RFC 6134 §2.3</summary>
    static EmailAddress AddressOf(SieveRun run, string name)
    {
        SieveList list = run.List(name) ?? throw new SieveFaultException($"redirect names a list that there is not: {Octets.ToText(Octets.Cut(name, 200))}");
        return list.Everybody ?? throw new SieveFaultException($"mail cannot be sent on to all of the list {Octets.ToText(Octets.Cut(name, 200))}: only lists of members can be written to");
    }

    // notify-esmtp-value = "NEVER" / 1#notify-list-element (RFC 3461 §4.1)
    static string? NotifyOf(string text)
    {
        string[] words = Octets.ToUpper(text).Split(',');
        bool holds = words is ["NEVER"] || (words.Distinct().Count() == words.Length && Array.TrueForAll(words, word => word is "SUCCESS" or "FAILURE" or "DELAY"));
        return holds ? string.Join(',', words) : null;
    }

    static string? ReturnOf(string text) => Octets.ToUpper(text) is var word and ("FULL" or "HDRS") ? word : null;
}
