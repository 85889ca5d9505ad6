using MailEngine.Sieve.Language;
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
