using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;
using MailEngine.Mime;
using MailEngine.Store;

namespace MailEngine.Pop3;

/// <summary>The messages a session works on: the snapshots of one or several mailboxes as they were at log-in, numbered one after the other.</summary>
/// <remarks>
/// RFC 1939 §4: numbers stay as they are until the end. Others go on delivering, reading and expunging meanwhile; what was there at log-in can be
/// read to the end, because a snapshot keeps its bytes. Marks are taken back by RSET and become changes only in <see cref="FinishAsync"/>.
/// </remarks>
internal sealed class Maildrop
{
    readonly record struct Part(Mailbox Box, MailboxSnapshot Snapshot, int First);

    /// <summary>Which messages of a chunk end with CRLF, a bit each; a chunk never changes, and programs that leave mail on the server ask again and again.</summary>
    sealed class LineEnds
    {
        public long Known, There;
    }

    static readonly ConditionalWeakTable<Chunk, LineEnds> s_lineEnds = [];

    readonly MailStore _store;
    readonly Part[] _parts;
    BitArray? _deleted, _retrieved;
    Dictionary<ulong, ulong>? _firstPlaces;   // of copies: place here → place where it was first put

    Maildrop(MailStore store, Part[] parts)
    {
        _store = store;
        _parts = parts;
        Count = parts.Length == 0 ? 0 : parts[^1].First + parts[^1].Snapshot.Count;
    }

    /// <summary>Messages at log-in, those marked as deleted counted in.</summary>
    public int Count { get; }

    /// <summary>Messages that are not marked as deleted.</summary>
    public int Left { get; private set; }

    /// <summary>Messages that were sent to their end, and their octets.</summary>
    public (long Messages, long Octets) Sent { get; private set; }

    public static async ValueTask<Maildrop> OpenAsync(MailStore store, Pop3Options options, long accountId)
    {
        var parts = new List<Part>();
        int first = 0;
        foreach (MailboxName name in await MaildropFolders.OfAsync(store, options, accountId))
        {
            if (await store.OpenAsync(accountId, name) is not { } box)
                continue;   // deleted just now
            parts.Add(new Part(box, box.Current, first));
            first += parts[^1].Snapshot.Count;
        }
        return new Maildrop(store, [.. parts]) { Left = first };
    }

    /// <summary>Why a number cannot be used; null: it can.</summary>
    public Pop3Reply? Refusal(int number) =>
        number < 1 || number > Count ? Pop3Reply.Err(Pop3Texts.NoSuchMessage)
        : IsDeleted(number) ? Pop3Reply.Err(Pop3Texts.IsDeleted)
        : null;

    public bool IsDeleted(int number) => _deleted?[number - 1] == true;

    public void Delete(int number)
    {
        (_deleted ??= new BitArray(Count))[number - 1] = true;
        Left--;
    }

    /// <summary>RSET. RFC 1939 §5</summary>
    public void Undelete()
    {
        _deleted = null;
        Left = Count;
    }

    /// <summary>Notes that a message was sent to its end.</summary>
    public void NoteSent(int number, long octets)
    {
        Sent = (Sent.Messages + 1, Sent.Octets + octets);
        (_retrieved ??= new BitArray(Count))[number - 1] = true;
    }

    public MessageReader Open(int number)
    {
        Part part = PartOf(number, out int index);
        return _store.OpenMessage(part.Snapshot, part.Snapshot[index]);
    }

    /// <summary>Where headers of a message's parts stand in it, the first one's own left out; in order, none inside another.</summary>
    /// <exception cref="IOException">The store cannot be read now.</exception>
    public IReadOnlyList<(long Start, long End)> PartHeaders(int number)
    {
        Part part = PartOf(number, out int index);
        using DetailsReader details = _store.OpenDetails(part.Box);
        var parts = new List<MimePart>();
        if (!details.Seek(part.Snapshot[index].Uid) || !new MimeLayout(details.Layout).TryRead(parts))
            return [];
        using MessageReader message = _store.OpenMessage(part.Snapshot, part.Snapshot[index]);
        long prefix = message.PrefixLength;   // layouts count from behind it
        return [.. parts.Skip(1).Select(p => (prefix + p.HeaderStart, prefix + p.BodyStart)).Where(range => range.Item2 > range.Item1)];
    }

    /// <summary>Mailbox and UID, for the log.</summary>
    public (long MailboxId, uint Uid) PlaceOf(int number)
    {
        Part part = PartOf(number, out int index);
        return (part.Box.Id, part.Snapshot[index].Uid);
    }

    /// <summary>Octets of a message as RETR sends it, without doubled dots and the end line: RFC 1939 §11. A message without a line end at its end
    /// gets one, or the end line could not be told from it.</summary>
    public long SizeOf(int number)
    {
        Part part = PartOf(number, out int index);
        ref readonly MessageEntry entry = ref part.Snapshot[index];
        // What was delivered ended with CRLF on its way here, as all SMTP data does; only APPEND and imports put in what they like.
        return entry.PrefixLength > 0 || EndsLine(part.Snapshot, index) ? entry.Size : entry.Size + 2;
    }

    bool EndsLine(MailboxSnapshot snapshot, int index)
    {
        int chunk = snapshot.ChunkOfIndex(index);
        LineEnds ends = s_lineEnds.GetOrCreateValue(snapshot.Chunks[chunk]);
        long bit = 1L << (index - snapshot.FirstIndexOfChunk(chunk));
        if ((Volatile.Read(ref ends.Known) & bit) == 0)
        {
            if (ReadsLineEnd(snapshot, snapshot[index]))
                Interlocked.Or(ref ends.There, bit);
            Interlocked.Or(ref ends.Known, bit);
        }
        return (Volatile.Read(ref ends.There) & bit) != 0;
    }

    bool ReadsLineEnd(MailboxSnapshot snapshot, in MessageEntry entry)
    {
        Span<byte> last = stackalloc byte[2];
        try
        {
            using MessageReader reader = _store.OpenMessage(snapshot, entry);
            return reader.Length == 0 || (reader.Length >= 2 && reader.Read(reader.Length - 2, last) == 2 && last.SequenceEqual("\r\n"u8));
        }
        catch (IOException)
        {
            return true;   // its bytes are lost: RETR will say so, the size in its row has to do here (S5)
        }
    }

    /// <summary>Octets of all messages that are not marked as deleted.</summary>
    public long LeftOctets
    {
        get
        {
            long octets = 0;
            for (int number = 1; number <= Count; number++)
                octets += IsDeleted(number) ? 0 : SizeOf(number);
            return octets;
        }
    }

    /// <summary>Reads what unique-ids are made of; they can be written after it.</summary>
    /// <remarks>A message that was moved or copied here is named by the place where it was first put, so that one that comes back is known. Copies
    /// side by side in one drop are told apart: the first place, or the first copy of it, has that name, and the others have names of their own.</remarks>
    public void ReadUniqueIds()
    {
        if (_firstPlaces is not null)
            return;
        var places = new Dictionary<ulong, ulong>();
        var taken = new HashSet<ulong>();
        foreach (Part part in _parts)
        {
            foreach ((uint uid, string emailId) in _store.EmailIdsOf(part.Box))
            {
                if (part.Snapshot.IndexOf(uid) >= 0 && TryPlace(emailId, part.Box.AccountId, out ulong first) && !IsHere(first) && taken.Add(first))
                    places.Add(Place(part.Snapshot.UidValidity, uid), first);
            }
        }
        _firstPlaces = places;
    }

    /// <summary>Unique-id of a message: RFC 1939 §7. <see cref="ReadUniqueIds"/> comes first.</summary>
    public int WriteUniqueId(int number, UidlForm form, Span<byte> to)
    {
        Part part = PartOf(number, out int index);
        ulong place = Place(part.Snapshot.UidValidity, part.Snapshot[index].Uid);
        if (_firstPlaces!.TryGetValue(place, out ulong first))
            place = first;
        return form.Write(to, (uint)(place >> 32), (uint)place);
    }

    /// <summary>Enters UPDATE: what is marked is taken out, in one commit, or nothing is. RFC 1939 §6</summary>
    public async ValueTask<(StoreError Error, int Removed)> FinishAsync(Pop3Options options)
    {
        BitArray? gone = _deleted;
        if (!options.LeaveMail && _retrieved is not null)   // EXPIRE 0: RFC 2449 §6.7
            gone = gone is null ? _retrieved : new BitArray(gone).Or(_retrieved);
        await MarkSeenAsync(options, except: gone);
        if (gone is null)
            return (StoreError.None, 0);
        var marked = new List<(Mailbox Box, IReadOnlyList<uint> Uids)>();
        int count = 0;
        foreach (Part part in _parts)
        {
            List<uint> uids = UidsOf(part, gone);
            count += uids.Count;
            if (uids.Count > 0)
                marked.Add((part.Box, uids));
        }
        return (count == 0 ? StoreError.None : await _store.TakeOutAsync(marked), count);
    }

    /// <summary>Sets \Seen on what was retrieved, where the setting is on. Called at the end however that came.</summary>
    public async ValueTask MarkSeenAsync(Pop3Options options, BitArray? except = null)
    {
        if (!options.MarkSeen || _retrieved is not { } retrieved)
            return;
        _retrieved = null;
        foreach (Part part in _parts)
        {
            List<uint> uids = UidsOf(part, except is null ? retrieved : new BitArray(retrieved).And(new BitArray(except).Not()));
            if (uids.Count > 0)
                await _store.StoreFlagsAsync(part.Box, uids, new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, []));
        }
    }

    static List<uint> UidsOf(Part part, BitArray marked)
    {
        var uids = new List<uint>();
        for (int i = 0; i < part.Snapshot.Count; i++)
        {
            if (marked[part.First + i])
                uids.Add(part.Snapshot[i].Uid);
        }
        return uids;
    }

    Part PartOf(int number, out int index)
    {
        int low = 0, high = _parts.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            if (_parts[middle].First < number)
                low = middle;
            else
                high = middle - 1;
        }
        index = number - 1 - _parts[low].First;
        return _parts[low];
    }

    /// <summary>The message that was first put there stands in this drop.</summary>
    bool IsHere(ulong place)
    {
        foreach (Part part in _parts)
        {
            if (part.Snapshot.UidValidity == (uint)(place >> 32))
                return part.Snapshot.IndexOf((uint)place) >= 0;
        }
        return false;
    }

    static ulong Place(uint uidValidity, uint uid) => (ulong)uidValidity << 32 | uid;

    /// <summary>False: it was first put into somebody else's mailbox, whose numbers say nothing here.</summary>
    static bool TryPlace(string emailId, long accountId, out ulong place)
    {
        place = 0;
        string[] parts = emailId.Split('-');
        if (parts.Length != 3 || !long.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long account) || account != accountId
            || !uint.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint uidValidity)
            || !uint.TryParse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint uid))
            return false;
        place = Place(uidValidity, uid);
        return true;
    }
}
