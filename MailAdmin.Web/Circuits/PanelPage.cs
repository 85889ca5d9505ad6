using MailAdmin.Web.Resources;
using MailAdmin.Web.Services;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;
using Microsoft.JSInterop;

namespace MailAdmin.Web.Circuits;

/// <summary>What every interactive page does the same way: it calls a service as the user, and shows what came of it.</summary>
public abstract class PanelPage : ComponentBase, IDisposable
{
    readonly CancellationTokenSource _stop = new();
    int _focusedRefusals;

    [Inject] internal PanelUser Me { get; set; } = null!;
    [Inject] internal Notices Notices { get; set; } = null!;
    [Inject] protected NavigationManager Nav { get; set; } = null!;
    [Inject] IJSRuntime Js { get; set; } = null!;
    [Inject] IStringLocalizer<Texts> Words { get; set; } = null!;

    /// <summary>Where the user counts days; null: not known yet. No parameter: a page must not load anew when it becomes known.</summary>
    protected TimeZoneInfo? Zone => Me.Zone;

    protected FieldErrors Errors { get; } = new();

    /// <summary>A call is under way: buttons that would send a second one are off.</summary>
    protected bool Busy { get; private set; }

    /// <summary>Ends the page's queries when the user leaves it.</summary>
    protected CancellationToken Stop => _stop.Token;

    /// <summary>Sends a change. False: it was refused, the reasons stand in <see cref="Errors"/> beside their fields.</summary>
    internal async Task<bool> SendAsync(Func<Actor, Task<ServiceResult>> call)
    {
        if (Busy)
            return false;
        Busy = true;
        Errors.Clear();
        try
        {
            ServiceResult result = await call(await Me.ActorAsync());
            if (result.Ok)
                return true;
            Errors.Take(result);
            if (!Errors.Any)
                Errors.Add("", Reason(result.Refusal));
            return false;
        }
        finally
        {
            Busy = false;
        }
    }

    /// <summary>Sends a change that has no form; a refusal becomes a message in the corner.</summary>
    internal async Task<bool> DoAsync(Func<Actor, Task<ServiceResult>> call, string done)
    {
        if (Busy)
            return false;
        Busy = true;
        try
        {
            ServiceResult result = await call(await Me.ActorAsync());
            if (result.Ok)
                Notices.Done(done);
            else
                Notices.Failed(result.Errors.Count > 0 ? result.Text : Reason(result.Refusal));
            return result.Ok;
        }
        finally
        {
            Busy = false;
        }
    }

    string Reason(Refusal refusal) => Words["Refusal." + refusal];

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (Errors.Refusals == _focusedRefusals)
            return;
        _focusedRefusals = Errors.Refusals;
        await Js.InvokeVoidAsync("panel.focusFirstError", Stop);
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        _stop.Cancel();
        _stop.Dispose();
    }
}
