namespace MailEngine.Imap;

/// <summary>Tells the client of a command that takes long how far it is, so that it goes on waiting. RFC 9585</summary>
internal sealed class Progress(ImapSession session, string what)
{
    /// <summary>Messages from which on a change of them is watched: fewer are done before anybody could wonder.</summary>
    public const int Many = 500;

    long _last = session.Services.Clock.GetTimestamp();

    /// <summary>Call it now and then; it says something every <see cref="LimitOptions.ImapProgress"/>.</summary>
    public async ValueTask TellAsync(int done, int total, CancellationToken ct)
    {
        TimeProvider clock = session.Services.Clock;
        if (clock.GetElapsedTime(_last) < session.Limits.ImapProgress)
            return;
        _last = clock.GetTimestamp();
        await WriteAsync($"{done} {total}", ct);
    }

    /// <summary>Waits for a change of so many messages; how far that is nobody knows. RFC 9585 §4</summary>
    public async ValueTask<T> WhileAsync<T>(Task<T> change, int messages, CancellationToken ct)
    {
        while (messages >= Many && !change.IsCompleted)
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
            Task pause = Task.Delay(session.Limits.ImapProgress, session.Services.Clock, over.Token);
            if (await Task.WhenAny(change, pause) == change || pause.IsCanceled)
            {
                await over.CancelAsync();
                break;
            }
            await WriteAsync("NIL NIL", ct);
        }
        return await change;   // it is done or not done, whether the client is there or not
    }

    async ValueTask WriteAsync(string howFar, CancellationToken ct)
    {
        // A tag may hold a character that would end the response code.
        string tag = session.CurrentTag.Contains(']', StringComparison.Ordinal) ? "NIL" : $"\"{session.CurrentTag}\"";
        session.Writer.WriteAscii($"* OK [INPROGRESS ({tag} {howFar})] {what}\r\n");
        await session.Writer.FlushAsync(session.Limits, ct);
    }
}
