namespace MailEngine.Store.Exchange;

/// <summary>What to import.</summary>
/// <param name="QuotaBytes">Most octets of the account; 0: no limit.</param>
/// <param name="KeepUids">True: mailboxes that are not there or were never used take over UIDVALIDITY and UIDs of the archive, so that clients go on with
/// what they have. Right for an account that comes from another server; wrong for one that lived here and lost mail since, because its UIDs
/// would be given a second time (S3).</param>
public sealed record ImportOrder(long AccountId, string Path, ArchiveFormat Format, long QuotaBytes, bool KeepUids);

/// <summary>Puts an archive into an account that is in use: mailboxes are made where they are missing, messages come behind those that are there.</summary>
/// <remarks>A commit holds at most <see cref="MessagesAtOnce"/> messages and <see cref="BytesAtOnce"/> octets; while one is on its way to the disk the next
/// is read, so twice that is all that is held. When it ends early, what was committed stays, and the report says how much.</remarks>
public sealed class MailImport(MailStore store, LimitOptions limits, TimeProvider clock)
{
    internal const int MessagesAtOnce = 200;
    internal const long BytesAtOnce = 8 << 20;

    /// <exception cref="ArchiveException">The archive is not what it should be, or the account cannot take it; what was imported before stays.</exception>
    public async Task<ExchangeReport> RunAsync(ImportOrder order, IProgress<ExchangeProgress>? progress, CancellationToken ct)
    {
        IArchiveReader reader = order.Format switch
        {
            ArchiveFormat.Maildir => new MaildirReader(order.Path),
            ArchiveFormat.Mbox => new MboxReader(order.Path),
            _ => new EmlTarReader(order.Path),
        };
        var count = new ExchangeCount(progress, clock);
        await using var sink = new Sink(store, order, limits.MessageBytes, count);
        try
        {
            await reader.ReadAsync(sink, ct);
            await sink.EndAsync();
        }
        catch (ArchiveException fault)
        {
            long kept = await sink.StopAsync();
            throw new ArchiveException($"{fault.Message} {(kept > 0 ? $"{kept} messages were imported before that." : "Nothing was imported.")}", fault);
        }
        return count.End();
    }

    sealed class Sink(MailStore store, ImportOrder order, long mostBytes, ExchangeCount count) : IArchiveSink, IAsyncDisposable
    {
        const uint MostUid = 0xF000_0000;   // room for what comes after it

        readonly List<AppendItem> _group = [];
        Task<AppendOutcome>? _committing;
        List<AppendItem> _committed = [];
        long _groupBytes;
        long _kept;
        Mailbox? _box;
        ArchivedMailbox? _archived;
        bool _keepUids;
        uint _lastUid;
        BodyWriter? _body;
        string _where = "";

        public async Task BeginMailboxAsync(ArchivedMailbox box)
        {
            await EndAsync();
            count.Begin(box.Name);
            (_archived, _lastUid, _keepUids) = (box, 0, false);
            if (order.KeepUids)
            {
                StoreError adopted = box.UidValidity == 0 ? StoreError.AlreadyExists
                    : await store.AdoptAsync(order.AccountId, box.Name, box.SpecialUse, box.UidValidity);
                _keepUids = adopted == StoreError.None;
                if (adopted == StoreError.AlreadyExists)
                    count.Note($"{box.Name}: its messages have new UIDs, because {(box.UidValidity == 0 ? "the archive has none" : "the mailbox was in use before")}.");
                else
                    Require(adopted, box.Name);
            }
            if (!_keepUids && !box.Name.IsInbox)
            {
                StoreError made = await store.CreateAsync(order.AccountId, box.Name, box.SpecialUse);
                if (made != StoreError.AlreadyExists)
                    Require(made, box.Name);
            }
            if (box.Subscribed)
                Require(await store.SubscribeAsync(order.AccountId, box.Name, subscribed: true), box.Name);
            _box = await store.OpenAsync(order.AccountId, box.Name) ?? throw new ArchiveException($"The mailbox {box.Name} is not there any more.");
        }

        public void BeginMessage(string where)
        {
            _body?.Dispose();
            _where = where;
            _body = store.NewBody(accountId: order.AccountId);
        }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            if (_body!.Length + bytes.Length > mostBytes)
                throw new ArchiveException($"{_where}: the message is larger than Mail:Limits:MessageBytes ({mostBytes} octets). Raise the limit or take it out.");
            _body.Write(bytes);
        }

        public async Task EndMessageAsync(ArchivedMessage message)
        {
            Body body = _body!.Complete();
            _body.Dispose();
            _body = null;
            bool keeps = _keepUids && message.Uid > _lastUid && message.Uid <= MostUid;
            if (keeps)
                _lastUid = message.Uid;
            _group.Add(new AppendItem { Body = body, Flags = message.Flags, Keywords = message.Keywords, InternalDate = message.InternalDate, Uid = keeps ? message.Uid : 0 });
            _groupBytes += body.Length;
            count.Add(body.Length);
            if (_group.Count >= MessagesAtOnce || _groupBytes >= BytesAtOnce)
                await CommitAsync();
        }

        /// <summary>Everything handed over so far is durable.</summary>
        public async Task EndAsync()
        {
            await CommitAsync();
            await WaitAsync();
            if (_keepUids && _archived!.UidNext is > 0 and <= MostUid and var next)
                Require(await store.RaiseUidNextAsync(_box!, next), _archived.Name);
            _keepUids = false;
        }

        /// <summary>Ends early.</summary>
        /// <returns>How many messages are in the account.</returns>
        public async Task<long> StopAsync()
        {
            try
            {
                await CommitAsync();   // whole messages before the fault
                await WaitAsync();
            }
            catch (ArchiveException)
            {
                // The first fault is the one that is told.
            }
            return _kept;
        }

        async Task CommitAsync()
        {
            await WaitAsync();
            if (_group.Count == 0)
                return;
            _committed = [.. _group];
            _group.Clear();
            _groupBytes = 0;
            _committing = store.AppendAsync(_box!, order.QuotaBytes, _committed);
        }

        async Task WaitAsync()
        {
            if (_committing is not { } committing)
                return;
            _committing = null;
            AppendOutcome outcome = await committing;
            foreach (AppendItem item in _committed)
                item.Body.Dispose();
            Require(outcome.Error, _archived!.Name);
            _kept += outcome.Uids.Count;
        }

        static void Require(StoreError error, MailboxName name)
        {
            string? why = error switch
            {
                StoreError.None => null,
                StoreError.OverQuota => "the quota of the account has no room for more; raise it",
                StoreError.Limit => "the account has as many mailboxes, or the mailbox as many keywords, as it may have",
                StoreError.Unavailable => "the disk is full or broken",
                _ => error.ToString(),
            };
            if (why is not null)
                throw new ArchiveException($"{name}: {why}.");
        }

        public async ValueTask DisposeAsync()
        {
            _body?.Dispose();
            if (_committing is { } committing)
            {
                await committing;
                foreach (AppendItem item in _committed)
                    item.Body.Dispose();
            }
            foreach (AppendItem item in _group)
                item.Body.Dispose();
        }
    }
}
