using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;

namespace MailEngine.Sieve.Running;

/// <summary>One run of a script over one message: where it is, what its variables hold, what it has decided so far, and how much it may still do.</summary>
internal sealed class SieveRun(SieveProgram program, MessageView message, SieveSurroundings surroundings, SieveOptions limits)
{
    readonly List<SieveAction> _actions = [];
    List<(string Key, TimeSpan Interval)>? _seen;
    bool _implicitKeep = true;
    HeaderAddress? _envelopeFrom;
    HeaderAddress? _envelopeTo;
    int _redirects;
    long _octets;

    public MessageView Message => message;

    public SieveSurroundings Surroundings => surroundings;

    public SieveOptions Limits => limits;

    public HeaderAddress EnvelopeFrom => _envelopeFrom ??= EnvelopeAddress(surroundings.EnvelopeFrom);

    public HeaderAddress EnvelopeTo => _envelopeTo ??= EnvelopeAddress(surroundings.EnvelopeTo);

    static HeaderAddress EnvelopeAddress(string address)
    {
        int at = address.LastIndexOf('@');
        return address.Length == 0 ? HeaderAddress.Null : at < 0 ? new HeaderAddress(address, "") : new HeaderAddress(address[..at], address[(at + 1)..]);
    }

    /// <summary>The script that runs now.</summary>
    public SieveProgram Program { get; private set; } = program;

    /// <summary>Variables of the script that runs now; null: never set. RFC 5229 §3</summary>
    public string?[] Variables { get; private set; } = program.Slots == 0 ? [] : new string?[program.Slots];

    /// <summary>RFC 6609 §3.4</summary>
    public Dictionary<string, string> Globals { get; } = new(StringComparer.Ordinal);

    public MatchVariables Matched { get; private set; } = new();

    /// <summary>Flags of the internal variable, apart by spaces. RFC 5232 §3</summary>
    public string Flags { get; set; } = "";

    public long Steps { get; private set; }

    /// <summary>stop was done. RFC 5228 §3.3</summary>
    public bool IsStopped { get; set; }

    /// <exception cref="SieveFaultException">More was done than may be.</exception>
    public void Charge(int steps)
    {
        if ((Steps += steps) > limits.Steps)
            throw new SieveFaultException($"the script takes too long for this message: more than {limits.Steps} steps");
    }

    /// <summary>Octets looked at or made: 64 are a step.</summary>
    public void ChargeFor(long octets)
    {
        _octets += octets;
        if (_octets < 64)
            return;
        Charge((int)Math.Min(_octets / 64, int.MaxValue));
        _octets %= 64;
    }

    public void CancelImplicitKeep() => _implicitKeep = false;

    public void Store(string mailbox, IReadOnlyList<string> flags, bool create = false)
    {
        // The same mailbox twice gets one copy, with the flags of the last. RFC 5228 §2.10.3, RFC 5232 §3
        int same = _actions.FindIndex(a => a is SieveAction.Store store && store.Mailbox == mailbox);
        var action = new SieveAction.Store(mailbox, flags) { Header = EditedHeader(), Create = create };
        if (same >= 0)
            _actions[same] = action;
        else
            Add(action);
    }

    public void Redirect(SieveAction.Redirect action)
    {
        if (_actions.Exists(a => a is SieveAction.Redirect other && other.To.Canonical == action.To.Canonical))
            return;   // RFC 5228 §2.10.3
        if (++_redirects > limits.Redirects)
            throw new SieveFaultException($"the script redirects one message to more than {limits.Redirects} addresses");
        Add(action with { Header = EditedHeader() });
    }

    /// <summary>To be remembered when the script has ended well; of the same key what was said last counts. RFC 7352 §3</summary>
    public void See(string key, TimeSpan interval)
    {
        _seen ??= [];
        _seen.RemoveAll(other => other.Key == key);
        if (_seen.Count >= limits.Actions)
            throw new SieveFaultException($"the script asks about more than {limits.Actions} duplicates");
        _seen.Add((key, interval));
    }

    /// <summary>Once a script. RFC 5230 §4.7</summary>
    public void Vacation(SieveAction.Vacation action)
    {
        if (_actions.Exists(a => a is SieveAction.Vacation))
            throw new SieveFaultException("the script answers one message twice by \"vacation\"");
        Add(action);
    }

    /// <summary>Once a script. RFC 5429 §2.4</summary>
    public void Reject(SieveAction.Reject action)
    {
        if (_actions.Exists(a => a is SieveAction.Reject))
            throw new SieveFaultException("the script refuses one message twice");
        Add(action);
        CancelImplicitKeep();
    }

    void Add(SieveAction action)
    {
        if (_actions.Count >= limits.Actions)
            throw new SieveFaultException($"the script does more than {limits.Actions} things with one message");
        _actions.Add(action);
    }

    byte[]? EditedHeader()
    {
        if (!message.IsChanged)
            return null;
        using var header = new ByteBuffer(4096);
        foreach (HeaderLine line in message.Lines)
            header.Write(line.Raw.Span);
        return header.Written.ToArray();
    }

    public SieveOutcome ToOutcome()
    {
        if (_implicitKeep)
            Store(SieveAction.Store.Inbox, FlagList.Valid(Flags));
        // RFC 5429 §2.4: the sender must not be told that mail was refused which somebody has.
        if (_actions.Count > 1 && _actions.Exists(a => a is SieveAction.Reject))
            throw new SieveFaultException("the script refuses a message and does something else with it too");
        return new SieveOutcome(_actions, null) { Steps = Steps, Seen = _seen ?? [] };
    }
}
