using MailEngine.Sieve.Messages;

namespace MailEngine.Sieve.Running;

/// <summary>Runs programs. Pure: scripts, a message and its surroundings in, actions out. RFC 5228 §2.10</summary>
/// <remarks>
/// Several scripts run one after the other as long as each leaves the mail to be kept, by the implicit keep or by keep: then the next one
/// decides in its place. stop ends one script, not the row of them. What a script did stays done; a script with a fault did nothing.
/// </remarks>
internal static class Interpreter
{
    public static SieveOutcome Run(SieveProgram program, MessageView message, SieveSurroundings surroundings, SieveOptions limits, SieveLibrary? library = null) =>
        Run([new SieveStep(program, "")], message, surroundings, limits, library);

    public static SieveOutcome Run(IReadOnlyList<SieveStep> steps, MessageView message, SieveSurroundings surroundings, SieveOptions limits, SieveLibrary? library)
    {
        var run = new SieveRun(message, surroundings, limits, library);
        string? told = null;
        List<(int, string)>? faults = null;
        for (int i = 0; i < steps.Count; i++)
        {
            string? fault = RunOne(steps[i], i, run, i == steps.Count - 1, out bool goesOn);
            if (fault is not null)
            {
                string labelled = steps[i].Label.Length == 0 ? fault : $"{steps[i].Label}: {fault}";
                told = told is null ? labelled : $"{told}; {labelled}";
                (faults ??= []).Add((i, fault));
            }
            if (!goesOn)
                return run.ToOutcome(i + 1, faults, told);
        }
        run.Keep();
        return run.ToOutcome(steps.Count, faults, told);
    }

    /// <returns>Why it ended before its end; null: it did not.</returns>
    static string? RunOne(SieveStep step, int place, SieveRun run, bool isLast, out bool goesOn)
    {
        goesOn = true;
        if (step.Program is not { } program)
            return "the active script is no script any more: look at it, and save it again";
        run.Begin(program, place, isOwn: !step.IsShared);
        try
        {
            run.RefuseForDelivery(program);
            Run(run);
            goesOn = run.End(isLast);
            return null;
        }
        catch (SieveFaultException fault)
        {
            // RFC 5228 §2.10.6: all or nothing, and the mail is kept.
            run.TakeBack();
            return fault.Message;
        }
    }

    static void Run(SieveRun run)
    {
        int at = 0;
        Instruction[] code = run.Program.Code;
        while (!run.IsStopped)
        {
            if (at >= code.Length || run.IsReturning)
            {
                if (!run.Return(out at))
                    return;
                code = run.Program.Code;
                continue;
            }
            run.Charge(1);
            ref readonly Instruction next = ref code[at];
            if (next.Test is not null)
            {
                at = next.Test.Evaluate(run) ? next.IfTrue : next.IfFalse;
            }
            else if (next.Command is not null)
            {
                at++;
                next.Command.Run(run);
                if (run.TryEnter(at))
                {
                    code = run.Program.Code;
                    at = 0;
                }
            }
            else
            {
                at = next.IfTrue;
            }
        }
    }
}
