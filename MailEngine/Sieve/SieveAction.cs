using MailEngine.Addresses;

namespace MailEngine.Sieve;

/// <summary>Something that is to be done with a message. What carries it out is Flow's business.</summary>
/// <remarks>Strings of actions are text, not octets.</remarks>
public abstract record SieveAction
{
    /// <summary>The header section as it was changed when the action was done, the empty line not with it; null: as it came. RFC 5293 §3</summary>
    public byte[]? Header { get; init; }

    /// <summary>Which of the scripts that ran wanted it, from 0 on; -1: none, it is the keep of mail that no script decided about.</summary>
    public int Script { get; init; }

    /// <summary>What follows the empty line, as it was changed when the action was done; null: as it came. RFC 5703 §5, RFC 5703 §6</summary>
    public IReadOnlyList<MessagePiece>? Text { get; init; }

    /// <summary>keep and fileinto. RFC 5228 §4.1, RFC 5228 §4.3</summary>
    /// <param name="Mailbox">As the script has it, levels apart by "/"; INBOX for keep.</param>
    /// <param name="Flags">System flags with their backslash, and keywords. RFC 5232 §5</param>
    public sealed record Store(string Mailbox, IReadOnlyList<string> Flags) : SieveAction
    {
        public const string Inbox = "INBOX";

        /// <summary>Name in place of INBOX for keep where a message is in a mailbox already. RFC 6785 §3.2</summary>
        public const string InPlace = "";

        /// <summary>The mailbox is made when it is not there. RFC 5490 §3.2</summary>
        public bool Create { get; init; }

        /// <summary>Of a mailbox that is made; empty: none. RFC 8579 §4</summary>
        public string NewUse { get; init; } = "";
    }

    /// <summary>RFC 5228 §4.2</summary>
    public sealed record Redirect(EmailAddress To) : SieveAction
    {
        /// <summary>"NEVER", or of "SUCCESS", "FAILURE", "DELAY" those that are wanted, apart by commas; null: as the client wanted. RFC 6009 §4</summary>
        public string? Reports { get; init; }

        /// <summary>"FULL" or "HDRS"; null: as the client wanted.</summary>
        public string? Return { get; init; }
    }

    /// <summary>Somebody is told of the message. RFC 5435 §3, RFC 5436 §2</summary>
    /// <param name="From">Null: the recipient's main address.</param>
    /// <param name="Subject">Null: that of the message.</param>
    public sealed record Notify(NotifyTarget Target, EmailAddress? From, string? Subject, int Importance) : SieveAction
    {
        /// <summary>Where a copy of the notification is kept; null: nowhere. RFC 8580 §3</summary>
        public Store? Fcc { get; init; }
    }

    /// <summary>Somebody who deals with abuse is told of the message, in a form for programs. RFC 5965 §2</summary>
    /// <param name="Type">Such as "abuse".</param>
    /// <param name="HeaderOnly">The text of the message is not sent.</param>
    public sealed record Report(string Type, string Message, EmailAddress To, bool HeaderOnly) : SieveAction;

    /// <summary>The sender is told that the recipient is away. RFC 5230 §4</summary>
    /// <param name="From">Those of them that are the recipient's are who answers. None: his main address. RFC 5230 §4.3</param>
    /// <param name="Addresses">Also the recipient's.</param>
    /// <param name="IsMime">The reason has a header of its own. RFC 5230 §4.4</param>
    /// <param name="Handle">Names the answer: a sender has it once in a while. RFC 5230 §4.2</param>
    public sealed record Vacation(string Reason, string Subject, IReadOnlyList<NamedAddress> From, IReadOnlyList<EmailAddress> Addresses, bool IsMime, string Handle, TimeSpan Interval) : SieveAction
    {
        /// <summary>Its owner filled in the panel's form, and wrote no script: it is given for mail that he keeps, and when no other script answers.</summary>
        public bool IsOfPanel => Handle.StartsWith("h " + Accounts.VacationScript.HandleMark, StringComparison.Ordinal);

        /// <summary>Where a copy of the answer is kept; null: nowhere. RFC 8580 §3</summary>
        public Store? Fcc { get; init; }
    }

    /// <summary>The message is refused: by ereject, the best way for the mail system, or by reject, with the very words. RFC 5429 §2.1, RFC 5429 §2.2</summary>
    public sealed record Reject(string Reason, bool InTheseWords) : SieveAction;
}

/// <summary>A mailto URI of a script, read. RFC 5436 §2.1</summary>
/// <param name="Copies">Its "cc".</param>
/// <param name="Fields">More fields of the header.</param>
public sealed record NotifyTarget(
    IReadOnlyList<EmailAddress> To, IReadOnlyList<EmailAddress> Copies, string? Subject, string Text, IReadOnlyList<(string Name, string Value)> Fields);

/// <summary>What scripts want done with one message.</summary>
/// <param name="Actions">In order; the implicit keep is one of them. Empty: the message is dropped.</param>
/// <param name="Fault">Why a script ended before its end, for its owner; null: none did. Nothing of what it did is done. RFC 5228 §2.10.6</param>
public sealed record SieveOutcome(IReadOnlyList<SieveAction> Actions, string? Fault)
{
    /// <summary>What the duplicate test is to remember when the actions are done, and how long. RFC 7352 §3</summary>
    public IReadOnlyList<(string Key, TimeSpan Interval)> Seen { get; init; } = [];

    /// <summary>What scripts noted for their owner, in order.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Which of the scripts that ran made each of the <see cref="Notes"/>.</summary>
    public IReadOnlyList<int> NotedBy { get; init; } = [];

    /// <summary>Scripts that ran, the first ones of the row; behind the last of them the mail was decided.</summary>
    public int Ran { get; init; }

    /// <summary>Those of them that ended before their end, and why.</summary>
    public IReadOnlyList<(int Script, string Reason)> Faults { get; init; } = [];

    /// <summary>Commands, tests and octets it took; <see cref="SieveOptions.Steps"/>.</summary>
    public long Steps { get; init; }
}

/// <summary>An address and whose it says it is.</summary>
/// <param name="Name">Empty: it does not say.</param>
public readonly record struct NamedAddress(string Name, EmailAddress Address);
