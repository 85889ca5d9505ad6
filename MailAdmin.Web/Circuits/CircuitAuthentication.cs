using System.Security.Claims;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;

namespace MailAdmin.Web.Circuits;

/// <summary>Ends the log-in of a circuit when its account no longer allows it.</summary>
/// <remarks>A circuit lives for hours and sends no further requests, so the cookie's own check never runs again. This one runs
/// when accounts change and, for changes whose signal was lost, every minute; one that failed is made again after a second. Once invalid a
/// circuit stays so; the page then leaves for the log-in (see Routes.razor).</remarks>
internal sealed class CircuitAuthentication : ServerAuthenticationStateProvider, IDisposable
{
    static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    readonly PanelSignIn _signIn;
    readonly ILogger _log;
    readonly IDisposable _onChange;
    readonly ITimer _timer;
    readonly CancellationTokenSource _stop = new();
    int _wanted;

    public CircuitAuthentication(PanelSignIn signIn, AccountDirectory directory, TimeProvider clock, ILogger<CircuitAuthentication> log)
    {
        _signIn = signIn;
        _log = log;
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
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // the circuit is gone
        }
        catch (Exception e)
        {
            // The database does not answer, or the circuit has not been told yet who its user is. Whoever may be out must not stay in for it.
            if (e is not (InvalidOperationException or DirectoryUnavailableException))
                _log.SessionCheckFailed(e);
            _timer.Change(Again, Interval);
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
