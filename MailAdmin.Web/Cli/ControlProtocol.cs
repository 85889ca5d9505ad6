using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailAdmin.Web.Services;
using MailEngine.Store;
using MailEngine.Store.Backup;
using MailEngine.Store.Repair;

namespace MailAdmin.Web.Cli;

/// <summary>One request over the control socket, one JSON line.</summary>
/// <param name="Verb">ping, use, tasks, queue, change, deleted, deleted-mailboxes, restore, check, repair, backup or restore-account.</param>
sealed record ControlRequest(string Verb, IReadOnlyList<long>? Ids = null, QueueVerb Change = default, DeletedQuery? Deleted = null, RestoreOrder? Restore = null,
    string Folder = "");

/// <summary>Its answer, one JSON line. <see cref="Error"/> null: done.</summary>
sealed record ControlAnswer(
    string? Error = null, IReadOnlyList<AccountUseRow>? Use = null, IReadOnlyList<QueueRow>? Queue = null, int Count = 0, CheckReport? Check = null,
    PageOf<DeletedMessageRow>? Deleted = null, IReadOnlyList<DeletedMailboxRow>? Mailboxes = null, RestoreOutcome Restored = default, RepairReport? Repaired = null, BackupReport? Backup = null,
    AccountRestored? Account = null);

sealed record AccountUseRow(long AccountId, long Messages, long Bytes);

/// <summary>The control socket: <c>control.sock</c> in the data folder, one request and one answer a connection. Whoever may open it may do all
/// that can be done with the data folder anyway.</summary>
static class ControlProtocol
{
    /// <summary>Longest request: room for the ids of fifty thousand queue rows.</summary>
    public const int MaxRequestBytes = 1 << 20;

    static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    public static string SocketPath(string dataPath) => Path.GetFullPath(Path.Combine(dataPath, "control.sock"));

    public static byte[] Write<T>(T message) => [.. JsonSerializer.SerializeToUtf8Bytes(message, s_json), (byte)'\n'];

    public static T? Read<T>(ReadOnlySpan<byte> line) => JsonSerializer.Deserialize<T>(line, s_json);

    /// <summary>Reads up to the end of the line. Null: it ended before, or is longer than <paramref name="most"/> bytes.</summary>
    public static async Task<byte[]?> ReadLineAsync(Stream stream, int most, CancellationToken ct)
    {
        using var line = new MemoryStream();
        byte[] buffer = new byte[16 << 10];
        while (line.Length <= most)
        {
            int count = await stream.ReadAsync(buffer, ct);
            if (count == 0)
                return null;
            int end = buffer.AsSpan(0, count).IndexOf((byte)'\n');
            line.Write(buffer, 0, end < 0 ? count : end);
            if (end >= 0)
                return line.ToArray();
        }
        return null;
    }
}
