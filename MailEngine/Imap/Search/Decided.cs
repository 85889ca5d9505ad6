using MailEngine.Store;

namespace MailEngine.Imap.Search;

/// <summary>What is known of all messages after some steps of a search: those that match, and those that may.</summary>
/// <param name="Yes">They match.</param>
/// <param name="Maybe">They may match, those of <paramref name="Yes"/> included; null: just those, nothing is open.</param>
/// <remarks>Operators write into their operands' sets and hand them on.</remarks>
internal readonly record struct Decided(MessageSet Yes, MessageSet? Maybe)
{
    public static Decided And(Decided a, Decided b)
    {
        MessageSet? maybe = null;
        if (a.Maybe is not null || b.Maybe is not null)
        {
            maybe = Possible(a);
            maybe.And(b.Maybe ?? b.Yes);
        }
        a.Yes.And(b.Yes);
        return new(a.Yes, maybe);
    }

    public static Decided Or(Decided a, Decided b)
    {
        MessageSet? maybe = null;
        if (a.Maybe is not null || b.Maybe is not null)
        {
            maybe = Possible(a);
            maybe.Or(b.Maybe ?? b.Yes);
        }
        a.Yes.Or(b.Yes);
        return new(a.Yes, maybe);
    }

    public static Decided Not(Decided a)
    {
        a.Yes.Invert();
        if (a.Maybe is not { } maybe)
            return a;
        maybe.Invert();
        return new(maybe, a.Yes);   // surely not: what could not; may not: what did not surely
    }

    static MessageSet Possible(Decided a)
    {
        if (a.Maybe is { } maybe)
            return maybe;
        var copy = new MessageSet(a.Yes.Size);
        copy.CopyFrom(a.Yes);
        return copy;
    }
}

/// <summary>A question that an entry alone answers; a struct, so that the loop over 100,000 of them is compiled for it.</summary>
internal interface IEntryTest
{
    bool Holds(in MessageEntry entry);
}

internal readonly struct FlagTest(MessageFlags mask, MessageFlags wanted) : IEntryTest
{
    public bool Holds(in MessageEntry entry) => (entry.Flags & mask) == wanted;
}

/// <summary>INTERNALDATE in a range, Unix seconds, both ends included.</summary>
internal readonly struct DateTest(long from, long to) : IEntryTest
{
    public bool Holds(in MessageEntry entry) => entry.InternalDate >= from && entry.InternalDate <= to;

    /// <param name="now">Unix seconds.</param>
    public static DateTest Of(SearchKey key, long now)
    {
        long day = (key.Day - 719162L) * 86400;   // RFC 9051 §6.4.4: days, as INTERNALDATE is sent, in UTC
        return key.Kind switch
        {
            SearchKind.Before => new(long.MinValue, day - 1),
            SearchKind.On => new(day, day + 86399),
            SearchKind.Since => new(day, long.MaxValue),
            SearchKind.Older => new(long.MinValue, now - key.Number),   // RFC 5032 §2
            _ => new(now - key.Number, long.MaxValue),
        };
    }
}
