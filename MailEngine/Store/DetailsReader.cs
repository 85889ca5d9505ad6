using System.Buffers;
using System.Text;
using MailEngine.Io;
using MailEngine.Mime;

namespace MailEngine.Store;

/// <summary>The stored-ready parts of messages of one mailbox. Ask in ascending UID order: rows are then read in batches, which grow while most of
/// what is read is asked for.</summary>
/// <remarks>Holds no connection and no transaction between two calls of <see cref="Seek"/>, so a slow client delays nobody.</remarks>
public sealed class DetailsReader : IDisposable
{
    const int MostRows = 256;
    readonly Mailbox _mailbox;
    readonly List<Row> _rows = [];
    byte[] _buffer = ArrayPool<byte>.Shared.Rent(4096);
    int _used;
    int _place = -1;
    int _nextRows = 1;
    int _asked;          // of the rows in hand
    bool _ended;         // the batch reached the end of the mailbox
    byte[] _computed = [];
    bool _isComputed;
    Row _row;

    internal DetailsReader(Mailbox mailbox) => _mailbox = mailbox;

    readonly record struct Row(uint Uid, int Start, int Envelope, int Structure, int Layout, int MessageId, int Preview, int Parent, int EmailId);

    /// <summary>ENVELOPE value, ready to send. Valid until the next <see cref="Seek"/>, like all here.</summary>
    public ReadOnlySpan<byte> Envelope => Bytes(0, _row.Envelope);

    /// <summary>BODYSTRUCTURE value, ready to send.</summary>
    public ReadOnlySpan<byte> BodyStructure => Bytes(_row.Envelope, _row.Structure);

    /// <summary>MIME parts as byte ranges of the body; see <see cref="MimeLayout"/>.</summary>
    public ReadOnlySpan<byte> Layout => Bytes(_row.Envelope + _row.Structure, _row.Layout);

    public string MessageId => Encoding.UTF8.GetString(Bytes(_row.Envelope + _row.Structure + _row.Layout, _row.MessageId));

    public string Preview => Encoding.UTF8.GetString(PreviewText);

    /// <summary>The same in UTF-8.</summary>
    public ReadOnlySpan<byte> PreviewText => Bytes(_row.Envelope + _row.Structure + _row.Layout + _row.MessageId, _row.Preview);

    /// <summary>Message-ID that the thread of this message starts with: the first of References, else In-Reply-To, else its own.
    /// Empty: it has none of them.</summary>
    public ReadOnlySpan<byte> ThreadRoot
    {
        get
        {
            int before = _row.Envelope + _row.Structure + _row.Layout;
            return _row.Parent > 0 ? Bytes(before + _row.MessageId + _row.Preview, _row.Parent) : Bytes(before, _row.MessageId);
        }
    }

    /// <summary>What a copy is called; empty: this is where the message was first put. See <see cref="Store.EmailId"/>.</summary>
    public ReadOnlySpan<byte> EmailId => Bytes(_row.Envelope + _row.Structure + _row.Layout + _row.MessageId + _row.Preview + _row.Parent, _row.EmailId);

    /// <summary>Goes to a message. A lost row is worked out again from the bytes.</summary>
    /// <param name="compute">False: only what is stored; nothing is read and taken apart.</param>
    /// <returns>False: neither row nor bytes; the message is gone.</returns>
    public bool Seek(uint uid, bool compute = true)
    {
        _isComputed = false;
        if (_place < 0 || uid < _rows[0].Uid || uid > _rows[^1].Uid)
        {
            bool goesOn = _place >= 0 && uid > _rows[^1].Uid;
            if (goesOn && _ended)
                return compute && Compute(uid);
            Fill(uid, goesOn);
        }
        while (_place >= 0 && _place < _rows.Count - 1 && _rows[_place].Uid < uid)
            _place++;
        while (_place > 0 && _rows[_place].Uid > uid)
            _place--;
        if (_place < 0 || _rows[_place].Uid != uid)
            return compute && Compute(uid);
        _row = _rows[_place];
        _asked++;
        return true;
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    void Fill(uint uid, bool goesOn)
    {
        _nextRows = !goesOn ? 1 : 2 * _asked >= _rows.Count ? Math.Min(_nextRows * 4, MostRows) : Math.Max(_nextRows / 4, 1);
        _asked = 0;
        Partition home;
        do
        {
            home = _mailbox.Home;
            _rows.Clear();
            _used = 0;
            // A row that is not written yet is worked out from the message's bytes like a lost one.
            home.ReadBehind(reader =>
            {
                reader.Details(_mailbox.Id, uid, _nextRows, Take);
                return 0;
            });
        }
        while (!ReferenceEquals(home, _mailbox.Home));   // the account moved meanwhile: some rows may have gone already
        _ended = _rows.Count < _nextRows;
        _place = _rows.Count > 0 ? 0 : -1;
    }

    void Take(SqliteStatement row)
    {
        int start = _used;
        int envelope = Put(row.Blob(1)), structure = Put(row.Blob(2)), layout = Put(row.Blob(3)), id = Put(row.Blob(4)), preview = Put(row.Blob(5)),
            parent = Put(First(row.Blob(6))), email = Put(row.Blob(7));
        _rows.Add(new Row(IndexSchema.NumberOf(row.Int64(0)), start, envelope, structure, layout, id, preview, parent, email));
    }

    /// <summary>The first of several Message-IDs.</summary>
    static ReadOnlySpan<byte> First(ReadOnlySpan<byte> ids) => ids.IndexOf((byte)' ') is var space and >= 0 ? ids[..space] : ids;

    int Put(ReadOnlySpan<byte> bytes)
    {
        if (_used + bytes.Length > _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _used + bytes.Length));
            _buffer.AsSpan(0, _used).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
        return bytes.Length;
    }

    /// <summary>The row is lost, the message is not (S5).</summary>
    bool Compute(uint uid)
    {
        MailboxSnapshot now = _mailbox.Current;
        int index = now.IndexOf(uid);
        if (index < 0)
            return false;
        ref readonly MessageEntry entry = ref now[index];
        byte[] body = new byte[entry.BodyLength];
        using (var reader = new MessageReader(now.Segments, default, new BodyRange(entry.BodySegment, entry.BodyOffset, entry.BodyLength)))
            reader.Read(0, body);
        MessageSummary summary = MessageSummary.Of(body, _mailbox.Home.MimeLimits);
        byte[] id = Encoding.UTF8.GetBytes(summary.MessageId ?? ""), preview = Encoding.UTF8.GetBytes(summary.Preview);
        byte[] parent = First(Encoding.UTF8.GetBytes(summary.References)).ToArray();
        _computed = [.. summary.Envelope, .. summary.BodyStructure, .. summary.Layout, .. id, .. preview, .. parent];
        _row = new Row(uid, 0, summary.Envelope.Length, summary.BodyStructure.Length, summary.Layout.Length, id.Length, preview.Length, parent.Length, 0);
        _isComputed = true;
        return true;
    }

    ReadOnlySpan<byte> Bytes(int skip, int length) => (_isComputed ? _computed : _buffer).AsSpan(_row.Start + skip, length);
}
