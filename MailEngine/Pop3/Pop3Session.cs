using System.Buffers;
using System.IO.Pipelines;
using MailEngine.Accounts;
using MailEngine.Net;
using MailEngine.Sasl;
using MailEngine.Store;
using MailEngine.Store.Partitions;

namespace MailEngine.Pop3;

/// <summary>One client's POP3 session: reads commands, checks the state, runs them, answers.</summary>
/// <remarks>
/// States: RFC 1939 §3. AUTHORIZATION → TRANSACTION (<see cref="Drop"/> is set) → UPDATE, which is <see cref="Commands.QuitCommand"/>. A session that
/// ends in any other way changes nothing (RFC 1939 §6). One task runs it; output is flushed when no further whole command waits, so pipelined
/// commands are answered in large pieces.
/// </remarks>
internal sealed class Pop3Session
{
    readonly long _since;   // timestamps: a jump of the wall clock moves no deadline (fault case C9)
    long _waitsSince;
    long _preAuthOctets;
    int _badCommands;
    int _removed;
    bool _holdsDrop;
    bool _ended;

    public Pop3Session(Connection connection, Pop3Services services)
    {
        Connection = connection;
        Services = services;
        Writer = new OutputWriter(connection);
        _since = services.Clock.GetTimestamp();
    }

    public Connection Connection { get; }

    public Pop3Services Services { get; }

    public OutputWriter Writer { get; }

    public Pop3Options Options => Services.Options.Pop3;

    public LimitOptions Limits => Services.Options.Limits;

    /// <summary>Null before log-in.</summary>
    public AccountEntry? Account { get; private set; }

    /// <summary>The messages; only for commands that run after log-in.</summary>
    public Maildrop Drop { get; private set; } = null!;

    /// <summary>What USER said; null: nothing, or it was used. RFC 1939 §7</summary>
    public string? User { get; set; }

    public Pop3Language Language { get; set; }

    /// <summary>The client has said UTF8. RFC 6856 §2.1</summary>
    public bool IsUtf8 { get; set; }

    /// <summary>Nobody can listen in.</summary>
    public bool IsPrivate => Connection.IsTls || Connection.IsUnixSocket;

    /// <summary>Passwords may be sent: RFC 2595 §4 for USER and PASS, RFC 4616 §4 for PLAIN.</summary>
    public bool MayLogIn => IsPrivate || Services.Options.AllowPlaintextAuth;

    public async Task RunAsync()
    {
        CancellationToken ct = Connection.Closed;
        try
        {
            // No time stamp in angle brackets: that would offer APOP. RFC 1939 §7
            Say(Pop3Reply.Ok(Pop3Texts.Ready, Services.Hostname.Name));
            while (!_ended && await StepAsync(ct))
            {
            }
            await Writer.FlushAsync(Limits, ct);
        }
        finally
        {
            await LeaveAsync();
        }
    }

    /// <summary>Opens the maildrop of who has proved who he is. RFC 1939 §4</summary>
    public async ValueTask<Pop3Reply> LogInAsync(AccountEntry account)
    {
        if (Services.Access.IsTooSoon(account.AccountId))
            return Pop3Reply.Err(Pop3Texts.TooSoon, "LOGIN-DELAY", (long)Options.LoginDelay.TotalSeconds);   // RFC 2449 §8.1.1
        if (!Services.Access.TryTake(account.AccountId))
            return Pop3Reply.Err(Pop3Texts.InUse, "IN-USE");   // RFC 2449 §8.1.2
        Maildrop? drop = null;
        try
        {
            if (!Services.Sessions.TryBind(Connection, account.AccountId, account.Login))
                return Pop3Reply.Err(Pop3Texts.TooManySessions, "SYS/TEMP");
            drop = await Maildrop.OpenAsync(Services.Store, Options, account.AccountId);
        }
        finally
        {
            if (drop is null)
            {
                Services.Access.Release(account.AccountId);
                Services.Sessions.Unbind(Connection);
            }
        }
        _holdsDrop = true;
        Account = account;
        Drop = drop;
        Services.LoggedIn.Add(Connection, account);
        Services.Access.Note(account.AccountId);
        Pop3Log.LoggedIn(Services.Log, Connection.Id, Connection.RemoteText, account.AccountId, drop.Count);
        return Pop3Reply.Ok(Pop3Texts.LoggedIn, drop.Count);
    }

    /// <summary>UPDATE and the end. RFC 1939 §6</summary>
    public async ValueTask<Pop3Reply> FinishAsync()
    {
        _ended = true;
        if (Account is null)
            return Pop3Reply.Ok(Pop3Texts.Goodbye);
        (StoreError error, int removed) = await Drop.FinishAsync(Options);
        if (error != StoreError.None)
            return error == StoreError.NoPermission ? Pop3Reply.Err(Pop3Texts.MayNotRemove, "SYS/PERM") : Pop3Reply.Err(Pop3Texts.NotRemoved, "SYS/TEMP");
        _removed = removed;
        return removed == 0 ? Pop3Reply.Ok(Pop3Texts.Goodbye) : Pop3Reply.Ok(Pop3Texts.Removed, removed);
    }

    async ValueTask LeaveAsync()
    {
        if (Account is not { } account)
            return;
        Services.LoggedIn.Remove(Connection);
        try
        {
            await Drop.MarkSeenAsync(Options);
        }
        finally
        {
            if (_holdsDrop)
                Services.Access.Release(account.AccountId);
            Pop3Log.Left(Services.Log, Connection.Id, account.AccountId, Drop.Sent.Messages, Drop.Sent.Octets, _removed);
        }
    }

    /// <summary>No further command is read.</summary>
    public void End() => _ended = true;

    public void Say(Pop3Reply reply)
    {
        if (!ReferenceEquals(reply, Pop3Reply.Nothing))
            Writer.Write(reply.LineIn(Language));
    }

    public ValueTask FlushIfFullAsync(CancellationToken ct) => Writer.IsFull ? Writer.FlushAsync(Limits, ct) : ValueTask.CompletedTask;

    /// <summary>A line of an exchange inside AUTH, without its line end. Null: the session is over.</summary>
    public async ValueTask<byte[]?> ReadLineAsync(CancellationToken ct)
    {
        byte[]? line = null;
        return await TakeLineAsync(octets => line = octets.ToArray(), ct) ? line : null;
    }

    /// <summary>Reads one command and runs it. False: the client is gone or was told to go.</summary>
    async ValueTask<bool> StepAsync(CancellationToken ct)
    {
        Received received = default;
        if (!await TakeLineAsync(octets => received = Parse(octets), ct))
            return false;
        Pop3Reply reply = received.Command is null ? received.Refusal! : await RunAsync(received.Row!, received.Command, ct);
        Say(reply);
        if (received.IsBad && ++_badCommands >= Limits.BadCommands)
        {
            Pop3Log.Dropped(Services.Log, Connection.Id, Connection.RemoteText, "too many bad commands");
            Say(Pop3Reply.Err(Pop3Texts.TooManyBad));
            _ended = true;
        }
        await FlushIfFullAsync(ct);
        return !_ended;
    }

    /// <summary>What became of a line: a command to run, or why there is none.</summary>
    /// <param name="IsBad">It was no command, or not written as one.</param>
    readonly record struct Received(Pop3Row? Row, Pop3Command? Command, Pop3Reply? Refusal, bool IsBad);

    Received Parse(ReadOnlySpan<byte> line)
    {
        var reader = new Pop3Reader(line);
        if (Pop3CommandTable.Find(reader.Verb()) is not { } row)
            return new Received(null, null, Pop3Reply.Err(Pop3Texts.UnknownCommand), true);
        if ((row.States & (Account is null ? Pop3State.Authorization : Pop3State.Transaction)) == 0)
            return new Received(row, null, Pop3Reply.Err(Account is null ? Pop3Texts.LogInFirst : Pop3Texts.OnlyBeforeLogIn), true);
        Pop3Command command = row.Parse(ref reader);
        reader.End();
        return reader.Fault is { } fault ? new Received(row, null, Pop3Reply.Err(fault), true) : new Received(row, command, null, false);
    }

    async ValueTask<Pop3Reply> RunAsync(Pop3Row row, Pop3Command command, CancellationToken ct)
    {
        try
        {
            return await command.RunAsync(this, ct);
        }
        catch (Exception e) when (e is DirectoryUnavailableException or PartitionMissingException)
        {
            return Pop3Reply.Unavailable;
        }
        catch (Exception e) when (!Connection.IsLostConnection(e))
        {
            Pop3Log.CommandFailed(Services.Log, e, Connection.Id, row.Name);
            return e is IOException ? Pop3Reply.Unavailable : Pop3Reply.Err(Pop3Texts.ServerFault, "SYS/PERM");
        }
    }

    delegate void LineTaker(ReadOnlySpan<byte> line);

    /// <summary>Sends what is due, waits for a whole line and hands it out. False: the session is over, and that is said.</summary>
    async ValueTask<bool> TakeLineAsync(LineTaker take, CancellationToken ct)
    {
        _waitsSince = 0;
        while (true)
        {
            PipeReader input = Connection.Input;
            if (!input.TryRead(out ReadResult read))
            {
                await Writer.FlushAsync(Limits, ct);
                Connection.Expect(Patience());
                read = await input.ReadAsync(ct);
            }
            if (Connection.EndReason != EndReason.None)
            {
                input.AdvanceTo(read.Buffer.Start);
                return Farewell();
            }
            ReadOnlySequence<byte> rest = read.Buffer;
            Framing framing = LineFramer.TryTake(ref rest, Limits.Pop3LineBytes, out ReadOnlySequence<byte> line);
            if (framing == Framing.Line)
                HandOut(line, take);
            long taken = read.Buffer.Length - rest.Length;
            input.AdvanceTo(rest.Start, framing == Framing.NeedMore ? rest.End : rest.Start);
            if (Account is null && (_preAuthOctets += taken) + (framing == Framing.NeedMore ? rest.Length : 0) > Limits.PreAuthBytes)   // attack case A6
                return Dismiss(Pop3Texts.TooMuchBeforeLogIn);
            switch (framing)
            {
                case Framing.Line:
                    return true;
                case Framing.TooLong:
                    return Dismiss(Pop3Texts.LineTooLong);
                case Framing.BareCrOrLf:
                    return Dismiss(Pop3Texts.BareLineEnd);
            }
            if (read.IsCompleted)
            {
                _ended = true;
                return false;
            }
        }
    }

    static void HandOut(in ReadOnlySequence<byte> line, LineTaker take)
    {
        if (line.IsSingleSegment)
        {
            take(line.FirstSpan);
            return;
        }
        byte[] copy = ArrayPool<byte>.Shared.Rent((int)line.Length);
        line.CopyTo(copy);
        take(copy.AsSpan(0, (int)line.Length));
        ArrayPool<byte>.Shared.Return(copy, clearArray: true);   // a password may be in it
    }

    /// <summary>Time for the whole line: single octets now and then do not prolong it (attack case A21).</summary>
    TimeSpan Patience()
    {
        if (Account is null)
            return Limits.TimeToAuthenticate - Services.Clock.GetElapsedTime(_since);
        if (_waitsSince == 0)
            _waitsSince = Services.Clock.GetTimestamp();
        return Limits.Pop3Idle - Services.Clock.GetElapsedTime(_waitsSince);
    }

    bool Farewell()
    {
        _ended = true;
        // RFC 1939 §3: who was idle too long is left without a word, and nothing is removed.
        if (Connection.EndReason != EndReason.TimedOut)
            Say(Pop3Reply.Err(Connection.EndReason == EndReason.Stopping ? Pop3Texts.Stops : Pop3Texts.Ended, "SYS/TEMP"));
        return false;
    }

    bool Dismiss(Pop3Text why)
    {
        _ended = true;
        Say(Pop3Reply.Err(why));
        return false;
    }
}
