using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailAdmin.Web.Services;

/// <summary>Reads the local part that somebody wants to have.</summary>
static class NewAddress
{
    /// <summary>Default and a problem when it cannot be one.</summary>
    public static EmailAddress Parse(string localPart, Domain domain, Problems problems)
    {
        if (domain.Kind != DomainKind.Local)
        {
            problems.Add("DomainId", Texts.Of("Error.DomainNotLocal", domain.DisplayName));
            return default;
        }
        string local = localPart.Trim();
        // What needs quotes (spaces, brackets) is legal, but half the world's programs refuse to write to it.
        if (local.Length == 0 || local == Address.CatchAll || local.Contains('"', StringComparison.Ordinal) || local.Contains('@', StringComparison.Ordinal)
            || !EmailAddress.TryParse($"{local}@{domain.Name}", out EmailAddress address))
        {
            problems.Add("LocalPart", Texts.Of("Error.LocalPart"));
            return default;
        }
        return address;
    }
}
