using Microsoft.EntityFrameworkCore;

namespace MailEngine.Accounts;

/// <summary>How many Sieve scripts somebody may have, and how large each may be: for an account what its domain allows, and never more than the server does.</summary>
/// <param name="Bytes">Octets of one script.</param>
public readonly record struct ScriptLimits(int Scripts, int Bytes)
{
    public static async Task<ScriptLimits> OfAsync(AccountsContext db, ScriptOwner owner, SieveOptions server, CancellationToken ct)
    {
        // Scripts of a domain or the server are its administrators', whom the domain's limits for users do not bind.
        var domain = owner.AccountId is { } id
            ? await db.Accounts.Where(a => a.Id == id).Join(db.Domains, a => a.DomainId, d => d.Id, (_, d) => new { d.MaxScripts, d.ScriptBytes }).FirstOrDefaultAsync(ct)
            : null;
        return new ScriptLimits(Least(domain?.MaxScripts, server.Scripts), Least(domain?.ScriptBytes, server.ScriptBytes));
    }

    static int Least(int? limit, int server) => limit is > 0 and { } own ? Math.Min(own, server) : server;
}
