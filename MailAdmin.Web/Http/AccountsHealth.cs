using MailAdmin.Web.Services;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MailAdmin.Web.Http;

/// <summary>Ready means: the accounts database answers. A load balancer sends nobody here before.</summary>
internal sealed class AccountsHealth(SetupService setup) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await setup.IsNeededAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return HealthCheckResult.Unhealthy("The accounts database does not answer.", e);
        }
    }
}
