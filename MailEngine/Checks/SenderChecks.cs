using System.Buffers;
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
    const int MostAuthors = 4;

    readonly ChecksOptions _options;
    readonly Spf _spf;
    readonly Dmarc _dmarc;
    readonly DkimVerifier _dkim;
    readonly TimeProvider _clock;
    readonly IPNetwork[] _inside;
    readonly HashSet<string> _trusted;

    /// <exception cref="FormatException">A network of the settings is none.</exception>
    public SenderChecks(Resolver resolver, ChecksOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        _spf = new Spf(resolver);
        _dmarc = new Dmarc(resolver);
        _dkim = new DkimVerifier(resolver, options.Signatures, options.KeyBits, clock);
        _inside = [.. options.EffectiveInside().Select(IPNetwork.Parse)];
        _trusted = new HashSet<string>(options.TrustedServers, StringComparer.OrdinalIgnoreCase);
    }

    /// <param name="client">Who brought the message; null: not known, or a program on this machine.</param>
    /// <param name="clientName">As it gave it (HELO).</param>
    /// <exception cref="IOException">The message cannot be read.</exception>
    public async ValueTask<SenderVerdict> CheckAsync(IPAddress? client, string clientName, EmailAddress reversePath, MessageOctets read, CancellationToken ct)
    {
        if (!_options.Senders)
            return SenderVerdict.Believed;
        MessageHead head = Read(read);
        if (head.Failure is { } failure)
            return SenderVerdict.Forged(failure);
        if (client is null || IsInside(client))
            return SenderVerdict.Believed;
        using var limit = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await AskAsync(client, clientName, reversePath, head.Authors, read, either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return SenderVerdict.Unsure("the name servers took too long");
        }
    }

    bool IsInside(IPAddress client)
    {
        IPAddress plain = client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client;
        return Array.Exists(_inside, network => network.Contains(plain));
    }

    async ValueTask<SenderVerdict> AskAsync(
        IPAddress client, string clientName, EmailAddress reversePath, IReadOnlyList<EmailAddress> authors, MessageOctets read, CancellationToken ct)
    {
        SpfResult spf = await _spf.CheckAsync(client, reversePath.Local, reversePath.Domain.Value, clientName, ct);
        if (spf == SpfResult.Fail)
            return SenderVerdict.Forged("spf=fail");
        IReadOnlyList<DkimSignature>? signatures = null;
        DomainName? passed = spf == SpfResult.Pass ? reversePath.Domain : null;
        bool unsure = spf == SpfResult.TempError;
        // The domain of the reverse path is asked as well, where it is in no From: who has a policy and no SPF record is not fair game for that.
        foreach (DomainName domain in authors.Select(author => author.Domain).Append(reversePath.Domain).Distinct())
        {
            switch (await _dmarc.CheckAsync(domain, passed, SignaturesAsync, ct))
            {
                case DmarcResult.Fail:
                    return SenderVerdict.Forged("dmarc=fail");
                case DmarcResult.TempError:
                    unsure |= passed is null;
                    break;
            }
        }
        if (passed is not null)
            return SenderVerdict.Believed;
        if (spf == SpfResult.SoftFail && !unsure)
        {
            // "Probably not" is a no, unless his domain has signed the message, and it is he who stands in From: mail that the domain has signed for
            // somebody else can be sent again in his name.
            bool isAuthor = authors is [var author] && author.Canonical == reversePath.Canonical;
            DkimSignature? own = isAuthor ? (await SignaturesAsync()).FirstOrDefault(signature =>
                signature.Domain == reversePath.Domain && signature is { Result: DkimResult.Pass or DkimResult.TempError }) : null;
            if (own is null)
                return SenderVerdict.Forged("spf=softfail");
            unsure = own is { Result: DkimResult.TempError };
        }
        return unsure ? SenderVerdict.Unsure("a name server did not answer") : SenderVerdict.Believed;

        async ValueTask<IReadOnlyList<DkimSignature>> SignaturesAsync() => signatures ??= await _dkim.VerifyAsync(read, ct);
    }

    /// <param name="Authors">The addresses in From.</param>
    /// <param name="Failure">What a trusted server says against the sender; null: nothing.</param>
    sealed record MessageHead(IReadOnlyList<EmailAddress> Authors, string? Failure);

    MessageHead Read(MessageOctets read)
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
                    failure = FailureIn(fields.Current.Value);
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

    string? FailureIn(ReadOnlySpan<byte> field)
    {
        if (AuthenticationResults.Parse(field) is not { } said || !_trusted.Contains(said.Server))
            return null;
        foreach ((string method, string result) in said.Results)
        {
            if (method is "spf" or "dmarc" && result is "fail" or "hardfail")
                return $"{method}={result}, says {said.Server}";
        }
        return null;
    }
}
