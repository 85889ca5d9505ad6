using System.Buffers;
using MailEngine.Store;

namespace MailEngine.Imap.Append;

/// <summary>Takes the messages of an APPEND off the connection into bodies that the store can commit. One run a command.</summary>
/// <remarks>
/// Octets go straight into the store while they arrive. Nothing is in a mailbox before the caller commits <see cref="Items"/>; whatever
/// is left is dropped with this object, so the command has all of its messages or none (RFC 3502 §6.3.11).
/// Once the command is refused: a client that waits with its literal is answered at once; one that does not is heard out, its octets
/// thrown away (RFC 7888 §4), up to a limit.
/// </remarks>
/// <param name="owner">Who pays for the messages.</param>
internal sealed class AppendRun(ImapSession session, AppendParser parser, Owner owner) : IDisposable
{
    /// <summary>Bodies of one command that may be in memory, octets; what comes after them goes to files of its own. A message that
    /// stands alone has <see cref="StoreOptions.InlineBodyBytes"/>.</summary>
    const long MaxInMemory = 4 << 20;

    readonly List<AppendItem> _items = [];
    AppendStep? _message;
    IncomingMessage? _incoming;
    ImapReply? _refusal;
    long _inMemory;
    long _octets;
    long _thrownAway;
    long? _room;
    int _lineOctets;

    /// <summary>The messages, when nothing refused them.</summary>
    public IReadOnlyList<AppendItem> Items => _items;

    /// <summary>Reads to the end of the command, or up to where its answer can be given.</summary>
    /// <param name="refusal">What is known to be wrong already; null: nothing.</param>
    /// <returns>The answer; null: <see cref="Items"/> can be committed.</returns>
    public async ValueTask<ImapReply?> ReadAsync(ImapReply? refusal, CancellationToken ct)
    {
        _refusal = refusal;
        while (true)
        {
            foreach (AppendStep step in parser.Steps)
            {
                switch (step.Kind)
                {
                    case AppendStepKind.Start:
                        Start(step);
                        break;
                    case AppendStepKind.Finish:
                        Finish();
                        break;
                    default:
                        await CheckAsync(step);
                        if (_refusal is not null && step.Waits)
                            return _refusal;
                        if (!await TakeAsync(step, ct))
                            return ImapReply.Nothing;
                        break;
                }
            }
            if (parser.IsComplete)
                return _refusal;
            if (await session.ReadLineAsync(session.Limits.ImapLineBytes - _lineOctets, ct, keepEnd: true) is not { } line)
                return ImapReply.Nothing;
            _lineOctets += line.Length;
            Parse(line);
        }
    }

    public void Dispose()
    {
        _incoming?.Dispose();
        foreach (AppendItem item in _items)
            item.Body.Dispose();
    }

    void Parse(byte[] line)
    {
        if (_message is not null)
        {
            var reader = new ImapReader(line, session.Limits.Depth);
            parser.Read(ref reader);
            if (reader.Error is not { } error)
                return;
            _refusal ??= ImapReply.Bad(error);
            _message = null;
        }
        parser.Skip(line);
    }

    void Start(AppendStep step)
    {
        _message = step;
        if (_items.Count >= session.Limits.AppendMessages)
            _refusal ??= ImapReply.No("[LIMIT] Too many messages in one command");
        if (_refusal is null)
            _incoming = new IncomingMessage(NewBody());
    }

    /// <summary>What can be said before the octets come.</summary>
    async ValueTask CheckAsync(AppendStep step)
    {
        if (_refusal is not null)
            return;
        if (_incoming!.Length + step.Length > session.Limits.MessageBytes)
            _refusal = ImapReply.No("[TOOBIG] The message is larger than this server takes");   // RFC 7889 §4
        else if (step.Length == 0)
            _refusal = ImapReply.No("[CANNOT] A message has at least one octet");   // RFC 3502 §6.3.11 gives up with an empty literal
        else if (owner.QuotaBytes is > 0 and var quota)
        {
            _room ??= quota - (await session.Store.UseAsync(owner.AccountId)).Bytes;
            if (_octets + step.Length > _room)
                _refusal = ImapReply.No(StoreError.OverQuota);
        }
    }

    /// <summary>Takes the octets of a literal. False: the session is over.</summary>
    async ValueTask<bool> TakeAsync(AppendStep step, CancellationToken ct)
    {
        if (step.Waits)
            await session.ContinueAsync("Ready for the message", ct);
        if (_refusal is null)
        {
            _octets += step.Length;
            return await ReadAsync(step.Length, _incoming, ct);
        }
        // Saturated, so that no length overflows the sum.
        _thrownAway = step.Length > long.MaxValue - _thrownAway ? long.MaxValue : _thrownAway + step.Length;
        if (_thrownAway <= 2 * session.Limits.MessageBytes)
            return await ReadAsync(step.Length, null, ct);
        session.Bye("[TOOBIG] Literal too large");   // RFC 7888 §4: we do not read that much to throw it away
        return false;
    }

    async ValueTask<bool> ReadAsync(long length, IncomingMessage? to, CancellationToken ct)
    {
        TimeProvider clock = session.Services.Clock;
        long start = clock.GetTimestamp();
        for (long left = length; left > 0;)
        {
            if (await session.ReadAsync(ct, patience: TimeSpan.FromMinutes(1)) is not { } read)
                return false;
            ReadOnlySequence<byte> piece = read.Buffer.Length > left ? read.Buffer.Slice(0, left) : read.Buffer;
            if (to is not null && !Kept(() => to.Write(piece)))
                to = null;   // the rest is thrown away
            left -= piece.Length;
            session.Connection.Input.AdvanceTo(piece.End);
            if (read.IsCompleted && left > 0)
            {
                session.End();
                return false;
            }
            double seconds = clock.GetElapsedTime(start).TotalSeconds;
            if (seconds > 60 && (length - left) / seconds < session.Limits.SlowestBytesPerSecond)   // attack case A21
            {
                session.Bye("Too slow");
                return false;
            }
        }
        return true;
    }

    /// <summary>Runs what writes to the disk; when that fails the command is refused, not the session ended.</summary>
    bool Kept(Action write)
    {
        try
        {
            write();
            return true;
        }
        catch (IOException)
        {
            _refusal ??= ImapReply.Unavailable;
            return false;
        }
    }

    void Finish()
    {
        if (_refusal is not null)
            return;
        Body? body = null;
        if (!Kept(() => body = Complete(_incoming!)))
            return;
        _incoming!.Dispose();
        _incoming = null;
        if (body is null)
        {
            _refusal = ImapReply.No("[UNKNOWN-CTE] NUL octets can only be stored in the body of a part");   // RFC 3516 §4.4
            return;
        }
        if (body.OwnRange is null)
            _inMemory += body.Length;
        _items.Add(new AppendItem { Body = body, Flags = _message!.Flags, Keywords = _message.Keywords, InternalDate = _message.Date });
    }

    BodyWriter NewBody() => session.Store.NewBody(MaxInMemory - _inMemory);

    Body? Complete(IncomingMessage message)
    {
        Body body = message.Complete();
        if (!message.HasNul)
            return body;
        using (body)
        using (BodyWriter to = NewBody())
            return Base64Parts.Convert(body, to);
    }
}
