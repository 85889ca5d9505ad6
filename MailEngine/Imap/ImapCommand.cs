namespace MailEngine.Imap;

/// <summary>A parsed command that can be run once.</summary>
internal abstract record ImapCommand
{
    /// <summary>True: the command is parsed where its first literal would begin, and takes literals and the rest of the line off the
    /// connection itself while it runs (APPEND).</summary>
    public virtual bool ReadsItsLiterals => false;

    /// <summary>Does the work and writes untagged responses; the session sends the tagged one.</summary>
    /// <param name="ct">Fires when the client is gone.</param>
    public abstract ValueTask<ImapReply> RunAsync(ImapSession session, CancellationToken ct);

    /// <summary>Sequence numbers stand in it although its row says that it has none: UID SEARCH 1:3. RFC 7162 §3.2.10.2</summary>
    public virtual bool UsesNumbers => false;
}

/// <summary>Reads the arguments of a command, from behind its name up to the line end.</summary>
internal delegate ImapCommand CommandParser(ref ImapReader reader);

/// <summary>One row of the command table.</summary>
/// <param name="Name">Upper case; UID commands as "UID FETCH".</param>
internal sealed record CommandRow(string Name, ImapState States, SeqUse Numbers, CommandParser Parse);
