using MailEngine.Accounts;
using MailEngine.Sieve.Rules;

namespace MailAdmin.Web.Services;

/// <summary>A script and a message to try it with. The message is pasted (<see cref="Message"/>) or one of the actor's own (<see cref="Uid"/>).</summary>
public sealed class TrialForm
{
    public byte[] Script { get; set; } = [];
    public byte[] Message { get; set; } = [];
    /// <summary>Of a message in the actor's own INBOX; null: <see cref="Message"/>.</summary>
    public uint? Uid { get; set; }
    /// <summary>MAIL FROM; empty: the null reverse path.</summary>
    public string From { get; set; } = "";
    /// <summary>RCPT TO.</summary>
    public string To { get; set; } = "";
    /// <summary>Name of the stored script whose text it is to become; empty: a new one, or what the panel writes.</summary>
    public string OldName { get; set; } = "";
    /// <summary>The name it would get.</summary>
    public string Name { get; set; } = "";
    /// <summary>Where it would run; <see cref="ScriptPlace.None"/> of an account: as its active script.</summary>
    public ScriptPlace Place { get; set; }
}

/// <summary>One thing that would be done with a message.</summary>
/// <param name="Kind">Of the texts <c>TrialStep.*</c>.</param>
/// <param name="Value">Mailbox, address or words.</param>
/// <param name="Flags">Set on the copy.</param>
public sealed record TrialStep(string Kind, string Value, IReadOnlyList<string> Flags)
{
    /// <summary>A script has changed the message before.</summary>
    public bool IsEdited { get; init; }

    /// <summary>Of <see cref="TrialOutcome.Scripts"/>; -1: no script decided about the message.</summary>
    public int Script { get; init; }
}

/// <summary>One of the scripts that decide about a message.</summary>
/// <param name="Kind">Of the texts <c>TrialScript.*</c>.</param>
/// <param name="IsTried">The one in the editor.</param>
/// <param name="Ran">False: one before it has decided about the message.</param>
/// <param name="Fault">Why it would end before its end, and do nothing; null: it would not.</param>
public sealed record TrialScript(string Kind, string Name, bool IsTried, bool Ran, string? Fault);

/// <summary>What would become of a message. Nothing was done.</summary>
/// <param name="Scripts">In the order in which they run.</param>
/// <param name="Effort">Steps they take.</param>
public sealed record TrialOutcome(IReadOnlyList<TrialStep> Steps, IReadOnlyList<TrialScript> Scripts, long Effort)
{
    /// <summary>Why the script in the editor would end before its end; null: it would not.</summary>
    public string? Fault => Scripts.FirstOrDefault(s => s.IsTried)?.Fault;

    /// <summary>What scripts noted (debug_log) that the actor may see, in order.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>A version of a script in its history.</summary>
/// <param name="IsCurrent">The one that counts.</param>
public sealed record ScriptVersionRow(long Version, DateTimeOffset SavedAt, int Bytes, bool IsCurrent);

/// <summary>A script to store.</summary>
public sealed class ScriptForm
{
    /// <summary>The name it has; empty: it is new.</summary>
    public string OldName { get; set; } = "";
    public string Name { get; set; } = "";
    public byte[] Text { get; set; } = [];
    /// <summary>The version that was changed: if it is another one by now, nothing is stored.</summary>
    public long Version { get; set; }
    /// <summary>Of an account: it becomes the active one.</summary>
    public bool Activate { get; set; }
    /// <summary>Of a domain or the server: what it is for.</summary>
    public ScriptPlace Place { get; set; }
}

/// <summary>What the panel wrote for an account.</summary>
/// <param name="Rules">Null: the text was changed by hand into something that rules cannot say.</param>
/// <param name="Text">Empty: nothing yet.</param>
public sealed record RulesOf(IReadOnlyList<Rule>? Rules, string Text);

/// <summary>A rule while it is being changed.</summary>
public sealed class RuleDraft
{
    public string Name { get; set; } = "";
    public bool Enabled { get; set; } = true;
    public RuleMatch Match { get; set; }
    public IList<ConditionDraft> Conditions { get; } = [];
    public IList<ActionDraft> Actions { get; } = [];
    public bool Stops { get; set; }

    public static RuleDraft Of(Rule rule)
    {
        var draft = new RuleDraft { Name = rule.Name, Enabled = rule.Enabled, Match = rule.Match, Stops = rule.Stops };
        foreach (RuleCondition c in rule.Conditions)
            draft.Conditions.Add(new ConditionDraft { Field = c.Field, Header = c.Header, Operator = c.Operator, Value = c.Value });
        foreach (RuleAction a in rule.Actions)
            draft.Actions.Add(new ActionDraft { Verb = a.Verb, Value = a.Value });
        return draft;
    }

    public Rule ToRule() => new(Name.Trim(), Enabled, Conditions.Count == 0 ? RuleMatch.All : Match,
        [.. Conditions.Select(c => new RuleCondition(c.Field, c.Field == RuleField.Header ? c.Header.Trim() : "", c.Operator,
            c.Operator is RuleOperator.Exists or RuleOperator.ExistsNot ? "" : c.Value.Trim()))],
        [.. Actions.Select(a => new RuleAction(a.Verb, RuleAction.HasValue(a.Verb) ? a.Value.Trim() : ""))], Stops);
}

/// <summary>A condition of a <see cref="RuleDraft"/>.</summary>
public sealed class ConditionDraft
{
    public RuleField Field { get; set; }
    public string Header { get; set; } = "";
    public RuleOperator Operator { get; set; }
    public string Value { get; set; } = "";

    /// <summary>Looks at another field from now on.</summary>
    public void Take(RuleField field)
    {
        Field = field;
        if (!RuleCondition.OperatorsOf(field).Contains(Operator))
            Operator = RuleCondition.OperatorsOf(field)[0];
    }
}

/// <summary>An action of a <see cref="RuleDraft"/>.</summary>
public sealed class ActionDraft
{
    public RuleVerb Verb { get; set; } = RuleVerb.FileInto;
    public string Value { get; set; } = "";
}
