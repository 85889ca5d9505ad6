using System.Buffers;
using System.Security.Cryptography;
using MailEngine.Addresses;
using MailEngine.Dns;

namespace MailEngine.Checks;

/// <summary>Verifies the DKIM signatures of a message. RFC 6376 §6.1, with RFC 8301, RFC 8463 and RFC 8616.</summary>
/// <remarks>
/// What is cheap comes first: the form of a signature, then its key, then the digest of the header section, and only for signatures that
/// are true so far the body, once for all of them, in blocks. So somebody without a key makes us compute little. All work is in proportion
/// to the message's size, times <paramref name="mostSignatures"/> at most for the header section.
/// </remarks>
/// <param name="mostSignatures">Signatures that are looked at, from the top; the others are as if they were not there. RFC 6376 §6.1</param>
/// <param name="leastRsaBits">Smaller keys are <see cref="DkimResult.Policy"/>; below 1024 they always fail. RFC 8301 §3.2</param>
sealed class DkimVerifier(Resolver resolver, int mostSignatures, int leastRsaBits, TimeProvider clock)
{
    /// <summary>A name has one key; where it has several records, this many are tried. RFC 6376 §6.1.2 step 4</summary>
    const int MostKeys = 4;
    const int BlockBytes = 65_536;

    /// <summary>Fields that are read to find those.</summary>
    const int MostRead = 100;

    /// <summary>One for each signature that was looked at, from the top; empty: the message is not signed.</summary>
    /// <exception cref="IOException">The message cannot be read.</exception>
    public ValueTask<IReadOnlyList<DkimSignature>> VerifyAsync(MessageOctets message, CancellationToken ct) => VerifyAsync(message, clock.GetUtcNow(), _ => true, ct);

    /// <param name="now">When the message came: what ran out since was good then. RFC 6376 §3.5</param>
    /// <param name="isWanted">Signatures of which domains are looked at.</param>
    public async ValueTask<IReadOnlyList<DkimSignature>> VerifyAsync(MessageOctets message, DateTimeOffset now, Func<DomainName, bool> isWanted, CancellationToken ct)
    {
        using DkimHeader header = DkimHeader.Read(message);
        List<Check> checks = [.. header.Signatures(now).Take(MostRead).Where(field => isWanted(field.Domain)).Take(mostSignatures).Select(field => new Check(field, header))];
        var keys = new Dictionary<DomainName, Task<DnsAnswer>>();
        foreach (Check check in checks.Where(check => check.IsOpen))
        {
            if (!keys.ContainsKey(check.Field.KeyName))
                keys.Add(check.Field.KeyName, resolver.AskAsync(check.Field.KeyName, DnsType.Txt, ct).AsTask());
        }
        await Task.WhenAll(keys.Values);
        foreach (Check check in checks.Where(check => check.IsOpen))
            VerifyHeader(check, header, await keys[check.Field.KeyName]);
        VerifyBody(message, header.BodyStart, [.. checks.Where(check => check.IsOpen)], ct);
        return [.. checks.Select(check => check.Complete())];
    }

    void VerifyHeader(Check check, DkimHeader header, DnsAnswer answer)
    {
        if (answer.Status == DnsStatus.Failed)
        {
            check.End(new DkimVerdict(DkimResult.TempError, "the name servers did not give the key"));
            return;
        }
        byte[] digest = header.Digest(check.Field, out DkimVerdict? objection);
        DkimVerdict first = DkimVerdict.PermError("there is no key");
        int tried = 0;
        foreach (string record in answer.Records.OfType<DnsRecord.Text>().Take(MostKeys).Select(text => text.Value))
        {
            DkimVerdict verdict = VerifyHeader(check, digest, record, out bool isTest);
            if (tried++ == 0)
                (first, check.IsTest) = (verdict, isTest);
            if (verdict is not { Result: DkimResult.Pass or DkimResult.Policy })
                continue;
            check.IsTest = isTest;
            if (objection is null && verdict is { Result: DkimResult.Policy })
                objection = verdict;
            check.Objection = objection;
            return;
        }
        check.End(first);
    }

    DkimVerdict VerifyHeader(Check check, byte[] digest, string record, out bool isTest)
    {
        isTest = false;
        if (DkimKey.Read(record, check.Field.Algorithm, out string fault) is not { } key)
            return DkimVerdict.PermError(fault);
        isTest = key.IsTest;
        return key.IsForDomainAlone && check.Field.AgentDomain != check.Field.Domain
            ? DkimVerdict.PermError("the key does not sign for domains below d=")
            : key.Verify(digest, check.Field.Signature, leastRsaBits);
    }

    static void VerifyBody(MessageOctets message, long start, List<Check> checks, CancellationToken ct)
    {
        if (checks.Count == 0)
            return;
        var hashes = new Dictionary<bool, DkimBodyHash>();   // by "is relaxed"
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            foreach (IGrouping<bool, Check> form in checks.GroupBy(check => check.Field.IsBodyRelaxed))
                hashes.Add(form.Key, new DkimBodyHash(form.Key, form.Select(check => check.Field.BodyLength).OfType<long>()));
            int count;
            for (long at = start; (count = message(at, block)) > 0; at += count)
            {
                ct.ThrowIfCancellationRequested();
                foreach (DkimBodyHash hash in hashes.Values)
                    hash.Write(block.AsSpan(0, count));
            }
            foreach (DkimBodyHash hash in hashes.Values)
                hash.Complete();
            foreach (Check check in checks)
                check.Judge(hashes[check.Field.IsBodyRelaxed]);
        }
        finally
        {
            foreach (DkimBodyHash hash in hashes.Values)
                hash.Dispose();
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <summary>One signature on its way: open until it has a verdict.</summary>
    sealed class Check
    {
        DkimVerdict? _verdict;

        public Check(DkimSignatureField field, DkimHeader header)
        {
            Field = field;
            _verdict = header.Fault is { } fault ? DkimVerdict.PermError(fault) : field.Fault;
        }

        public DkimSignatureField Field { get; }

        public bool IsOpen => _verdict is null;

        /// <summary>The key says that it is one; then no verdict counts.</summary>
        public bool IsTest { get; set; }

        /// <summary>What stands against a signature that verifies; null: nothing.</summary>
        public DkimVerdict? Objection { get; set; }

        public void End(DkimVerdict verdict) => _verdict = verdict;

        public void Judge(DkimBodyHash body)
        {
            if (body.At(Field.BodyLength) is not { } hash)
                End(DkimVerdict.Fail("l= is more than the body has"));
            else if (!CryptographicOperations.FixedTimeEquals(hash, Field.BodyHash))
                End(DkimVerdict.Fail("the body was changed"));
            else if (Field.BodyLength is { } length && length < body.Length)
                End(DkimVerdict.Policy("l= leaves out a part of the body"));   // RFC 6376 §8.2
            else
                End(Objection ?? DkimVerdict.Pass);
        }

        public DkimSignature Complete()
        {
            (DkimResult result, string reason) = _verdict ?? throw new InvalidOperationException("a signature was not judged");
            // RFC 6376 §3.6.1 (t=y): to be treated as if it were not signed, "even should the signature fail to verify".
            if (IsTest)
                (result, reason) = (DkimResult.Neutral, $"the key is only a test ({reason})");
            return new DkimSignature(Field.Domain, Field.Selector.Value, result, reason);
        }
    }
}
