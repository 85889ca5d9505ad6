using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailAdmin.Web.Services;
using MailEngine.Flow;
using MailEngine.Store;
using MailEngine.Store.Backup;
using MailEngine.Store.Exchange;
using MailEngine.Store.Partitions;
using MailEngine.Store.Repair;

namespace MailAdmin.Web.Cli;

/// <summary>One request over the control socket, one JSON line.</summary>
/// <param name="Verb">ping, use, tasks, queue, change, deleted, deleted-mailboxes, restore, exchange, check, repair, backup, restore-account, partitions, partition-of, move or send.</param>
sealed record ControlRequest(string Verb, IReadOnlyList<long>? Ids = null, QueueVerb Change = default, DeletedQuery? Deleted = null, RestoreOrder? Restore = null,
    string Folder = "", ExchangeOrder? Exchange = null, MoveOrder? Move = null, SystemMessage? Mail = null);

/// <summary>Its answer, one JSON line. <see cref="Error"/> null: done. Lines with <see cref="Progress"/> may come before it.</summary>
sealed record ControlAnswer(
    string? Error = null, IReadOnlyList<AccountUseRow>? Use = null, IReadOnlyList<QueueRow>? Queue = null, int Count = 0, CheckReport? Check = null,
    PageOf<DeletedMessageRow>? Deleted = null, IReadOnlyList<DeletedMailboxRow>? Mailboxes = null, RestoreOutcome Restored = default, RepairReport? Repaired = null, BackupReport? Backup = null,
    AccountRestored? Account = null, ExchangeReport? Exchanged = null, ExchangeProgress? Progress = null, IReadOnlyList<PartitionInfo>? Partitions = null,
    string Partition = "", MoveReport? Moved = null);

sealed record AccountUseRow(long AccountId, long Messages, long Bytes);

/// <summary>The control socket: <c>control.sock</c> in the data folder, one request and one answer a connection, with lines of progress before it when the work takes long. Whoever may open it may do all
/// that can be done with the data folder anyway.</summary>
static class ControlProtocol
{
    /// <summary>Longest request: room for the ids of fifty thousand queue rows.</summary>
    public const int MaxRequestBytes = 1 << 20;

    static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    public static string SocketPath(string dataPath) => Path.GetFullPath(Path.Combine(dataPath, "control.sock"));

    public static byte[] Write<T>(T message) => [.. JsonSerializer.SerializeToUtf8Bytes(message, s_json), (byte)'\n'];

    public static T? Read<T>(ReadOnlySpan<byte> line) => JsonSerializer.Deserialize<T>(line, s_json);
}

/// <summary>Takes lines off a stream.</summary>
/// <param name="most">Longest line, bytes.</param>
sealed class ControlLines(Stream stream, int most)
{
    readonly byte[] _buffer = new byte[16 << 10];
    int _start, _end;

    /// <summary>Null: the stream ended before the line did, or the line is too long.</summary>
    public async Task<byte[]?> ReadAsync(CancellationToken ct)
    {
        using var line = new MemoryStream();
        while (line.Length <= most)
        {
            if (_start == _end)
            {
                (_start, _end) = (0, await stream.ReadAsync(_buffer, ct));
                if (_end == 0)
                    return null;
            }
            int end = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            int count = end < 0 ? _end - _start : end;
            line.Write(_buffer, _start, count);
            _start += end < 0 ? count : count + 1;
            if (end >= 0)
                return line.ToArray();
        }
        return null;
    }
}
