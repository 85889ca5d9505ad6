using System.Buffers;
using System.Data.Common;
using System.IO.Pipelines;
using System.Text;
using MailEngine.Accounts;
using MailEngine.Net;
using MailEngine.Sieve;

namespace MailEngine.ManageSieve;

/// <summary>One ManageSieve conversation: reads commands, checks them against the table, runs them, answers.</summary>
/// <remarks>States: not logged in → logged in (AUTHENTICATE) → not logged in (UNAUTHENTICATE). RFC 5804 §1.4. One task runs it from greeting to end.</remarks>
sealed class ManageSieveSession
{
    /// <summary>Longest line of a command, octets: names, and base64 of a log-in.</summary>
    const int MostLine = 16 << 10;

    long _logInFrom;   // timestamp: a jump of the wall clock moves no deadline
    readonly CommandFramer _framer;
    long _preAuthOctets;
    int _badCommands;
    bool _ended;
    ManageSieveReply? _framingFault;   // the command read last has a literal that is too large

    public ManageSieveSession(Connection connection, ManageSieveServices services)
    {
        Connection = connection;
        Services = services;
        _framer = new CommandFramer(MostLine, services.Options.Sieve.ScriptBytes);
        _logInFrom = services.Clock.GetTimestamp();
    }

    public Connection Connection { get; }

    public ManageSieveServices Services { get; }

    public SieveScripts Scripts => Services.Scripts;

    public SieveOptions SieveLimits => Services.Options.Sieve;

    /// <summary>What the account may store.</summary>
    public Task<ScriptLimits> LimitsAsync(CancellationToken ct) => Scripts.LimitsOfAsync(AccountId, SieveLimits, ct);

    /// <summary>Null before log-in.</summary>
    public AccountEntry? Account { get; private set; }

    public long AccountId => Account!.AccountId;

    /// <summary>For the audit: people look after their own scripts here.</summary>
    public Administrator Who => new(AccountId, Account!.Login, Connection.RemoteText);

    /// <summary>Passwords may be sent: under TLS, over a unix socket, or by setting. RFC 5804 §2.2</summary>
    public bool MayLogIn => Connection.IsTls || Connection.IsUnixSocket || Services.Options.AllowPlaintextAuth;

    public async Task RunAsync()
    {
        CancellationToken ct = Connection.Closed;
        Write(Commands.CapabilityCommand.TextOf(this));
        Write(ManageSieveReply.Done.ToString());
        try
        {
            while (!_ended && await ReadCommandAsync(ct) is { } command)
                await RunAsync(command, ct);
            await FlushAsync(ct);
        }
        finally
        {
            Services.LoggedIn.Remove(Connection);
        }
    }

    async ValueTask RunAsync(ReadOnlyMemory<byte> octets, CancellationToken ct)
    {
        if (_framingFault is { } tooLarge)
        {
            Write(tooLarge.ToString());
            return;
        }
        (ManageSieveRow? row, ManageSieveCommand? command, string? fault) = Parse(octets.Span);
        ManageSieveReply reply;
        if (row is null || command is null)
        {
            reply = ++_badCommands >= Services.Options.Limits.BadCommands ? ManageSieveReply.Bye("Too many bad commands") : ManageSieveReply.No(fault!);
        }
        else if (row.NeedsLogIn && Account is null)
        {
            reply = ManageSieveReply.No("Log in first, by AUTHENTICATE");
        }
        else if (row.BeforeLogIn && Account is not null)
        {
            reply = ManageSieveReply.No($"{row.Name} is only possible before log-in");
        }
        else if (Account is not null && !await Services.Authenticator.MayContinueAsync(Account, MailServices.ManageSieve, ct))
        {
            reply = ManageSieveReply.Bye("The account has changed; log in again");   // another password, or the service is switched off
        }
        else
        {
            reply = await RunAsync(row, command, ct);
        }
        if (reply != ManageSieveReply.Nothing)
            Write(reply.ToString());
        _ended |= reply.Kind == "BYE";
    }

    async ValueTask<ManageSieveReply> RunAsync(ManageSieveRow row, ManageSieveCommand command, CancellationToken ct)
    {
        try
        {
            return await command.RunAsync(this, ct);
        }
        catch (Exception e) when (e is DbException or DirectoryUnavailableException)
        {
            ManageSieveLog.CommandFailed(Services.Log, e, Connection.Id, row.Name);
            return ManageSieveReply.Unavailable;
        }
        catch (Exception e) when (!Connection.IsLostConnection(e))
        {
            ManageSieveLog.CommandFailed(Services.Log, e, Connection.Id, row.Name);
            return ManageSieveReply.Bye("The server has a fault; try again later", "TRYLATER");
        }
    }

    static (ManageSieveRow? Row, ManageSieveCommand? Command, string? Fault) Parse(ReadOnlySpan<byte> octets)
    {
        var reader = new CommandReader(octets);
        if (ManageSieveCommandTable.Find(reader.Verb()) is not { } row)
            return (null, null, "No such command");
        ManageSieveCommand command = row.Parse(ref reader);
        reader.End();
        return reader.Fault is { } fault ? (null, null, fault) : (row, command, null);
    }

    /// <summary>After log-in. False: the account has too many sessions.</summary>
    public bool TryLogIn(AccountEntry account)
    {
        if (!Services.Sessions.TryBind(Connection, account.AccountId, account.Login))
            return false;
        Account = account;
        Services.LoggedIn.Add(Connection, account);
        ManageSieveLog.LoggedIn(Services.Log, Connection.Id, Connection.RemoteText, account.AccountId);
        return true;
    }

    /// <summary>Back to before log-in. RFC 5804 §2.14.1</summary>
    public void LogOut()
    {
        Account = null;
        Services.LoggedIn.Remove(Connection);
        Services.Sessions.Unbind(Connection);
        _logInFrom = Services.Clock.GetTimestamp();
        _preAuthOctets = 0;
    }

    /// <summary>No further command is read.</summary>
    public void End() => _ended = true;

    public void Write(string text) => Connection.Output.Write(Encoding.UTF8.GetBytes(text));

    public void Write(ReadOnlySpan<byte> octets) => Connection.Output.Write(octets);

    public async ValueTask FlushAsync(CancellationToken ct)
    {
        // Attack case A21: a client that does not read holds the session no longer than its slowest allowed rate takes.
        Connection.Expect(TimeSpan.FromSeconds(60 + ((SieveLimits.ScriptBytes + MostLine) / Math.Max(Services.Options.Limits.SlowestBytesPerSecond, 1))));
        await Connection.Output.FlushAsync(ct);
    }

    /// <summary>The next whole command, or the next answer of an exchange. Null: the session is over, and that is said.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadCommandAsync(CancellationToken ct)
    {
        _framingFault = null;
        while (true)
        {
            PipeReader input = Connection.Input;
            if (!input.TryRead(out ReadResult read))
            {
                await FlushAsync(ct);
                Connection.Expect(Account is null ? Services.Options.Limits.TimeToAuthenticate - Services.Clock.GetElapsedTime(_logInFrom) : Services.Options.Limits.ImapIdle);
                read = await input.ReadAsync(ct);
            }
            if (read.IsCanceled && Connection.EndReason != EndReason.None)
            {
                input.AdvanceTo(read.Buffer.Start);
                Write((Connection.EndReason switch
                {
                    EndReason.TimedOut => ManageSieveReply.Bye("Too long without a command"),
                    EndReason.Stopping => ManageSieveReply.Bye("The server stops", "TRYLATER"),
                    _ => ManageSieveReply.Bye("The session was ended by the administrator or a change of the account"),
                }).ToString());
                _ended = true;
                return null;
            }
            ReadOnlySequence<byte> rest = read.Buffer;
            CommandFraming framing = _framer.Take(ref rest);
            long taken = read.Buffer.Length - rest.Length;
            input.AdvanceTo(rest.Start, framing == CommandFraming.NeedMore ? rest.End : rest.Start);
            if (Account is null && (_preAuthOctets += taken) > Services.Options.Limits.PreAuthBytes)
                framing = CommandFraming.Broken;
            switch (framing)
            {
                case CommandFraming.Command:
                    return _framer.Command;
                case CommandFraming.LiteralTooLarge:
                    _framingFault = ManageSieveReply.TooLarge(SieveLimits.ScriptBytes);
                    return ReadOnlyMemory<byte>.Empty;
                case CommandFraming.Broken:
                    Write(ManageSieveReply.Bye("This is no command: it is too long, or a line does not end with CRLF").ToString());
                    _ended = true;
                    return null;
            }
            if (read.IsCompleted)
            {
                _ended = true;
                return null;
            }
        }
    }
}
