using MailEngine.Addresses;
using MailEngine.Dns;

namespace MailEngine.Checks;

/// <summary>Words of RFC 7601 §2.7 for DMARC. RFC 7489 §11.2</summary>
public enum DmarcResult
{
    /// <summary>The domain has no record.</summary>
    None,
    /// <summary>The domain in From is proved, by SPF or by a signature.</summary>
    Pass,
    /// <summary>It is not.</summary>
    Fail,
    TempError,
    /// <summary>There is no one domain in From.</summary>
    PermError,
}

/// <summary>Is the domain in From the one that SPF or a signature proves? RFC 7489 §6.6</summary>
/// <remarks>Which domains are of one organization is found in the DNS, as DMARC's second edition does, not in a list of public suffixes:
/// such a list would have to be fetched and kept new.</remarks>
sealed class Dmarc(Resolver resolver)
{
    /// <summary>Questions for one domain: names may have 127 labels, and each would be one.</summary>
    const int MostSteps = 8;

    /// <param name="author">The domain in From.</param>
    /// <param name="reversePath">The domain of MAIL FROM where SPF passes, else null.</param>
    /// <param name="signers">Domains of signatures that are good; asked for when SPF does not do.</param>
    public async ValueTask<DmarcResult> CheckAsync(
        DomainName author, DomainName? reversePath, Func<ValueTask<IReadOnlyList<DkimSignature>>> signers, CancellationToken ct)
    {
        Walk own = await WalkAsync(author.Value, ct);
        if (own.Policy is not { } policy)
            return own.HasFailed ? DmarcResult.TempError : DmarcResult.None;
        bool unsure = own.HasFailed;
        if (reversePath is { } sender)
        {
            bool? aligned = await AreAlignedAsync(own, sender, policy.StrictSpf, ct);
            if (aligned == true)
                return DmarcResult.Pass;
            unsure |= aligned is null;
        }
        foreach (DkimSignature signature in await signers())
        {
            if (signature is { Result: DkimResult.TempError })
                unsure = true;
            if (signature is not { Result: DkimResult.Pass })
                continue;
            bool? aligned = await AreAlignedAsync(own, signature.Domain, policy.StrictDkim, ct);
            if (aligned == true)
                return DmarcResult.Pass;
            unsure |= aligned is null;
        }
        return unsure ? DmarcResult.TempError : DmarcResult.Fail;
    }

    // RFC 7489 §3.1: the same domain, or, relaxed, one of the same organization. Null: a name server does not say.
    async ValueTask<bool?> AreAlignedAsync(Walk author, DomainName other, bool strict, CancellationToken ct)
    {
        if (other.Value == author.Domain)
            return true;
        if (strict || !IsWithin(other.Value, author.Organization))
            return false;
        Walk walk = await WalkAsync(other.Value, ct);
        return walk.HasFailed ? null : walk.Organization == author.Organization;
    }

    static bool IsWithin(string name, string domain) => name == domain || (name.EndsWith(domain, StringComparison.Ordinal) && name[^(domain.Length + 1)] == '.');

    /// <summary>What the domain and those above it say.</summary>
    /// <param name="Policy">The record that counts for the domain; null: none.</param>
    sealed record Walk(string Domain, string Organization, DmarcRecord? Policy, bool HasFailed);

    async ValueTask<Walk> WalkAsync(string domain, CancellationToken ct)
    {
        DmarcRecord? own = null, top = null;
        string organization = domain, name = domain;
        for (int step = 0; step < MostSteps; step++)
        {
            (DmarcRecord? record, bool failed) = await FindAsync(name, ct);
            if (failed)
                return new Walk(domain, organization, own ?? top, HasFailed: true);
            if (record is not null)
            {
                if (step == 0)
                    own = record;
                // A suffix ends the organization one label below it; else the record nearest to the root names it.
                if (record.IsSuffix != true || step == 0)
                    organization = name;
                else
                    organization = BelowOf(domain, name);
                top = record;
                if (record.IsSuffix is not null && (step > 0 || record.IsSuffix == false))
                    break;
            }
            if (ParentOf(name) is not { } parent)
                break;
            name = parent;
        }
        return new Walk(domain, organization, own ?? top, HasFailed: false);
    }

    static string BelowOf(string domain, string suffix)
    {
        ReadOnlySpan<char> rest = domain.AsSpan(0, domain.Length - suffix.Length - 1);
        return domain[(rest.LastIndexOf('.') + 1)..];
    }

    // One label less; of a long name only seven are looked at.
    static string? ParentOf(string name)
    {
        const int Looked = 7;
        int labels = name.AsSpan().Count('.') + 1;
        do
        {
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            if (dot < 0)
                return null;
            name = name[(dot + 1)..];
        }
        while (--labels > Looked);
        return name;
    }

    // RFC 7489 §6.6.3: with more than one record there is none.
    async ValueTask<(DmarcRecord? Record, bool Failed)> FindAsync(string domain, CancellationToken ct)
    {
        DnsAnswer answer = await resolver.AskNameAsync("_dmarc." + domain, DnsType.Txt, ct);
        DmarcRecord? found = null;
        foreach (DnsRecord record in answer.Records)
        {
            if (record is not DnsRecord.Text { Value: var text } || DmarcRecord.Parse(text) is not { } parsed)
                continue;
            if (found is not null)
                return (null, false);
            found = parsed;
        }
        return (found, answer.Status == DnsStatus.Failed);
    }
}
