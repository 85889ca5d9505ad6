using MailAdmin.Web.Circuits;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Components;

namespace MailAdmin.Web.Components.Pages.Filters;

/// <summary>A page about scripts: one's own, an account's, a domain's or the server's, as its address says.</summary>
public abstract class FilterPage : PanelPage
{
    [Parameter] public long? AccountId { get; set; }
    [Parameter] public long? DomainId { get; set; }

    /// <summary>Null: whoever is here has no account.</summary>
    protected ScriptOwner? Owner { get; private set; }

    protected bool IsServer { get; private set; }

    /// <summary>The scripts are the user's own.</summary>
    protected bool IsOwn => AccountId is null && DomainId is null && !IsServer;

    protected override async Task OnParametersSetAsync()
    {
        IsServer = Nav.ToBaseRelativePath(Nav.Uri).StartsWith("server/", StringComparison.Ordinal);
        AccountId = await Me.OtherAsync(AccountId);
        long? own = (await Me.ActorAsync()).AccountId;
        Owner = IsServer ? ScriptOwner.Server : DomainId is { } domain ? ScriptOwner.Domain(domain) : (AccountId ?? own) is { } account ? ScriptOwner.Account(account) : null;
    }

    /// <summary>The page of whoever has the scripts.</summary>
    protected string OwnerHref => IsServer ? "/" : DomainId is { } domain ? $"/domains/{domain}" : AccountId is { } account ? $"/accounts/{account}" : "/account";

    protected string ListHref => IsServer ? "/server/filters" : IsOwn ? "/filters" : OwnerHref + "/filters";

    protected string ScriptHref(string name) => $"{ListHref}/script?name={Uri.EscapeDataString(name)}";

    protected string HistoryHref(string name) => $"{ListHref}/history?name={Uri.EscapeDataString(name)}";
}
