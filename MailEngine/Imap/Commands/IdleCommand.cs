using System.Buffers;
using System.IO.Pipelines;
using MailEngine.Store;

namespace MailEngine.Imap.Commands;

/// <summary>IDLE: the server tells of changes as they happen, until DONE.</summary>
/// <remarks>RFC 9051 §6.3.13, RFC 2177 §3. The one wait is the read; a change of the mailbox cancels it. So an idle session holds
/// no buffer and no timer.</remarks>
internal sealed record IdleCommand : ImapCommand
{
    const int MaxLine = 1024;

    public static IdleCommand Parse(ref ImapReader r) => new();

    public override async ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct)
    {
        await session.TellAsync(mayExpunge: true, ct);
        session.Writer.Write("+ idling\r\n"u8);
        PipeReader input = session.Connection.Input;
        using IDisposable? watch = session.Selected?.Box.Watch(session.Wake);
        while (true)
        {
            if (session.Selected is { Box.IsDeleted: true })
                return ImapReply.No("[NONEXISTENT] The mailbox was deleted");
            if (session.Selected is { } selected && !await session.Access.MayStillReadAsync(selected, ct))
            {
                session.Bye("[NOPERM] You may no longer read the selected mailbox");
                return ImapReply.Nothing;
            }
            await session.TellAsync(mayExpunge: true, ct);   // what happens after this wakes the read
            if (await session.ReadAsync(ct, wakes: true) is not { } read)
                return ImapReply.Nothing;
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } lineFeed)
            {
                ReadOnlySequence<byte> line = buffer.Slice(0, buffer.GetPosition(1, lineFeed));
                bool done = IsDone(line);
                input.AdvanceTo(line.End);
                return done ? ImapReply.Ok("IDLE completed") : ImapReply.Bad("Expected DONE");
            }
            bool tooLong = buffer.Length > MaxLine;
            input.AdvanceTo(buffer.Start, buffer.End);
            if (tooLong)
            {
                session.Bye("Line too long");
                return ImapReply.Nothing;
            }
            if (read.IsCompleted)
            {
                session.End();
                return ImapReply.Nothing;
            }
        }
    }

    static bool IsDone(in ReadOnlySequence<byte> line)
    {
        Span<byte> text = stackalloc byte[8];
        if (line.Length > text.Length)
            return false;
        line.CopyTo(text);
        return System.Text.Ascii.EqualsIgnoreCase(text[..(int)line.Length].TrimEnd("\r\n"u8), "DONE"u8);
    }
}
