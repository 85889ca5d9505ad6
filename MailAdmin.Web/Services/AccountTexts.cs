using MailAdmin.Web.Resources;
using MailEngine.Accounts;
using MailEngine.Addresses;

namespace MailAdmin.Web.Services;

/// <summary>What <see cref="AccountRows"/> finds wrong, in words, at the field of the form that it is about.</summary>
static class AccountTexts
{
    public static void Add(this Problems problems, Domain domain, AccountProblem found, EmailAddress address = default)
    {
        (string field, string text) = found.Fault switch
        {
            AccountFault.DomainNotLocal => (nameof(AccountForm.DomainId), Texts.Of("Error.DomainNotLocal", domain.DisplayName)),
            AccountFault.LocalPart => (nameof(AccountForm.LocalPart), Texts.Of("Error.LocalPart")),
            AccountFault.AddressTaken => (nameof(AccountForm.LocalPart), Texts.Of("Error.AddressTaken", address)),
            AccountFault.LoginHasAt => (nameof(AccountForm.Login), Texts.Of("Error.LoginWithAt")),
            AccountFault.LoginTaken => (nameof(AccountForm.Login), Texts.Of("Error.LoginTaken")),
            AccountFault.LoginIsAddress => (nameof(AccountForm.LocalPart), Texts.Of("Error.LoginIsAddress")),
            AccountFault.Quota => (nameof(AccountForm.QuotaBytes), Of(domain, found.Quota)),
            AccountFault.MostAccounts => ("", Texts.Of("Error.MostAccounts", domain.DisplayName, domain.MaxAccounts, found.Now)),
            AccountFault.TotalQuota => (nameof(AccountForm.QuotaBytes), Texts.Of(
                "Error.TotalQuota", domain.DisplayName, Size.Text(domain.TotalQuotaBytes), Size.Text(Math.Max(0, domain.TotalQuotaBytes - found.Now)))),
            _ => throw new ArgumentOutOfRangeException(nameof(found)),
        };
        problems.Add(field, text);
    }

    static string Of(Domain domain, QuotaRefusal refusal) => refusal switch
    {
        QuotaRefusal.Negative => Texts.Of("Error.QuotaSize"),
        QuotaRefusal.Unlimited => Texts.Of("Error.QuotaNeeded", domain.DisplayName),
        _ => Texts.Of("Error.MostQuota", domain.DisplayName, Size.Text(domain.MaxQuotaBytes)),
    };
}
