using System.Text;
using MailAdmin.Tests.Accounts;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;
using MailEngine.Store;

namespace MailAdmin.Tests.Flow;

/// <summary>Answers for people who are away: who gets one, when again, and what it looks like. RFC 5230, RFC 3834</summary>
public sealed class VacationTests : IAsyncLifetime
{
    readonly ManualClock _clock = new();
    readonly DnsServer _dns = new() { Answer = _ => null };   // nobody knows where other domains are: what goes there waits
    MailRig _rig = null!;

    public async Task InitializeAsync() => _rig = await MailRig.StartAsync(options => options.Dns.Servers = [_dns.Address], _clock);

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _dns.Dispose();
    }

    Task GivenVacationAsync(Action<Vacation>? change = null, long account = 0) => _rig.Accounts.WriteAsync(async db =>
    {
        var vacation = new Vacation { AccountId = account == 0 ? _rig.Ann : account, Enabled = true, Text = "I am away.\nWrite to Bob." };
        change?.Invoke(vacation);
        if (await db.Vacations.FindAsync(vacation.AccountId) is { } old)
        {
            db.Vacations.Remove(old);
            await db.SaveChangesAsync();
        }
        db.Vacations.Add(vacation);
        await db.SaveChangesAsync();
        await ScriptRows.SetVacationAsync(db, vacation, _clock.GetUtcNow(), default);
    });

    async Task DeliverAsync(string from, string to, string header)
    {
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync($"C: MAIL FROM:<{from}>\nS: 250 *\nC: RCPT TO:<{to}>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync($"{header.ReplaceLineEndings("\r\n")}\r\n\r\nHello\r\n.\r\n");
        await client.PlayAsync("S: 250 2.0.0 *\nC: QUIT\nS: 221 *");
    }

    Task DeliverAsync(string from = "bob@example.test", string to = "ann@example.test") =>
        DeliverAsync(from, to, $"From: <{from}>\nTo: <{to}>\nSubject: Lunch?\nMessage-ID: <{Guid.NewGuid():N}@example.test>");

    /// <summary>What bob has got, once it is so much.</summary>
    async Task<List<string>> AnswersAsync(int count)
    {
        Mailbox box = (await _rig.Store.OpenAsync(_rig.Bob, MailboxName.Inbox))!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (box.Current is var now && now.Count < count)
            await box.ChangedSince(now).WaitAsync(patience.Token);
        return await _rig.MessagesAsync(_rig.Bob);
    }

    IReadOnlyList<QueueEntry> Waiting => _rig.Store.ReadQueue();

    [Fact]   // RFC 5230 §5, RFC 3834 §3
    public async Task When_somebody_who_is_away_gets_mail_then_the_sender_is_told_in_a_form_that_no_machine_answers()
    {
        await _rig.Accounts.WriteAsync(async db =>
        {
            (await db.Accounts.FindAsync(_rig.Ann))!.DisplayName = "Ann Example";
            await db.SaveChangesAsync();
        });
        await GivenVacationAsync();
        await DeliverAsync("bob@example.test", "ann@example.test", "From: <bob@example.test>\nTo: Ann <Ann@example.test>\nSubject: =?utf-8?q?Caf=C3=A9?=\nReferences: <0@x>\n <1@x>\nMessage-ID: <2@x>");

        string answer = Assert.Single(await AnswersAsync(1));

        string[] lines = answer.Split("\r\n");
        Assert.Equal("Return-Path: <>", lines[0]);
        foreach (string expected in (string[])["From: \"Ann Example\" <ann@example.test>", "To: <bob@example.test>", "In-Reply-To: <2@x>", "References: <0@x> <1@x> <2@x>",
            "Auto-Submitted: auto-replied", "Content-Type: text/plain; charset=us-ascii", "I am away.", "Write to Bob."])
            Assert.Contains(expected, lines);
        Assert.Equal("Auto: Café", EncodedSubject(answer));
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
    }

    static string EncodedSubject(string message)
    {
        string subject = message[(message.IndexOf("Subject: ", StringComparison.Ordinal) + 9)..];
        return MailEngine.Mime.EncodedWord.Decode(Encoding.Latin1.GetBytes(subject[..subject.IndexOf("\r\n", StringComparison.Ordinal)]));
    }

    [Fact]
    public async Task When_the_text_is_not_ASCII_then_it_arrives_as_it_was_written()
    {
        await GivenVacationAsync(v => (v.Subject, v.Text) = ("Bin im Urlaub – ☀", "Grüße aus Málaga\nbis bald"));
        await DeliverAsync();

        string answer = Assert.Single(await AnswersAsync(1));

        Assert.Contains("Content-Transfer-Encoding: base64\r\n", answer);
        string body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.Equal("Grüße aus Málaga\r\nbis bald\r\n", Encoding.UTF8.GetString(Convert.FromBase64String(body.Replace("\r\n", "", StringComparison.Ordinal))));
        Assert.Equal("Bin im Urlaub – ☀", EncodedSubject(answer));
    }

    [Fact]   // RFC 5230 §4.1, §4.2
    public async Task When_the_same_sender_writes_again_then_he_is_told_again_only_after_the_interval_or_of_something_new()
    {
        await GivenVacationAsync(v => v.IntervalDays = 3);
        await DeliverAsync();
        await AnswersAsync(1);
        _clock.Advance(TimeSpan.FromDays(3) - TimeSpan.FromMinutes(1));
        await DeliverAsync();
        Assert.Empty(Waiting);
        Assert.Single(await _rig.MessagesAsync(_rig.Bob));

        _clock.Advance(TimeSpan.FromMinutes(2));
        await DeliverAsync();
        await AnswersAsync(2);
        await GivenVacationAsync(v => v.Text = "Something else");
        await DeliverAsync();

        Assert.Equal(3, (await AnswersAsync(3)).Count);
    }

    [Fact]
    public async Task When_the_time_has_not_come_or_is_over_then_nobody_is_told()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        await GivenVacationAsync(v => (v.From, v.Until) = (start + TimeSpan.FromDays(1), start + TimeSpan.FromDays(2)));
        await DeliverAsync();
        Assert.Empty(Waiting);
        _clock.Advance(TimeSpan.FromDays(1));
        await DeliverAsync();
        Assert.Single(await AnswersAsync(1));
        _clock.Advance(TimeSpan.FromDays(1));
        await DeliverAsync("cid@example.org");
        Assert.Empty(Waiting);
    }

    [Fact]   // RFC 5230 §4.5
    public async Task When_mail_goes_to_a_list_or_to_him_only_in_secret_then_he_does_not_answer()
    {
        await GivenVacationAsync();
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "team", _rig.Ann, _rig.Bob);
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "annie", _rig.Ann);
        await DeliverAsync("cid@example.org", "team@example.test");
        await DeliverAsync("cid@example.org", "ann@example.test", "From: <cid@example.org>\nTo: undisclosed-recipients:;\nMessage-ID: <s@x>");
        Assert.Empty(Waiting);

        await DeliverAsync(to: "annie@example.test");
        Assert.StartsWith("Return-Path: <>", (await AnswersAsync(2))[1]);   // the first one came by the list
        await DeliverAsync("dan@example.org", "ann+shop@example.test");
        Assert.Equal("dan@example.org", Assert.Single(Waiting).Recipient.ToString());
        Assert.Contains("NOTIFY=NEVER", Waiting[0].Parameters);
        Assert.Equal("", Waiting[0].ReversePath);
    }

    [Theory]   // RFC 5230 §4.6
    [InlineData("")]
    [InlineData("MAILER-DAEMON@example.org")]
    [InlineData("owner-news@example.org")]
    [InlineData("news-request@example.org")]
    [InlineData("no-reply@example.org")]
    [InlineData("ann@example.test")]
    public async Task When_nobody_reads_what_is_sent_to_the_sender_then_he_is_not_told(string from)
    {
        await GivenVacationAsync();
        await DeliverAsync(from, "ann@example.test", "To: ann@example.test\nMessage-ID: <a@x>");
        Assert.Empty(Waiting);
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
    }

    [Theory]   // RFC 3834 §2, RFC 5230 §4.6
    [InlineData("Auto-Submitted: auto-generated", false)]
    [InlineData("Auto-submitted: no", true)]
    [InlineData("Auto-Submitted: No (really)", true)]
    [InlineData("List-Id: <news.example.org>", false)]
    [InlineData("list-unsubscribe: <mailto:x@example.org>", false)]
    [InlineData("Precedence: Bulk", false)]
    [InlineData("Precedence: first-class", true)]
    [InlineData("X-Auto-Response-Suppress: DR, OOF", false)]
    [InlineData("X-Spam-Flag: YES", false)]
    [InlineData("Content-Type: multipart/report; report-type=delivery-status", false)]
    [InlineData("Content-Type: multipart/mixed; boundary=x", true)]
    [InlineData("Listing: no field of a list", true)]
    public void When_a_header_says_that_a_machine_sent_it_then_it_is_not_answered(string field, bool answered)
    {
        byte[] header = Encoding.UTF8.GetBytes($"{field}\r\nTo: Somebody <a@b.test>, =?utf-8?q?Ann?= <ann@example.test>\r\n");
        Assert.Equal(answered, VacationRules.Read(header, new HashSet<string> { "ann@example.test" }) is not null);
        byte[] last = Encoding.UTF8.GetBytes($"Cc: ann@EXAMPLE.test\r\n{field}");
        Assert.Equal(answered, VacationRules.Read(last, new HashSet<string> { "ann@example.test" }) is not null);
    }

    [Fact]
    public void When_a_header_is_made_to_hurt_then_reading_it_ends_and_finds_nothing()
    {
        var random = new Random(5230);
        var own = new HashSet<string> { "ann@example.test" };
        byte[] seed = Encoding.ASCII.GetBytes("To: (((((<a@b>,\"\\\r\n ;:@References: <><<>>\r\nSubject: =?utf-8?b?////?=\r\nIn-Reply-To: <x>\r\n");
        for (int run = 0; run < 2000; run++)
        {
            byte[] header = new byte[random.Next(0, 400)];
            for (int i = 0; i < header.Length; i++)
                header[i] = random.Next(4) == 0 ? (byte)random.Next(256) : seed[(i + run) % seed.Length];
            _ = VacationRules.Read(header, own);
        }
        Assert.Null(VacationRules.Read(Encoding.ASCII.GetBytes("To: " + string.Concat(Enumerable.Repeat("(", 60_000))), own));
    }

    [Fact]
    public async Task When_only_known_senders_are_told_then_those_he_wrote_to_and_his_own_domain_are()
    {
        await GivenVacationAsync(v => v.KnownSendersOnly = true);
        await _rig.Store.CreateAsync(_rig.Ann, MailboxName.Parse("Sent"), "\\Sent");
        Mailbox sent = (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Parse("Sent")))!;
        using (BodyWriter writer = _rig.Store.NewBody())
        {
            writer.Write("From: ann@example.test\r\nTo: x@y.test\r\nCc: Dan <Dan@Example.org>\r\n\r\nhi\r\n"u8);
            using Body body = writer.Complete();
            await _rig.Store.AppendAsync(sent, 0, [new AppendItem { Body = body }]);
        }
        await DeliverAsync("stranger@example.org");
        await DeliverAsync("an@example.org");   // the end of an address is not the address
        Assert.Empty(Waiting);
        await DeliverAsync("dan@example.org");
        Assert.Equal("dan@example.org", Assert.Single(Waiting).Recipient.ToString());
        await DeliverAsync();
        Assert.Single(await AnswersAsync(1));
    }

    [Fact]
    public async Task When_other_scripts_drop_refuse_or_answer_a_message_then_the_answer_of_the_panel_is_not_given()
    {
        await GivenVacationAsync();
        var scripts = new SieveScripts(_rig.Accounts.Database);
        var ann = new Administrator(_rig.Ann, "ann", "");
        Assert.Equal(ScriptFault.None, await scripts.PutAsync(ann, _rig.Ann, "mine", Encoding.UTF8.GetBytes("""
            require ["vacation", "ereject", "fileinto"];
            if header "Subject" "drop" { discard; }
            elsif header "Subject" "refuse" { ereject "Not now"; }
            elsif header "Subject" "own" { vacation :handle "other" "My own words"; }
            """), 100, default));
        Assert.Equal(ScriptFault.None, await scripts.ActivateAsync(ann, _rig.Ann, "mine", default));
        await DeliverAsync("dan@example.org", "ann@example.test", "To: <ann@example.test>\nSubject: drop\nMessage-ID: <1@x>");
        await using (WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp))
        {
            await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
            await client.ReadUntilAsync("250 ");
            await client.PlayAsync("C: MAIL FROM:<dan@example.org>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
            await client.SendAsync("To: <ann@example.test>\r\nSubject: refuse\r\nMessage-ID: <2@x>\r\n\r\nHello\r\n.\r\n");
            await client.PlayAsync("S: 550 5.7.1 Not now");   // refused, though another script has an answer for it
        }
        Assert.Empty(Waiting);
        Assert.Empty(await _rig.MessagesAsync(_rig.Ann));

        await DeliverAsync("dan@example.org", "ann@example.test", "To: <ann@example.test>\nSubject: own\nMessage-ID: <3@x>");
        QueueEntry answer = Assert.Single(Waiting);   // one answer a message
        using MessageReader reader = _rig.Store.OpenBody(answer.Body);
        var octets = new byte[reader.Length];
        Assert.Contains("My own words", Encoding.UTF8.GetString(octets.AsSpan(0, reader.Read(0, octets))));
    }

    [Fact]
    public async Task When_the_words_look_like_a_script_then_they_arrive_as_they_were_written()
    {
        const string text = "\\ \"quoted\" ${domain} ${1} ${dollar}{x} ${unicode:40}\n.\n# no comment; stop;\n\"; discard;";
        await GivenVacationAsync(v => (v.Subject, v.Text, v.KnownSendersOnly, v.From) = ("Re: \"${domain}\" \\", text, true, _clock.GetUtcNow()));
        await DeliverAsync();   // of the own domain: known

        string answer = Assert.Single(await AnswersAsync(1));

        Assert.Equal("Re: \"${domain}\" \\", EncodedSubject(answer));
        Assert.EndsWith("\r\n\r\n" + text.ReplaceLineEndings("\r\n") + "\r\n", answer);
        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
    }

    [Fact]
    public async Task When_an_answer_was_set_before_answers_were_scripts_then_it_goes_on_and_nobody_is_told_again()
    {
        using var folder = new TempFolder();
        var handle = Guid.NewGuid();
        long account;
        await using (AccountsRig old = await AccountsRig.OpenAsync(_clock, folder["old"]))
        {
            await old.GivenDomainAsync("example.test");
            account = await old.GivenAccountAsync("ann@example.test");
            await old.WriteAsync(async db =>
            {
                db.Vacations.Add(new Vacation { AccountId = account, Enabled = true, Text = "Away", Handle = handle });
                await db.SaveChangesAsync();
            });
            Assert.Empty((await old.Directory.FindAccountAsync(account, default))!.Scripts);
            await using AccountsDatabase upgraded = await AccountsDatabase.OpenAsync(folder["old"], _clock, Microsoft.Extensions.Logging.Abstractions.NullLogger<AccountsDatabase>.Instance);
            using var directory = new AccountDirectory(upgraded, Microsoft.Extensions.Logging.Abstractions.NullLogger<AccountDirectory>.Instance);
            FilterScript script = Assert.Single((await directory.FindAccountAsync(account, default))!.Scripts);
            Assert.Equal(ScriptPlace.Vacation, script.Place);
            Assert.Contains($"MailAdmin vacation {handle.ToString("D").ToUpperInvariant()}", Encoding.UTF8.GetString(new SieveScripts(upgraded).Read(script.Script)!));
            Assert.Empty(await new SieveScripts(upgraded).ListAsync(account, default));   // no client sees it
        }

        await GivenVacationAsync(v => v.Handle = handle);
        await DeliverAsync();
        await AnswersAsync(1);
        Assert.True(_rig.Store.WasAnswered(new AnswerKey(_rig.Ann, "bob@example.test", handle.ToString("D").ToUpperInvariant())));   // as it was remembered before
    }

    [Fact]
    public async Task When_a_message_comes_twice_or_finds_no_room_then_it_is_not_answered_for()
    {
        await GivenVacationAsync();
        const string header = "From: <dan@example.org>\nTo: <ann@example.test>\nMessage-ID: <same@x>";
        await DeliverAsync("dan@example.org", "ann@example.test", header);
        await GivenVacationAsync(v => v.Text = "New, so the sender could be told again");
        await DeliverAsync("dan@example.org", "ann@example.test", header);

        Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.Single(Waiting);
    }

    [Fact]
    public async Task When_two_messages_of_one_sender_come_at_once_then_one_answer_is_kept_and_so_is_the_memory_of_it()
    {
        await using StoreRig rig = await StoreRig.OpenAsync();
        var key = new AnswerKey(7, "dan@example.org", "handle");
        async Task<AcceptOutcome> AcceptAsync(int number, Deposit deposit)
        {
            using Body body = rig.GivenBody(StoreRig.Mail($"m{number}"));
            using Body answer = rig.GivenBody(StoreRig.Mail($"answer{number}"));
            var row = new QueueEntry { MessageKey = "K", ReversePath = "", Recipient = EmailAddress.Parse("dan@example.org"), QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow };
            return await rig.Store.AcceptAsync(new Acceptance { Body = body, Deposits = [deposit], Answers = [new(0, key, DateTimeOffset.UtcNow.AddDays(1), answer, row)] }, default);
        }
        AcceptOutcome full = await AcceptAsync(0, StoreRig.To(7, quota: 1));
        Assert.Equal(StoreError.OverQuota, full.Deposits[0].Error);
        Assert.Equal(0, full.AnswerIds[0]);
        Assert.False(rig.Store.WasAnswered(key));

        AcceptOutcome[] outcomes = await Task.WhenAll(Enumerable.Range(1, 8).Select(i => AcceptAsync(i, StoreRig.To(7))));

        Assert.Equal(8, (await rig.Store.OpenAsync(7, MailboxName.Inbox))!.Current.Count);
        Assert.Single(outcomes, outcome => outcome.AnswerIds[0] != 0);
        Assert.Single(rig.Store.ReadQueue());
        await rig.ReopenAsync();
        Assert.True(rig.Store.WasAnswered(key));
        Assert.Single(rig.Store.ReadQueue());
        await rig.Store.DeleteAccountAsync(7);
        Assert.False(rig.Store.WasAnswered(key));
    }

    [Fact]
    public async Task When_recipients_live_in_several_partitions_then_each_is_answered_for_once_if_he_has_his_copy()
    {
        await using StoreRig rig = await StoreRig.OpenAsync(new StoreOptions().With("default", "b"));
        await rig.Store.GivenHomeAsync(7, "default");
        await rig.Store.GivenHomeAsync(8, "b");
        await rig.Store.GivenHomeAsync(9, "b");
        async Task<AcceptOutcome> AcceptAsync(int number, params Deposit[] deposits)
        {
            using Body body = rig.GivenBody(StoreRig.Mail($"m{number}"));
            Body[] bodies = [.. deposits.Select((_, i) => rig.GivenBody(StoreRig.Mail($"answer{number}-{i}")))];
            var row = new QueueEntry { MessageKey = "K", ReversePath = "", Recipient = EmailAddress.Parse("dan@example.org"), QueuedAt = DateTimeOffset.UtcNow, NextAttempt = DateTimeOffset.UtcNow };
            AcceptOutcome outcome = await rig.Store.AcceptAsync(new Acceptance
            {
                Body = body,
                Deposits = deposits,
                Answers = [.. deposits.Select((d, i) => new AutomaticAnswer(i, new AnswerKey(d.Owner.AccountId, "dan@example.org", "h"), DateTimeOffset.UtcNow.AddDays(1), bodies[i], row))],
            }, default);
            foreach (Body answer in bodies)
                answer.Dispose();
            return outcome;
        }

        AcceptOutcome first = await AcceptAsync(1, StoreRig.To(8), StoreRig.To(7), StoreRig.To(9, quota: 1));
        AcceptOutcome second = await AcceptAsync(2, StoreRig.To(8), StoreRig.To(9));

        Assert.Equal([true, true, false], first.AnswerIds.Select(id => id != 0));   // the third had no room
        Assert.Equal([false, true], second.AnswerIds.Select(id => id != 0));        // the first was answered for already
        Assert.Equal(3, rig.Store.ReadQueue().Count);
        await rig.ReopenAsync();
        Assert.True(rig.Store.WasAnswered(new AnswerKey(8, "dan@example.org", "h")));
        await rig.Store.MoveAccountAsync(8, "default", null, default);
        Assert.True(rig.Store.WasAnswered(new AnswerKey(8, "dan@example.org", "h")));
    }
}
