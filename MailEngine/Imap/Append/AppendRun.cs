using System.Buffers;
using System.Text;
using MailEngine.Imap.Urls;
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
/// <param name="freed">Octets that the same commit takes out of the account (REPLACE).</param>
internal sealed class AppendRun(ImapSession session, AppendParser parser, Owner owner, long freed = 0) : IDisposable
{
    /// <summary>Bodies of one command that may be in memory, octets; what comes after them goes to files of its own. A message that
    /// stands alone has <see cref="StoreOptions.InlineBodyBytes"/>.</summary>
    const long MaxInMemory = 4 << 20;

    static readonly ImapReply s_empty = ImapReply.No("[CANNOT] A message has at least one octet");

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
                    case AppendStepKind.Url:
                        await AddUrlAsync(step.Url, ct);
                        break;
                    default:
                        if (!step.Waits && step.Length > session.PlusLimit)
                        {
                            // It is on its way, and nobody reads it: RFC 7888 §5.
                            session.Writer.WriteAscii($"{session.CurrentTag} BAD [TOOBIG] Literal too large\r\n");
                            session.Bye("[TOOBIG] Literal too large");
                            return ImapReply.Nothing;
                        }
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
        if (step.Kind == AppendStepKind.UrlLiteral)
        {
            if (step.Length > ImapUrl.MaxLength)
                _refusal = ImapReply.Bad("[TOOBIG] URL too long");
        }
        else if (step is { IsWhole: true, Length: 0 })
            _refusal = s_empty;   // RFC 3502 §6.3.11 gives up with an empty literal
        else
            await CheckSizeAsync(step.Length);
    }

    /// <summary>Whether so many octets more can be taken.</summary>
    async ValueTask CheckSizeAsync(long length)
    {
        if (length > session.Limits.MessageBytes - _incoming!.Length)
            _refusal = ImapReply.No("[TOOBIG] The message is larger than this server takes");   // RFC 7889 §4, RFC 4469 §4.2
        else if (owner.QuotaBytes is > 0 and var quota)
        {
            _room ??= quota + freed - (await session.Store.UseAsync(owner.AccountId)).Bytes;
            if (_octets + length > _room)
                _refusal = ImapReply.No(StoreError.OverQuota);
        }
    }

    /// <summary>Copies what a URL names. RFC 4469 §3: \Seen is not set, the mailbox selected stays so.</summary>
    async ValueTask AddUrlAsync(string text, CancellationToken ct)
    {
        if (_refusal is not null)
            return;
        UrlContent? content = null;
        try
        {
            content = await FindAsync(text, ct);
        }
        catch (IOException)
        {
            _refusal = ImapReply.Unavailable;
            return;
        }
        using (content)
        {
            if (content is null)
            {
                _refusal = ImapReply.No($"[BADURL {ImapUrl.Printable(text)}] That URL names nothing here");   // RFC 4469 §4.1
                return;
            }
            await CheckSizeAsync(content.Length);
            if (_refusal is not null)
                return;
            _octets += content.Length;
            Kept(() => Copy(content, _incoming!));
        }
    }

    /// <summary>A message that a relative URL names and the user may read. RFC 4469 §3: others are no business of APPEND.</summary>
    async ValueTask<UrlContent?> FindAsync(string text, CancellationToken ct)
    {
        if (!ImapUrl.TryParse(text, out ImapUrl url) || url.Host is not null || url.Authorization is not null)
            return null;
        Mailbox? box = url.Mailbox is null ? session.Selected?.Box
            : session.Writer.Names.TryRead(url.Mailbox, out MailboxName name) ? (await session.Access.OpenAsync(name, ct)).Box : null;
        return box is null ? null : UrlContent.Find(session.Store, box, url, session.Limits.Depth);
    }

    static void Copy(UrlContent content, IncomingMessage to)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            for (long at = 0; at < content.Length;)
            {
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, content.Length - at));
                content.Read(at, piece);
                to.Write(piece);
                at += piece.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Takes the octets of a literal. False: the session is over.</summary>
    async ValueTask<bool> TakeAsync(AppendStep step, CancellationToken ct)
    {
        if (step.Waits)
            await session.ContinueAsync("Ready for the message", ct);
        if (_refusal is null && step.Kind == AppendStepKind.UrlLiteral)
            return await TakeUrlAsync((int)step.Length, ct);
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

    async ValueTask<bool> TakeUrlAsync(int length, CancellationToken ct)
    {
        using var writer = new IncomingMessage(session.Store.NewBody());
        if (!await ReadAsync(length, writer, ct))
            return false;
        using Body url = writer.Complete();
        var text = new byte[length];
        url.Read(0, text);
        await AddUrlAsync(Encoding.UTF8.GetString(text), ct);
        return true;
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
        if (_refusal is null && _incoming!.Length == 0)
            _refusal = s_empty;
        else if (_refusal is null && _incoming!.HasRawHeader && !session.Enabled.Utf8 && !session.Services.Options.AllowRawHeaders)
            _refusal = ImapReply.No("[CANNOT] 8-bit header fields need ENABLE UTF8=ACCEPT");   // RFC 6855 §4
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

    BodyWriter NewBody() => session.Store.NewBody(MaxInMemory - _inMemory, owner.AccountId);

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
