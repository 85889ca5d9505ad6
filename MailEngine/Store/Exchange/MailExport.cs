using System.Diagnostics;

namespace MailEngine.Store.Exchange;

/// <summary>How far an export or import has come.</summary>
public sealed record ExchangeProgress(string Mailbox, long Messages, long Bytes);

/// <summary>What came of an export or import.</summary>
/// <param name="Notes">What the reader should know: messages that could not be read, UIDs that could not be kept. A line each, at most a hundred.</param>
public sealed record ExchangeReport(int Mailboxes, long Messages, long Bytes, IReadOnlyList<string> Notes);

/// <summary>Counts, and tells so now and then.</summary>
internal sealed class ExchangeCount(IProgress<ExchangeProgress>? progress, TimeProvider clock)
{
    const int MostNotes = 100;
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(0.5);
    readonly List<string> _notes = [];
    long _told = clock.GetTimestamp();
    string _mailbox = "";

    public int Mailboxes { get; private set; }
    public long Messages { get; private set; }
    public long Bytes { get; private set; }

    public void Begin(MailboxName name)
    {
        Mailboxes++;
        _mailbox = name.Value;
    }

    public void Add(long bytes)
    {
        Messages++;
        Bytes += bytes;
        if (clock.GetElapsedTime(_told) >= s_pause)
            Tell();
    }

    public void Note(string text)
    {
        if (_notes.Count < MostNotes)
            _notes.Add(text);
    }

    public ExchangeReport End()
    {
        Tell();
        return new ExchangeReport(Mailboxes, Messages, Bytes, _notes);
    }

    void Tell()
    {
        _told = clock.GetTimestamp();
        progress?.Report(new ExchangeProgress(_mailbox, Messages, Bytes));
    }
}

/// <summary>Writes all mail of an account into an archive, as it is at one moment of each mailbox, while the account is used.</summary>
/// <remarks>A message that cannot be read (a lost segment) is left out and named; the others are not hurt (S5).</remarks>
public sealed class MailExport(MailStore store, TimeProvider clock)
{
    /// <param name="path">A new folder, or a new file for <see cref="ArchiveFormat.Tar"/>.</param>
    /// <exception cref="ArchiveException">There is something at the path already.</exception>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    public async Task<ExchangeReport> RunAsync(long accountId, string path, ArchiveFormat format, IProgress<ExchangeProgress>? progress, CancellationToken ct)
    {
        var count = new ExchangeCount(progress, clock);
        using IArchiveWriter writer = format switch
        {
            ArchiveFormat.Maildir => new MaildirWriter(path),
            ArchiveFormat.Mbox => new MboxWriter(path),
            _ => new EmlTarWriter(path),
        };
        foreach (MailboxInfo info in await store.ListAsync(accountId))
        {
            if (info.Id == 0 || await store.OpenAsync(accountId, info.Name) is not { } box)
                continue;
            MailboxSnapshot now = box.Current;
            count.Begin(info.Name);
            writer.BeginMailbox(new ArchivedMailbox(info.Name, now.UidValidity, now.UidNext, info.SpecialUse, info.Subscribed));
            for (int i = 0; i < now.Count; i++)
            {
                ct.ThrowIfCancellationRequested();
                Write(writer, box, now, i, count);
            }
        }
        writer.Complete();
        return count.End();
    }

    void Write(IArchiveWriter writer, Mailbox box, MailboxSnapshot now, int index, ExchangeCount count)
    {
        MessageEntry entry = now[index];
        MessageReader content = store.OpenMessage(now, entry);
        if (FaultOf(content) is { } fault)
        {
            content.Dispose();
            // Its octets may have moved since the snapshot was taken.
            MailboxSnapshot current = box.Current;
            int again = current.IndexOf(entry.Uid);
            if (again < 0 || FaultOf(content = store.OpenMessage(current, current[again])) is not null)
            {
                content.Dispose();
                count.Note($"{box.Name}, UID {entry.Uid} cannot be read and is left out: {fault.Message}");
                return;
            }
        }
        writer.Write(new ArchivedMessage(entry.Uid, entry.Flags, now.KeywordSets[entry.KeywordSet], DateTimeOffset.FromUnixTimeSeconds(entry.InternalDate)), content);
        count.Add(entry.Size);
    }

    // The first and the last octet show whether the segment is there: nothing half may stand in the archive.
    static IOException? FaultOf(MessageReader content)
    {
        try
        {
            Span<byte> one = stackalloc byte[1];
            if (content.Length > 0)
            {
                content.Read(0, one);
                content.Read(content.Length - 1, one);
            }
            return null;
        }
        catch (IOException fault)
        {
            return fault;
        }
    }
}
