namespace MailEngine.Checks;

/// <summary>Reads octets of a message from an offset on; <c>Body.Read</c> is one.</summary>
/// <returns>How many, as many as happen to be at hand; 0: there are no more.</returns>
public delegate int MessageOctets(long offset, Span<byte> to);
