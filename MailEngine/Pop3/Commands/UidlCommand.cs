namespace MailEngine.Pop3.Commands;

/// <summary>UIDL: unique-ids of all messages, or of one.</summary>
/// <remarks>RFC 1939 §7</remarks>
internal sealed record UidlCommand(int? Number) : Pop3Command
{
    public static Pop3Command Parse(ref Pop3Reader r) => new UidlCommand(r.OptionalNumber());

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        session.Drop.ReadUniqueIds();   // what can fail is done before the answer begins
        return Listing.AnswerAsync(session, Number, Write, ct);
    }

    static void Write(Pop3Session session, int number)
    {
        Span<byte> to = session.Writer.Reserve(UidlForm.MaxLength);
        session.Writer.Advance(session.Drop.WriteUniqueId(number, session.Services.Uidl, to));
    }
}
