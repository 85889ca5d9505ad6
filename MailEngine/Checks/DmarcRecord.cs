namespace MailEngine.Checks;

/// <summary>What a domain says of mail in its name that is not proved to be its own. RFC 7489 §6.3</summary>
enum DmarcPolicy { None, Quarantine, Reject }

/// <summary>A DMARC record. RFC 7489 §6.3; "psd" is of its successor, whose tree walk we follow.</summary>
/// <param name="StrictDkim">The signer must be the domain itself, not another one of its organization ("adkim=s").</param>
/// <param name="StrictSpf">The same for the reverse path ("aspf=s").</param>
/// <param name="IsSuffix">"psd=y": those below are organizations of their own; "psd=n": this is one; null: not said.</param>
sealed record DmarcRecord(DmarcPolicy Policy, DmarcPolicy Subdomains, bool StrictDkim, bool StrictSpf, bool? IsSuffix)
{
    const int MostTags = 100;

    /// <returns>Null: it is no record, or has neither a policy nor an address for reports.</returns>
    public static DmarcRecord? Parse(string text)
    {
        string[] tags = text.Split(';', MostTags);
        if (TagOf(tags[0]) is not { Name: "v", Value: "DMARC1" })
            return null;
        DmarcPolicy? policy = null, subdomains = null;
        bool strictDkim = false, strictSpf = false, reports = false;
        bool? suffix = null;
        for (int i = 1; i < tags.Length; i++)
        {
            (string name, string value) = TagOf(tags[i]);
            switch (name)
            {
                case "p":
                    policy ??= PolicyOf(value);
                    break;
                case "sp":
                    subdomains ??= PolicyOf(value);
                    break;
                case "adkim":
                    strictDkim = value.Equals("s", StringComparison.OrdinalIgnoreCase);
                    break;
                case "aspf":
                    strictSpf = value.Equals("s", StringComparison.OrdinalIgnoreCase);
                    break;
                case "psd":
                    suffix = value.ToLowerInvariant() switch { "y" => true, "n" => false, _ => null };
                    break;
                case "rua":
                    reports = value.Length > 0;
                    break;
            }
        }
        // RFC 7489 §6.6.3: without a policy that can be understood, but with somebody to tell, it says "none".
        if (policy is null && !reports)
            return null;
        return new DmarcRecord(policy ?? DmarcPolicy.None, subdomains ?? policy ?? DmarcPolicy.None, strictDkim, strictSpf, suffix);
    }

    static (string Name, string Value) TagOf(string tag)
    {
        int sign = tag.IndexOf('=', StringComparison.Ordinal);
        return sign < 0 ? ("", "") : (tag[..sign].Trim().ToLowerInvariant(), tag[(sign + 1)..].Trim());
    }

    static DmarcPolicy? PolicyOf(string value) => value.ToLowerInvariant() switch
    {
        "none" => DmarcPolicy.None,
        "quarantine" => DmarcPolicy.Quarantine,
        "reject" => DmarcPolicy.Reject,
        _ => null,
    };
}
