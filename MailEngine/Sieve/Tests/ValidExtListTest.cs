using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>valid_ext_list ext-list-names: all of these are lists that the script may ask about. RFC 6134 §2.4</summary>
internal sealed class ValidExtListTest(ScriptString[] names) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        ScriptString[] names = arguments.Strings("the list of lists");
        arguments.Script.AsksForLists();
        return new ValidExtListTest(names);
    }

    public override bool Evaluate(SieveRun run)
    {
        foreach (ScriptString name in names)
        {
            run.Charge(1);
            if (run.List(name.Get(run)) is null)
                return false;
        }
        return true;
    }
}
