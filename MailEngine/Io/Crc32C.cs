using System.Numerics;
using System.Runtime.InteropServices;

namespace MailEngine.Io;

/// <summary>CRC-32C (Castagnoli), by the processor's instruction where it has one.</summary>
public static class Crc32C
{
    /// <summary>Checksum of <paramref name="bytes"/>; give the last result as <paramref name="crc"/> to go on.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes, uint crc = 0)
    {
        crc = ~crc;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
            crc = BitOperations.Crc32C(crc, word);
        foreach (byte b in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
