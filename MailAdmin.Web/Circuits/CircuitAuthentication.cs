using System.Security.Claims;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;

namespace MailAdmin.Web.Circuits;

/// <summary>Ends the log-in of a circuit when its account no longer allows it.</summary>
/// <remarks>A circuit lives for hours and sends no further requests, so the cookie's own check never runs again. This one runs
/// when accounts change and, for changes whose signal was lost, every minute. Once invalid a circuit stays so; the page
/// then leaves for the log-in (see Routes.razor).</remarks>
internal sealed class CircuitAuthentication : ServerAuthenticationStateProvider, IDisposable
{
    static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    readonly PanelSignIn _signIn;
    readonly IDisposable _onChange;
    readonly ITimer _timer;
    readonly CancellationTokenSource _stop = new();
    int _wanted;

    public CircuitAuthentication(PanelSignIn signIn, AccountDirectory directory, TimeProvider clock)
    {
        _signIn = signIn;
        _onChange = directory.OnChange(Check);
        _timer = clock.CreateTimer(static me => ((CircuitAuthentication)me!).Check(), this, Interval, Interval);
    }

    void Check()
    {
        if (Interlocked.Increment(ref _wanted) == 1)
            _ = CheckAllAsync();
    }

    // A change that comes while a check runs may be one that it did not see: it leads to one more.
    async Task CheckAllAsync()
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref _wanted);
            await CheckAsync();
        }
        while (Interlocked.CompareExchange(ref _wanted, 0, seen) != seen);
    }

    async Task CheckAsync()
    {
        try
        {
            ClaimsPrincipal user = (await GetAuthenticationStateAsync()).User;
            if (user.Identity?.IsAuthenticated == true && !await _signIn.IsStillValidAsync(user, _stop.Token))
                SetAuthenticationState(Task.FromResult(new AuthenticationState(new ClaimsPrincipal(new ClaimsIdentity()))));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or InvalidOperationException
            or DirectoryUnavailableException)
        {
            // The circuit is gone, its state was never set (the user has not connected), or the database does not answer:
            // in the last case every service call fails by itself, and the next check is a minute away.
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _onChange.Dispose();
        _timer.Dispose();
        _stop.Dispose();
    }
}
