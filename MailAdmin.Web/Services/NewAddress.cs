using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailAdmin.Web.Services;

/// <summary>Reads the local part that somebody wants to have.</summary>
static class NewAddress
{
    /// <summary>Default and a problem when it cannot be one.</summary>
    public static EmailAddress Parse(string localPart, Domain domain, Problems problems)
    {
        if (AccountRows.ReadAddress(localPart, domain, out EmailAddress address) is var fault and not AccountFault.None)
            problems.Add(domain, new AccountProblem(fault));
        return address;
    }
}
