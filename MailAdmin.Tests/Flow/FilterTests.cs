using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;
using MailEngine.Store;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Flow;

/// <summary>Sieve scripts at delivery: what they decide is done in the commit of the message. RFC 5228 §2.10</summary>
public sealed class FilterTests : IAsyncLifetime
{
    readonly DnsServer _dns = new() { Answer = _ => null };   // nobody knows where other domains are: what goes there waits
    MailRig _rig = null!;
    SieveScripts _scripts = null!;

    public async Task InitializeAsync()
    {
        _rig = await MailRig.StartAsync(options => options.Dns.Servers = [_dns.Address]);
        _scripts = new SieveScripts(_rig.Accounts.Database);
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _dns.Dispose();
    }

    async Task GivenScriptAsync(string script, long account = 0, string name = "main")
    {
        account = account == 0 ? _rig.Ann : account;
        var who = new Administrator(account, "test", "");
        Assert.Equal(ScriptFault.None, await _scripts.PutAsync(who, account, name, Encoding.UTF8.GetBytes(script), 100, default));
        Assert.Equal(ScriptFault.None, await _scripts.ActivateAsync(who, account, name, default));
    }

    async Task GivenMailboxAsync(string name) => Assert.Equal(StoreError.None, await _rig.Store.CreateAsync(_rig.Ann, MailboxName.Parse(name)));

    async Task DeliverAsync(string subject = "Hello", string from = "bob@example.test", string[]? to = null, string header = "")
    {
        to ??= ["ann@example.test"];
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync($"C: MAIL FROM:<{from}>\nS: 250 *");
        foreach (string recipient in to)
            await client.PlayAsync($"C: RCPT TO:<{recipient}>\nS: 250 *");
        await client.PlayAsync("C: DATA\nS: 354 *");
        await client.SendAsync($"From: <{from}>\r\nTo: <{to[0]}>\r\nSubject: {subject}\r\nMessage-ID: <{Guid.NewGuid():N}@x.test>\r\n{header}\r\nText of {subject}\r\n.\r\n");
        foreach (string _ in to)
            await client.PlayAsync("S: 250 2.0.0 *");
        await client.PlayAsync("C: QUIT\nS: 221 *");
    }

    /// <summary>Ends when somebody has mail.</summary>
    async Task ArrivedAsync(long account)
    {
        Mailbox box = (await _rig.Store.OpenAsync(account, MailboxName.Inbox))!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (box.Current is { Count: 0 } now)
            await box.ChangedSince(now).WaitAsync(patience.Token);
    }

    /// <summary>Subjects in a mailbox.</summary>
    async Task<string> SubjectsAsync(string mailbox = "INBOX", long account = 0) => string.Join(' ', (await _rig.MessagesAsync(account == 0 ? _rig.Ann : account, mailbox))
        .Select(message => message.Split("\r\n").First(line => line.StartsWith("Subject: ", StringComparison.Ordinal))[9..]));

    [Fact]
    public async Task When_a_script_is_active_then_mail_goes_where_it_says_with_the_flags_it_says()
    {
        await GivenMailboxAsync("Lists/Sieve");
        await GivenScriptAsync("""
            require ["fileinto", "imap4flags", "copy"];
            if header :contains "subject" "list" { fileinto :flags "\\Seen $Work" "lists/sieve"; }
            elsif header :contains "subject" "both" { fileinto :copy "Lists/Sieve"; }
            elsif header :contains "subject" "junk" { discard; }
            elsif header :contains "subject" "away" { fileinto "No/Such"; }
            elsif header :contains "subject" "flag" { setflag "\\Flagged"; }
            elsif header :contains "subject" "twice" { fileinto :flags "\\Flagged" "No/Such"; keep :flags "\\Answered $Work"; }
            """.Replace("lists/sieve", "Lists/Sieve"));
        foreach (string subject in new[] { "list1", "both", "junk", "away", "flagged", "other", "twice" })
            await DeliverAsync(subject);

        Assert.Equal("list1 both", await SubjectsAsync("Lists/Sieve"));
        Assert.Equal("both away flagged other twice", await SubjectsAsync());
        MailboxSnapshot lists = (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Parse("Lists/Sieve")))!.Current;
        Assert.Equal(MessageFlags.Seen, lists[0].Flags);
        Assert.Equal(["$Work"], lists.KeywordSets[lists[0].KeywordSet]);
        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Inbox))!.Current;
        Assert.Equal(MessageFlags.Flagged, inbox[2].Flags);
        Assert.Equal(MessageFlags.Answered, inbox[4].Flags);   // RFC 5232 §3: of two ways into one mailbox the last one's flags
        Assert.Equal(["$Work"], inbox.KeywordSets[inbox[4].KeywordSet]);
    }

    [Fact]
    public async Task When_another_script_or_version_or_none_becomes_active_then_the_next_message_meets_it()
    {
        await GivenMailboxAsync("A");
        await GivenMailboxAsync("B");
        await GivenScriptAsync("require \"fileinto\"; fileinto \"A\";");
        await DeliverAsync("one");
        await GivenScriptAsync("require \"fileinto\"; fileinto \"B\";");
        await DeliverAsync("two");
        await GivenScriptAsync("discard;", name: "other");
        await DeliverAsync("three");
        await _scripts.ActivateAsync(new Administrator(_rig.Ann, "test", ""), _rig.Ann, "", default);
        await DeliverAsync("four");

        Assert.Equal("one", await SubjectsAsync("A"));
        Assert.Equal("two", await SubjectsAsync("B"));
        Assert.Equal("four", await SubjectsAsync());
    }

    [Fact]
    public async Task When_server_domain_panel_and_user_have_scripts_then_all_decide_in_their_order()
    {
        var who = new Administrator(0, "test", "");
        async Task PutAsync(ScriptOwner owner, string name, string text, ScriptPlace place)
        {
            Assert.Equal(ScriptFault.None, await _scripts.PutAsync(who, owner, name, Encoding.UTF8.GetBytes("require [\"imap4flags\", \"include\"];" + text), 100, default));
            await _rig.Accounts.WriteAsync(db => ScriptRows.PlaceAsync(db, owner, name, place, default));
        }
        await PutAsync(ScriptOwner.Server, "z", "addflag \"1\"; if header :is \"subject\" \"spam\" { discard; }", ScriptPlace.Before);
        await PutAsync(ScriptOwner.Domain(_rig.Domain), "a", "if hasflag \"1\" { addflag \"2\"; stop; }", ScriptPlace.Before);
        await PutAsync(ScriptOwner.Domain(_rig.Domain), "b", "if hasflag \"4\" { addflag \"5\"; }", ScriptPlace.After);
        await PutAsync(ScriptOwner.Server, "c", "if hasflag \"5\" { addflag \"6\"; }", ScriptPlace.After);
        await PutAsync(ScriptOwner.Server, "flags", "if hasflag \"3\" { addflag \"4\"; }", ScriptPlace.None);
        await _rig.Accounts.WriteAsync(db => ScriptRows.SetPanelAsync(db, _rig.Ann, "require \"imap4flags\"; if hasflag \"2\" { addflag \"3\"; }"u8.ToArray(), DateTimeOffset.UtcNow, default));
        await GivenScriptAsync("require \"include\"; include :global \"flags\";");
        await DeliverAsync("one");
        await DeliverAsync("spam");
        await PutAsync(ScriptOwner.Domain(_rig.Domain), "flags", "addflag \"own\";", ScriptPlace.None);   // of the same name: nearer
        await DeliverAsync("two");
        await DeliverAsync("three", to: ["bob@example.test"]);

        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Inbox))!.Current;
        Assert.Equal(["1 2 3 4 5 6", "1 2 3 own"], Enumerable.Range(0, inbox.Count).Select(i => string.Join(' ', inbox.KeywordSets[inbox[i].KeywordSet].Order(StringComparer.Ordinal))));
        MailboxSnapshot bob = (await _rig.Store.OpenAsync(_rig.Bob, MailboxName.Inbox))!.Current;
        Assert.Equal(["1", "2"], bob.KeywordSets[bob[0].KeywordSet].Order(StringComparer.Ordinal));
        Assert.Equal(["main"], (await _scripts.ListAsync(_rig.Ann, default)).Select(s => s.Name));   // what the panel wrote is none of the account's own
        Assert.Null(await _scripts.ReadAsync(_rig.Ann, "", default));
    }

    [Fact]
    public async Task When_a_message_has_several_recipients_then_each_ones_script_decides_about_his_copy()
    {
        await GivenMailboxAsync("Folder");
        await GivenScriptAsync("require [\"fileinto\", \"envelope\"]; if envelope \"to\" \"ann@example.test\" { fileinto \"Folder\"; }");
        await GivenScriptAsync("discard;", _rig.Bob);
        await DeliverAsync("x", to: ["ann@example.test", "bob@example.test"]);

        Assert.Equal("x", await SubjectsAsync("Folder"));
        Assert.Equal("", await SubjectsAsync("INBOX"));
        Assert.Equal("", await SubjectsAsync("INBOX", _rig.Bob));
    }

    [Fact]
    public async Task When_a_script_redirects_then_the_copy_waits_in_the_queue_with_its_reverse_path_and_comes_once()
    {
        await GivenScriptAsync("redirect \"someone@elsewhere.example\"; redirect \"bob@example.test\";");
        await DeliverAsync("x", from: "cyd@other.example", header: "Reply-To: <cyd@other.example>\r\n");

        await ArrivedAsync(_rig.Bob);
        string copy = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.Contains("X-Sieve-Redirected-From: ann@example.test\r\n", copy);
        Assert.StartsWith("Return-Path: <cyd@other.example>\r\n", copy);
        Assert.EndsWith("Text of x\r\n", copy);
        QueueEntry row = Assert.Single(_rig.Store.ReadQueue(), row => row.Recipient.ToString() == "someone@elsewhere.example");
        Assert.Equal("cyd@other.example", row.ReversePath);
        Assert.Equal("", await SubjectsAsync());
    }

    [Fact]
    public async Task When_two_scripts_redirect_to_one_another_then_the_message_ends_where_it_comes_a_second_time()
    {
        await GivenScriptAsync("redirect \"bob@example.test\";");
        await GivenScriptAsync("redirect \"ann@example.test\";", _rig.Bob);
        await DeliverAsync("x", from: "cyd@other.example");

        await ArrivedAsync(_rig.Ann);
        string copy = Assert.Single(await _rig.MessagesAsync(_rig.Ann));
        Assert.Contains("X-Sieve-Redirected-From: ann@example.test\r\n", copy);
        Assert.Contains("X-Sieve-Redirected-From: bob@example.test\r\n", copy);
        Assert.Empty(await _rig.MessagesAsync(_rig.Bob));
    }

    [Fact]
    public async Task When_a_client_that_did_not_hear_our_answer_sends_again_then_nothing_is_filed_or_sent_on_twice()
    {
        await GivenMailboxAsync("A");
        await GivenScriptAsync("require \"fileinto\"; fileinto \"A\"; redirect \"someone@elsewhere.example\";");
        const string message = "From: <c@d.example>\r\nSubject: same\r\nMessage-ID: <same@d.example>\r\n\r\nsame\r\n.\r\n";
        for (int round = 0; round < 2; round++)
        {
            await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
            await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
            await client.ReadUntilAsync("250 ");
            await client.PlayAsync("C: MAIL FROM:<c@d.example>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
            await client.SendAsync(message);
            await client.PlayAsync("S: 250 2.0.0 *\nC: QUIT\nS: 221 *");
        }
        Assert.Equal("same", await SubjectsAsync("A"));
        Assert.Single(_rig.Store.ReadQueue());
    }

    [Theory]
    [InlineData("require [\"variables\", \"fileinto\"]; fileinto \"A\"; set \"x\" \"/\"; fileinto \"${x}\";", "fileinto has a name that no mailbox can have")]
    [InlineData("require \"ihave\"; error \"I will not\";", "I will not")]
    public async Task When_a_script_ends_with_a_fault_then_the_mail_is_kept_and_the_reason_stands_in_the_trace(string script, string reason)
    {
        await GivenMailboxAsync("A");
        await GivenScriptAsync(script);
        await DeliverAsync("x");

        Assert.Equal("x", await SubjectsAsync());
        Assert.Equal("", await SubjectsAsync("A"));
        Assert.Contains(await _rig.Trace.FindAsync("ann@example.test"), e => e.Step == TraceStep.Filtered && e.Text == $"Sieve: {reason}");
    }

    [Fact]
    public async Task When_a_limit_was_lowered_below_a_stored_script_then_its_mail_is_kept()
    {
        await GivenScriptAsync(new string('#', 200_000) + "\r\ndiscard;");
        _rig.Options.Sieve.ScriptBytes = 100_000;
        await DeliverAsync("x");
        Assert.Equal("x", await SubjectsAsync());
    }

    [Fact]
    public async Task When_mail_has_a_detail_then_keep_means_its_folder_and_the_script_sees_the_detail()   // RFC 5233 §4
    {
        await GivenMailboxAsync("News");
        await _rig.Store.SetAclAsync(_rig.Store.Find(_rig.Ann, MailboxName.Parse("News"))!.Id, "anyone", AclChangeMode.Replace, AclRights.Post);
        await GivenScriptAsync("require [\"envelope\", \"subaddress\", \"imap4flags\"]; if envelope :detail \"to\" \"news\" { keep :flags \"\\\\Flagged\"; }");
        await DeliverAsync("x", to: ["ann+news@example.test"]);
        Assert.Equal("x", await SubjectsAsync("News"));
        Assert.Equal(MessageFlags.Flagged, (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Parse("News")))!.Current[0].Flags);
    }

    [Fact]
    public async Task When_a_script_makes_the_mailbox_it_files_into_then_it_is_there_and_subscribed()   // RFC 5490 §3.1, RFC 5490 §3.2
    {
        await GivenScriptAsync("""
            require ["fileinto", "mailbox"];
            if mailboxexists "New/Box" { fileinto "Second"; } else { fileinto :create "New/Box"; }
            """);
        await DeliverAsync("one");
        await DeliverAsync("two");
        Assert.Equal("one", await SubjectsAsync("New/Box"));
        Assert.Equal("two", await SubjectsAsync());
        Assert.Contains("New/Box", _rig.Store.SubscriptionsOf(_rig.Ann));
    }

    [Fact]
    public async Task When_a_script_changes_the_header_then_copies_and_redirects_have_it_and_a_second_try_makes_no_more()   // RFC 5293 §7
    {
        await GivenScriptAsync("""
            require ["editheader", "fileinto", "mailbox", "special-use"];
            addheader "X-Filtered" "yes";
            fileinto :create :specialuse "\\Junk" "Junk/Of Mine";
            deleteheader "Subject";
            redirect "bob@example.test";
            keep;
            """);
        await DeliverAsync("x", header: "X-A: b\r\n");
        await ArrivedAsync(_rig.Bob);

        string filed = Assert.Single(await _rig.MessagesAsync(_rig.Ann, "Junk/Of Mine"));
        Assert.Contains("Delivered-To: ann@example.test\r\nX-Filtered: yes\r\nReceived: from ", filed, StringComparison.Ordinal);
        Assert.EndsWith("X-A: b\r\n\r\nText of x\r\n", filed, StringComparison.Ordinal);
        Assert.Contains("Subject: x", filed, StringComparison.Ordinal);
        string kept = Assert.Single(await _rig.MessagesAsync(_rig.Ann)), sent = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.All([kept, sent], copy => Assert.DoesNotContain("Subject: x", copy, StringComparison.Ordinal));
        Assert.All([kept, sent], copy => Assert.Contains("X-Filtered: yes\r\n", copy, StringComparison.Ordinal));
        MailboxInfo junk = _rig.Store.Find(_rig.Ann, MailboxName.Parse("Junk/Of Mine"))!;
        Assert.Equal("\\Junk", junk.SpecialUse);
        Assert.Contains((await _rig.Store.ListAsync(_rig.Ann)), box => box.Name == junk.Name && box.Subscribed);
        Assert.NotNull(_rig.Store.Find(_rig.Ann, MailboxName.Parse("Junk")));   // what stands above it
    }

    [Fact]
    public async Task When_scripts_ask_about_lists_then_they_see_whom_the_account_wrote_to_its_domain_and_the_lists_it_is_on()   // RFC 6134 §2.2, RFC 6134 §2.3
    {
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "team", _rig.Ann, "inner@example.test");
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "inner", "deep@elsewhere.example", "team@example.test");
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "board", _rig.Bob, "chair@elsewhere.example");
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "*", _rig.Bob);
        await _rig.Store.CreateAsync(_rig.Ann, MailboxName.Parse("Sent"), "\\Sent");
        using (BodyWriter writer = _rig.Store.NewBody())
        {
            writer.Write("From: ann@example.test\r\nTo: x@y.test\r\nCc: Dan <Dan@Example.org>\r\n\r\nhi\r\n"u8);
            using Body body = writer.Complete();
            await _rig.Store.AppendAsync((await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Parse("Sent")))!, 0, [new AppendItem { Body = body }]);
        }
        const string Asks = """
            require ["extlists", "envelope", "imap4flags"];
            if envelope :list "from" ":addrbook:default" { addflag "book"; }
            if envelope :list "from" "tag:example.test,2026:addresses" { addflag "domain"; }
            if envelope :list "from" "tag:team@example.test,2026:members" { addflag "team"; }
            if envelope :list "from" ["tag:board@example.test,2026:members", "tag:elsewhere.example,2026:addresses"] { addflag "board"; }
            """;
        await GivenScriptAsync(Asks);
        string[] senders = ["dan@example.org", "an@example.org", "bob+x@example.test", "nobody@example.test", "deep@elsewhere.example", "chair@elsewhere.example", "ann@example.test"];
        foreach (string sender in senders)
            await DeliverAsync(from: sender);
        // The same script of the domain may ask about all of its lists.
        await _scripts.ActivateAsync(new Administrator(_rig.Ann, "test", ""), _rig.Ann, "", default);
        Assert.Equal(ScriptFault.None, await _scripts.PutAsync(new Administrator(0, "test", ""), ScriptOwner.Domain(_rig.Domain), "a", Encoding.UTF8.GetBytes(Asks), 100, default));
        await _rig.Accounts.WriteAsync(db => ScriptRows.PlaceAsync(db, ScriptOwner.Domain(_rig.Domain), "a", ScriptPlace.Before, default));
        await DeliverAsync(from: "chair@elsewhere.example");

        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Inbox))!.Current;
        Assert.Equal(["book", "", "domain", "", "team", "", "domain team", "board"],
            Enumerable.Range(0, inbox.Count).Select(i => string.Join(' ', inbox.KeywordSets[inbox[i].KeywordSet].Order(StringComparer.Ordinal))));

        await GivenScriptAsync("require \"extlists\"; redirect :list \"tag:board@example.test,2026:members\";", _rig.Bob);
        await DeliverAsync("sent on", to: ["bob@example.test"]);
        await ArrivedAsync(_rig.Bob);
        Assert.Contains(_rig.Store.ReadQueue(), row => row.Recipient.ToString() == "chair@elsewhere.example");
    }

    [Fact]
    public async Task When_a_domain_is_renamed_here_then_lists_go_on_to_know_its_people_by_both_of_its_names()   // RFC 6134 §2.7
    {
        long pals = await _rig.Accounts.GivenDomainAsync("pals.test");
        await GivenMailboxAsync("Known");
        await _rig.Accounts.WriteAsync(async db =>
        {
            db.Contacts.Add(new AccountContact { AccountId = _rig.Ann, Address = "dan@pals.test", Written = "Dan@pals.test", CreatedAt = DateTimeOffset.UnixEpoch });
            await db.SaveChangesAsync();
        });
        await _rig.Store.CreateAsync(_rig.Ann, MailboxName.Parse("Sent"), "\\Sent");
        using (BodyWriter writer = _rig.Store.NewBody())
        {
            writer.Write("From: ann@example.test\r\nTo: Cyd <cyd@pals.test>\r\n\r\nhi\r\n"u8);
            using Body body = writer.Complete();
            await _rig.Store.AppendAsync((await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Parse("Sent")))!, 0, [new AppendItem { Body = body }]);
        }
        await _rig.Accounts.WriteAsync(async db => await DomainRename.RenameAsync(
            db, await db.Domains.SingleAsync(d => d.Id == pals), DomainName.Parse("friends.test"), keepOld: true, DateTimeOffset.UtcNow, default));
        await GivenScriptAsync("require [\"extlists\", \"fileinto\"]; if header :list \"from\" \":addrbook:default\" { fileinto \"Known\"; }");
        foreach (string sender in new[] { "dan@friends.test", "dan@pals.test", "cyd@friends.test", "cyd@pals.test", "eve@friends.test", "dan@example.test" })
            await DeliverAsync(sender, from: sender);
        Assert.Equal("dan@friends.test dan@pals.test cyd@friends.test cyd@pals.test", await SubjectsAsync("Known"));
        Assert.Equal("eve@friends.test dan@example.test", await SubjectsAsync());
    }

    [Fact]
    public async Task When_a_sender_is_in_the_address_book_then_lists_know_him_and_nobody_elses_count()   // RFC 6134 §2.7
    {
        await GivenMailboxAsync("Known");
        await _rig.Accounts.WriteAsync(async db =>
        {
            db.Contacts.Add(new AccountContact { AccountId = _rig.Ann, Address = "dan@example.org", Written = "Dan@Example.org", CreatedAt = DateTimeOffset.UnixEpoch });
            db.Contacts.Add(new AccountContact { AccountId = _rig.Bob, Address = "eve@example.org", Written = "eve@example.org", CreatedAt = DateTimeOffset.UnixEpoch });
            await db.SaveChangesAsync();
        });
        await GivenScriptAsync("require [\"extlists\", \"fileinto\"]; if header :list \"from\" \":addrbook:default\" { fileinto \"Known\"; }");
        await DeliverAsync("one", from: "DAN@example.ORG");
        await DeliverAsync("two", from: "eve@example.org");
        Assert.Equal(("one", "two"), (await SubjectsAsync("Known"), await SubjectsAsync()));

        // What cannot be looked up now is no "no": the message waits and is not filed as a stranger's.
        await _rig.Accounts.WriteAsync(db => db.Database.ExecuteSqlRawAsync("ALTER TABLE account_contact RENAME TO account_contact_away"));
        await using (WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp))
        {
            await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
            await client.ReadUntilAsync("250 ");
            await client.PlayAsync("C: MAIL FROM:<dan@example.org>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
            await client.PlayAsync("C: From: <dan@example.org>\nC: Subject: three\nC: \nC: x\nC: .\nS: 451 *\nC: QUIT\nS: 221 *");
        }
        Assert.Equal(("one", "two"), (await SubjectsAsync("Known"), await SubjectsAsync()));
        await _rig.Accounts.WriteAsync(db => db.Database.ExecuteSqlRawAsync("ALTER TABLE account_contact_away RENAME TO account_contact"));
        await DeliverAsync("three", from: "dan@example.org");
        Assert.Equal("one three", await SubjectsAsync("Known"));
    }

    [Fact]
    public async Task When_a_mailbox_cannot_be_made_then_the_message_is_kept_and_the_trace_says_so()   // RFC 5490 §3.2
    {
        Assert.Equal(StoreError.None, await _rig.Store.SetLimitsAsync(_rig.Ann, new AccountLimits { Mailboxes = 1 }));
        await GivenScriptAsync("require [\"fileinto\", \"mailbox\"]; fileinto :create \"One/More\";");
        await DeliverAsync("x");
        Assert.Equal("x", await SubjectsAsync());
        Assert.Null(_rig.Store.Find(_rig.Ann, MailboxName.Parse("One")));
        Assert.Contains(await _rig.Trace.FindAsync("ann@example.test"), e => e.Text == "INBOX; One/More could not be made");
    }

    [Fact]
    public async Task When_a_script_notifies_then_the_message_says_whose_it_is_and_goes_to_each_address_once()   // RFC 5436 §2.7, RFC 5436 §2.7.1
    {
        await GivenScriptAsync("require \"enotify\"; notify :from \"someone@elsewhere.example\" :message \"Mail is here\" \"mailto:bob@example.test?cc=x@elsewhere.example&body=Look%0Aat%20it&x-tag=1&from=boss@bank.example\"; discard;");
        await DeliverAsync("x", from: "cyd@other.example");
        await ArrivedAsync(_rig.Bob);

        string told = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.StartsWith("Return-Path: <ann@example.test>\r\nDelivered-To: bob@example.test\r\n", told);
        Assert.Contains("Auto-Submitted: auto-notified; owner-email=\"ann@example.test\"\r\n", told, StringComparison.Ordinal);
        Assert.Contains("From: <ann@example.test>\r\nTo: <bob@example.test>\r\nCc: <x@elsewhere.example>\r\nSubject: Mail is here\r\n", told, StringComparison.Ordinal);
        Assert.Contains("X-tag: 1\r\n", told, StringComparison.Ordinal);
        Assert.DoesNotContain("bank", told, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nLook\r\nat it\r\n", told, StringComparison.Ordinal);
        Assert.Single(_rig.Store.ReadQueue(), row => row.Recipient.ToString() == "x@elsewhere.example");
        Assert.Equal("", await SubjectsAsync());
    }

    [Fact]
    public async Task When_a_script_reports_a_message_then_programs_can_read_it_and_nobody_reports_to_himself()   // RFC 5965 §2
    {
        await GivenScriptAsync("""
            require ["vnd.dovecot.report", "vnd.dovecot.debug", "editheader", "vnd.dovecot.environment", "variables"];
            report "abuse" "Schlüpfte durch" "bob@example.test";
            addheader "X-Added" "1";
            report :headers_only "not-spam" "Look" "x@elsewhere.example";
            report "abuse" "me" "ann@example.test";
            debug_log "of ${env.vnd.dovecot.username}";
            discard;
            """);
        await DeliverAsync("x", from: "cyd@other.example");
        await ArrivedAsync(_rig.Bob);

        string report = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.StartsWith("Return-Path: <ann@example.test>\r\nDelivered-To: bob@example.test\r\n", report);
        Assert.Contains("Subject: Report: x\r\n", report, StringComparison.Ordinal);
        Assert.Contains("Auto-Submitted: auto-generated\r\n", report, StringComparison.Ordinal);
        Assert.Contains(Convert.ToBase64String(Encoding.UTF8.GetBytes("Schlüpfte durch\r\n")), report, StringComparison.Ordinal);
        Assert.Contains("Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: MailAdmin/", report, StringComparison.Ordinal);
        Assert.Contains("Original-Mail-From: <cyd@other.example>\r\nOriginal-Rcpt-To: <ann@example.test>\r\n", report, StringComparison.Ordinal);
        Assert.Matches("Content-Type: message/rfc822\r\n(?s).*\r\n\r\nReceived: (?s).*\r\nSubject: x\r\n(?s).*\r\n\r\nText of x\r\n\r\n--=_.*--\r\n$", report);
        Assert.DoesNotContain("X-Added", report, StringComparison.Ordinal);
        QueueEntry other = Assert.Single(_rig.Store.ReadQueue(), row => row.Recipient.ToString() == "x@elsewhere.example");
        using MessageReader message = _rig.Store.OpenBody(other.Body);
        var octets = new byte[message.Length];
        string header = Encoding.UTF8.GetString(octets.AsSpan(0, message.Read(0, octets)));
        Assert.Contains("Content-Type: text/rfc822-headers\r\nContent-Disposition: attachment\r\n\r\nX-Added: 1\r\nReceived: ", header, StringComparison.Ordinal);
        Assert.DoesNotContain("Text of x", header, StringComparison.Ordinal);
        Assert.Equal("", await SubjectsAsync());
        Assert.Contains(await _rig.Trace.FindAsync("ann@example.test"), e => e.Step == TraceStep.Filtered && e.Text == "Sieve: note: of ann@example.test");
    }

    [Fact]
    public async Task When_a_copy_of_an_answer_is_wanted_then_it_is_kept_as_often_as_the_answer_is_sent()   // RFC 8580 §3
    {
        await GivenScriptAsync("require [\"vacation\", \"fcc\", \"mailbox\", \"enotify\"]; vacation :fcc \"Sent/Answers\" :create \"I am away\"; notify :fcc \"No/Such\" \"mailto:x@elsewhere.example?cc=y@elsewhere.example\"; discard;");
        await DeliverAsync("one", from: "tim@other.example");
        await DeliverAsync("two", from: "tim@other.example");

        string copy = Assert.Single(await _rig.MessagesAsync(_rig.Ann, "Sent/Answers"));
        Assert.Contains("To: <tim@other.example>\r\nSubject: Auto: one\r\n", copy, StringComparison.Ordinal);
        Assert.Contains("I am away", copy, StringComparison.Ordinal);
        Assert.Equal(MessageFlags.Seen, (await _rig.Store.OpenAsync(_rig.Ann, MailboxName.Parse("Sent/Answers")))!.Current[0].Flags);
        Assert.Equal("one two", await SubjectsAsync());   // the notifications, one for each message
    }

    [Fact]
    public async Task When_a_script_answers_for_somebody_who_is_away_then_the_sender_hears_it_once_a_handle()   // RFC 5230 §4.2
    {
        await GivenScriptAsync("""
            require ["vacation", "variables"];
            if header :contains "subject" "cyrus" { vacation "I'm out -- send mail to cyrus-bugs"; }
            elsif header :matches "subject" "*" { vacation :subject "Automatic response to: ${1}" "I'm out -- call me"; }
            """);
        foreach (string subject in new[] { "Cyrus-bug", "dinner?", "lunch?", "Cyrus-again" })
            await DeliverAsync(subject);
        Mailbox box = (await _rig.Store.OpenAsync(_rig.Bob, MailboxName.Inbox))!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (box.Current is { Count: < 2 } now)
            await box.ChangedSince(now).WaitAsync(patience.Token);
        List<string> answers = await _rig.MessagesAsync(_rig.Bob);
        Assert.Equal(2, answers.Count);
        Assert.Contains(answers, a => a.Contains("Subject: Auto: Cyrus-bug\r\n") && a.EndsWith("I'm out -- send mail to cyrus-bugs\r\n", StringComparison.Ordinal));
        Assert.Contains(answers, a => a.Contains("Subject: Automatic response to: dinner?\r\n") && a.Contains("Auto-Submitted: auto-replied\r\n"));
        Assert.Equal("Cyrus-bug dinner? lunch? Cyrus-again", await SubjectsAsync());
    }

    [Fact]
    public async Task When_an_answer_has_a_header_of_its_own_and_the_mail_is_dropped_then_it_is_sent_all_the_same()   // RFC 5230 §4.4, RFC 5230 §4.7
    {
        await GivenScriptAsync("""
            require ["vacation", "vacation-seconds"];
            vacation :seconds 60 :mime :from "Somebody Else <bob@example.test>" :addresses "team@example.test" text:
            Content-Type: text/html; charset=us-ascii

            <p>Relaxing</p>
            .
            ;
            discard;
            """);
        await DeliverAsync("x");
        await ArrivedAsync(_rig.Bob);
        string answer = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.DoesNotContain("From: \"Somebody", answer);   // nobody answers in the name of somebody else
        Assert.Contains("ann@example.test", answer.Split("\r\n").Single(line => line.StartsWith("From: ", StringComparison.Ordinal)));
        string[] parts = answer.Split("\r\n\r\n", 2);
        Assert.Contains("MIME-Version: 1.0", parts[0].Split("\r\n"));
        Assert.Contains("Content-Type: text/html; charset=us-ascii", parts[0].Split("\r\n"));
        Assert.Equal("<p>Relaxing</p>\r\n", parts[1]);
        Assert.Equal("", await SubjectsAsync());
    }

    [Fact]
    public async Task When_an_answer_is_to_come_from_several_then_those_that_are_his_are_named_as_he_says()   // RFC 5230 §4.3, RFC 5322 §3.6.2
    {
        await _rig.Accounts.GivenAddressAsync(_rig.Domain, "support", _rig.Ann);
        await GivenScriptAsync("""
            require "vacation";
            vacation :from "=?utf-8?q?Hilfe_f=C3=BCr_alle?= <support@example.test> (ours), Boss <boss@bank.example>,\"Bob, too\" <bob@example.test>, ann@example.test,<SUPPORT@example.test>" "away";
            """);
        await DeliverAsync("x");
        await ArrivedAsync(_rig.Bob);
        string header = Assert.Single(await _rig.MessagesAsync(_rig.Bob)).Split("\r\n\r\n")[0];
        Assert.Contains($"From: =?utf-8?B?{Convert.ToBase64String("Hilfe für alle"u8)}?=\r\n <support@example.test>,\r\n <ann@example.test>\r\nSender: <support@example.test>\r\n", header);
    }

    [Fact]
    public async Task When_a_script_refuses_a_message_then_the_client_of_LMTP_hears_why_and_others_have_theirs()   // RFC 5429 §2.5
    {
        await GivenScriptAsync("require \"ereject\"; ereject text:\r\nI am not taking mail from you,\r\nand I don't want your birdseed!\r\n.\r\n;");
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: MAIL FROM:<c@d.example>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: RCPT TO:<bob@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync("Subject: x\r\n\r\nx\r\n.\r\n");
        await client.PlayAsync("S: 550-5.7.1 I am not taking mail from you,\nS: 550 5.7.1 and I don't want your birdseed!\nS: 250 2.0.0 *");
        Assert.Equal("", await SubjectsAsync());
        Assert.Equal("x", await SubjectsAsync("INBOX", _rig.Bob));
    }

    [Theory]
    [InlineData("No birdseed", "S: 550 5.7.1 No birdseed")]
    [InlineData("Kein Vogelfutter für mich", "S: 550 5.7.1 The mail filter of the recipient refused the message")]
    public async Task When_one_of_several_recipients_of_SMTP_refuses_then_the_sender_gets_a_report_with_the_reason(string reason, string alone)   // RFC 5429 §2.1.2
    {
        await GivenScriptAsync($"require \"ereject\"; ereject \"{reason}\";");
        foreach ((string[] to, string answer) in new[] { (new[] { "ann@example.test" }, alone), (["ann@example.test", "bob@example.test"], "S: 250 2.0.0 *") })
        {
            await using WireScript client = await _rig.ConnectAsync();
            await client.PlayAsync("S: 220 *\nC: EHLO mta.test");
            await client.ReadUntilAsync("250 ");
            await client.PlayAsync("C: MAIL FROM:<bob@example.test>\nS: 250 *");
            foreach (string recipient in to)
                await client.PlayAsync($"C: RCPT TO:<{recipient}>\nS: 250 *");
            await client.PlayAsync("C: DATA\nS: 354 *");
            await client.SendAsync("Subject: x\r\n\r\nx\r\n.\r\n");
            await client.PlayAsync(answer);
        }
        Mailbox box = (await _rig.Store.OpenAsync(_rig.Bob, MailboxName.Inbox))!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (box.Current is { Count: < 2 } now)
            await box.ChangedSince(now).WaitAsync(patience.Token);
        Assert.Contains(await _rig.MessagesAsync(_rig.Bob), report => report.Contains("multipart/report") && report.Contains($"The reason given is:\r\n    {Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(reason))}\r\n"));
        Assert.Equal("", await SubjectsAsync());
    }

    [Fact]
    public async Task When_a_message_comes_again_then_the_duplicate_test_knows_it_but_not_one_that_was_refused()   // RFC 7352 §3
    {
        await GivenMailboxAsync("Again");
        await GivenScriptAsync("require [\"duplicate\", \"fileinto\"]; if duplicate :header \"X-Id\" { fileinto \"Again\"; }");
        await DeliverAsync("one", header: "X-Id: a\r\n");
        await DeliverAsync("two", header: "X-Id: A\r\n");
        await DeliverAsync("three", header: "X-Id: a\r\n");
        await DeliverAsync("four");
        Assert.Equal("one two four", await SubjectsAsync());
        Assert.Equal("three", await SubjectsAsync("Again"));

        await _rig.Accounts.WriteAsync(async db =>
        {
            (await db.Accounts.FindAsync(_rig.Ann))!.QuotaBytes = 4000;
            await db.SaveChangesAsync();
        });
        await using (WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp))
        {
            await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
            await client.ReadUntilAsync("250 ");
            await client.PlayAsync("C: MAIL FROM:<c@d.example>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
            await client.SendAsync($"Subject: five\r\nX-Id: b\r\n\r\n{string.Concat(Enumerable.Repeat("0123456789\r\n", 500))}.\r\n");
            await client.PlayAsync("S: 452 4.2.2 *");
        }
        await DeliverAsync("six", header: "X-Id: b\r\n");
        Assert.Equal("one two four six", await SubjectsAsync());
    }

    [Theory]   // RFC 5429 §2.2
    [InlineData("No birdseed", "S: 550 5.7.1 No birdseed", false)]
    [InlineData("Kein Vogelfutter für mich", "S: 250 2.0.0 *", true)]
    public async Task When_a_script_rejects_in_words_that_the_client_cannot_hear_then_the_sender_gets_them_in_a_notice(string reason, string answer, bool notice)
    {
        await GivenScriptAsync($"require \"reject\"; reject \"{reason}\";");
        await using WireScript client = await _rig.ConnectAsync(MailProtocol.Lmtp);
        await client.PlayAsync("S: 220 *\nC: LHLO mta.test");
        await client.ReadUntilAsync("250 ");
        await client.PlayAsync("C: MAIL FROM:<bob@example.test>\nS: 250 *\nC: RCPT TO:<ann@example.test>\nS: 250 *\nC: DATA\nS: 354 *");
        await client.SendAsync("Subject: Offer\r\nMessage-ID: <o@x.test>\r\n\r\nx\r\n.\r\n");
        await client.PlayAsync(answer);
        Assert.Equal("", await SubjectsAsync());
        if (!notice)
            return;
        await ArrivedAsync(_rig.Bob);
        string message = Assert.Single(await _rig.MessagesAsync(_rig.Bob));
        Assert.StartsWith("Return-Path: <>\r\n", message);
        foreach (string line in new[] { "Auto-Submitted: auto-replied\r\n", "Final-Recipient: rfc822; ann@example.test\r\n", "Original-Message-ID: <o@x.test>\r\n",
            "Disposition: automatic-action/MDN-sent-automatically; deleted\r\n", "Subject: Offer\r\n" })
            Assert.Contains(line, message);
        string[] parts = message.Split("base64\r\n\r\n");
        Assert.Contains(reason, Encoding.UTF8.GetString(Convert.FromBase64String(parts[1][..parts[1].IndexOf("\r\n--", StringComparison.Ordinal)])));
    }
}
