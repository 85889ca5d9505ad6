using MailAdmin.Web.Circuits;
using MailAdmin.Web.Services;
using Microsoft.AspNetCore.Components;

namespace MailAdmin.Web.Components.Pages.Mailboxes;

/// <summary>A page about mailboxes: one's own, an account's or a domain's, as its address says.</summary>
public abstract class MailboxTreePage : PanelPage
{
    [Parameter] public long? AccountId { get; set; }
    [Parameter] public long? DomainId { get; set; }

    protected override async Task OnParametersSetAsync() => AccountId = await Me.OtherAsync(AccountId);

    protected MailTree Tree => DomainId is { } domain ? MailTree.OfDomain(domain) : AccountId is { } account ? MailTree.OfAccount(account) : MailTree.Own;

    /// <summary>The page of whoever has the mailboxes.</summary>
    protected string OwnerHref => DomainId is { } domain ? $"/domains/{domain}" : AccountId is { } account ? $"/accounts/{account}" : "/account";

    protected string ListHref => OwnerHref + "/mailboxes";
}
