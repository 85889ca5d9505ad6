namespace MailEngine.Sieve.Rules;

/// <summary>Do all conditions of a rule have to hold, or is one enough?</summary>
public enum RuleMatch { All, Any }

/// <summary>What a condition looks at.</summary>
public enum RuleField { From, To, Cc, Recipient, Subject, Header, Text, Size }

/// <summary>How a condition looks at it.</summary>
public enum RuleOperator
{
    Contains, ContainsNot, Is, IsNot,
    /// <summary>With "*" for any text and "?" for one character. RFC 5228 §2.7.1</summary>
    Matches,
    MatchesNot,
    /// <summary>There is such a field at all. RFC 5228 §5.5</summary>
    Exists,
    ExistsNot,
    /// <summary>RFC 5228 §5.9</summary>
    Over,
    Under,
}

/// <summary>One condition of a rule.</summary>
/// <param name="Header">Name of the field, for <see cref="RuleField.Header"/>.</param>
/// <param name="Value">What is looked for; of a size octets, or with K, M or G behind the number.</param>
public sealed record RuleCondition(RuleField Field, string Header, RuleOperator Operator, string Value)
{
    /// <summary>Operators that mean something for a field.</summary>
    public static IReadOnlyList<RuleOperator> OperatorsOf(RuleField field) => field switch
    {
        RuleField.Size => [RuleOperator.Over, RuleOperator.Under],
        RuleField.Text => [RuleOperator.Contains, RuleOperator.ContainsNot],
        RuleField.Header => [RuleOperator.Contains, RuleOperator.ContainsNot, RuleOperator.Is, RuleOperator.IsNot, RuleOperator.Matches, RuleOperator.MatchesNot, RuleOperator.Exists, RuleOperator.ExistsNot],
        _ => [RuleOperator.Contains, RuleOperator.ContainsNot, RuleOperator.Is, RuleOperator.IsNot, RuleOperator.Matches, RuleOperator.MatchesNot],
    };
}

/// <summary>What a rule can do.</summary>
public enum RuleVerb
{
    MarkSeen, MarkFlagged,
    /// <summary>Sets a keyword. RFC 5232 §2</summary>
    Label,
    FileInto, CopyInto, Redirect,
    /// <summary>The same, and the message is kept. RFC 3894 §3</summary>
    RedirectCopy,
    Keep, Discard,
    /// <summary>RFC 5429 §2.2</summary>
    Reject,
}

/// <summary>One thing a rule does.</summary>
/// <param name="Value">Mailbox, address, keyword or the words of a refusal; empty where the verb needs none.</param>
public sealed record RuleAction(RuleVerb Verb, string Value)
{
    public static bool HasValue(RuleVerb verb) => verb is RuleVerb.Label or RuleVerb.FileInto or RuleVerb.CopyInto or RuleVerb.Redirect or RuleVerb.RedirectCopy or RuleVerb.Reject;
}

/// <summary>What users make without knowing Sieve: if these conditions hold, do that.</summary>
/// <param name="Conditions">None: it holds for every message.</param>
/// <param name="Stops">When it holds, the rules behind it are not looked at.</param>
public sealed record Rule(string Name, bool Enabled, RuleMatch Match, IReadOnlyList<RuleCondition> Conditions, IReadOnlyList<RuleAction> Actions, bool Stops);
