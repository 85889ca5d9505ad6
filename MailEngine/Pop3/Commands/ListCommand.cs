namespace MailEngine.Pop3.Commands;

/// <summary>LIST: numbers and octets of all messages, or of one.</summary>
/// <remarks>RFC 1939 §5</remarks>
internal sealed record ListCommand(int? Number) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new ListCommand(r.OptionalNumber());

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct) => Listing.AnswerAsync(session, Number, Write, ct);

    static void Write(Pop3Session session, int number) => session.Writer.WriteNumber(session.Drop.SizeOf(number));
}
