using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>exists header-names: all of them are there. RFC 5228 §5.5</summary>
internal sealed class ExistsTest(FieldNames names) : SieveTest
{
    public static SieveTest Parse(Arguments arguments) => new ExistsTest(new FieldNames(arguments.Strings("the list of header fields")));

    public override bool Evaluate(SieveRun run)
    {
        foreach (string name in names.Get(run))
        {
            run.Charge(1);
            if (run.Message.Fields(name).Length == 0)
                return false;
        }
        return true;
    }
}

/// <summary>size :over / :under limit. RFC 5228 §5.9</summary>
internal sealed class SizeTest(long limit, bool over) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        string? tag = arguments.OneOf(("over", null), ("under", null));
        if (tag is null)
            arguments.Script.Error(arguments.Offset, "\"size\" needs :over or :under, and a number behind it.");
        return new SizeTest(arguments.Number("the size"), tag == "over");
    }

    public override bool Evaluate(SieveRun run) => over ? run.Message.Size > limit : run.Message.Size < limit;
}
