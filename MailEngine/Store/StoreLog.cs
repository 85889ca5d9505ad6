using Microsoft.Extensions.Logging;

namespace MailEngine.Store;

/// <summary>Everything the store says; event ids 2000-2099.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(2000, LogLevel.Information, "Store open: {Partition}, {Mailboxes} mailboxes, {Segments} segments, {Milliseconds} ms")]
    public static partial void Opened(ILogger log, string partition, long mailboxes, int segments, long milliseconds);

    [LoggerMessage(2001, LogLevel.Error, "The store could not write a batch of {Changes} changes; callers were told to try again. {Reason} Free space or mend the disk; nothing acknowledged is lost.")]
    public static partial void BatchFailed(ILogger log, int changes, string reason, Exception fault);

    [LoggerMessage(2002, LogLevel.Error, "Segment {Path} holds {Actual} bytes, the index counts on {Expected}: messages in the missing part cannot be read. Restore the file from a backup, then run 'store check'.")]
    public static partial void SegmentShort(ILogger log, string path, long actual, long expected);

    [LoggerMessage(2003, LogLevel.Error, "Segment {Path} is missing: its messages cannot be read. Restore the file from a backup, then run 'store check'.")]
    public static partial void SegmentMissing(ILogger log, string path);

    [LoggerMessage(2004, LogLevel.Error, "One change could not be made: {Change}")]
    public static partial void ChangeFailed(ILogger log, string change, Exception fault);

    [LoggerMessage(2005, LogLevel.Warning, "A checkpoint of {Path} failed; it is tried again.")]
    public static partial void CheckpointFailed(ILogger log, string path, Exception fault);

    [LoggerMessage(2020, LogLevel.Information, "{Messages} messages were acknowledged but not yet in the index when the server ended; they are in it now")]
    public static partial void Replayed(ILogger log, int messages);

    [LoggerMessage(2021, LogLevel.Error, "{Path} cannot be written; rows of {Rows} delivered messages wait in memory (the messages are on disk), and no more mail is taken until they are written. Free space or mend the disk.")]
    public static partial void SettlingFailed(ILogger log, string path, int rows, Exception fault);

    [LoggerMessage(2022, LogLevel.Error, "The disk under {Folder} is full. Reading and deleting go on with the space kept aside; no mail is taken until there is free space again.")]
    public static partial void DiskFull(ILogger log, string folder);

    [LoggerMessage(2006, LogLevel.Error, "Mailbox {Mailbox} cannot be read: {Reason} Run 'store check'.")]
    public static partial void MailboxDamaged(ILogger log, long mailbox, string reason);

    [LoggerMessage(2007, LogLevel.Information, "Purged {Messages} messages and {Mailboxes} deleted mailboxes past their retention time")]
    public static partial void Purged(ILogger log, int messages, int mailboxes);

    [LoggerMessage(2008, LogLevel.Information, "Compacted {Partition}: {Segments} segments removed, {Bytes} bytes given back")]
    public static partial void Compacted(ILogger log, string partition, int segments, long bytes);

    [LoggerMessage(2009, LogLevel.Warning, "Segment {Path} has damaged messages and is not compacted. Run 'store check'.")]
    public static partial void SegmentNotCompacted(ILogger log, string path);

    [LoggerMessage(2010, LogLevel.Warning, "Compaction stopped and is tried again later; nothing is lost. {Reason}")]
    public static partial void CompactionFailed(ILogger log, string reason);

    [LoggerMessage(2040, LogLevel.Warning, "Searching is slower than it could be: this SQLite has no FTS5 with trigrams ({Reason}). Install libsqlite3 3.34 or later.")]
    public static partial void NoTextIndex(ILogger log, string reason);

    [LoggerMessage(2041, LogLevel.Warning, "The text index {Path} is made anew ({Reason}); searches look at the messages themselves until it is there. No mail is touched.")]
    public static partial void TextIndexLost(ILogger log, string path, string reason);

    [LoggerMessage(2042, LogLevel.Warning, "The text index waits; it goes on in a minute.")]
    public static partial void TextIndexWaits(ILogger log, Exception fault);

    [LoggerMessage(2050, LogLevel.Error, "Partition {Name} in {Folder} is not there: {Reason}. {Accounts} accounts cannot be reached until it is; all others work on. It is looked for once a minute.")]
    public static partial void PartitionMissing(ILogger log, string name, string folder, string reason, int accounts);

    [LoggerMessage(2051, LogLevel.Information, "Partition {Name} in {Folder} is there now")]
    public static partial void PartitionIsBack(ILogger log, string name, string folder);

    [LoggerMessage(2052, LogLevel.Warning, "The list of who lives in which partition had lost {Accounts} accounts; they live where their mail is")]
    public static partial void PlacementsFound(ILogger log, int accounts);

    [LoggerMessage(2053, LogLevel.Information, "Account {Account} moved from partition {From} to {To}: {Messages} messages, {Bytes} bytes copied; its changes waited {Milliseconds} ms")]
    public static partial void AccountMoved(ILogger log, long account, string from, string to, long messages, long bytes, long milliseconds);

    [LoggerMessage(2054, LogLevel.Information, "Removed what an interrupted move of account {Account} had left in partition {Partition}")]
    public static partial void LeftoverCleared(ILogger log, long account, string partition);

    [LoggerMessage(2055, LogLevel.Warning, "What is left of account {Account} in partition {Partition} could not be removed; a later purge does it. {Reason}")]
    public static partial void LeftoverStays(ILogger log, long account, string partition, string reason);

    [LoggerMessage(2056, LogLevel.Error, "Partition {Partition} has mail of account {Account}, which lives elsewhere and has other mailboxes there. Nothing is removed: export what you need with a copy of the data folder, or restore a backup.")]
    public static partial void LeftoverKept(ILogger log, long account, string partition);
}
