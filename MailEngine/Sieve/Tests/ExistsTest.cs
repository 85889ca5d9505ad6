using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>exists [":mime"] [":anychild"] header-names: all of them are there. RFC 5228 §5.5, RFC 5703 §6</summary>
internal sealed class ExistsTest(FieldNames names, MimeScope scope) : SieveTest
{
    public static SieveTest Parse(Arguments arguments)
    {
        var scope = MimeScope.Read(arguments);
        return new ExistsTest(new FieldNames(arguments.Strings("the list of header fields")), scope);
    }

    public override bool Evaluate(SieveRun run)
    {
        foreach (string name in names.Get(run))
        {
            if (scope.Fields(run, name).Length == 0)
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
