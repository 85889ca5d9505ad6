using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MailEngine.Dns;

namespace MailEngine.Checks;

/// <summary>Asks a domain whether a client may use its name: check_host() of RFC 7208 §4.</summary>
/// <remarks>Explanations (RFC 7208 §6.2) are checked as part of the record and not fetched: nobody is shown one.</remarks>
sealed class Spf(Resolver resolver)
{
    /// <summary>Terms of all records together that make questions. RFC 7208 §4.6.4</summary>
    public const int MostLookups = 10;

    /// <summary>Answers without records. RFC 7208 §4.6.4</summary>
    public const int MostVoids = 2;

    /// <summary>Hosts of one "mx", names of one "ptr". RFC 7208 §4.6.4</summary>
    public const int MostHosts = 10;

    /// <param name="localPart">Of MAIL FROM; empty: "postmaster" (RFC 7208 §4.3).</param>
    /// <param name="domain">Of MAIL FROM; with the null reverse path, the name that the client gave (HELO). RFC 7208 §2.4</param>
    /// <param name="clientName">As the client gave it.</param>
    /// <exception cref="OperationCanceledException">The time is over: RFC 7208 §4.6.4 asks for 20 s at least.</exception>
    public async ValueTask<SpfResult> CheckAsync(IPAddress client, string localPart, string domain, string clientName, CancellationToken ct)
    {
        if (client.IsIPv4MappedToIPv6)
            client = client.MapToIPv4();
        try
        {
            return await new Question(resolver, client, localPart.Length > 0 ? localPart : "postmaster", domain, clientName, ct).CheckAsync(domain);
        }
        catch (SpfException fault)
        {
            return fault.Ending;
        }
    }

    /// <summary>A fault that ends the whole question, however many records deep.</summary>
    sealed class SpfException(SpfResult result) : Exception
    {
        public SpfResult Ending => result;
    }

    sealed class Question(Resolver resolver, IPAddress client, string localPart, string senderDomain, string clientName, CancellationToken ct)
    {
        int _lookups;
        int _voids;
        List<string>? _names;

        /// <summary>RFC 7208 §4.3 to §4.7. Calls itself for include and redirect, which are counted: ten deep at the most.</summary>
        public async ValueTask<SpfResult> CheckAsync(string domain)
        {
            domain = domain.EndsWith('.') ? domain[..^1] : domain;
            if (!DnsMessage.CanBeAsked(domain) || !domain.Contains('.'))
                return SpfResult.None;
            DnsAnswer answer = await resolver.AskNameAsync(domain, DnsType.Txt, ct);
            if (answer.Status == DnsStatus.Failed)
                return SpfResult.TempError;
            string? text = null;
            foreach (DnsRecord record in answer.Records)
            {
                if (record is not DnsRecord.Text { Value: var value } || !SpfRecord.IsRecord(value))
                    continue;
                if (text is not null)
                    return SpfResult.PermError;   // RFC 7208 §4.5
                text = value;
            }
            if (text is null)
                return SpfResult.None;
            return SpfRecord.Parse(text) is { } parsed ? await EvaluateAsync(parsed, domain) : SpfResult.PermError;
        }

        async ValueTask<SpfResult> EvaluateAsync(SpfRecord record, string domain)
        {
            foreach (SpfDirective directive in record.Directives)
            {
                if (await MatchesAsync(directive, domain))
                    return directive.Says;
            }
            if (record.Redirect is not { } redirect)   // beside "all", which always matches, it is never looked at. RFC 7208 §6.1
                return SpfResult.Neutral;
            CountLookup();
            SpfResult result = await ExpandAsync(redirect, domain) is { } target ? await CheckAsync(target) : SpfResult.None;
            return result == SpfResult.None ? SpfResult.PermError : result;   // RFC 7208 §6.1
        }

        ValueTask<bool> MatchesAsync(SpfDirective directive, string domain) => directive.Mechanism switch
        {
            SpfMechanism.All => ValueTask.FromResult(true),
            SpfMechanism.Ip4 or SpfMechanism.Ip6 =>
                ValueTask.FromResult(client.AddressFamily == directive.Network.BaseAddress.AddressFamily && directive.Network.Contains(client)),
            SpfMechanism.Include => IncludesAsync(directive, domain),
            SpfMechanism.A => IsHostAsync(directive, domain),
            SpfMechanism.Mx => IsExchangerAsync(directive, domain),
            SpfMechanism.Ptr => IsNamedAsync(directive, domain),
            _ => ExistsAsync(directive, domain),
        };

        // RFC 7208 §5.2
        async ValueTask<bool> IncludesAsync(SpfDirective directive, string domain)
        {
            CountLookup();
            SpfResult result = await ExpandAsync(directive.Domain!, domain) is { } target ? await CheckAsync(target) : SpfResult.None;
            return result switch
            {
                SpfResult.Pass => true,
                SpfResult.Fail or SpfResult.SoftFail or SpfResult.Neutral => false,
                SpfResult.TempError => throw new SpfException(SpfResult.TempError),
                _ => throw new SpfException(SpfResult.PermError),
            };
        }

        // RFC 7208 §5.3
        async ValueTask<bool> IsHostAsync(SpfDirective directive, string domain)
        {
            CountLookup();
            return await TargetAsync(directive, domain) is { } host && IsAmong(await AddressesAsync(host), directive);
        }

        // RFC 7208 §5.4
        async ValueTask<bool> IsExchangerAsync(SpfDirective directive, string domain)
        {
            CountLookup();
            if (await TargetAsync(directive, domain) is not { } name)
                return false;
            IReadOnlyList<DnsRecord> records = await AskAsync(name, DnsType.Mx);
            if (records.Count > MostHosts)
                throw new SpfException(SpfResult.PermError);
            foreach (DnsRecord record in records)
            {
                if (IsAmong(await AddressesAsync(((DnsRecord.Mx)record).Exchange, countsVoid: false), directive))
                    return true;
            }
            return false;
        }

        // RFC 7208 §5.5
        async ValueTask<bool> IsNamedAsync(SpfDirective directive, string domain)
        {
            CountLookup();
            if (await TargetAsync(directive, domain) is not { } target)
                return false;
            foreach (string name in await ValidatedNamesAsync())
            {
                if (IsWithin(name, target))
                    return true;
            }
            return false;
        }

        // RFC 7208 §5.7: an A record, also for a client with an IPv6 address.
        async ValueTask<bool> ExistsAsync(SpfDirective directive, string domain)
        {
            CountLookup();
            return await TargetAsync(directive, domain) is { } name && (await AskAsync(name, DnsType.A)).Count > 0;
        }

        bool IsAmong(IReadOnlyList<DnsRecord> addresses, SpfDirective directive)
        {
            int bits = client.AddressFamily == AddressFamily.InterNetwork ? directive.Bits4 : directive.Bits6;
            IPNetwork network = SpfRecord.NetworkOf(client, bits);
            foreach (DnsRecord record in addresses)
            {
                if (network.Contains(((DnsRecord.Address)record).Value))
                    return true;
            }
            return false;
        }

        /// <param name="countsVoid">False: of several hosts, of which those without an address of the client's kind are no fault.</param>
        ValueTask<IReadOnlyList<DnsRecord>> AddressesAsync(string host, bool countsVoid = true) =>
            AskAsync(host, client.AddressFamily == AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa, countsVoid);

        async ValueTask<IReadOnlyList<DnsRecord>> AskAsync(string name, DnsType type, bool countsVoid = true)
        {
            ct.ThrowIfCancellationRequested();
            DnsAnswer answer = await resolver.AskNameAsync(name, type, ct);
            if (answer.Status == DnsStatus.Failed)
                throw new SpfException(SpfResult.TempError);
            if (answer.Records.Count == 0 && countsVoid && ++_voids > MostVoids)
                throw new SpfException(SpfResult.PermError);
            return answer.Records;
        }

        void CountLookup()
        {
            ct.ThrowIfCancellationRequested();
            if (++_lookups > MostLookups)
                throw new SpfException(SpfResult.PermError);
        }

        /// <summary>Names of the client that lead back to it. What cannot be asked is passed over. RFC 7208 §5.5</summary>
        async ValueTask<List<string>> ValidatedNamesAsync()
        {
            if (_names is not null)
                return _names;
            var names = new List<string>();
            DnsAnswer answer = await resolver.AskPointerAsync(client, ct);
            if (answer.Records.Count == 0 && answer.Status != DnsStatus.Failed && ++_voids > MostVoids)
                throw new SpfException(SpfResult.PermError);
            foreach (DnsRecord record in answer.Records.Take(MostHosts))
            {
                string name = ((DnsRecord.Pointer)record).Target;
                DnsAnswer addresses = await resolver.AskNameAsync(name, client.AddressFamily == AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa, ct);
                if (addresses.Records.Any(address => ((DnsRecord.Address)address).Value.Equals(client)))
                    names.Add(name);
            }
            return _names = names;
        }

        static bool IsWithin(string name, string domain) =>
            name.Equals(domain, StringComparison.OrdinalIgnoreCase)
            || (name.Length > domain.Length && name[^(domain.Length + 1)] == '.' && name.EndsWith(domain, StringComparison.OrdinalIgnoreCase));

        async ValueTask<string?> TargetAsync(SpfDirective directive, string domain) =>
            directive.Domain is null ? domain : await ExpandAsync(directive.Domain, domain);

        /// <returns>Null: it is no name that could be asked for.</returns>
        async ValueTask<string?> ExpandAsync(SpfMacros macros, string domain)
        {
            string? name = await macros.ExpandAsync(letter => ValueAsync(letter, domain));
            if (name is null)
                return null;
            if (name.EndsWith('.'))
                name = name[..^1];
            // RFC 7208 §7.3: what is too long loses labels on the left.
            while (name.Length > 253)
            {
                int dot = name.IndexOf('.');
                if (dot < 0)
                    return null;
                name = name[(dot + 1)..];
            }
            return DnsMessage.CanBeAsked(name) ? name : null;
        }

        // RFC 7208 §7.2
        async ValueTask<string> ValueAsync(char letter, string domain) => letter switch
        {
            's' => $"{localPart}@{senderDomain}",
            'l' => localPart,
            'o' => senderDomain,
            'd' => domain,
            'i' => Dotted(client),
            'p' => await NameAsync(domain),
            'v' => client.AddressFamily == AddressFamily.InterNetwork ? "in-addr" : "ip6",
            _ => clientName,
        };

        // The domain itself before names in it, those before others. RFC 7208 §7.3
        async ValueTask<string> NameAsync(string domain)
        {
            if (_names is null)
                CountLookup();
            List<string> names = await ValidatedNamesAsync();
            return names.Find(name => name.Equals(domain, StringComparison.OrdinalIgnoreCase)) ?? names.Find(name => IsWithin(name, domain))
                ?? (names.Count > 0 ? names[0] : "unknown");
        }

        static string Dotted(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? address.ToString()
            : string.Join('.', address.GetAddressBytes().Select(octet => string.Create(CultureInfo.InvariantCulture, $"{octet >> 4:x}.{octet & 15:x}")));
    }
}
