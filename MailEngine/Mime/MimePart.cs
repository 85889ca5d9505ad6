namespace MailEngine.Mime;

/// <summary>What a part holds.</summary>
internal enum MimePartKind : byte
{
    /// <summary>Bytes.</summary>
    Leaf,
    /// <summary>Other parts between boundaries. RFC 2046 §5.1</summary>
    Multipart,
    /// <summary>A whole message: exactly one part below it, the message's root. RFC 2046 §5.2.1</summary>
    Message,
}

/// <summary>One part of a message as ranges of its bytes. Its header goes from <see cref="HeaderStart"/> to <see cref="BodyStart"/>,
/// empty line included.</summary>
internal struct MimePart
{
    /// <summary>Index of the part around it; -1 for the root. Parts stand in the order of the message: a part comes before what it holds.</summary>
    public int Parent;
    public int HeaderStart;
    public int BodyStart;
    public int BodyEnd;
    /// <summary>Line ends in the body; only counted for text and messages. RFC 9051 §7.5.2 (body-fld-lines)</summary>
    public int Lines;
    public MimePartKind Kind;
    public TransferEncoding Encoding;
    /// <summary>Content-Type text/*, or none given.</summary>
    public bool IsText;
    /// <summary>Default type is message/rfc822, not text/plain: a part of multipart/digest. RFC 2046 §5.1.5</summary>
    public bool InDigest;
    /// <summary>Content-Type said multipart or message, but it could not be taken apart: no boundary, or a limit was reached.</summary>
    public bool Opaque;

    public readonly int BodyLength => BodyEnd - BodyStart;
}

/// <summary>How far a message is taken apart (attack cases A7 and A8).</summary>
/// <param name="Parts">Parts told apart; the rest stays in the last one.</param>
/// <param name="Depth">Parts inside parts; deeper ones stay in one piece.</param>
internal readonly record struct MimeLimits(int Parts, int Depth)
{
    /// <summary>The defaults of <see cref="LimitOptions.MimeParts"/> and <see cref="LimitOptions.Depth"/>.</summary>
    public static MimeLimits Default { get; } = new(1000, 100);

    public static MimeLimits Of(LimitOptions limits) => new(limits.MimeParts, limits.Depth);
}
