namespace MailEngine.Addresses;

/// <summary>User and detail of a local part. RFC 5233 §4 leaves the form to us; the router and scripts must mean the same by it.</summary>
public static class Subaddress
{
    /// <summary>Place of the separator in an unquoted local part; -1: all of it is the user.</summary>
    /// <param name="separator">Of the domain; empty: it has no details.</param>
    /// <remarks>The first one counts. What begins with it has no user that mail could go to, so there it separates nothing.</remarks>
    public static int SeparatorIn(string local, string separator) =>
        separator.Length > 0 && local.IndexOf(separator, StringComparison.Ordinal) is var at and > 0 ? at : -1;
}
