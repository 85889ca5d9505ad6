namespace MailEngine.Sieve;

/// <summary>A run of octets of a changed message: new ones, or some of those that came.</summary>
/// <param name="New">Not empty: these. Empty: <paramref name="Length"/> octets of the message as it came, from <paramref name="From"/> on.</param>
public readonly record struct MessagePiece(ReadOnlyMemory<byte> New, long From, long Length);
