using System.Numerics;
using System.Runtime.CompilerServices;

namespace MailEngine.Imap.Search;

/// <summary>Some messages of a snapshot, by index: one bit a message, so that AND, OR and NOT of 100,000 take microseconds.</summary>
internal sealed class MessageSet
{
    readonly ulong[] _words;

    /// <param name="size">Messages in the snapshot.</param>
    public MessageSet(int size)
    {
        Size = size;
        _words = new ulong[(size + 63) >> 6];
    }

    public int Size { get; }

    /// <summary>How many are in the set.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (ulong word in _words)
                count += BitOperations.PopCount(word);
            return count;
        }
    }

    public bool Contains(int index) => (_words[index >> 6] >> index & 1) != 0;

    public void Add(int index) => _words[index >> 6] |= 1UL << index;

    /// <summary>Adds the message when <paramref name="condition"/> holds; no branch, for tight loops.</summary>
    public void AddIf(int index, bool condition) => _words[index >> 6] |= (condition ? 1UL : 0UL) << index;

    public void AddRange(int first, int last)
    {
        for (int i = first; i <= last;)
        {
            if ((i & 63) == 0 && last - i >= 63)
            {
                _words[i >> 6] = ulong.MaxValue;
                i += 64;
            }
            else
                Add(i++);
        }
    }

    public void Clear() => Array.Clear(_words);

    public void And(MessageSet other)
    {
        for (int i = 0; i < _words.Length; i++)
            _words[i] &= other._words[i];
    }

    public void Or(MessageSet other)
    {
        for (int i = 0; i < _words.Length; i++)
            _words[i] |= other._words[i];
    }

    /// <summary>Takes out all that <paramref name="other"/> has.</summary>
    public void Except(MessageSet other)
    {
        for (int i = 0; i < _words.Length; i++)
            _words[i] &= ~other._words[i];
    }

    public void Invert()
    {
        for (int i = 0; i < _words.Length; i++)
            _words[i] = ~_words[i];
        if ((Size & 63) != 0)
            _words[^1] &= (1UL << (Size & 63)) - 1;
    }

    public void CopyFrom(MessageSet other) => other._words.CopyTo(_words, 0);

    /// <summary>The first member from <paramref name="index"/> on; -1: none.</summary>
    public int Next(int index)
    {
        if (index >= Size)
            return -1;
        int at = index >> 6;
        ulong word = _words[at] & ulong.MaxValue << index;
        while (word == 0)
        {
            if (++at == _words.Length)
                return -1;
            word = _words[at];
        }
        return (at << 6) + BitOperations.TrailingZeroCount(word);
    }

    /// <summary>The members, ascending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]   // one call is a loop over all messages
    public List<int> ToList()
    {
        var all = new List<int>(Count);
        for (int i = Next(0); i >= 0; i = Next(i + 1))
            all.Add(i);
        return all;
    }
}
