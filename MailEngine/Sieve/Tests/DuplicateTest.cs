using System.Security.Cryptography;
using System.Text;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>duplicate [":handle" handle] [":header" name / ":uniqueid" value] [":seconds" timeout] [":last"]. RFC 7352 §3</summary>
internal sealed class DuplicateTest(ScriptString? handle, ScriptString? header, ScriptString? uniqueId, TimeSpan interval, bool last) : SieveTest
{
    /// <summary>RFC 7352 §3.3: longer ones are taken as this.</summary>
    static readonly TimeSpan s_longest = TimeSpan.FromDays(90);

    public static SieveTest Parse(Arguments arguments)
    {
        ScriptString? handle = arguments.TaggedString("handle"), header = arguments.TaggedString("header"), uniqueId = arguments.TaggedString("uniqueid");
        if (header is not null && uniqueId is not null)
            arguments.Script.Error(arguments.Offset, ":header and :uniqueid exclude one another.");
        long? seconds = arguments.TaggedNumber("seconds");
        TimeSpan interval = seconds is { } s ? TimeSpan.FromSeconds(Math.Min(s, (long)s_longest.TotalSeconds)) : TimeSpan.FromDays(7);
        return new DuplicateTest(handle, header, uniqueId, interval, arguments.Flag("last"));
    }

    public override bool Evaluate(SieveRun run)
    {
        run.RefuseAtEvents("duplicate");   // what it means there is nowhere said: RFC 7352 §3.4
        if (interval == TimeSpan.Zero || IdOf(run) is not { } id)
            return false;
        run.Charge(20);   // a look-up in the index
        string name = handle?.Get(run) ?? "";
        string key = Convert.ToHexString(SHA256.HashData(Encoding.Latin1.GetBytes($"{name.Length} {name}{id}")));
        bool seen = run.Surroundings.WasSeen(key);
        if (!seen || last)
            run.See(key, interval);
        return seen;
    }

    /// <summary>Null: the message has none. RFC 7352 §3.1</summary>
    string? IdOf(SieveRun run)
    {
        if (uniqueId is not null)
            return uniqueId.Get(run);
        HeaderLine[] fields = run.Message.Fields(header?.Get(run) ?? "Message-ID");
        return fields.Length > 0 ? fields[0].Value.Octets : null;
    }
}
