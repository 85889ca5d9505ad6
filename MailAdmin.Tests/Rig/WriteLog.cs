using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace MailAdmin.Tests.Rig;

/// <summary>The writes of a process, in order, and what a disk would hold after a power cut at any of them.</summary>
/// <remarks>
/// Strict model: a write is durable when its file was synced after it; a new file's name is durable when its folder was synced
/// after it was made. What is not durable may be there or not, whole or in 512-byte sectors: the seed decides.
/// </remarks>
sealed class WriteLog
{
    readonly List<(char Op, string Path, long Offset, byte[] Data)> _ops = [];

    /// <summary>Operations written down; a cut is a number from 0 to this.</summary>
    public int Count => _ops.Count;

    /// <summary>Builds the preload library; the C compiler is one of the packages the test command installs.</summary>
    public static string Build(string folder)
    {
        string library = Path.Combine(folder, "writelog.so");
        using Process gcc = Process.Start("gcc", ["-shared", "-fPIC", "-O1", "-o", library, Path.Combine(AppContext.BaseDirectory, "Rig", "writelog.c"), "-ldl", "-lpthread"]);
        gcc.WaitForExit();
        Assert.Equal(0, gcc.ExitCode);
        return library;
    }

    public static WriteLog Read(string file)
    {
        var log = new WriteLog();
        byte[] bytes = File.ReadAllBytes(file);
        for (int at = 0; at + 21 <= bytes.Length;)
        {
            int path = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 1));
            long offset = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at + 5));
            long data = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at + 13));
            if (at + 21 + path + data > bytes.Length)
                break;   // the process died while it wrote this down
            log._ops.Add(((char)bytes[at], Encoding.UTF8.GetString(bytes, at + 21, path), offset, bytes[(at + 21 + path)..(int)(at + 21 + path + data)]));
            at += (int)(21 + path + data);
        }
        return log;
    }

    /// <summary>Numbers of the operations that are syncs: the interesting cuts are around them.</summary>
    public IEnumerable<int> Syncs() => Enumerable.Range(0, _ops.Count).Where(i => _ops[i].Op == 'S');

    /// <summary>All that was written to a file before the cut, synced or not.</summary>
    public string TextOf(string path, int cut)
    {
        var bytes = new MemoryStream();
        foreach ((char op, string p, long offset, byte[] data) in _ops.Take(cut))
        {
            if (op == 'W' && p == path)
            {
                bytes.Position = offset;
                bytes.Write(data);
            }
        }
        return Encoding.ASCII.GetString(bytes.ToArray());
    }

    /// <summary>Makes <paramref name="target"/> look as <paramref name="source"/> would after a power cut just before operation <paramref name="cut"/>.</summary>
    public void Cut(int cut, string source, string target, int seed)
    {
        var random = new Random(seed);
        var lastSync = new Dictionary<string, int>();
        for (int i = 0; i < cut; i++)
        {
            if (_ops[i].Op == 'S')
                lastSync[_ops[i].Path] = i;
        }
        var files = new Dictionary<string, MemoryStream>();
        int keepOneIn = random.Next(4);   // 0: nothing un-synced stays; 1: all of it; else some
        bool Stays() => keepOneIn != 0 && random.Next(keepOneIn) == 0;
        for (int i = 0; i < cut; i++)
        {
            (char op, string path, long offset, byte[] data) = _ops[i];
            bool durable = lastSync.GetValueOrDefault(path, -1) > i;
            switch (op)
            {
                case 'C':
                    if (lastSync.GetValueOrDefault(Path.GetDirectoryName(path)!, -1) > i || Stays())
                        files[path] = new MemoryStream();
                    break;
                case 'U':
                    files.Remove(path);
                    break;
                case 'T' when files.TryGetValue(path, out MemoryStream? file) && (durable || Stays()):
                    file.SetLength(offset);
                    break;
                case 'W' when files.TryGetValue(path, out MemoryStream? file):
                    if (durable)
                        Write(file, offset, data);
                    else
                        for (int sector = 0; sector < data.Length; sector += 512)
                        {
                            if (Stays())
                                Write(file, offset + sector, data.AsSpan(sector, Math.Min(512, data.Length - sector)));
                        }
                    break;
            }
        }
        foreach ((string path, MemoryStream file) in files)
        {
            string to = Path.Combine(target, Path.GetRelativePath(source, path));
            if (to.EndsWith("-shm", StringComparison.Ordinal))
                continue;   // memory, not disk
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.WriteAllBytes(to, file.ToArray());
        }
    }

    static void Write(MemoryStream file, long offset, ReadOnlySpan<byte> data)
    {
        file.Position = offset;
        file.Write(data);
    }
}
