using System.Buffers;
using MailEngine.Mime;
using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

#pragma warning disable CA1822, IDE0060, CA1801
public sealed class MailStore : IAsyncDisposable
{
    public static Task<MailStore> OpenAsync(string dataPath, StoreOptions options, TimeProvider clock, ILogger<MailStore> log) => throw new InvalidOperationException();
    public BodyWriter NewBody() => throw new InvalidOperationException();
    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken ct) => AcceptAsync(acceptance, [], ct);
    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, IReadOnlyList<long> removeQueueIds, CancellationToken ct) => throw new InvalidOperationException();
    public Task<IReadOnlyList<MailboxInfo>> ListAsync(long accountId) => throw new InvalidOperationException();
    public Task<Mailbox?> OpenAsync(long accountId, MailboxName name) => throw new InvalidOperationException();
    public Task<StoreError> CreateAsync(long accountId, MailboxName name, string specialUse = "") => throw new InvalidOperationException();
    public Task<StoreError> DeleteAsync(long accountId, MailboxName name) => throw new InvalidOperationException();
    public Task<StoreError> RenameAsync(long accountId, MailboxName from, MailboxName to) => throw new InvalidOperationException();
    public Task<StoreError> SubscribeAsync(long accountId, MailboxName name, bool subscribed) => throw new InvalidOperationException();
    public Task ProvisionAsync(long accountId, IReadOnlyList<(MailboxName Name, string SpecialUse)> folders) => throw new InvalidOperationException();
    public Task DeleteAccountAsync(long accountId) => throw new InvalidOperationException();
    public Task<AppendOutcome> AppendAsync(Mailbox box, long quotaBytes, IReadOnlyList<AppendItem> items) => throw new InvalidOperationException();
    public Task<CopyOutcome> CopyAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes) => throw new InvalidOperationException();
    public Task<CopyOutcome> MoveAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to) => throw new InvalidOperationException();
    public Task<StoreError> StoreFlagsAsync(Mailbox box, IReadOnlyList<uint> uids, FlagChange change) => throw new InvalidOperationException();
    public Task<StoreError> ExpungeAsync(Mailbox box, IReadOnlyList<uint>? uids) => throw new InvalidOperationException();
    public Task<uint> ClaimRecentAsync(Mailbox box) => throw new InvalidOperationException();
    public MessageReader OpenMessage(in MessageEntry entry) => throw new InvalidOperationException();
    public MessageReader OpenBody(BodyRange body) => throw new InvalidOperationException();
    public DetailsReader OpenDetails(Mailbox box) => throw new InvalidOperationException();
    public Task<AccountUse> UseAsync(long accountId) => throw new InvalidOperationException();
    public IReadOnlyDictionary<long, AccountUse> UseOf(IReadOnlyCollection<long> accountIds) => throw new InvalidOperationException();
    public IReadOnlyList<QueueEntry> ReadQueue() => throw new InvalidOperationException();
    public Task<StoreError> UpdateQueueAsync(IReadOnlyList<QueueEntry> changed, IReadOnlyList<long> removed) => throw new InvalidOperationException();
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

public sealed class BodyWriter : IDisposable
{
    public long Length { get; }
    public void Write(ReadOnlySpan<byte> bytes) => throw new InvalidOperationException();
    public void Write(in ReadOnlySequence<byte> bytes) => throw new InvalidOperationException();
    public Body Complete() => throw new InvalidOperationException();
    public void Dispose() => throw new InvalidOperationException();
}

public sealed class Body : IDisposable
{
    public long Length { get; }
    public MessageSummary Summary => throw new InvalidOperationException();
    public byte[] Sha256 => throw new InvalidOperationException();
    public int Read(long offset, Span<byte> to) => throw new InvalidOperationException();
    public void Dispose() => throw new InvalidOperationException();
}

public sealed class MessageReader : IDisposable
{
    public long Length { get; }
    public int Read(long offset, Span<byte> to) => throw new InvalidOperationException();
    public void Dispose() => throw new InvalidOperationException();
}

public sealed class DetailsReader : IDisposable
{
    public bool Seek(uint uid) => throw new InvalidOperationException();
    public ReadOnlySpan<byte> Envelope => throw new InvalidOperationException();
    public ReadOnlySpan<byte> BodyStructure => throw new InvalidOperationException();
    public ReadOnlySpan<byte> Layout => throw new InvalidOperationException();
    public string MessageId => throw new InvalidOperationException();
    public string Preview => throw new InvalidOperationException();
    public void Dispose() => throw new InvalidOperationException();
}
