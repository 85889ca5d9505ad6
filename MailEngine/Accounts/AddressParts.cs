using MailEngine.Addresses;

namespace MailEngine.Accounts;

/// <summary>Makes an address of a stored local part (unquoted) and domain.</summary>
public static class AddressParts
{
    /// <returns>Null: the local part cannot stand in an address. <see cref="Address.CatchAll"/> gives <c>*@domain</c>.</returns>
    public static EmailAddress? Join(string local, string domain)
    {
        if (EmailAddress.TryParse($"{local}@{domain}", out EmailAddress plain) && plain.Local == local)
            return plain;
        string quoted = local.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return EmailAddress.TryParse($"\"{quoted}\"@{domain}", out EmailAddress address) ? address : null;
    }
}
