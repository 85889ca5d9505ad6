using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Dns;
using MailEngine.Mime;

namespace MailEngine.Checks;

/// <summary>Is a message from the one whom its reverse path names? Asked only when something would be sent to him.</summary>
/// <remarks>
/// Most mail is never asked about, so no mail waits for name servers: SPF first (RFC 7208), and where that does not decide, DMARC (RFC 7489) with the
/// signatures (RFC 6376). A server in front that checks all mail is believed where it says that the sender failed, by its Authentication-Results
/// fields (RFC 7601); that somebody passed is not taken from there, since anybody could have written it.
/// </remarks>
public sealed class SenderChecks
{
    const int MostHeaderBytes = 256 << 10;
    const int MostAuthors = 2;
    const string Slow = "the name servers took too long", Silent = "a name server did not answer";
    static readonly TimeSpan s_slowFor = TimeSpan.FromMinutes(5);

    readonly ChecksOptions _options;
    readonly Spf _spf;
    readonly Dmarc _dmarc;
    readonly DkimVerifier _dkim;
    readonly TimeProvider _clock;
    readonly IPNetwork[] _inside;
    readonly bool _loopbackIsInside;
    readonly ConcurrentDictionary<DomainName, DateTimeOffset> _slow = [];
    readonly HashSet<string> _trusted;

    /// <exception cref="FormatException">A network of the settings is none.</exception>
    public SenderChecks(Resolver resolver, ChecksOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        _spf = new Spf(resolver);
        _dmarc = new Dmarc(resolver);
        _dkim = new DkimVerifier(resolver, options.Signatures, options.KeyBits, clock);
        _inside = [.. options.EffectiveInside().Select(IPNetwork.Parse)];
        _loopbackIsInside = !options.ChecksLoopback;
        _trusted = new HashSet<string>(options.TrustedServers, StringComparer.OrdinalIgnoreCase);
    }

    /// <param name="client">Who brought the message; null: not known, or a program on this machine.</param>
    /// <param name="clientName">As it gave it (HELO).</param>
    /// <param name="receivedAt">When it came: signatures must have been good then. RFC 6376 §3.5</param>
    /// <exception cref="IOException">The message cannot be read.</exception>
    public async ValueTask<SenderVerdict> CheckAsync(
        IPAddress? client, string clientName, EmailAddress reversePath, DateTimeOffset receivedAt, MessageOctets read, CancellationToken ct)
    {
        if (!_options.Senders)
            return SenderVerdict.Believed;
        MessageHead head = Read(read, reversePath);
        if (head.Failure is { } failure)
            return SenderVerdict.Forged(failure);
        if (client is null || IsInside(client))
            return SenderVerdict.Believed;
        if (_slow.TryGetValue(reversePath.Domain, out DateTimeOffset until) && until > _clock.GetUtcNow())
            return SenderVerdict.Unsure(Slow);
        using var limit = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        var signatures = new Signatures(this, head.Authors, reversePath, receivedAt, read, either.Token);
        SpfResult spf;
        try
        {
            spf = await _spf.CheckAsync(client, reversePath.Local, reversePath.Domain.Value, clientName, either.Token);
            if (await OfPathAsync(spf, reversePath, head.Authors, signatures, either.Token) is { } verdict)
                return verdict;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            NoteSlow(reversePath.Domain);
            return SenderVerdict.Unsure(Slow);
        }
        try
        {
            return await OfAuthorsAsync(spf, reversePath, head.Authors, signatures, either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return SenderVerdict.Believed;   // nothing is against the one who would be told
        }
    }

    /// <summary>So many messages do not wait for the same name servers.</summary>
    void NoteSlow(DomainName domain)
    {
        const int Most = 1000;
        if (_slow.Count >= Most)
            _slow.Clear();
        _slow[domain] = _clock.GetUtcNow() + s_slowFor;
    }

    bool IsInside(IPAddress client)
    {
        IPAddress plain = client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client;
        return IPAddress.IsLoopback(plain) ? _loopbackIsInside : Array.Exists(_inside, network => network.Contains(plain));
    }

    /// <summary>The reverse path: SPF, and DMARC of its domain, also where it is in no From: who has a policy and no SPF record is not fair game for that.</summary>
    /// <returns>Null: nothing is against it, and the name servers have said so.</returns>
    async ValueTask<SenderVerdict?> OfPathAsync(SpfResult spf, EmailAddress reversePath, IReadOnlyList<EmailAddress> authors, Signatures signatures, CancellationToken ct)
    {
        if (spf == SpfResult.Pass)
            return null;
        if (spf == SpfResult.Fail)
            return SenderVerdict.Forged("spf=fail");
        if (spf == SpfResult.SoftFail)
        {
            // "Probably not" is a no, unless his domain has signed the message, and it is he who stands in From: mail that the domain has signed for
            // somebody else can be sent again in his name.
            DkimSignature? own = authors is [var author] && author.Canonical == reversePath.Canonical
                ? (await signatures.GetAsync()).FirstOrDefault(signature => signature.Domain == reversePath.Domain && signature is { Result: DkimResult.Pass or DkimResult.TempError }) : null;
            return own is null ? SenderVerdict.Forged("spf=softfail") : own is { Result: DkimResult.TempError } ? SenderVerdict.Unsure(Silent) : null;
        }
        return await _dmarc.CheckAsync(reversePath.Domain, null, signatures.GetAsync, ct) switch
        {
            DmarcResult.Fail => SenderVerdict.Forged("dmarc=fail"),
            DmarcResult.TempError => SenderVerdict.Unsure(Silent),
            _ => spf == SpfResult.TempError ? SenderVerdict.Unsure(Silent) : null,
        };
    }

    // RFC 7489 §6.6.1: of more than one author, each is asked about. That one's name servers do not answer is not held against the reverse path.
    async ValueTask<SenderVerdict> OfAuthorsAsync(SpfResult spf, EmailAddress reversePath, IReadOnlyList<EmailAddress> authors, Signatures signatures, CancellationToken ct)
    {
        foreach (DomainName domain in authors.Select(author => author.Domain).Distinct())
        {
            if (await _dmarc.CheckAsync(domain, spf == SpfResult.Pass ? reversePath.Domain : null, signatures.GetAsync, ct) == DmarcResult.Fail)
                return SenderVerdict.Forged("dmarc=fail") with { MayUsePath = spf == SpfResult.Pass };
        }
        return SenderVerdict.Believed;
    }

    /// <summary>The signatures of a message that can prove something here, verified when somebody asks. Those of other domains are left alone: a sender could
    /// have us wait for any name server.</summary>
    sealed class Signatures(
        SenderChecks checks, IReadOnlyList<EmailAddress> authors, EmailAddress reversePath, DateTimeOffset receivedAt, MessageOctets read, CancellationToken ct)
    {
        IReadOnlyList<DkimSignature>? _verified;

        public async ValueTask<IReadOnlyList<DkimSignature>> GetAsync() =>
            _verified ??= await checks._dkim.VerifyAsync(read, receivedAt, signer => IsNear(signer, reversePath.Domain) || authors.Any(author => IsNear(signer, author.Domain)), ct);

        // What is of one organization has its last two labels in common.
        static bool IsNear(DomainName one, DomainName other) => End(one.Value).SequenceEqual(End(other.Value));

        static ReadOnlySpan<char> End(string name)
        {
            int last = name.LastIndexOf('.');
            return last < 0 ? name : name.AsSpan(name.LastIndexOf('.', last - 1) + 1);
        }
    }

    /// <param name="Authors">The addresses in From.</param>
    /// <param name="Failure">What a trusted server says against the sender; null: nothing.</param>
    sealed record MessageHead(IReadOnlyList<EmailAddress> Authors, string? Failure);

    MessageHead Read(MessageOctets read, EmailAddress reversePath)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(MostHeaderBytes);
        try
        {
            var authors = new List<EmailAddress>();
            string? failure = null;
            var fields = new HeaderFieldReader(block.AsSpan(0, Fill(read, block.AsSpan(0, MostHeaderBytes))));
            while (fields.MoveNext())
            {
                if (fields.Current.Is("From"u8))
                    AddAuthors(fields.Current.Value, authors);
                else if (_trusted.Count > 0 && failure is null && fields.Current.Is("Authentication-Results"u8))
                    failure = FailureIn(fields.Current.Value, reversePath);
            }
            return new MessageHead(authors, failure);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    static int Fill(MessageOctets read, Span<byte> to)
    {
        int at = 0;
        while (at < to.Length && read(at, to[at..]) is > 0 and var got)
            at += got;
        return at;
    }

    // RFC 7489 §6.6.1: of more than one author, each is asked about.
    static void AddAuthors(ReadOnlySpan<byte> field, List<EmailAddress> authors)
    {
        using var scratch = new ByteBuffer(256);
        var reader = new AddressReader(field, scratch);
        while (authors.Count < MostAuthors && reader.MoveNext(out ListedAddress listed))
        {
            if (listed.Kind == AddressKind.Mailbox && AddressOf(listed) is { } author && !authors.Contains(author))
                authors.Add(author);
        }
    }

    // A local part that no address here can have is somebody, too: his domain is what counts.
    static EmailAddress? AddressOf(ListedAddress listed)
    {
        string domain = Encoding.UTF8.GetString(listed.Domain);
        return EmailAddress.TryParse($"{Encoding.UTF8.GetString(listed.Local)}@{domain}", out EmailAddress address) || EmailAddress.TryParse($"postmaster@{domain}", out address)
            ? address : null;
    }

    // RFC 7601 §2.7: what failed must be this reverse path, where the field names one, and not the client's own name or that of an earlier way.
    string? FailureIn(ReadOnlySpan<byte> field, EmailAddress reversePath)
    {
        if (AuthenticationResults.Parse(field) is not { } said || !_trusted.Contains(said.Server))
            return null;
        foreach (AuthenticationResult found in said.Results)
        {
            if (found is not { Method: "spf" or "dmarc", Finding: "fail" or "hardfail" })
                continue;
            bool isHis = found.Method == "dmarc" || !found.Properties.Any(property => property.Name.StartsWith("smtp.", StringComparison.Ordinal))
                || found.Properties.Any(property => property.Name == "smtp.mailfrom" && IsOf(property.Value, reversePath));
            if (isHis)
                return $"{found.Method}={found.Finding}, says {said.Server}";
        }
        return null;
    }

    static bool IsOf(string mailFrom, EmailAddress reversePath) =>
        mailFrom.Contains('@', StringComparison.Ordinal) ? EmailAddress.TryParse(mailFrom, out EmailAddress address) && address.Canonical == reversePath.Canonical
        : DomainName.TryParse(mailFrom, out DomainName domain) && domain == reversePath.Domain;
}
