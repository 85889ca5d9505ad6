namespace MailEngine.Imap;

/// <summary>What is announced, by state: only what works right there and then. RFC 9051 §6.1.1</summary>
internal static class Capabilities
{
    const string Always = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE";

    public static string Before(bool mayStartTls, bool mayLogIn) =>
        Always + (mayStartTls ? " STARTTLS" : "") + (mayLogIn ? " AUTH=PLAIN AUTH=LOGIN" : " LOGINDISABLED");

    public const string LoggedIn = Always + " IDLE NAMESPACE CHILDREN UIDPLUS MOVE SPECIAL-USE CREATE-SPECIAL-USE UNSELECT"
        + " LIST-EXTENDED LIST-STATUS STATUS=SIZE";
}
