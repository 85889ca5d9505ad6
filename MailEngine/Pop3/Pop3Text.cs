namespace MailEngine.Pop3;

/// <summary>Words for people, in every language that LANG offers. {0} and so on stand for what is filled in: numbers, and words of the protocol.</summary>
/// <remarks>English is ASCII, because it is what a client gets that has not said LANG. RFC 6856 §3.2</remarks>
internal sealed record Pop3Text(string English, string German)
{
    public string In(Pop3Language language) => language == Pop3Language.German ? German : English;
}

/// <summary>Languages of the answers. RFC 6856 §3</summary>
internal enum Pop3Language { English, German }

/// <summary>All texts of the answers.</summary>
internal static class Pop3Texts
{
    public static readonly Pop3Text
        Ready = new("{0} ready", "{0} ist bereit"),
        Goodbye = new("Goodbye", "Auf Wiedersehen"),
        Removed = new("Goodbye, {0} messages removed", "Auf Wiedersehen, {0} Nachrichten entfernt"),
        NotRemoved = new("The deleted messages could not be removed, all are there", "Die gel\u00f6schten Nachrichten konnten nicht entfernt werden, alle sind noch da"),
        MayNotRemove = new("The deleted messages may not be removed: the mailbox does not allow it", "Die gel\u00f6schten Nachrichten d\u00fcrfen nicht entfernt werden: das Postfach erlaubt es nicht"),
        Done = new("Done", "Erledigt"),
        UnknownCommand = new("There is no such command", "Diesen Befehl gibt es nicht"),
        TooManyBad = new("Too many bad commands", "Zu viele falsche Befehle"),
        LogInFirst = new("Log in first", "Melden Sie sich zuerst an"),
        OnlyBeforeLogIn = new("Only before log-in", "Nur vor der Anmeldung"),
        MissingArgument = new("An argument is missing", "Ein Argument fehlt"),
        TooManyArguments = new("There is more than the command takes", "Das ist mehr, als zu dem Befehl geh\u00f6rt"),
        NotANumber = new("An argument must be a number", "Ein Argument muss eine Zahl sein"),
        NotText = new("An argument is not UTF-8", "Ein Argument ist kein UTF-8"),
        LineTooLong = new("The line is too long", "Die Zeile ist zu lang"),
        BareLineEnd = new("Lines end with CR and LF together", "Zeilen enden mit CR und LF zusammen"),
        TooMuchBeforeLogIn = new("Too much input before log-in", "Zu viel Eingabe vor der Anmeldung"),
        Stops = new("The server stops", "Der Server h\u00e4lt an"),
        Ended = new("The session was ended by the administrator or a change of the account", "Die Sitzung wurde vom Administrator oder durch eine \u00c4nderung des Kontos beendet"),
        Unavailable = new("Not possible just now, try again later", "Im Augenblick nicht m\u00f6glich, versuchen Sie es sp\u00e4ter"),
        ServerFault = new("The server has a fault, which is in its log", "Der Server hat einen Fehler, er steht in seinem Protokoll"),
        Password = new("Now the password", "Nun das Passwort"),
        UserFirst = new("Send USER first", "Senden Sie zuerst USER"),
        NeedsTls = new("Passwords are only taken under TLS: send STLS first, or use the port with TLS", "Passw\u00f6rter nur unter TLS: senden Sie zuerst STLS, oder nehmen Sie den Port mit TLS"),
        Wrong = new("Wrong user name or password", "Benutzername oder Passwort falsch"),
        ServiceOff = new("POP3 is not switched on for this account", "POP3 ist f\u00fcr dieses Konto nicht eingeschaltet"),
        Suspended = new("This account is suspended", "Dieses Konto ist gesperrt"),
        Throttled = new("Too many failed log-ins, try again later", "Zu viele fehlgeschlagene Anmeldungen, versuchen Sie es sp\u00e4ter"),
        TooManySessions = new("Too many sessions of this account", "Zu viele Sitzungen dieses Kontos"),
        InUse = new("The maildrop is in use by another session", "Das Postfach wird von einer anderen Sitzung benutzt"),
        TooSoon = new("The last log-in was less than {0} seconds ago", "Die letzte Anmeldung ist keine {0} Sekunden her"),
        LoggedIn = new("{0} messages", "{0} Nachrichten"),
        NoApop = new("APOP is not offered, it needs passwords that are stored readable: use USER and PASS, or AUTH, under TLS",
            "APOP gibt es nicht, daf\u00fcr m\u00fcssten Passw\u00f6rter lesbar gespeichert sein: nehmen Sie USER und PASS oder AUTH, unter TLS"),
        NoMechanism = new("There is no such mechanism", "Dieses Verfahren gibt es nicht"),
        NotBase64 = new("This is not base64", "Das ist kein Base64"),
        GivenUp = new("Log-in given up", "Anmeldung abgebrochen"),
        Mechanisms = new("Mechanisms follow", "Es folgen die Verfahren"),
        Capabilities = new("Capabilities follow", "Es folgen die F\u00e4higkeiten"),
        BeginTls = new("Begin TLS", "Beginnen Sie mit TLS"),
        TlsIsOn = new("TLS is on already", "TLS ist schon eingeschaltet"),
        TlsBeforeUtf8 = new("STLS goes before UTF8", "STLS kommt vor UTF8"),
        Utf8IsOn = new("UTF-8 is on", "UTF-8 ist eingeschaltet"),
        Languages = new("Languages follow", "Es folgen die Sprachen"),
        LanguageIs = new("{0} Answers are in English", "{0} Antworten sind auf Deutsch"),
        NoSuchLanguage = new("There are no answers in this language", "In dieser Sprache gibt es keine Antworten"),
        NoSuchMessage = new("There is no message of that number", "Eine Nachricht dieser Nummer gibt es nicht"),
        IsDeleted = new("The message is deleted", "Die Nachricht ist gel\u00f6scht"),
        MessageLost = new("The message cannot be read", "Die Nachricht ist nicht lesbar"),
        Deleted = new("Deleted with QUIT", "Wird mit QUIT gel\u00f6scht"),
        Left = new("{0} messages, {1} octets", "{0} Nachrichten, {1} Oktette"),
        Octets = new("{0} octets", "{0} Oktette"),
        LinesFollow = new("The top follows", "Der Anfang folgt");
}
