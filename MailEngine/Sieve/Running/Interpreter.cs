using MailEngine.Sieve.Messages;

namespace MailEngine.Sieve.Running;

/// <summary>Runs programs. Pure: a script, a message and its surroundings in, actions out. RFC 5228 §2.10</summary>
internal static class Interpreter
{
    public static SieveOutcome Run(SieveProgram program, MessageView message, SieveSurroundings surroundings, SieveOptions limits)
    {
        var run = new SieveRun(program, message, surroundings, limits);
        try
        {
            int at = 0;
            Instruction[] code = program.Code;
            while (at < code.Length && !run.IsStopped)
            {
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
                }
                else
                {
                    at = next.IfTrue;
                }
            }
            return run.ToOutcome();
        }
        catch (SieveFaultException fault)
        {
            // RFC 5228 §2.10.6: all or nothing, and the mail is kept.
            return new SieveOutcome([new SieveAction.Store(SieveAction.Store.Inbox, [])], fault.Message) { Steps = run.Steps };
        }
    }
}
