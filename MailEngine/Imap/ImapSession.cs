using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Imap.Access;
using MailEngine.Imap.Notify;
using MailEngine.Net;
using MailEngine.Store;
using MailEngine.Store.Partitions;

namespace MailEngine.Imap;

/// <summary>One client's IMAP session: reads commands, checks the state, runs them, answers.</summary>
/// <remarks>
/// States: RFC 9051 §3; <see cref="State"/> follows from <see cref="Account"/> and <see cref="Selected"/>. One task runs it from greeting
/// to end; only <see cref="Connection.End"/> and the wake-up of IDLE come from elsewhere, both as a cancelled read.
/// Commands are parsed whole, then their input is given back, then they run: nothing of a command is held while it waits.
/// Output is flushed when no further whole command is waiting, so pipelined commands are answered in large pieces.
/// </remarks>
internal sealed class ImapSession
{
    long _logInFrom;   // timestamp: a jump of the wall clock moves no deadline (fault case C9)
    CommandFramer _framer;
    long _preAuthOctets;
    int _badCommands;
    MetadataWatch? _metadata;   // null: the client has not enabled METADATA
    bool _ended;

    public ImapSession(Connection connection, ImapServices services)
    {
        Connection = connection;
        Services = services;
        Access = new MailboxAccess(this);
        Writer = new ImapWriter(connection, NameForm.Of(connection.Listener));
        _framer = new CommandFramer(Limits.ImapLineBytes, Limits.ImapLiteralBytes, PlusLimit);
        _logInFrom = services.Clock.GetTimestamp();
    }

    public Connection Connection { get; }

    public ImapServices Services { get; }

    public ImapWriter Writer { get; }

    /// <summary>The way from names to mailboxes; after log-in.</summary>
    public MailboxAccess Access { get; }

    public MailStore Store => Services.Store;

    public LimitOptions Limits => Services.Options.Limits;

    /// <summary>Largest literal that may come without waiting for "+"; every one of a command: RFC 7888 §5.</summary>
    public long PlusLimit => Services.Options.ImapLiteralMinus ? 4096 : long.MaxValue;

    /// <summary>Null before log-in.</summary>
    public AccountEntry? Account { get; private set; }

    /// <summary>Whose mailboxes; only for commands that run after log-in.</summary>
    public long AccountId => Account!.AccountId;

    public SelectedMailbox? Selected
    {
        get;
        set
        {
            field = value;
            Notifier?.Follow(value);
        }
    }

    /// <summary>What the client asked to be told of; null: it never did. RFC 5465 §3.1</summary>
    public Notifier? Notifier { get; private set; }

    public EnabledExtensions Enabled { get; private set; } = new();

    public ImapState State => Selected is not null ? ImapState.Selected : Account is not null ? ImapState.Authenticated : ImapState.NotAuthenticated;

    /// <summary>Passwords may be sent: under TLS, over a unix socket, or by setting. RFC 9051 §11.1</summary>
    public bool MayLogIn => Connection.IsTls || Connection.IsUnixSocket || Services.Options.AllowPlaintextAuth;

    public string CapabilityText => Account is not null ? Capabilities.After(Services.Options, Services.Hostname.Name) : Capabilities.Before(Services.Options, !Connection.IsTls && !Connection.IsUnixSocket, MayLogIn);

    public async Task RunAsync()
    {
        CancellationToken ct = Connection.Closed;
        try
        {
            Writer.WriteAscii($"* OK [CAPABILITY {CapabilityText}] {Services.Hostname.Name} ready\r\n");
            while (!_ended && await StepAsync(ct))
            {
            }
            await Writer.FlushAsync(Limits, ct);
        }
        finally
        {
            Services.LoggedIn.Remove(Connection);
            Notifier?.Dispose();
            _metadata?.Dispose();
        }
    }

    /// <summary>Replaces what the client wants to be told of.</summary>
    public void SetNotifier(Notifier? next)
    {
        Notifier?.Dispose();
        Notifier = next;
    }

    /// <summary>Replaces what tells the client of annotations that others change.</summary>
    public void WatchMetadata(MetadataWatch? next)
    {
        _metadata?.Dispose();
        _metadata = next;
    }

    /// <summary>After log-in: RFC 9051 §6.2.2. False: the account has too many sessions.</summary>
    public bool TryLogIn(AccountEntry account)
    {
        if (!Services.Sessions.TryBind(Connection, account.AccountId, account.Login))
            return false;
        Account = account;
        Services.LoggedIn.Add(Connection, account);
        ImapLog.LoggedIn(Services.Log, Connection.Id, Connection.RemoteText, account.AccountId);
        return true;
    }

    /// <summary>Tells the client what changed in the selected mailbox.</summary>
    /// <param name="mayExpunge">False while sequence numbers are in use.</param>
    /// <param name="withFlags">False: it does not want to hear of flags.</param>
    public void Tell(bool mayExpunge, bool withFlags = true)
    {
        int expunged = Selected!.Sync(Writer, mayExpunge, withFlags ? null : static _ => true);
        // RFC 7162 §6: while expunged messages wait, a client that is cut off must not believe that it knows all; and once it was told
        // of them, it may.
        if (Enabled.CondStore && (Selected.IsBehind || expunged > 0 && Enabled.QResync))
            Selected.WriteHighestModSeq(Writer);
    }

    /// <summary>Tells the client what changed, or what of it NOTIFY asks for.</summary>
    public async ValueTask TellAsync(bool mayExpunge, CancellationToken ct)
    {
        if (Notifier is not null)
            await Notifier.PushAsync(mayExpunge, ct);
        else if (Selected is not null)
            Tell(mayExpunge);
        if (_metadata is not null)
            await _metadata.WriteAsync(silent: Notifier is not null, ct);
    }

    /// <summary>Tells the client what it asked to hear of at any time, while it gives no command.</summary>
    async ValueTask PushAsync(CancellationToken ct)
    {
        if (Notifier is not null)
            await Notifier.PushAsync(ct);
        if (_metadata is not null)
            await _metadata.WriteAsync(silent: Notifier is not null, ct);
    }

    /// <summary>Tells of what a command took out; its tagged OK has the mod-sequence then. RFC 7162 §3.2.7, RFC 6851 §4.4</summary>
    public ImapReply TellExpunged(string done)
    {
        ulong before = Selected!.ToldModSeq;
        Selected.Sync(Writer, mayExpunge: true);
        return ImapReply.Ok(Selected.ToldModSeq > before ? $"[HIGHESTMODSEQ {Selected.ToldModSeq}] {done}" : done);
    }

    /// <summary>A command implies CONDSTORE; the first one makes the mod-sequence of the selected mailbox known. RFC 7162 §3.1</summary>
    public void EnableCondStore()
    {
        if (Enabled.CondStore)
            return;
        Enabled.CondStore = true;
        Selected?.WriteHighestModSeq(Writer);
    }

    /// <summary>Back to before log-in: nothing that the account did or switched on is left. RFC 8437 §3</summary>
    public void LogOut()
    {
        Selected = null;
        Account = null;
        SetNotifier(null);
        WatchMetadata(null);
        Enabled = new EnabledExtensions();
        Writer.Names = NameForm.Of(Connection.Listener);
        Services.LoggedIn.Remove(Connection);
        Services.Sessions.Unbind(Connection);
        _logInFrom = Services.Clock.GetTimestamp();
        _preAuthOctets = 0;
    }

    /// <summary>Ends the wait for input, now or as soon as one begins: something happened. Any thread.</summary>
    public void Wake() => Connection.Input.CancelPendingRead();

    /// <summary>No further command is read.</summary>
    public void End() => _ended = true;

    /// <summary>Tells the client that the session ends, and ends it. RFC 9051 §7.1.5</summary>
    public void Bye(string text)
    {
        Writer.WriteAscii($"* BYE {text}\r\n");
        _ended = true;
    }

    /// <summary>Writes a continuation request and sends it. RFC 9051 §7.6</summary>
    public async ValueTask ContinueAsync(string text, CancellationToken ct)
    {
        Writer.WriteAscii($"+ {text}\r\n");
        await Writer.FlushAsync(Limits, ct);
    }

    public ValueTask FlushIfFullAsync(CancellationToken ct) => Writer.IsFull ? Writer.FlushAsync(Limits, ct) : ValueTask.CompletedTask;

    /// <summary>Sends what is due, then waits for more input than was examined. Null: the session is over (BYE is written).</summary>
    /// <param name="wakes">True: a cancelled read without a reason to end is handed out (IDLE was woken), else it is passed over.</param>
    /// <param name="patience">How long to wait; null: as long as a command may take to come.</param>
    public async ValueTask<ReadResult?> ReadAsync(CancellationToken ct, bool wakes = false, TimeSpan? patience = null)
    {
        while (true)
        {
            PipeReader input = Connection.Input;
            if (!input.TryRead(out ReadResult read))
            {
                await Writer.FlushAsync(Limits, ct);
                Connection.Expect(Account is null ? Limits.TimeToAuthenticate - Services.Clock.GetElapsedTime(_logInFrom) : patience ?? Limits.ImapIdle);
                read = await input.ReadAsync(ct);
            }
            if (!read.IsCanceled)
                return read;
            if (Connection.EndReason != EndReason.None)
            {
                input.AdvanceTo(read.Buffer.Start);
                Bye(Connection.EndReason switch
                {
                    EndReason.TimedOut => "Too long without a command",
                    EndReason.Stopping => "[UNAVAILABLE] The server stops",
                    _ => "[UNAVAILABLE] The session was ended by the administrator or a change of the account",
                });
                return null;
            }
            if (wakes)
                return read;
            input.AdvanceTo(read.Buffer.Start);
        }
    }

    /// <summary>A line of an exchange inside a command (AUTHENTICATE, APPEND), without its line end. Null: the session is over.</summary>
    public async ValueTask<byte[]?> ReadLineAsync(int limit, CancellationToken ct, bool keepEnd = false)
    {
        while (true)
        {
            if (await ReadAsync(ct) is not { } read)
                return null;
            ReadOnlySequence<byte> input = read.Buffer;
            if (input.PositionOf((byte)'\n') is { } lineFeed)
            {
                ReadOnlySequence<byte> whole = input.Slice(0, input.GetPosition(1, lineFeed));
                byte[] line = whole.ToArray();
                Connection.Input.AdvanceTo(whole.End);
                if (line.Length > limit || !Count(line.Length))
                    break;
                return keepEnd ? line : line.AsSpan().TrimEnd("\r\n"u8).ToArray();
            }
            Connection.Input.AdvanceTo(input.Start, input.End);
            if (input.Length > limit)
                break;
            if (read.IsCompleted)
            {
                _ended = true;
                return null;
            }
        }
        Bye("Line too long");
        return null;
    }

    /// <summary>Reads one command and runs it. False: the client is gone or was told to go.</summary>
    async ValueTask<bool> StepAsync(CancellationToken ct)
    {
        _framer.Reset();
        while (true)
        {
            if (await ReadAsync(ct, wakes: Notifier is not null || _metadata is not null) is not { } read)
                return false;
            ReadOnlySequence<byte> input = read.Buffer;
            if (read.IsCanceled)
            {
                Connection.Input.AdvanceTo(input.Start);
                if (input.IsEmpty)   // not into the middle of a command
                    await PushAsync(ct);
                if (_ended)
                    return false;
                continue;
            }
            CommandFraming framing = _framer.Scan(input);
            while (framing == CommandFraming.Literal && !IsMessage(input))
            {
                if (_framer.LiteralWaits)
                {
                    if (Refusal(input) is { } refusal)
                    {
                        Connection.Input.AdvanceTo(input.GetPosition(_framer.Length));
                        return Answer(refusal);
                    }
                    Writer.Write("+ Ready\r\n"u8);
                }
                _framer.AcceptLiteral();
                framing = _framer.Scan(input);
            }
            switch (framing)
            {
                case CommandFraming.NeedMore:
                    // The whole of it is examined: the next read waits for more.
                    Connection.Input.AdvanceTo(input.Start, input.End);
                    if (Account is null && input.Length > Limits.PreAuthBytes)
                    {
                        Bye("Too much input before log-in");
                        return false;
                    }
                    if (read.IsCompleted)
                        return false;
                    continue;
                case CommandFraming.TooLong:
                    Connection.Input.AdvanceTo(input.End);
                    Bye("Command line too long");
                    return false;
                case CommandFraming.LiteralTooBig when _framer.IsTooBigToCome || !IsMessage(input):
                    return RefuseLiteral(input);
                default:
                    Received received = Parse(input.Slice(0, _framer.Length));
                    Connection.Input.AdvanceTo(input.GetPosition(_framer.Length));
                    if (!Count(_framer.Length))
                    {
                        Bye("Too much input before log-in");
                        return false;
                    }
                    return received.Command is null ? Answer(received) : await RunAsync(received, ct);
            }
        }
    }

    /// <summary>What became of a command line: a command to run, or an answer.</summary>
    /// <param name="IsIncomplete">The answer is about a literal that is not there yet.</param>
    readonly record struct Received(string Tag, CommandRow? Row, ImapCommand? Command, ImapReply? Reply, bool IsIncomplete = false);

    /// <summary>True when the literal announced is a message of an APPEND that may run: it is read while the command runs.</summary>
    bool IsMessage(in ReadOnlySequence<byte> input) => Parse(input.Slice(0, _framer.Length)).Command is { ReadsItsLiterals: true };

    /// <summary>An answer that stands before the literal is sent: unknown command, wrong state, wrong arguments.</summary>
    Received? Refusal(in ReadOnlySequence<byte> input)
    {
        Received received = Parse(input.Slice(0, _framer.Length));
        return received.Reply is null || received.IsIncomplete ? null : received;
    }

    bool RefuseLiteral(in ReadOnlySequence<byte> input)
    {
        Received received = Parse(input.Slice(0, _framer.Length), onlyName: true);
        Connection.Input.AdvanceTo(input.GetPosition(_framer.Length));
        bool goesOn = Answer(received with { Reply = received.Reply ?? ImapReply.Bad("[TOOBIG] Literal too large") });
        if (_framer.LiteralWaits)
            return goesOn;   // the client does not send it
        // RFC 7888 §4: it is on its way already; we do not read that much to throw it away.
        Bye("[TOOBIG] Literal too large");
        return false;
    }

    bool Count(long octets)
    {
        if (Account is not null)
            return true;
        _preAuthOctets += octets;   // attack case A6
        return _preAuthOctets <= Limits.PreAuthBytes;
    }

    Received Parse(in ReadOnlySequence<byte> command, bool onlyName = false)
    {
        if (command.IsSingleSegment)
            return Parse(command.FirstSpan, onlyName);
        byte[] copy = ArrayPool<byte>.Shared.Rent((int)command.Length);
        try
        {
            command.CopyTo(copy);
            return Parse(copy.AsSpan(0, (int)command.Length), onlyName);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy, clearArray: Account is null);   // passwords
        }
    }

    Received Parse(ReadOnlySpan<byte> command, bool onlyName)
    {
        var reader = new ImapReader(command, Limits.Depth, Writer.Names) { Saved = Selected?.Saved, NoCharset = Enabled.Utf8Accept };
        ReadOnlySpan<byte> tagBytes = reader.Tag();
        if (tagBytes.IsEmpty || tagBytes.Length > 128 || !reader.TryTake((byte)' '))
            return new Received("*", null, null, ImapReply.Bad("Expected a tag and a command"));
        string tag = Encoding.ASCII.GetString(tagBytes);
        CommandRow? row = ImapCommandTable.Find(ref reader);
        if (row is null)
            return new Received(tag, null, null, ImapReply.Bad("Unknown command"));
        if ((row.States & State) == 0)
            return new Received(tag, row, null, WrongState(row));
        if (Enabled.UidOnly && ImapCommandTable.HasUidForm(row))
            return new Received(tag, row, null, ImapReply.UidRequired);
        if (onlyName)
            return new Received(tag, row, null, null);
        ImapCommand parsed = row.Parse(ref reader);
        if (!parsed.ReadsItsLiterals)
            reader.End();
        return reader.Error is { } error ? new Received(tag, row, null, ImapReply.Bad(error), reader.IsIncomplete)
            : reader.HasBadName ? new Received(tag, row, null, ImapReply.No("[CANNOT] Not a name a mailbox can have here"))
            : Enabled.UidOnly && parsed.UsesNumbers ? new Received(tag, row, null, ImapReply.UidRequired)
            : new Received(tag, row, parsed, null);
    }

    ImapReply WrongState(CommandRow row) => State switch
    {
        ImapState.NotAuthenticated => ImapReply.Bad("Log in first"),
        ImapState.Authenticated when (row.States & ImapState.Selected) != 0 => ImapReply.Bad("Select a mailbox first"),
        _ => ImapReply.Bad("Not now: you are logged in"),
    };

    async ValueTask<bool> RunAsync(Received received, CancellationToken ct)
    {
        ImapReply reply;
        CurrentTag = received.Tag;
        try
        {
            if (Selected is { } selected && !await Access.MayStillReadAsync(selected, ct))
            {
                Bye("[NOPERM] You may no longer read the selected mailbox");   // RFC 4314 §5.1.1
                return false;
            }
            reply = await received.Command!.RunAsync(this, ct);
        }
        catch (Exception e) when (e is DirectoryUnavailableException or PartitionMissingException)
        {
            reply = ImapReply.Unavailable;
        }
        catch (Exception e) when (!Connection.IsLostConnection(e))
        {
            ImapLog.CommandFailed(Services.Log, e, Connection.Id, received.Row!.Name);
            reply = e is IOException ? ImapReply.Unavailable : ImapReply.ServerBug;
            if (received.Command!.ReadsItsLiterals)   // the rest of a message may follow, which is nothing to take commands from
                Bye("[UNAVAILABLE] The message was not taken");
        }
        if (_ended && reply == ImapReply.Nothing)
            return false;
        if (Selected is not null && !_ended)
        {
            if (Selected.Box.IsDeleted)
            {
                Bye("The selected mailbox was deleted");   // RFC 9051 §6.3.5
                return Answer(received with { Reply = reply });
            }
            await TellAsync(mayExpunge: received.Row!.Numbers == SeqUse.None && !received.Command!.UsesNumbers, ct);
            // RFC 5530 §3: somebody expunged messages that this command may have worked on.
            if (Selected.IsBehind && reply.Line.StartsWith("OK ", StringComparison.Ordinal) && reply.Line[3] != '[')
                reply = ImapReply.Ok("[EXPUNGEISSUED] " + reply.Line[3..]);
        }
        else if (!_ended)
        {
            await TellAsync(mayExpunge: false, ct);
        }
        bool goesOn = Answer(received with { Reply = reply });
        await FlushIfFullAsync(ct);
        return goesOn;
    }

    /// <summary>Tag of the command that runs; for STARTTLS, which answers itself.</summary>
    public string CurrentTag { get; private set; } = "";

    bool Answer(Received received)
    {
        ImapReply reply = received.Reply!;
        if (reply != ImapReply.Nothing)
            Writer.WriteAscii($"{received.Tag} {reply.Line}\r\n");
        if (reply.IsBad && ++_badCommands >= Limits.BadCommands)
        {
            ImapLog.Dropped(Services.Log, Connection.Id, Connection.RemoteText, "too many bad commands");
            Bye("[CLIENTBUG] Too many bad commands");
        }
        return !_ended;
    }
}
