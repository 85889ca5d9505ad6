namespace MailEngine.Imap;

/// <summary>Tells the client of a command that takes long how far it is, so that it goes on waiting. RFC 9585</summary>
internal sealed class Progress(ImapSession session, string what)
{
    long _last = session.Services.Clock.GetTimestamp();

    /// <summary>Call it now and then; it says something every <see cref="LimitOptions.ImapProgress"/>.</summary>
    public async ValueTask TellAsync(int done, int total, CancellationToken ct)
    {
        TimeProvider clock = session.Services.Clock;
        if (clock.GetElapsedTime(_last) < session.Limits.ImapProgress)
            return;
        _last = clock.GetTimestamp();
        // A tag may hold a character that would end the response code.
        string tag = session.CurrentTag.Contains(']', StringComparison.Ordinal) ? "NIL" : $"\"{session.CurrentTag}\"";
        session.Writer.WriteAscii($"* OK [INPROGRESS ({tag} {done} {total})] {what}\r\n");
        await session.Writer.FlushAsync(session.Limits, ct);
    }
}
