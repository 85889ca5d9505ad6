using System.Globalization;
using System.Text;

namespace MailEngine.Store.Exchange;

/// <summary>The tar format as far as archives of mail need it: plain files with long names. POSIX.1-2001 (ustar, pax)</summary>
/// <remarks>A file here is a header block of 512 octets and its content, padded with zeros to blocks. docs/formats/exchange.md</remarks>
internal static class TarFormat
{
    public const int BlockBytes = 512;
    /// <summary>Longest pax or GNU header that is read: a name of the longest mailbox many times over.</summary>
    public const int MostExtendedBytes = 64 << 10;

    public static long Padding(long size) => -size & (BlockBytes - 1);

    /// <summary>Octal, or base 256 when the top bit is set (GNU); -1: neither.</summary>
    public static long Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0)
        {
            long value = field[0] & 0x3F;
            if (field[0] != 0x80 || field[1..^7].ContainsAnyExcept((byte)0))
                return -1;
            foreach (byte b in field[^7..])
                value = value << 8 | b;
            return value;
        }
        long number = 0;
        foreach (byte b in field.Trim(" \0"u8))
        {
            if (b is < (byte)'0' or > (byte)'7' || number > long.MaxValue >> 4)
                return -1;
            number = number << 3 | (uint)(b - '0');
        }
        return number;
    }

    public static int Checksum(ReadOnlySpan<byte> block)
    {
        int sum = 8 * ' ';   // its own field counts as spaces
        for (int i = 0; i < BlockBytes; i++)
            sum += i is >= 148 and < 156 ? 0 : block[i];
        return sum;
    }
}

/// <summary>Writes a tar file beside its name and gives it the name when it is whole.</summary>
internal sealed class TarFileWriter : IDisposable
{
    static readonly byte[] s_zeros = new byte[2 * TarFormat.BlockBytes];
    readonly string _path;
    readonly FileStream _file;
    long _left;
    int _padding;

    public TarFileWriter(string path)
    {
        if (Path.Exists(path))
            throw new ArchiveException($"{path} exists already. Name a new file: an export never changes what is there.");
        _path = path;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new ArchiveException($"There is no folder {folder}.");
        File.Delete(path + ".part");
        _file = ArchiveFolders.CreateFile(path + ".part");
    }

    /// <summary>Begins a file; exactly <paramref name="size"/> octets must follow.</summary>
    public void Begin(string name, long size, DateTimeOffset time)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        if (utf8.Length > 100 || utf8.Length != name.Length)
        {
            byte[] record = PaxRecord("path", name);
            Header("pax"u8, record.Length, time, 'x');
            Write(record);
            End();
            utf8 = utf8[..Math.Min(utf8.Length, 100)];
        }
        Header(utf8, size, time, '0');
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if ((_left -= bytes.Length) < 0)
            throw new InvalidOperationException("more octets than were announced");
        _file.Write(bytes);
    }

    public void End()
    {
        if (_left != 0)
            throw new InvalidOperationException("fewer octets than were announced");
        _file.Write(s_zeros.AsSpan(0, _padding));
    }

    public void Complete()
    {
        _file.Write(s_zeros);   // two empty blocks end an archive
        _file.Flush();
        Io.Disk.SyncData(_file.SafeFileHandle);
        _file.Dispose();
        File.Move(_path + ".part", _path);
    }

    public void Dispose() => _file.Dispose();

    // "LENGTH keyword=value\n", the length counts itself.
    static byte[] PaxRecord(string keyword, string value)
    {
        byte[] rest = Encoding.UTF8.GetBytes($" {keyword}={value}\n");
        int length = rest.Length;
        while (length != rest.Length + length.ToString(CultureInfo.InvariantCulture).Length)
            length = rest.Length + length.ToString(CultureInfo.InvariantCulture).Length;
        return [.. Encoding.ASCII.GetBytes(length.ToString(CultureInfo.InvariantCulture)), .. rest];
    }

    void Header(ReadOnlySpan<byte> name, long size, DateTimeOffset time, char type)
    {
        Span<byte> block = stackalloc byte[TarFormat.BlockBytes];
        block.Clear();
        name.CopyTo(block);
        Octal(block.Slice(100, 8), 0x180);   // 0600
        Octal(block.Slice(108, 8), 0);
        Octal(block.Slice(116, 8), 0);
        Octal(block.Slice(124, 12), size);
        Octal(block.Slice(136, 12), Math.Max(0, time.ToUnixTimeSeconds()));
        block[156] = (byte)type;
        "ustar\0"u8.CopyTo(block[257..]);
        "00"u8.CopyTo(block[263..]);
        Octal(block.Slice(148, 7), TarFormat.Checksum(block));
        block[155] = (byte)' ';
        _file.Write(block);
        _left = size;
        _padding = (int)TarFormat.Padding(size);
    }

    static void Octal(Span<byte> field, long value)
    {
        for (int i = field.Length - 2; i >= 0; i--, value >>= 3)
            field[i] = (byte)('0' + (value & 7));
        field[^1] = 0;
    }
}

/// <summary>Reads a tar file from the front, trusting nothing it says.</summary>
internal sealed class TarFileReader(string path) : IDisposable
{
    readonly FileStream _file = ArchiveFolders.Open(path);
    readonly byte[] _block = new byte[TarFormat.BlockBytes];
    long _left;       // octets of the current file that were not read
    long _padding;

    /// <summary>Path of the current file as it stands in the archive, "./" at the front taken off.</summary>
    public string Name { get; private set; } = "";

    public long Size { get; private set; }

    public DateTimeOffset Time { get; private set; }

    /// <summary>Moves to the next plain file; folders are passed over.</summary>
    /// <exception cref="ArchiveException">No tar, cut off, or with something in it that is no file.</exception>
    public bool MoveNext()
    {
        string? longName = null;
        long? longSize = null;
        while (true)
        {
            Skip(_left + _padding);
            if (!Fill(_block, mayEnd: true) || !_block.AsSpan().ContainsAnyExcept((byte)0))
                return false;
            if (TarFormat.Number(_block.AsSpan(148, 8)) != TarFormat.Checksum(_block))
                throw Bad("is no tar file, or is damaged: the checksum of a header is wrong");
            string name = Text(_block.AsSpan(0, 100));
            string prefix = _block.AsSpan(257, 6).SequenceEqual("ustar\0"u8) ? Text(_block.AsSpan(345, 155)) : "";
            Size = TarFormat.Number(_block.AsSpan(124, 12));
            char type = (char)_block[156];
            if (Size < 0)
                throw Bad($"says no length for {name}");
            Time = ArchiveText.Date(TarFormat.Number(_block.AsSpan(136, 12)).ToString(CultureInfo.InvariantCulture)) ?? default;
            _left = Size;
            _padding = TarFormat.Padding(Size);
            if (type is 'x' or 'g' or 'L' or 'K')
            {
                byte[] content = Extended();
                if (type == 'L')
                    longName = Text(content);
                else if (type == 'x')
                    (longName, longSize) = (Pax(content, "path") ?? longName, Pax(content, "size") is { } size ? long.Parse("0" + size, NumberStyles.None, CultureInfo.InvariantCulture) : longSize);
                continue;
            }
            Name = longName ?? (prefix.Length > 0 ? $"{prefix}/{name}" : name);
            if (longSize is { } said)
            {
                _left = Size = said;
                _padding = TarFormat.Padding(Size);
            }
            (longName, longSize) = (null, null);
            while (Name.StartsWith("./", StringComparison.Ordinal))
                Name = Name[2..];
            if (type == '5')
                continue;
            if (type is not ('0' or '\0'))
                throw Bad($"has {Name} in it, which is {(type is '1' or '2' ? "a link" : "no plain file")}. An archive must hold its files themselves");
            return true;
        }
    }

    /// <summary>Reads on in the current file; 0: it is at its end.</summary>
    public int Read(Span<byte> to)
    {
        int count = _file.Read(to[..(int)Math.Min(to.Length, _left)]);
        if (count == 0 && _left > 0 && to.Length > 0)
            throw Bad($"ends within {Name}: it was cut off, or lies about the length");
        _left -= count;
        return count;
    }

    public ArchiveException Bad(string what) => new($"{path} {what}.");

    public void Dispose() => _file.Dispose();

    byte[] Extended()
    {
        if (Size > TarFormat.MostExtendedBytes)
            throw Bad($"has a header of {Size} octets; no name is that long");
        byte[] content = new byte[Size];
        Fill(content, mayEnd: false);
        _left = 0;
        return content;
    }

    string? Pax(byte[] content, string keyword)
    {
        string? value = null;
        ReadOnlySpan<byte> rest = content;
        while (!rest.IsEmpty)
        {
            int space = rest.IndexOf((byte)' ');
            if (space is <= 0 or > 9 || !int.TryParse(Encoding.ASCII.GetString(rest[..space]), NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                || length <= space || length > rest.Length || rest[length - 1] != (byte)'\n')
                throw Bad("has an extended header that is not well-formed");
            string record = Encoding.UTF8.GetString(rest[(space + 1)..(length - 1)]);
            if (record.StartsWith(keyword + "=", StringComparison.Ordinal))
                value = record[(keyword.Length + 1)..];
            rest = rest[length..];
        }
        return value is not null && keyword == "size" && (value.Length is 0 or > 15 || !value.All(char.IsAsciiDigit)) ? throw Bad("says a length that is no number") : value;
    }

    bool Fill(Span<byte> to, bool mayEnd)
    {
        int count = _file.ReadAtLeast(to, to.Length, throwOnEndOfStream: false);
        return count == to.Length || (mayEnd && count == 0 ? false : throw Bad("was cut off"));
    }

    void Skip(long count)
    {
        (_left, _padding) = (0, 0);
        if (_file.Position + count > _file.Length)
            throw Bad("was cut off, or lies about a length");
        _file.Position += count;
    }

    static string Text(ReadOnlySpan<byte> field) => Encoding.UTF8.GetString(field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field);
}
