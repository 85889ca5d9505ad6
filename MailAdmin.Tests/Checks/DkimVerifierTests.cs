using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using MailEngine.Checks;

namespace MailAdmin.Tests.Checks;

public sealed class DkimVerifierTests(DkimRig rig) : IClassFixture<DkimRig>
{
    const string From = "From: Ann <ann@example.test>\r\n";
    const string To = "To: bob@example.net\r\n";
    const string Subject = "Subject: Lunch\r\n";
    const string Fields = From + To + Subject;
    const string Text = "At noon?\r\n\r\nAnn\r\n";
    const string Tags = " v=1; a=rsa-sha256; c=simple/simple; d=example.test; s=sel; h=from:to:subject; bh={bh}; b={b}";

    string Mail(string tags = Tags, string signed = Fields, string? fields = null) => rig.Sign(tags, signed, Text) + (fields ?? Fields) + "\r\n" + Text;

    static string Now(int seconds) => (DateTimeOffset.UtcNow.ToUnixTimeSeconds() + seconds).ToString(CultureInfo.InvariantCulture);

    static string With(string tags) => Tags.Replace(" v=1;", $" v=1; {tags};", StringComparison.Ordinal);

    static string Without(string tag) => string.Join(';', Tags.Split(';').Where(part => !part.StartsWith($" {tag}=", StringComparison.Ordinal)));

    static string Changed(string old, string now)
    {
        Assert.Contains(old, Tags, StringComparison.Ordinal);
        return Tags.Replace(old, now, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_a_message_is_signed_then_it_passes_and_the_domain_is_told()
    {
        DkimSignature found = Assert.Single(await rig.VerifyAsync(Mail()));
        Assert.Equal(("example.test", "sel", DkimResult.Pass), (found.Domain.Value, found.Selector, found.Result));
        Assert.Empty(await rig.VerifyAsync(Fields + "\r\n" + Text));
    }

    public static TheoryData<string, string> OfSignatures => new()
    {
        // What the grammar lets be. RFC 6376 §3.2, §3.5
        { Changed(" v=1; a=rsa-sha256;", "\r\n\tv \r\n = \t1 ;\r\n a\t=\r\n  rsa-sha256\r\n ;"), "Pass" },
        { Changed("from:to:subject", "From :\r\n TO\t:\t\r\n  subject "), "Pass" },
        { Tags + ";", "Pass" },
        { Tags + " ;\r\n ", "Pass" },
        { With("x_1=; _=1"), "Neutral: a tag has no name" },
        { With("x_1=; new=a=b|c"), "Pass" },
        { Changed("bh={bh}; b={b}", "b=\r\n {b} \t; bh={bh}"), "Pass" },
        { With("z=Received:=20from|\r\n Subject:x"), "Pass" },
        { With("q=dns/foo:dns/txt"), "Pass" },
        { With("i=@example.test"), "Pass" },
        { With("i=a=40b=3B@Mail.Example.TEST"), "Pass" },
        { With("i=\"a@b\"@mail.example.test"), "Pass" },
        { Changed("d=example.test", "d=EXAMPLE.Test"), "Pass" },
        { With("t=1528637909; x=" + Now(100)), "Pass" },
        { Changed("c=simple/simple", "c=simple"), "Pass" },
        { Without("c"), "Pass" },
        { Changed("h=from:to:subject", "h=from:to:subject:cc:date:from:subject"), "Pass" },
        { Changed("h=from:to:subject", "h=from:to:subject:" + string.Join(':', Enumerable.Repeat("x", 10_000))), "Pass" },
        // What it does not
        { "", "Neutral: the tag list is empty" },
        { ";", "Neutral: a tag has no value" },
        { Changed("v=1;", "v=1;;"), "Neutral: a tag has no value" },
        { Tags + ";;", "Neutral: a tag has no value" },
        { With("d=example.test"), "Neutral: a tag is there twice" },
        { With("1x=y"), "Neutral: a tag has no name" },
        { With("x-y=z"), "Neutral: a tag's name has a character that names have not" },
        { With("x y=z"), "Neutral: a tag's name has a character that names have not" },
        { With("n=\u0001"), "Neutral: a tag's value has a control character" },
        { With(string.Join(';', Enumerable.Range(0, 70).Select(i => $"x{i}=1"))), "Neutral: there are more than 64 tags" },
        { With("n=" + string.Join("\r\n ", Enumerable.Repeat(new string('n', 900), 80))), "Neutral: the tag list is longer than 64 KiB" },
        { Changed("v=1", "v=2"), "Neutral: v= is not 1" },
        { Changed("v=1", "v=1.0"), "Neutral: v= is not 1" },
        { Changed("v=1", "V=1"), "Neutral: v= is missing" },
        { Without("v"), "Neutral: v= is missing" },
        { Without("a"), "Neutral: a= is missing" },
        { Without("d"), "Neutral: d= is missing" },
        { Without("s"), "Neutral: s= is missing" },
        { Without("h"), "Neutral: h= is missing" },
        { Without("bh"), "Neutral: bh= is missing" },
        { Without("b"), "Neutral: b= is missing" },
        { Changed("b={b}", "b="), "Neutral: b= is not base64" },
        { Changed("b={b}", "b=={b}"), "Neutral: b= is not base64" },
        { Changed("b={b}", "b={b}="), "Neutral: b= is not base64" },
        { Changed("b={b}", "b=QQ"), "Neutral: b= is not base64" },
        { Changed("b={b}", "b=QUFB"), "Fail: the signature does not have the length of the key" },
        { Changed("bh={bh}", "bh=QUFB"), "Neutral: bh= is not a SHA-256 in base64" },
        { Changed("bh={bh}", "bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "Fail: the body was changed" },
        { Changed("rsa-sha256", "rsa-sha1"), "Fail: rsa-sha1 proves nothing any more" },
        { Changed("rsa-sha256", "rsa-sha512"), "Neutral: a= is an algorithm that we do not know" },
        { Changed("rsa-sha256", "RSA-SHA256"), "Neutral: a= is an algorithm that we do not know" },
        { Changed("rsa-sha256", "ed25519-sha256"), "PermError: the key is for another algorithm" },
        { Changed("simple/simple", "simple/nowsp"), "Neutral: c= is a canonicalization that we do not know" },
        { Changed("simple/simple", "simple/"), "Neutral: c= is a canonicalization that we do not know" },
        { With("q=dns"), "Neutral: q= is a way to the key that we do not know" },
        { Changed("d=example.test", "d=test"), "Neutral: d= is not a domain name" },
        { Changed("d=example.test", "d=example.test."), "Neutral: d= is not a domain name" },
        { Changed("d=example.test", "d=exa mple.test"), "Neutral: d= is not a domain name" },
        { Changed("d=example.test", "d=[192.0.2.1]"), "Neutral: d= is not a domain name" },
        { Changed("d=example.test", "d=" + string.Join('.', Enumerable.Repeat("abcdefgh", 29))), "Neutral: d= is not a domain name" },
        { Changed("d=example.test", "d=" + string.Join('.', Enumerable.Repeat("abcdefgh", 27))), "Neutral: s= and d= make a name that is too long" },
        { Changed("s=sel", "s=.sel"), "Neutral: s= is not a selector" },
        { Changed("s=sel", "s="), "Neutral: s= is not a selector" },
        { Changed("s=sel", "s=none"), "PermError: there is no key" },
        { With("i=ann"), "Neutral: i= is not an address" },
        { With("i="), "Neutral: i= is not an address" },
        { With("i=a=4"), "Neutral: i= is not an address" },
        { With("i=a=3b@example.test"), "Neutral: i= is not an address" },
        { With("i=ann@example.net"), "PermError: i= is not below d=" },
        { With("i=ann@notexample.test"), "PermError: i= is not below d=" },
        { With("i=ann@test"), "PermError: i= is not below d=" },
        { Changed("h=from:to:subject", "h=to:subject"), "PermError: From is not signed" },
        { Changed("h=from:to:subject", "h="), "Neutral: h= has something that is not a field name" },
        { Changed("h=from:to:subject", "h=from:to:subject:"), "Neutral: h= has something that is not a field name" },
        { Changed("h=from:to:subject", "h=from to:subject"), "Neutral: h= has something that is not a field name" },
        { With("l=-1"), "Neutral: l= is not a number" },
        { With("l="), "Neutral: l= is not a number" },
        { With("l=1e3"), "Neutral: l= is not a number" },
        { With("l=" + new string('9', 77)), "Neutral: l= is not a number" },
        { With("l=" + new string('9', 76)), "Fail: l= is more than the body has" },
        { With("l=18446744073709551634"), "Fail: l= is more than the body has" },
        { With("t=now"), "Neutral: t= is not a time" },
        { With("x=+5"), "Neutral: x= is not a time" },
        { With("t=100; x=100"), "Neutral: x= is not after t=" },
        { With("x=1528637909"), "PermError: it has expired" },
        { With("t=" + Now(90_000)), "PermError: t= is in the future" },
        { With("t=" + Now(600)), "Pass" },            // clocks differ
        { With("x=" + Now(-600)), "Pass" },
    };

    [Theory, MemberData(nameof(OfSignatures))]
    public async Task When_a_signature_is_of_this_form_then_the_result_is(string tags, string expected)
    {
        string result = await rig.ResultAsync(Mail(tags));
        Assert.Equal(expected, expected == "Pass" ? result.Split(':')[0] : result);
    }

    [Theory]   // {p}: the key. RFC 6376 §3.6.1, §6.1.2
    [InlineData("p={p}", "Pass")]
    [InlineData("v=DKIM1;k=rsa;h=sha1 : sha256;s=email;t=z:s;n=a note;p={p};", "Pass")]
    [InlineData("v=DKIM1; s=other : *; g=; p={p}", "Pass")]
    [InlineData("v = DKIM1 ; p = {spaced} ; ", "Pass")]
    [InlineData("v=DKIM2; p={p}", "PermError: the record is of another version than DKIM1")]
    [InlineData("v=DKIM1.0; p={p}", "PermError: the record is of another version than DKIM1")]
    [InlineData("v=dkim1; p={p}", "PermError: the record is of another version than DKIM1")]
    [InlineData("k=rsa; v=DKIM1; p={p}", "PermError: the record is of another version than DKIM1")]
    [InlineData("v=spf1 -all", "PermError: the record is of another version than DKIM1")]
    [InlineData("v=DKIM1; k=rsa", "PermError: the key record has no p=")]
    [InlineData("v=DKIM1; p=", "PermError: the key was withdrawn")]
    [InlineData("v=DKIM1; h=sha1; p={p}", "PermError: the key is not for SHA-256")]
    [InlineData("v=DKIM1; h=; p={p}", "PermError: the key is not for SHA-256")]
    [InlineData("v=DKIM1; s=tlsrpt; p={p}", "PermError: the key is not for mail")]
    [InlineData("v=DKIM1; k=ed25519; p={p}", "PermError: the key is for another algorithm")]
    [InlineData("v=DKIM1; k=; p={p}", "PermError: the key is for another algorithm")]
    [InlineData("v=DKIM1; p={p}; p={p}", "PermError: the key record cannot be read: a tag is there twice")]
    [InlineData("v=DKIM1; p={p}; ; ", "PermError: the key record cannot be read: a tag has no value")]
    [InlineData("just text", "PermError: the key record cannot be read: a tag has no value")]
    [InlineData("", "PermError: the key record cannot be read: the tag list is empty")]
    [InlineData("p=***", "PermError: p= of the key is not base64")]
    [InlineData("p={p}A", "PermError: p= of the key is not base64")]
    [InlineData("p=QUFBQUFBQUE=", "PermError: p= is not an RSA key")]
    [InlineData("p={pkcs1}", "Pass")]
    [InlineData("v=DKIM1; t=y; p={p}", "Neutral: the key is only a test (the signature verifies)")]
    [InlineData("v=DKIM1; t=s : y; p={other}", "Neutral: the key is only a test (the signature does not verify)")]
    [InlineData("v=DKIM1; p={other}", "Fail: the signature does not verify")]
    [InlineData("v=DKIM1; p={small}", "Fail: the RSA key has fewer than 1024 bits")]
    [InlineData("v=DKIM1; p={large}", "PermError: the RSA key has more than 8192 bits")]
    [InlineData("v=DKIM1; p={negative}", "PermError: p= is not an RSA key")]
    [InlineData("v=DKIM1; p={even}", "PermError: p= is not a sound RSA key")]
    [InlineData("v=DKIM1; p={one}", "PermError: p= is not a sound RSA key")]
    [InlineData("v=DKIM1; p={exponent}", "PermError: p= is not a sound RSA key")]
    public async Task When_the_key_record_is_this_then_the_result_is(string record, string expected)
    {
        byte[] modulus = rig.Rsa.ExportParameters(false).Modulus!;
        string name = $"k{Guid.NewGuid():N}";
        record = record.Replace("{p}", rig.PublicKey, StringComparison.Ordinal)
            .Replace("{spaced}", string.Join(" \t", rig.PublicKey.Chunk(7).Select(part => new string(part))), StringComparison.Ordinal)
            .Replace("{pkcs1}", Convert.ToBase64String(rig.Rsa.ExportRSAPublicKey()), StringComparison.Ordinal);
        record = record.Contains("{other}", StringComparison.Ordinal) ? record.Replace("{other}", PublicKey(Random(1024)), StringComparison.Ordinal)
            : record.Contains("{small}", StringComparison.Ordinal) ? record.Replace("{small}", PublicKey(Random(1023)), StringComparison.Ordinal)
            : record.Contains("{large}", StringComparison.Ordinal) ? record.Replace("{large}", PublicKey(Random(8193)), StringComparison.Ordinal)
            : record.Replace("{negative}", PublicKey(modulus, isNegative: true), StringComparison.Ordinal)
                .Replace("{even}", PublicKey([.. modulus[..^1], 2]), StringComparison.Ordinal)
                .Replace("{one}", PublicKey(modulus, 1), StringComparison.Ordinal)
                .Replace("{exponent}", PublicKey(modulus, (BigInteger.One << 32) + 1), StringComparison.Ordinal);
        rig.GivenKey($"{name}._domainkey.example.test", record);
        string result = await rig.ResultAsync(Mail(Changed("s=sel", "s=" + name)));
        Assert.Equal(expected, expected == "Pass" ? result.Split(':')[0] : result);
    }

    static byte[] Random(int bits)
    {
        byte[] number = RandomNumberGenerator.GetBytes((bits + 7) / 8);
        int top = (bits - 1) % 8;
        number[0] = (byte)((number[0] & ((1 << top) - 1)) | 1 << top);
        number[^1] |= 1;
        return number;
    }

    static string PublicKey(byte[] modulus, BigInteger? exponent = null, bool isNegative = false)
    {
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            var number = new BigInteger(modulus, isUnsigned: true, isBigEndian: true);
            writer.WriteInteger(isNegative ? -number : number);
            writer.WriteInteger(exponent ?? 65537);
        }
        return Convert.ToBase64String(writer.Encode());
    }

    [Fact]   // RFC 6376 §3.6.1 (t=s), §3.10
    public async Task When_the_key_is_for_its_domain_alone_then_no_domain_below_it_is_signed_for()
    {
        rig.GivenKey("alone._domainkey.example.test", $"t=s; p={rig.PublicKey}");
        Assert.StartsWith("Pass", await rig.ResultAsync(Mail(With("i=a@example.test").Replace("s=sel", "s=alone", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.Equal("PermError: the key does not sign for domains below d=",
            await rig.ResultAsync(Mail(With("i=a@mail.example.test").Replace("s=sel", "s=alone", StringComparison.Ordinal))));
    }

    [Fact]   // RFC 8301 §3.2
    public async Task When_the_key_is_weaker_than_the_server_wants_then_that_is_policy()
    {
        Assert.Equal("Policy: the RSA key has 1024 bits, fewer than this server wants", await rig.ResultAsync(Mail(), leastRsaBits: 2048));
    }

    [Fact]   // RFC 8301 §3.2. The modulus has eight primes, which nobody who verifies can see, and is found quickly.
    public async Task When_the_key_has_4096_bits_then_it_works()
    {
        BigInteger modulus = BigInteger.One, order = BigInteger.One;
        while (modulus.GetBitLength() < 4081)
        {
            using RSA part = RSA.Create(1024);
            RSAParameters primes = part.ExportParameters(true);
            foreach (byte[] bytes in new[] { primes.P!, primes.Q! })
            {
                var prime = new BigInteger(bytes, isUnsigned: true, isBigEndian: true);
                modulus *= prime;
                order *= prime - 1;
            }
        }
        rig.GivenKey("wide._domainkey.example.test", "p=" + PublicKey(modulus.ToByteArray(isUnsigned: true, isBigEndian: true)));
        string tags = Changed("s=sel", "s=wide");
        string hashed = rig.Sign(tags.Replace("{b}", "", StringComparison.Ordinal), Fields, Text)[..^2];
        byte[] digest = SHA256.HashData(Encoding.ASCII.GetBytes(Fields + hashed));
        int octets = (int)((modulus.GetBitLength() + 7) / 8);
        // EMSA-PKCS1-v1_5: 00 01 FF... 00, DigestInfo of SHA-256, digest.
        byte[] info = [.. Convert.FromHexString("3031300d060960864801650304020105000420"), .. digest];
        byte[] padded = [0, 1, .. Enumerable.Repeat((byte)0xFF, octets - info.Length - 3), 0, .. info];
        BigInteger exponent = Inverse(65537, order);
        byte[] signature = BigInteger.ModPow(new BigInteger(padded, isUnsigned: true, isBigEndian: true), exponent, modulus)
            .ToByteArray(isUnsigned: true, isBigEndian: true);
        byte[] whole = [.. new byte[octets - signature.Length], .. signature];
        string mail = hashed + Convert.ToBase64String(whole) + "\r\n" + Fields + "\r\n" + Text;
        Assert.Equal("Pass: the signature verifies", await rig.ResultAsync(mail, leastRsaBits: 2048));
        Assert.StartsWith("Fail", await rig.ResultAsync(mail.Replace("Lunch", "Lynch", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    static BigInteger Inverse(BigInteger number, BigInteger modulus)
    {
        (BigInteger r, BigInteger next, BigInteger t, BigInteger nextT) = (modulus, number, BigInteger.Zero, BigInteger.One);
        while (!next.IsZero)
        {
            BigInteger quotient = r / next;
            (r, next, t, nextT) = (next, r - quotient * next, nextT, t - quotient * nextT);
        }
        Assert.True(r.IsOne);
        return t.Sign < 0 ? t + modulus : t;
    }

    [Fact]
    public async Task When_the_name_servers_fail_then_the_result_is_for_now_only()
    {
        rig.Dns.Code("broken._domainkey.example.test", 2);
        Assert.Equal("TempError: the name servers did not give the key", await rig.ResultAsync(Mail(Changed("s=sel", "s=broken"))));
    }

    [Fact]   // RFC 6376 §6.1.2 step 4; a wildcard's records of other kinds stand beside the key
    public async Task When_a_name_has_several_records_then_the_key_among_them_is_found()
    {
        rig.Dns.Txt("many._domainkey.example.test", "v=spf1 -all").Txt("many._domainkey.example.test", "t=y; p=" + PublicKey(Random(1024))[..100]);
        rig.GivenKey("many._domainkey.example.test", "p=" + PublicKey(Random(1024)));
        rig.GivenKey("many._domainkey.example.test", "p=" + rig.PublicKey);
        Assert.StartsWith("Pass", await rig.ResultAsync(Mail(Changed("s=sel", "s=many"))), StringComparison.Ordinal);
        foreach (int _ in Enumerable.Range(0, 4))
            rig.Dns.Txt("flood._domainkey.example.test", "v=spf1 -all");
        rig.GivenKey("flood._domainkey.example.test", "p=" + rig.PublicKey);   // the fifth is not looked at
        Assert.StartsWith("PermError", await rig.ResultAsync(Mail(Changed("s=sel", "s=flood"))), StringComparison.Ordinal);
    }

    [Fact]   // attack case A19; RFC 6376 §8.2
    public async Task When_l_leaves_out_a_part_of_the_body_then_the_signature_is_not_enough()
    {
        string tags = With($"l={Text.Length}");
        string signed = rig.Sign(tags, Fields, Text) + Fields + "\r\n" + Text;
        Assert.StartsWith("Pass", await rig.ResultAsync(signed), StringComparison.Ordinal);
        Assert.StartsWith("Pass", await rig.ResultAsync(signed + "\r\n\r\n"), StringComparison.Ordinal);   // empty lines at the end are no part
        Assert.Equal("Policy: l= leaves out a part of the body", await rig.ResultAsync(signed + "Send money.\r\n"));
        Assert.Equal("Fail: the body was changed", await rig.ResultAsync(signed.Replace("noon", "nine", StringComparison.Ordinal) + "Send money.\r\n"));
        foreach (int length in new[] { 0, 1, 8, 9, 10, 11, 12, Text.Length - 1 })
        {
            string part = rig.Sign(With($"l={length}"), Fields, Text, length) + Fields + "\r\n" + Text;
            Assert.Equal("Policy: l= leaves out a part of the body", await rig.ResultAsync(part));
        }
    }

    [Fact]   // attack case A19; RFC 6376 §8.15
    public async Task When_a_field_was_added_that_messages_have_once_then_the_signature_is_not_enough()
    {
        Assert.Equal("Policy: there is a second from field that is not signed", await rig.ResultAsync(Mail(fields: "FROM : Eve <eve@example.net>\r\n" + Fields)));
        Assert.Equal("Policy: there is a second subject field that is not signed", await rig.ResultAsync(Mail(fields: "Subject: Urgent\r\n" + Fields)));
        // From the bottom up: put below, the added one is taken for the signed one.
        Assert.StartsWith("Fail", await rig.ResultAsync(Mail(fields: Fields + "From: Eve <eve@example.net>\r\n")), StringComparison.Ordinal);
        Assert.StartsWith("Pass", await rig.ResultAsync(Mail(fields: "Received: x\r\nReceived: y\r\n" + Fields)), StringComparison.Ordinal);
        // Signed once more than there are: any addition breaks it. RFC 6376 §5.4.2
        string over = Changed("h=from:to:subject", "h=from:to:subject:from");
        Assert.StartsWith("Pass", await rig.ResultAsync(Mail(over)), StringComparison.Ordinal);
        Assert.StartsWith("Fail", await rig.ResultAsync(Mail(over, fields: "From: Eve <eve@example.net>\r\n" + Fields)), StringComparison.Ordinal);
    }

    [Theory]   // RFC 6376 §8.15
    [InlineData("sender")]
    [InlineData("reply-to")]
    [InlineData("to")]
    [InlineData("cc")]
    [InlineData("bcc")]
    [InlineData("date")]
    [InlineData("message-id")]
    [InlineData("in-reply-to")]
    [InlineData("references")]
    [InlineData("mime-version")]
    [InlineData("content-type")]
    [InlineData("content-transfer-encoding")]
    public async Task When_a_field_that_messages_have_once_is_signed_then_a_second_one_is_somebody_elses(string name)
    {
        string signature = rig.Sign(Changed("h=from:to:subject", $"h=from:{name}"), $"{From}{name}: one\r\n", Text);
        Assert.StartsWith("Pass", await rig.ResultAsync($"{signature}{From}{name}: one\r\n\r\n{Text}"), StringComparison.Ordinal);
        Assert.Equal($"Policy: there is a second {name} field that is not signed", await rig.ResultAsync($"{name}: two\r\n{signature}{From}{name}: one\r\n\r\n{Text}"));
    }

    [Fact]   // RFC 6376 §3.4.2
    public async Task When_white_space_stands_around_the_signature_and_at_the_end_then_the_relaxed_form_has_none_there()
    {
        string body = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));
        string Form(string b) => $"v=1; a=rsa-sha256; c=relaxed; d=example.test; s=sel; h=from; bh={body}; b={b}; q=dns/txt";
        string signature = Convert.ToBase64String(rig.Rsa.SignData(
            Encoding.ASCII.GetBytes($"from:Ann <ann@example.test>\r\ndkim-signature:{Form("")}"), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        string mail = $"DKIM-Signature : \t{Form($" {signature}\r\n\t").Replace("; q", ";\r\n  q", StringComparison.Ordinal)} \t\r\nFROM:  Ann\r\n\t<ann@example.test> \r\n\r\n{Text}";
        Assert.StartsWith("Pass", await rig.ResultAsync(mail), StringComparison.Ordinal);
    }

    [Fact]   // RFC 6376 §5.4.2
    public async Task When_a_name_is_signed_several_times_then_its_fields_are_taken_from_the_bottom_up()
    {
        string[] received = ["Received: <A>\r\n", "Received: <B>\r\n", "received: <C>\r\n"];
        string tags = Changed("h=from:to:subject", "h=Received : Received :from:to:subject");
        string signature = rig.Sign(tags, received[2] + received[1] + Fields, Text);
        Assert.StartsWith("Pass", await rig.ResultAsync(signature + string.Concat(received) + Fields + "\r\n" + Text), StringComparison.Ordinal);
        string wrong = rig.Sign(tags, received[0] + received[1] + Fields, Text);
        Assert.StartsWith("Fail", await rig.ResultAsync(wrong + string.Concat(received) + Fields + "\r\n" + Text), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_there_are_several_signatures_then_each_is_verified_up_to_the_limit()
    {
        string good = rig.Sign(Tags, Fields, Text);
        string bad = good.Replace("v=1;", "v=1;  ", StringComparison.Ordinal);
        string mail = bad + good + "DKIM-signature: nothing\r\n" + good + Fields + "\r\n" + Text;
        Assert.Equal([DkimResult.Fail, DkimResult.Pass, DkimResult.Neutral, DkimResult.Pass], (await rig.VerifyAsync(mail)).Select(s => s.Result));
        Assert.Equal([DkimResult.Fail, DkimResult.Pass], (await rig.VerifyAsync(Encoding.ASCII.GetBytes(mail), mostSignatures: 2)).Select(s => s.Result));
        // A signature over another one: its own field is not among those that h= can name. RFC 6376 §3.5 (h=)
        string outer = rig.Sign(Changed("h=from:to:subject", "h=from:to:subject:dkim-signature:DKIM-Signature"), Fields + good, Text);
        Assert.Equal([DkimResult.Pass, DkimResult.Pass], (await rig.VerifyAsync(outer + good + Fields + "\r\n" + Text)).Select(s => s.Result));
        Assert.Equal([DkimResult.Pass, DkimResult.Pass], (await rig.VerifyAsync(good + outer + Fields + "\r\n" + Text)).Select(s => s.Result));
        Assert.Equal([DkimResult.Fail], (await rig.VerifyAsync(outer + Fields + "\r\n" + Text)).Select(s => s.Result));
    }

    public static TheoryData<string, string> OfHeaders => new()
    {
        { "X: y\nFrom: eve@example.net\r\n" + Fields, "PermError: the header section has a CR or LF alone" },
        { "X: y\rFrom: eve@example.net\r\n" + Fields, "PermError: the header section has a CR or LF alone" },
        { Fields + "\n", "PermError: the header section has a CR or LF alone" },
        { "not a field\r\n" + Fields, "PermError: a line of the header section is not a field" },
        { "=?x?= y: z\r\n" + Fields, "PermError: a line of the header section is not a field" },
        { "Frоm: eve@example.net\r\n" + Fields, "PermError: a line of the header section is not a field" },   // a Cyrillic o
        { ": empty\r\n" + Fields, "PermError: a line of the header section is not a field" },
        { "X: " + string.Join("\r\n ", Enumerable.Repeat("y", 90_000)) + "\r\n" + Fields, "PermError: the header section is larger than 256 KiB" },
        { string.Concat(Enumerable.Repeat("a:\r\n", 100_000)) + Fields, "PermError: the header section is larger than 256 KiB" },
        { "X: " + string.Join("\r\n ", Enumerable.Repeat("y", 60_000)) + "\r\n" + Fields, "Pass: the signature verifies" },
        { string.Concat(Enumerable.Repeat("a:\r\n", 60_000)) + Fields, "Pass: the signature verifies" },
        { string.Concat(Enumerable.Repeat("subject:\r\n", 20_000)) + Fields, "Policy: there is a second subject field that is not signed" },
    };

    [Theory, MemberData(nameof(OfHeaders))]   // RFC 6376 §3.8: other readers could see other fields in such a header section
    public async Task When_the_header_section_is_of_this_form_then_the_result_is(string fields, string expected)
    {
        Assert.Equal(expected, await rig.ResultAsync(Mail(fields: fields)));
    }

    [Fact]
    public async Task When_the_message_has_no_From_or_no_body_then_that_is_told()
    {
        Assert.Equal("PermError: there is no From", await rig.ResultAsync(Mail(signed: To + Subject, fields: To + Subject)));
        // A body that is not there is an empty line. RFC 6376 §3.4.3
        string signature = rig.Sign(Tags, Fields, "\r\n");
        Assert.StartsWith("Pass", await rig.ResultAsync(signature + Fields), StringComparison.Ordinal);
        Assert.StartsWith("Pass", await rig.ResultAsync(signature + Fields[..^2]), StringComparison.Ordinal);
        Assert.StartsWith("Pass", await rig.ResultAsync(signature + Fields + "\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("Pass", await rig.ResultAsync(signature + Fields + "\r\n\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal("None", await rig.ResultAsync(""));
        Assert.Equal("None", await rig.ResultAsync("\r\nDKIM-Signature: v=1\r\n"));
    }

    [Fact]   // RFC 8616 §4
    public async Task When_names_are_written_in_other_scripts_then_they_are_asked_for_as_A_labels()
    {
        string tags = Tags.Replace("d=example.test; s=sel", "d=Bücher.test; s=пример", StringComparison.Ordinal);
        rig.GivenKey("xn--e1afmkfd._domainkey.xn--bcher-kva.test", "p=" + rig.PublicKey);
        DkimSignature found = Assert.Single(await rig.VerifyAsync(Mail(tags.Replace("v=1;", "v=1; i=ö@mail.bücher.test;", StringComparison.Ordinal))));
        Assert.Equal(("xn--bcher-kva.test", "xn--e1afmkfd", DkimResult.Pass), (found.Domain.Value, found.Selector, found.Result));
    }

    [Fact]
    public async Task When_the_message_is_large_then_it_is_verified_out_of_its_file()
    {
        string body = string.Concat(Enumerable.Range(0, 60_000).Select(i => $"line {i} of a long message\r\n"));
        string mail = rig.Sign(Tags, Fields, body) + Fields + "\r\n" + body;
        Assert.StartsWith("Pass", await rig.ResultAsync(mail), StringComparison.Ordinal);
        Assert.Equal("Fail: the body was changed", await rig.ResultAsync(mail[..^4] + "!\r\n"));
    }

    [Fact]
    public async Task When_the_message_is_read_in_pieces_that_end_anywhere_then_the_result_is_the_same()
    {
        byte[] mail = Encoding.ASCII.GetBytes(Mail());
        for (int cut = 1; cut <= mail.Length; cut++)
        {
            DkimSignature found = Assert.Single(await rig.VerifyAsync((offset, to) =>
            {
                int count = (int)Math.Min(to.Length, (offset < cut ? cut : mail.Length) - offset);
                mail.AsSpan((int)offset, count).CopyTo(to);
                return count;
            }));
            Assert.Equal(DkimResult.Pass, found.Result);
        }
    }

    [Fact]
    public async Task When_a_signed_message_is_changed_at_random_then_it_never_passes()
    {
        string text = Mail();
        byte[] mail = Encoding.ASCII.GetBytes(text);
        int start = text.IndexOf(" b=", StringComparison.Ordinal) + 3, end = text.IndexOf("\r\n", start, StringComparison.Ordinal);
        Assert.Equal(DkimResult.Pass, Assert.Single(await rig.VerifyAsync(mail)).Result);
        var random = new Random(6376);
        byte[] interesting = " \t\r\n;:=/.@\0\x7F\xFF,1aA"u8.ToArray();
        for (int i = 0; i < 3000; i++)
        {
            List<byte> changed = [.. mail];
            int at;
            do
                at = random.Next(mail.Length);
            while (at >= start && at <= end);   // the value of b= is what is not signed
            byte other = random.Next(2) == 0 ? (byte)random.Next(256) : interesting[random.Next(interesting.Length)];
            switch (random.Next(4))
            {
                case 0:
                    changed[at] = other;
                    break;
                case 1:
                    changed.Insert(at, other);
                    break;
                case 2:
                    changed.RemoveAt(at);
                    break;
                default:
                    changed.InsertRange(at, mail[random.Next(mail.Length)..].Take(random.Next(1, 60)));
                    break;
            }
            string now = Encoding.Latin1.GetString([.. changed]);
            while (now.EndsWith("\r\n\r\n", StringComparison.Ordinal))
                now = now[..^2];
            if (now == text)
                continue;   // nothing, or empty lines at the end
            foreach (DkimSignature found in await rig.VerifyAsync([.. changed]))
                Assert.True(found.Result is not DkimResult.Pass, $"change {i}: {now}");
        }
    }

    [Fact]
    public void When_tags_are_put_together_at_random_then_nothing_throws()
    {
        string[] pieces = ["v=1", "v=DKIM1", ";", "; ", "=", "a=rsa-sha256", "a=ed25519-sha256", "c=relaxed", "d=example.test", "s=sel", "h=from", ":", "\r\n ", "\t", "bh=", "b=", "p=",
            "l=99999999999999999999", "t=5", "x=7", "i=@", "=4", "=40", "q=dns/txt", "\xFF", "\0", "z=", "k=ed25519", rig.PublicKey, "AAAA", "====", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="];
        var random = new Random(8301);
        byte[] digest = new byte[32];
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => pieces[random.Next(pieces.Length)] + (random.Next(2) == 0 ? ";" : "")));
            DkimSignatureField field = DkimSignatureField.Read(0, Encoding.Latin1.GetBytes(text), DateTimeOffset.UnixEpoch);
            Assert.True(field.Fault is not null || field.SignedNames.Contains("from"), text);
            DkimKey? key = DkimKey.Read(text, (DkimAlgorithm)random.Next(2), out string fault);
            Assert.True((key is null) == (fault.Length > 0), text);
        }
        byte[] der = rig.Rsa.ExportSubjectPublicKeyInfo();
        for (int i = 0; i < 3000; i++)
        {
            byte[] changed = [.. der];
            for (int n = random.Next(1, 4); n > 0; n--)
                changed[random.Next(random.Next(2) == 0 ? 40 : der.Length)] = (byte)random.Next(256);
            DkimKey? key = DkimKey.Read("p=" + Convert.ToBase64String(changed.AsSpan(0, random.Next(10) == 0 ? random.Next(1, der.Length) : der.Length)), DkimAlgorithm.RsaSha256, out _);
            Assert.NotEqual(DkimResult.Pass, key!.Verify(digest, new byte[128], 1024).Result);
        }
    }
}
