using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>foreverypart begins: the message and all its parts, or those below the part of the loop around it, in their order. RFC 5703 §3</summary>
internal sealed class BeginPartsCommand : SieveCommand
{
    public override void Run(SieveRun run) => run.BeginParts();
}

/// <summary>Goes on to the next part; false: there is none, and the loop is over.</summary>
internal sealed class NextPart : SieveTest
{
    public override bool Evaluate(SieveRun run) => run.MoveToNextPart();
}

/// <summary>break: leaves so many loops. RFC 5703 §3.2</summary>
internal sealed class LeavePartsCommand(int loops) : SieveCommand
{
    public override void Run(SieveRun run) => run.LeaveParts(loops);
}

/// <summary>extracttext [MODIFIER] [":first" number] varname: the text of the part, without markup, in UTF-8; of what is no text nothing. RFC 5703 §7</summary>
internal sealed class ExtractTextCommand(VariableName name, SetModifiers modifiers, long first) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        arguments.Script.Needs(Capability.Variables, arguments.Offset, "\"extracttext\"");
        if (arguments.Script.Loops == 0)
            arguments.Script.Error(arguments.Offset, "\"extracttext\" must stand in the block of a \"foreverypart\".");
        var modifiers = SetModifiers.Read(arguments);
        long first = arguments.TaggedNumber("first") ?? long.MaxValue;
        return new ExtractTextCommand(VariableName.Of(arguments.String("the name of the variable"), arguments.Script), modifiers, first);
    }

    public override void Run(SieveRun run)
    {
        string text = run.Message.Body.TextOf(run.Part, run.Limits.BodyBytes);
        run.ChargeFor(text.Length);
        if (text.Length > first)
            text = Octets.OfText(CutCharacters(Octets.ToText(text), first));
        name.Set(run, modifiers.Apply(text));
    }

    static string CutCharacters(string text, long most)
    {
        int at = 0;
        for (long count = 0; count < most && at < text.Length; count++)
            at += char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
        return text[..at];
    }
}
