using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Checks;

namespace MailAdmin.Tests.Checks;

/// <summary>Signatures that nobody here made: those of the RFCs, and those of dkimpy.</summary>
public sealed class DkimForeignSignerTests(DkimRig rig) : IClassFixture<DkimRig>
{
    // Signs each message of a folder as its line of the plan says: name, header and body form, algorithm, selector, l= or not, fields.
    const string Signer = """
        import sys, dkim
        folder = sys.argv[1]
        keys = {b'rsa-sha256': open(folder + '/rsa.pem', 'rb').read(), b'ed25519-sha256': open(folder + '/ed.key', 'rb').read()}
        for line in open(folder + '/plan', 'rb'):
            name, header, body, algorithm, selector, length, fields = line.split()
            message = open(folder + '/' + name.decode(), 'rb').read()
            signer = dkim.DKIM(message, signature_algorithm=algorithm)
            signer.should_not_sign = set()
            signature = signer.sign(selector, b'signer.test', keys[algorithm], canonicalize=(header, body),
                                    include_headers=fields.split(b','), length=length == b'l')
            open(folder + '/' + name.decode(), 'wb').write(signature + message)
        if len(sys.argv) > 2:
            import base64, nacl.signing
            key = nacl.signing.SigningKey(base64.b64decode(keys[b'ed25519-sha256']))
            print(base64.b64encode(bytes(key.verify_key)).decode())
        """;

    const string Header = "Received: from a\r\n\tby  b; \r\n  now\r\nReceived: from c by d\r\nFrom:  Ann \t <ann@signer.test> \r\nTo:\r\n bob@example.test\r\nSubject:\tA  \t long\r\n\t subject \t\r\n"
        + "Date: Sat, 21 Nov 2026 04:00:00 +0000\r\nX-Empty:\r\nX-Tab:\t\r\nMIME-Version: 1.0\r\n";

    static readonly string[] s_bodies =
    [
        "Hi.\r\n",
        "",
        "\r\n",
        "\r\n\r\n\r\n",
        "no line end",
        "two\r\nlines, no line end",
        "trailing\r\n\r\n\r\n\r\n",
        "\r\n\r\nleading\r\n",
        "white  \t space\t\r\n  at both \tends \t \r\n",
        "lines of white space\r\n \t\r\n \r\nand more\r\n\t\r\n \r\n",
        "tabs\tand\t\tmore\r\n\tindented\r\n",
        ".\r\n..\r\n.dot\r\n",
        "8 bit: äöü ß ☃\r\n\0nul\r\n",
        string.Concat(Enumerable.Range(0, 3000).Select(i => $"line {i}  with \t text{(i % 7 == 0 ? "  " : "")}\r\n{(i % 11 == 0 ? "\r\n\r\n" : "")}")),
    ];

    [Fact]
    public async Task When_dkimpy_signs_then_it_passes_and_not_with_one_octet_changed()
    {
        using var folder = new TempFolder();
        using RSA rsa = RSA.Create(2048);
        await File.WriteAllTextAsync(folder["rsa.pem"], rsa.ExportRSAPrivateKeyPem());
        await File.WriteAllTextAsync(folder["ed.key"], Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        var plan = new StringBuilder();
        var cases = new List<(string Name, string Body, bool RelaxedHeader, bool RelaxedBody)>();
        foreach ((string header, string body) in new[] { ("simple", "simple"), ("simple", "relaxed"), ("relaxed", "simple"), ("relaxed", "relaxed") })
        {
            for (int i = 0; i < s_bodies.Length; i++)
            {
                string name = $"{header}-{body}-{i}";
                (string algorithm, string selector) = i % 3 == 2 ? ("ed25519-sha256", "ed") : ("rsa-sha256", "rsa");
                string fields = i % 2 == 0 ? "from,to,subject,date,received,x-empty,x-tab,mime-version" : "received,received,From,from,subject,to,x-none,DATE,x-tab";
                plan.Append(CultureInfo.InvariantCulture, $"{name} {header} {body} {algorithm} {selector} {(i % 4 == 0 ? "l" : "-")} {fields}\n");
                await File.WriteAllTextAsync(folder[name], Header + "\r\n" + s_bodies[i]);
                cases.Add((name, s_bodies[i], header == "relaxed", body == "relaxed"));
            }
        }
        await File.WriteAllTextAsync(folder["plan"], plan.ToString());
        string edKey = (await Programs.MustAsync("/usr/bin/python3", "-c", Signer, folder.Path, "key")).Trim();
        rig.GivenKey("rsa._domainkey.signer.test", $"v=DKIM1; k=rsa; p={Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo())}");
        rig.GivenKey("ed._domainkey.signer.test", $"v=DKIM1; k=ed25519; p={edKey}");

        foreach ((string name, string body, bool relaxedHeader, bool relaxedBody) in cases)
        {
            byte[] mail = await File.ReadAllBytesAsync(folder[name]);
            Assert.Equal("Pass: the signature verifies", await ResultAsync(mail, name));
            string text = Encoding.Latin1.GetString(mail);
            int bodyStart = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
            int b = text.IndexOf(" b=", StringComparison.Ordinal) + 3;
            int from = text.IndexOf("Ann", StringComparison.Ordinal);
            // One octet each: in a field, in the signature, in h=, in the body.
            foreach (int at in new[] { from, b, text.IndexOf("subject", StringComparison.Ordinal), bodyStart + body.IndexOfAny(['i', 'o', '.', 't']) })
            {
                if (at < bodyStart || at < mail.Length && body.IndexOfAny(['i', 'o', '.', 't']) >= 0)
                    Assert.DoesNotContain("Pass", await ResultAsync([.. mail[..at], (byte)(mail[at] == 'A' ? 'B' : 'A'), .. mail[(at + 1)..]], name), StringComparison.Ordinal);
            }
            // What relaxed forgives, and simple does not.
            bool passes = (await ResultAsync(Encoding.Latin1.GetBytes(text.Replace("To:\r\n bob", "TO: \t bob", StringComparison.Ordinal)), name)).StartsWith("Pass", StringComparison.Ordinal);
            Assert.Equal(relaxedHeader, passes);
            if (body.Contains("  \t ", StringComparison.Ordinal))
            {
                text = text[..bodyStart] + text[bodyStart..].Replace("  \t ", "\t", StringComparison.Ordinal);
                Assert.Equal(relaxedBody, (await ResultAsync(Encoding.Latin1.GetBytes(text), name)).StartsWith("Pass", StringComparison.Ordinal));
            }
        }
    }

    async Task<string> ResultAsync(byte[] mail, string name)
    {
        DkimSignature found = Assert.Single(await rig.VerifyAsync(mail));
        Assert.True(found.Domain.Value == "signer.test", name);
        return $"{found.Result}: {found.Reason}";
    }

    const string FootballMail = """
        From: Joe SixPack <joe@football.example.com>
        To: Suzie Q <suzie@shopping.example.net>
        Subject: Is dinner ready?
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
        Message-ID: <20030712040037.46341.5F8J@football.example.com>

        Hi.

        We lost the game. Are you hungry yet?

        Joe.

        """;

    static string Wire(string text) => text.ReplaceLineEndings("\r\n");

    [Fact]   // RFC 6376 §A.2, with the key of its appendix C and the white space that was signed: the page's layout changed it (its errata)
    public async Task When_the_message_is_the_one_of_RFC_6376_then_it_passes()
    {
        rig.GivenKey("brisbane._domainkey.example.com",
            "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"
            + "/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB");
        const string Signature = """
            DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
                  c=simple/simple; q=dns/txt; i=joe@football.example.com;
                  h=Received : From : To : Subject : Date : Message-ID;
                  bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
                  b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
                  4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
                  KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
                  4bmp/YzhwvcubU4=;
            Received: from client1.football.example.com  [192.0.2.1]
                  by submitserver.example.com with SUBMISSION;
                  Fri, 11 Jul 2003 21:01:54 -0700 (PDT)

            """;
        Assert.Equal("Pass: the signature verifies", await rig.ResultAsync(Wire(Signature + FootballMail)));
        Assert.StartsWith("Fail", await rig.ResultAsync(Wire(Signature + FootballMail).Replace("dinner", "supper", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]   // RFC 8463 §A
    public async Task When_the_message_is_the_one_of_RFC_8463_then_both_its_signatures_pass()
    {
        rig.GivenKey("brisbane._domainkey.football.example.com", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        rig.GivenKey("test._domainkey.football.example.com",
            "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
            + "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB");
        const string Signatures = """
            DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
             d=football.example.com; i=@football.example.com;
             q=dns/txt; s=brisbane; t=1528637909; h=from : to :
             subject : date : message-id : from : subject : date;
             bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
             b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
             Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
            DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
             d=football.example.com; i=@football.example.com;
             q=dns/txt; s=test; t=1528637909; h=from : to : subject :
             date : message-id : from : subject : date;
             bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
             b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
             DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
             dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=

            """;
        IReadOnlyList<DkimSignature> found = await rig.VerifyAsync(Wire(Signatures + FootballMail));
        Assert.Equal([("brisbane", DkimResult.Pass), ("test", DkimResult.Pass)], found.Select(s => (s.Selector, s.Result)));
        found = await rig.VerifyAsync(Wire(Signatures + FootballMail).Replace("Joe.", "Jon.", StringComparison.Ordinal));
        Assert.Equal([DkimResult.Fail, DkimResult.Fail], found.Select(s => s.Result));
    }
}
