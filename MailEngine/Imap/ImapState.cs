namespace MailEngine.Imap;

/// <summary>State of a session. RFC 9051 §3</summary>
[Flags]
internal enum ImapState
{
    NotAuthenticated = 1,
    Authenticated = 2,
    Selected = 4,
    LoggedIn = Authenticated | Selected,
    Any = NotAuthenticated | LoggedIn,
}

/// <summary>How a command uses message sequence numbers: while one runs that does, no number may shift. RFC 9051 §7.5.1</summary>
internal enum SeqUse
{
    /// <summary>Not at all, or UIDs: EXPUNGE may be sent before its tagged answer.</summary>
    None,
    /// <summary>FETCH, STORE, SEARCH: EXPUNGE waits for another command.</summary>
    Numbers,
}
