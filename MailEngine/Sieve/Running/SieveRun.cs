using System.Runtime.InteropServices;
using System.Text;
using MailEngine.Io;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;

namespace MailEngine.Sieve.Running;

/// <summary>One run of scripts over one message: where it is, what their variables hold, what was decided so far, and how much they may still do.</summary>
internal sealed class SieveRun(MessageView message, SieveSurroundings surroundings, SieveOptions limits, SieveLibrary? library)
{
    /// <summary>Some tenths of a millisecond: a script that does less costs no look at the clock.</summary>
    const int StepsBetweenLooks = 4096;

    /// <summary>A script that waits for the end of one that it included.</summary>
    /// <param name="Loops">Loops that were open.</param>
    readonly record struct Caller(SieveProgram Program, int Next, string?[] Variables, MatchVariables Matched, MessageView Message, int Loops);

    /// <summary>A loop over parts. RFC 5703 §3</summary>
    struct PartLoop
    {
        public int At;
        public int End;

        /// <summary>Parts that a replacement brought, which this loop passes over.</summary>
        public int Skip;
    }

    /// <summary>What had been decided when a script began.</summary>
    readonly record struct Mark(SieveAction[] Actions, (string, TimeSpan)[] Seen, int Redirects, string Flags, (byte[]? Header, IReadOnlyList<MessagePiece>? Text)? Enclosed, int AddedBytes, long ChangedOctets);

    readonly List<SieveAction> _actions = [];
    readonly Stack<Caller> _callers = new();
    readonly List<PartLoop> _loops = [];
    int _firstLoop;
    List<(string Key, TimeSpan Interval)>? _seen;
    HashSet<SieveProgram>? _included;
    SieveProgram? _entered;
    Mark _mark;
    bool _implicitKeep = true;
    bool _explicitKeep;
    MessageView.Saved? _saved;
    (byte[]? Header, IReadOnlyList<MessagePiece>? Text)? _enclosed;
    IReadOnlyList<SieveMailbox>? _mailboxes;
    byte[]? _edited;
    int _editedAt;
    int _includes;
    int _answers;
    long _mostSteps;
    long _nextLook;
    TimeSpan? _endOfTime;
    Dictionary<string, SieveList?>? _lists;
    Dictionary<(SieveList, string), bool>? _onLists;
    bool _isOwn;
    List<string>? _notes;
    List<int>? _notedBy;
    HeaderAddress? _envelopeFrom;
    HeaderAddress? _envelopeTo;
    int _redirects;
    long _octets;
    long _changedOctets;
    int _script = -1;

    /// <summary>What the script that runs now takes for the message: that, or the part that a loop around its include is at. RFC 6609 §3.5</summary>
    public MessageView Message { get; private set; } = null!;

    /// <summary>The message itself.</summary>
    public MessageView Whole => message;

    /// <summary>A machine sent it: what is told of it to others is told to nobody, else two could go on for ever. RFC 3834 §5</summary>
    /// <remarks>The message is asked and not a part that is taken for one, and all fields of the name: a script may have put another one on top.</remarks>
    public bool IsAutomatic =>
        Array.Exists(message.Fields("Auto-Submitted"), line => !Octets.ToLower(line.Value.Octets).Split([' ', ';', '('], 2)[0].Equals("no", StringComparison.Ordinal));

    /// <summary>The part that the innermost loop is at; outside of loops 0, the message.</summary>
    public int Part => _loops.Count > _firstLoop ? _loops[^1].At : 0;

    public void BeginParts()
    {
        bool isInner = _loops.Count > _firstLoop;
        // An inner loop goes over what the part of the outer one holds; the outermost one begins with the message.
        _loops.Add(isInner ? new PartLoop { At = Part, End = Message.EndOf(Part) } : new PartLoop { At = -1, End = Message.Parts.Count });
    }

    public bool MoveToNextPart()
    {
        ref PartLoop loop = ref CollectionsMarshal.AsSpan(_loops)[^1];
        loop.At += 1 + loop.Skip;
        loop.Skip = 0;
        if (loop.At < loop.End)
            return true;
        LeaveParts(1);
        return false;
    }

    public void LeaveParts(int loops) => _loops.RemoveRange(_loops.Count - loops, loops);

    public SieveSurroundings Surroundings => surroundings;

    public SieveOptions Limits => limits;

    public HeaderAddress EnvelopeFrom => _envelopeFrom ??= EnvelopeAddress(surroundings.EnvelopeFrom);

    public HeaderAddress EnvelopeTo => _envelopeTo ??= EnvelopeAddress(surroundings.EnvelopeTo);

    static HeaderAddress EnvelopeAddress(string address)
    {
        int at = address.LastIndexOf('@');
        return address.Length == 0 ? HeaderAddress.Null : at < 0 ? new HeaderAddress(address, "") : new HeaderAddress(Unquoted(address[..at]), address[(at + 1)..], address);
    }

    /// <summary>The quotes belong to how an address is written, and are no part of the name that :localpart, :user and :detail look at.</summary>
    static string Unquoted(string local)
    {
        if (local.Length < 2 || local[0] != '"' || local[^1] != '"')
            return local;
        var plain = new StringBuilder(local.Length);
        for (int i = 1; i < local.Length - 1; i++)
        {
            if (local[i] == '\\' && i < local.Length - 2)
                i++;
            plain.Append(local[i]);
        }
        return plain.ToString();
    }

    /// <summary>The script that runs now.</summary>
    public SieveProgram Program { get; private set; } = null!;

    /// <summary>Variables of the script that runs now; null: never set. RFC 5229 §3</summary>
    public string?[] Variables { get; private set; } = [];

    /// <summary>RFC 6609 §3.4</summary>
    public Dictionary<string, string> Globals { get; } = new(StringComparer.Ordinal);

    public MatchVariables Matched { get; private set; } = null!;

    /// <summary>Flags of the internal variable, apart by spaces; what one script sets the next one finds. RFC 5232 §3</summary>
    public string Flags { get; set; } = surroundings.Environment.Event?.Flags ?? "";

    /// <summary>The account's mailboxes, asked for once.</summary>
    public IReadOnlyList<SieveMailbox> Mailboxes => _mailboxes ??= surroundings.Mailboxes();

    /// <summary>Octets of header fields added so far.</summary>
    public int AddedBytes { get; set; }

    public long Steps { get; private set; }

    /// <summary>stop was done. RFC 5228 §3.3</summary>
    public bool IsStopped { get; set; }

    /// <summary>return was done, and is not carried out yet. RFC 6609 §3.3</summary>
    public bool IsReturning { get; set; }

    /// <summary>A list that is kept elsewhere; null: there is none of this name for the script. RFC 6134 §2.2</summary>
    public SieveList? List(string name)
    {
        _lists ??= new(StringComparer.Ordinal);
        if (_lists.TryGetValue(name, out SieveList? list))
            return list;
        Charge(1000);   // look-ups in the accounts' database
        if (ListName.TryParse(Octets.ToText(name), out ListName parsed))
            list = surroundings.List(parsed, _isOwn);
        _lists.Add(name, list);
        return list;
    }

    public bool IsOnList(string name, string value)
    {
        Charge(1);
        if (List(name) is not { } list)
            return false;
        _onLists ??= [];
        if (_onLists.TryGetValue((list, value), out bool found))
            return found;
        ChargeFor(value.Length * 16L);
        if (Commands.SieveAddress.Parse(value) is { } address)
        {
            Charge(list.Steps);
            found = list.Has(address);
        }
        if (_onLists.Count < 1000)
            _onLists.Add((list, value), found);
        return found;
    }

    /// <summary>Another script begins.</summary>
    /// <param name="script">Its place in the row.</param>
    /// <param name="isOwn">It is the account's.</param>
    public void Begin(SieveProgram program, int script, bool isOwn)
    {
        Enter(program);
        _script = script;
        if (_isOwn != isOwn)
            _lists = null;
        _isOwn = isOwn;
        Globals.Clear();
        _callers.Clear();
        _loops.Clear();
        _firstLoop = 0;
        Message = message;
        _included = null;
        _entered = null;
        (_implicitKeep, _explicitKeep, IsStopped, IsReturning) = (true, false, false, false);
        (_includes, _answers) = (0, 0);
        _saved = message.Save();
        _mostSteps = Steps + limits.Steps;
        (_nextLook, _endOfTime) = (Steps + StepsBetweenLooks, null);
        _mark = new Mark(_actions.Count == 0 ? [] : [.. _actions], _seen is null ? [] : [.. _seen], _redirects, Flags, _enclosed, AddedBytes, _changedOctets);
    }

    /// <summary>The script has come to its end.</summary>
    /// <param name="isLast">No other one follows.</param>
    /// <returns>The mail is still to be kept, so that the next one decides about it.</returns>
    public bool End(bool isLast)
    {
        if (_actions.Exists(a => a is SieveAction.Reject))
            _actions.RemoveAll(a => a is SieveAction.Vacation { IsOfPanel: true });
        // RFC 5429 §2.4: the sender must not be told that mail was refused which somebody has.
        if (_actions.Exists(a => a is SieveAction.Reject) && _actions.Exists(a => a is not (SieveAction.Reject or SieveAction.Notify or SieveAction.Report)))
            throw new SieveFaultException("the script refuses a message and does something else with it too");
        if (!_implicitKeep && (!_explicitKeep || isLast))
            return false;
        if (_explicitKeep && _actions.Find(IsKeep) is SieveAction.Store keep)
        {
            _actions.Remove(keep);
            Flags = string.Join(' ', keep.Flags);
        }
        return true;
    }

    bool IsKeep(SieveAction action) => action is SieveAction.Store store && store.Mailbox == KeepMailbox;

    string KeepMailbox => surroundings.Environment.Event is null ? SieveAction.Store.Inbox : SieveAction.Store.InPlace;

    /// <exception cref="SieveFaultException">The script is for mail that comes in, and this is something else. RFC 6785 §3.11</exception>
    public void RefuseForDelivery(SieveProgram program)
    {
        if (surroundings.Environment.Event is not null && program.ForDelivery is { } extension)
            throw new SieveFaultException($"the script requires \"{extension}\", which is for mail that comes in, and not for what is done over IMAP");
    }

    /// <exception cref="SieveFaultException">There is no mail that comes in. RFC 6785 §3.11, RFC 6785 §4.6</exception>
    public void RefuseAtEvents(string what)
    {
        if (surroundings.Environment.Event is not null)
            throw new SieveFaultException($"\"{what}\" is for mail that comes in, and not for what is done over IMAP");
    }

    /// <summary>Undoes what the script did.</summary>
    public void TakeBack()
    {
        _actions.Clear();
        _actions.AddRange(_mark.Actions);
        _seen = _mark.Seen.Length == 0 ? null : [.. _mark.Seen];
        _redirects = _mark.Redirects;
        message.Restore(_saved!);   // RFC 5293 §7
        _enclosed = _mark.Enclosed;
        (AddedBytes, _changedOctets) = (_mark.AddedBytes, _mark.ChangedOctets);   // what they counted is in no message and in nobody's memory any more
        Flags = _mark.Flags;
    }

    /// <summary>No script has decided otherwise.</summary>
    public void Keep()
    {
        _script = -1;
        _mostSteps = _nextLook = long.MaxValue;   // nobody's time is up now, and nobody would keep the mail if this failed
        Put(new SieveAction.Store(KeepMailbox, FlagList.Valid(Flags)) { Header = EditedHeader(), Text = EditedText() }, isLimited: false);
    }

    /// <summary>Another script is to run before this one goes on. RFC 6609 §3.2</summary>
    public void Include(IncludedScript script, bool once, bool optional)
    {
        Charge(5);
        if (library is null || !library.TryFind(script, out SieveProgram? program))
        {
            if (optional)
                return;
            throw new SieveFaultException($"there is no {(script.IsGlobal ? "global" : "personal")} script \"{script.Name}\" that could be included");
        }
        if (program is null)
            throw new SieveFaultException($"the included script \"{script.Name}\" has errors");
        bool isOpen = ReferenceEquals(program, Program) || _callers.Any(caller => ReferenceEquals(caller.Program, program));
        if (once && (isOpen || _included?.Contains(program) is true))
            return;
        if (isOpen)
            throw new SieveFaultException($"the script \"{script.Name}\" includes itself");   // RFC 6609 §3.1
        if (_callers.Count >= limits.IncludeDepth)
            throw new SieveFaultException($"scripts include one another more than {limits.IncludeDepth} deep");
        if (++_includes > limits.Includes)
            throw new SieveFaultException($"more than {limits.Includes} scripts are included");
        RefuseForDelivery(program);
        (_included ??= []).Add(program);
        _entered = program;
    }

    /// <summary>Goes into the script that the last command included.</summary>
    /// <param name="next">Where the one that runs now goes on afterwards.</param>
    public bool TryEnter(int next)
    {
        if (_entered is not { } program)
            return false;
        _entered = null;
        _callers.Push(new Caller(Program, next, Variables, Matched, Message, _firstLoop));
        if (_loops.Count > _firstLoop)
        {
            Message = Message.ViewOf(Part, limits.BodyBytes);
            ChargeFor(Message.Size);
        }
        _firstLoop = _loops.Count;
        Enter(program);
        return true;
    }

    /// <summary>Goes back to the script that included this one.</summary>
    /// <returns>False: none did.</returns>
    public bool Return(out int next)
    {
        IsReturning = false;
        next = 0;
        if (!_callers.TryPop(out Caller caller))
            return false;
        _loops.RemoveRange(_firstLoop, _loops.Count - _firstLoop);
        (Program, next, Variables, Matched, Message, _firstLoop) = caller;
        return true;
    }

    /// <summary>Variables are each script's own. RFC 6609 §3.4</summary>
    void Enter(SieveProgram program)
    {
        Program = program;
        Variables = program.Slots == 0 ? [] : new string?[program.Slots];
        Matched = new MatchVariables();
    }

    /// <exception cref="SieveFaultException">More was done than may be.</exception>
    public void Charge(int steps)
    {
        if ((Steps += steps) > _mostSteps)
            throw new SieveFaultException($"the script takes too long for this message: more than {limits.Steps} steps");
        if (Steps >= _nextLook)
            LookAtTime();
    }

    // Steps are counted by what they should cost; what they do cost on this machine is looked at now and then.
    void LookAtTime()
    {
        _nextLook = Steps + StepsBetweenLooks;
        TimeSpan now = ProcessorTime.OfThread();
        _endOfTime ??= now + limits.Time;
        if (now > _endOfTime)
            throw new SieveFaultException($"the script takes too long for this message: more than {limits.Time.TotalSeconds:0.###} s of processor time");
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

    public void Store(string mailbox, IReadOnlyList<string> flags, bool create = false, string newUse = "") =>
        Put(new SieveAction.Store(mailbox, flags) { Header = EditedHeader(), Text = EditedText(), Create = create, NewUse = newUse });

    /// <summary>keep was done. RFC 5228 §4.3</summary>
    public void Keep(IReadOnlyList<string> flags)
    {
        Store(KeepMailbox, flags);
        _implicitKeep = false;
        _explicitKeep = true;
    }

    void Put(SieveAction.Store action, bool isLimited = true)
    {
        // The same mailbox twice gets one copy, with the flags of the last. RFC 5228 §2.10.3, RFC 5232 §3
        int same = _actions.FindIndex(a => a is SieveAction.Store store && store.Mailbox == action.Mailbox);
        if (same >= 0)
            _actions[same] = action with { Script = _script };
        else
            Add(action, isLimited);
    }

    /// <summary>RFC 5435 §7</summary>
    public void Notify(SieveAction.Notify action)
    {
        int addresses = AddressesOf(action) + _actions.OfType<SieveAction.Notify>().Sum(AddressesOf);
        if (addresses > limits.Notifications)
            throw new SieveFaultException($"the script notifies more than {limits.Notifications} addresses of one message");
        Add(action with { Header = EditedHeader(), Text = EditedText() });
    }

    /// <summary>One for each kind and address. They count as notifications.</summary>
    public void Report(SieveAction.Report action)
    {
        if (_actions.Exists(a => a is SieveAction.Report other && other.To.Canonical == action.To.Canonical && other.Type.Equals(action.Type, StringComparison.OrdinalIgnoreCase)))
            return;
        if (_actions.Count(a => a is SieveAction.Report) >= limits.Notifications)
            throw new SieveFaultException($"the script reports one message more than {limits.Notifications} times");
        Add(action with { Header = EditedHeader(), Text = EditedText() });
    }

    /// <summary>For the owner of the script, who looks for a fault in it: kept when the script fails too.</summary>
    public void Note(string text)
    {
        _notes ??= [];
        _notedBy ??= [];
        if (_notes.Count >= limits.Notes)
            return;
        _notes.Add(text);
        _notedBy.Add(_script);
    }

    static int AddressesOf(SieveAction.Notify action) => action.Target.To.Count + action.Target.Copies.Count;

    public void Redirect(SieveAction.Redirect action)
    {
        if (_actions.Exists(a => a is SieveAction.Redirect other && other.To.Canonical == action.To.Canonical))
            return;   // RFC 5228 §2.10.3
        if (++_redirects > limits.Redirects)
            throw new SieveFaultException($"the script redirects one message to more than {limits.Redirects} addresses");
        // An enclosure is not sent on, the message is. RFC 5703 §6
        (byte[]? header, IReadOnlyList<MessagePiece>? text) = _enclosed ?? (EditedHeader(), EditedText());
        Add(action with { Header = header, Text = text });
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

    /// <summary>Once a script; of several scripts the last one's answer counts. RFC 5230 §4.7</summary>
    public void Vacation(SieveAction.Vacation action)
    {
        RefuseAtEvents("vacation");
        if (_answers++ > 0)
            throw new SieveFaultException("the script answers one message twice by \"vacation\"");
        if (action.IsOfPanel && _actions.Exists(a => a is SieveAction.Vacation))
            return;
        _actions.RemoveAll(a => a is SieveAction.Vacation);
        Add(action with { Header = _enclosed is { } inner ? inner.Header : EditedHeader() });   // what it answers is the message, not what it was put into
    }

    /// <summary>Once a script. RFC 5429 §2.4</summary>
    public void Reject(SieveAction.Reject action)
    {
        RefuseAtEvents(action.InTheseWords ? "reject" : "ereject");
        if (_actions.Exists(a => a is SieveAction.Reject))
            throw new SieveFaultException("the script refuses one message twice");
        Add(action);
        CancelImplicitKeep();
    }

    /// <param name="isLimited">False: the implicit keep, which is there whatever scripts did. RFC 5228 §2.10.4</param>
    void Add(SieveAction action, bool isLimited = true)
    {
        if (isLimited && _actions.Count >= limits.Actions)
            throw new SieveFaultException($"the script does more than {limits.Actions} things with one message");
        _actions.Add(action with { Script = _script });
    }

    /// <summary>The part that the innermost loop is at becomes another one. RFC 5703 §5</summary>
    public void ReplacePart(NewEntity entity)
    {
        RefuseInPart("replace");
        int part = Part;
        if (message.EndsMultipart(part, entity))
            throw new SieveFaultException("replace has a text with a line that would end the multipart around it");
        using var octets = new ByteBuffer(1024);
        // The fields of a message inside that say whose it is stay, as with the message itself.
        if (message.Parts[part].Parent is >= 0 and var around && message.Parts[around].Kind == MimePartKind.Message)
        {
            foreach (HeaderLine line in message.FieldsOf(part).Where(line => !NewEntity.IsContent(line.Name)))
                octets.Write(line.Raw.Span);
        }
        octets.Write(entity.Fields);
        octets.Write("\r\n"u8);
        octets.Write(entity.Content);
        ChargeForChange(octets.Written.Length);
        (int below, int more) = message.Replace(part, octets.Written.ToArray());
        Span<PartLoop> loops = CollectionsMarshal.AsSpan(_loops);
        foreach (ref PartLoop loop in loops)
            loop.End += more;
        loops[^1].Skip = below;
    }

    /// <summary>The message becomes another one; loops over its parts are over. RFC 5703 §5</summary>
    /// <param name="fields">All but those that say what it is.</param>
    public void ReplaceWhole(List<byte[]> fields, NewEntity entity)
    {
        RefuseInPart("replace");
        byte[] whole = [.. fields.SelectMany(field => field), .. entity.Fields, .. "\r\n"u8, .. entity.Content];
        ChargeForChange(whole.Length);
        message.Replace(whole);
        foreach (ref PartLoop loop in CollectionsMarshal.AsSpan(_loops))
            (loop.At, loop.End) = (0, 1);
    }

    /// <summary>RFC 5703 §6</summary>
    public void Enclose(List<byte[]> fields, NewEntity text)
    {
        RefuseInPart("enclose");
        _enclosed ??= (EditedHeader(), EditedText());
        string boundary = $"=_{System.Security.Cryptography.RandomNumberGenerator.GetHexString(32, lowercase: true)}";
        byte[] first = Encoding.ASCII.GetBytes($"--{boundary}\r\n"), second = Encoding.ASCII.GetBytes($"\r\n--{boundary}\r\n");
        byte[] header = [.. fields.SelectMany(field => field), .. Encoding.ASCII.GetBytes($"Content-Type: multipart/mixed;\r\n boundary=\"{boundary}\"\r\n\r\n")];
        byte[] before = [.. first, .. text.Fields, .. "\r\n"u8, .. text.Content, .. second, .. "Content-Type: message/rfc822\r\n\r\n"u8];
        int content = first.Length + text.Fields.Length + 2, end = content + text.Content.Length;
        ChargeForChange(header.Length + before.Length);
        message.Enclose(header, before, (first.Length, content, end), end + second.Length, Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n"));
        foreach (ref PartLoop loop in CollectionsMarshal.AsSpan(_loops))
        {
            loop.At += 3;
            loop.End += 3;
        }
    }

    void RefuseInPart(string what)
    {
        if (!ReferenceEquals(Message, message))
            throw new SieveFaultException($"{what} cannot be used in a script that is included inside of a foreverypart: it would change a part that is taken for a message");
    }

    void ChargeForChange(int octets)
    {
        Charge(message.Parts.Count);
        ChargeFor(octets * 4L);
        if ((_changedOctets += octets) > limits.ChangedBytes)
            throw new SieveFaultException($"the script writes more than {limits.ChangedBytes} octets of new text into the message");
    }

    IReadOnlyList<MessagePiece>? EditedText()
    {
        if (message.Text is not { } text)
            return null;
        Charge(text.Count);
        return text;
    }

    byte[]? EditedHeader()
    {
        if (!message.IsChanged)
            return null;
        if (_edited is not null && _editedAt == message.Changes)
            return _edited;   // one array for all actions in between, so that there is one message
        ChargeFor(message.Lines.Count * 64L);
        using var header = new ByteBuffer(4096);
        foreach (HeaderLine line in message.Lines)
            header.Write(line.Raw.Span);
        _editedAt = message.Changes;
        return _edited = header.Written.ToArray();
    }

    public SieveOutcome ToOutcome(int ran, IReadOnlyList<(int Script, string Reason)>? faults, string? faultText) =>
        new(_actions, faultText) { Ran = ran, Faults = faults ?? [], Steps = Steps, Seen = _seen ?? [], Notes = _notes ?? [], NotedBy = _notedBy ?? [] };
}
