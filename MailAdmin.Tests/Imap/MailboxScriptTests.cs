using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Flow;
using MailEngine.Net;
using MailEngine.Store;
using Microsoft.AspNetCore.Connections;

namespace MailAdmin.Tests.Imap;

/// <summary>Scripts of mailboxes run for what is done there over IMAP. RFC 6785</summary>
public sealed class MailboxScriptTests : IAsyncLifetime
{
    ImapRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ImapRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    async Task GivenScriptAsync(string name, string script, ScriptOwner? owner = null) => Assert.Equal(ScriptFault.None,
        await new SieveScripts(_rig.Mail.Accounts.Database).PutAsync(new Administrator(_rig.Mail.Ann, "test", ""), owner ?? _rig.Mail.Ann, name, Encoding.UTF8.GetBytes(script), 100, default));

    async Task<MailboxSnapshot> SnapshotAsync(string mailbox, long account = 0) =>
        (await _rig.Mail.Store.OpenAsync(account == 0 ? _rig.Mail.Ann : account, MailboxName.Parse(mailbox)))!.Current;

    /// <summary>Flags of each message.</summary>
    async Task<string> FlagsAsync(string mailbox)
    {
        MailboxSnapshot now = await SnapshotAsync(mailbox);
        return string.Join("; ", Enumerable.Range(0, now.Count).Select(i => string.Join(' ', MailEvents.NamesOf(now[i].Flags).Concat(now.KeywordSets[now[i].KeywordSet]).Order(StringComparer.Ordinal))));
    }

    async Task<string[]> NotesAsync() => [.. (await _rig.Mail.Trace.FindAsync("ann@example.test")).Where(e => e.Step == TraceStep.Filtered).OrderBy(e => e.MessageKey, StringComparer.Ordinal).Select(e => e.Text)];

    static string Append(string tag, string mailbox, string flags, string text) => $"{tag} APPEND {mailbox} ({flags}) {{{text.Length}+}}\r\n{text}\r\n";

    [Fact]
    public async Task When_messages_come_or_change_over_imap_then_the_script_of_the_mailbox_is_told_what_was_done()   // RFC 6785 §2.2, RFC 6785 §4
    {
        await GivenScriptAsync("watch", """
            require ["imapsieve", "vnd.dovecot.environment", "variables", "imap4flags", "vnd.dovecot.debug"];
            if hasflag "\\Flagged" { set "f" "flagged"; }
            debug_log "${env.imap.cause} ${env.imap.mailbox} [${env.imap.changedflags}] ${env.imap.user} ${env.imap.email} ${env.location} ${env.phase} ${f}";
            """);
        await _rig.GivenOldMessagesAsync(1);
        await using WireScript c = await _rig.LogInAsync();
        await c.SendAsync("a CAPABILITY\r\n");
        Assert.Contains(await c.ReadUntilAsync("a OK"), line => line.Contains(" IMAPSIEVE=sieve://mail.example.test ", StringComparison.Ordinal));   // RFC 6785 §2.1
        await c.PlayAsync("C: b CREATE Work\nS: b OK *\nC: b SETMETADATA Work (/shared/imapsieve/script \"watch\")\nS: b OK *");
        await c.SendAsync(Append("d", "Work", "$x", "Subject: 1\r\n\r\n1\r\n"));
        await c.PlayAsync("S: d OK *");
        await c.SendAsync(Append("e", "INBOX", "", "Subject: 2\r\n\r\n2\r\n"));   // has no script
        await c.PlayAsync("S: e OK *");
        await c.SendAsync("f SELECT INBOX\r\n");
        await c.ReadUntilAsync("f OK");
        await c.PlayAsync("C: g COPY 1 Work\nS: g OK *\nC: g STORE 1 +FLAGS.SILENT (\\Flagged)\nS: g OK *");
        await c.SendAsync("h MOVE 2 Work\r\n");
        await c.ReadUntilAsync("h OK");
        await c.SendAsync("i SELECT Work\r\n");
        await c.ReadUntilAsync("i OK");
        // Two whose flags change, one whose do not; then one that is read, and is not read again.
        await c.PlayAsync("C: j STORE 1:2 +FLAGS.SILENT (\\Flagged $x)\nS: j OK *\nC: j STORE 1:2 +FLAGS.SILENT (\\Flagged $x)\nS: j OK *\nC: j STORE 1 -FLAGS.SILENT ($x)\nS: j OK *");
        foreach (string tag in new[] { "k", "l" })
        {
            await c.SendAsync($"{tag} FETCH 3 BODY[TEXT]\r\n");
            await c.ReadUntilAsync($"{tag} OK");
        }
        await c.PlayAsync("C: m SETMETADATA Work (/shared/imapsieve/script \"\")\nS: m OK *\nC: m STORE 1 +FLAGS.SILENT (\\Draft)\nS: m OK *");

        const string Who = "ann@example.test ann@example.test MS post";
        Assert.Equal(
            [$"APPEND Work [] {Who} ", $"COPY Work [] {Who} ", $"COPY Work [] {Who} ", $"FLAG Work [\\Flagged] {Who} flagged", $"FLAG Work [\\Flagged $x] {Who} flagged", $"FLAG Work [$x] {Who} flagged", $"FLAG Work [\\Seen] {Who} "],
            (await NotesAsync()).Select(note => note["Sieve: note: ".Length..]));
    }

    [Fact]
    public async Task When_a_script_acts_then_messages_are_copied_marked_and_sent_on_and_no_other_script_runs()   // RFC 6785 §3
    {
        await GivenScriptAsync("act", """
            require ["imapsieve", "environment", "imap4flags", "fileinto", "copy", "editheader", "mailbox"];
            if environment "imap.cause" "APPEND" {
              addflag "\\Flagged";
              removeflag "old";
              fileinto :copy :flags ["copied", "\\Seen"] "Copies";
              redirect :copy "bob@example.test";
            } elsif environment "imap.cause" "COPY" {
              discard;
            } elsif hasflag "\\Answered" {
              addheader "X-A" "1";
              fileinto :create "Archive";
            } elsif hasflag "lost" {
              fileinto "Nowhere";
            }
            """);
        await GivenScriptAsync("never", "require [\"imapsieve\", \"imap4flags\"]; addflag \"ran\";");
        await using WireScript c = await _rig.LogInAsync();
        await c.PlayAsync("C: a CREATE Work\nS: a OK *\nC: a CREATE Copies\nS: a OK *\nC: a SETMETADATA Work (/shared/imapsieve/script \"act\")\nS: a OK *\nC: a SETMETADATA Copies (/shared/imapsieve/script \"never\")\nS: a OK *");
        await c.SendAsync(Append("b", "Work", "old kept", "Subject: 1\r\n\r\n1\r\n"));
        await c.PlayAsync("S: b OK *");
        await c.SendAsync("d SELECT Work\r\n");
        await c.ReadUntilAsync("d OK");
        await c.SendAsync("e COPY 1 Work\r\n");
        await c.ReadUntilAsync("e OK");
        Assert.Equal("\\Flagged kept; \\Deleted \\Flagged kept", await FlagsAsync("Work"));
        Assert.Equal("\\Seen copied", await FlagsAsync("Copies"));   // RFC 5232 §5: the tag says all of them

        Mailbox bob = (await _rig.Mail.Store.OpenAsync(_rig.Mail.Bob, MailboxName.Inbox))!;
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60)))
        {
            while (bob.Current is { Count: 0 } now)
                await bob.ChangedSince(now).WaitAsync(patience.Token);
        }
        Assert.StartsWith("Return-Path: <ann@example.test>\r\n", Assert.Single(await _rig.Mail.MessagesAsync(_rig.Mail.Bob)), StringComparison.Ordinal);

        await c.SendAsync("f STORE 1 +FLAGS.SILENT (lost)\r\n");
        await c.ReadUntilAsync("f OK");
        Assert.StartsWith("\\Flagged kept lost;", await FlagsAsync("Work"), StringComparison.Ordinal);   // there is no such mailbox: it stays
        await c.SendAsync("g STORE 1 +FLAGS.SILENT (\\Answered)\r\n");
        await c.ReadUntilAsync("g OK");
        Assert.StartsWith("\\Answered \\Deleted \\Flagged kept lost;", await FlagsAsync("Work"), StringComparison.Ordinal);
        Assert.Equal("X-A: 1\r\nSubject: 1\r\n\r\n1\r\n", Assert.Single(await _rig.Mail.MessagesAsync(_rig.Mail.Ann, "Archive")));
        Assert.DoesNotContain("ran", await FlagsAsync("Copies"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_session_ends_while_scripts_run_then_those_that_are_left_do_not_run_and_no_mail_is_touched()
    {
        var clock = new WatchedClock();
        await using ImapRig rig = await ImapRig.StartAsync(clock: clock);
        Assert.Equal(ScriptFault.None, await new SieveScripts(rig.Mail.Accounts.Database).PutAsync(
            new Administrator(rig.Mail.Ann, "test", ""), rig.Mail.Ann, "mark", "require [\"imapsieve\", \"imap4flags\"]; addflag \"ran\";"u8.ToArray(), 100, default));
        MailStore store = rig.Mail.Store;
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: a CREATE Work\nS: a OK *");
        for (int i = 0; i < 3; i++)
        {
            await c.SendAsync(Append("b", "Work", "\\Seen", $"Subject: {i}\r\n\r\n1\r\n"));
            await c.PlayAsync("S: b OK *");
        }
        await c.SendAsync("d SETMETADATA Work (/shared/imapsieve/script \"mark\")\r\nd SELECT Work\r\n");
        await c.ReadUntilAsync("d OK [");
        Mailbox box = (await store.OpenAsync(rig.Mail.Ann, MailboxName.Parse("Work")))!;
        bool Ran(int index) => box.Current is var now && now.KeywordSets[now[index].KeywordSet].Contains("ran");
        // Each script begins with a look at the clock: the second one's, at the latest, finds what the first one did.
        clock.Asked = () =>
        {
            if (!Ran(0))
                return;
            clock.Asked = null;
            rig.Mail.Sessions.EndAccount(rig.Mail.Ann);
        };
        await c.SendAsync("e STORE 1:3 +FLAGS.SILENT (\\Flagged)\r\n");
        List<string> last = await c.ReadUntilAsync("* BYE");

        Assert.Contains(last, line => line.StartsWith("e OK", StringComparison.Ordinal));   // what was asked for is done
        Assert.Equal((true, false), (Ran(0), Ran(2)));
        Assert.True(Enumerable.Range(0, 3).All(i => box.Current[i].Flags == (MessageFlags.Seen | MessageFlags.Flagged)));
        Assert.Matches("^Sieve: the script \"mark\" of Work did not run for [12] messages: the session ended$",
            Assert.Single(await rig.Mail.Trace.FindAsync("ann@example.test"), e => e.Step == TraceStep.Filtered).Text);
    }

    [Fact]
    public async Task When_the_client_is_gone_before_its_command_is_done_then_the_scripts_run_all_the_same()
    {
        await GivenScriptAsync("mark", "require [\"imapsieve\", \"imap4flags\"]; addflag \"ran\";");
        await _rig.GivenMessagesAsync(2);
        await using (WireScript c = await _rig.LogInAsync())
            await c.PlayAsync("C: a SETMETADATA INBOX (/shared/imapsieve/script \"mark\")\nS: a OK *");
        const string Last = "z LOGOUT\r\n";
        using var gone = new CancellationTokenSource();
        var commands = new MemoryStream(Encoding.ASCII.GetBytes($"a LOGIN ann@example.test \"{MailRig.Password}\"\r\nb SELECT INBOX\r\nc STORE 1:2 +FLAGS.SILENT (\\Flagged)\r\n{Last}"));
        var duplex = new LeavingClient(new LeavingReader(PipeReader.Create(commands), Last.Length, gone), PipeWriter.Create(Stream.Null));
        var context = new DefaultConnectionContext("c", duplex, duplex) { ConnectionClosed = gone.Token };
        try
        {
            await _rig.Mail.ImapDoor.Serve(new Connection(context, new ListenerOptions { Protocol = MailProtocol.Imap }, new Heartbeat(TimeProvider.System), null!));
        }
        catch (OperationCanceledException)
        {
            // Nobody is there for the answers.
        }

        Assert.True(gone.IsCancellationRequested);
        Assert.Equal("\\Flagged ran; \\Flagged ran", await FlagsAsync("INBOX"));
    }

    [Fact]
    public async Task When_the_time_of_the_session_is_over_and_then_the_server_stops_then_the_scripts_that_are_left_do_not_run()
    {
        var clock = new WatchedClock();
        await using ImapRig rig = await ImapRig.StartAsync(clock: clock);
        Assert.Equal(ScriptFault.None, await new SieveScripts(rig.Mail.Accounts.Database).PutAsync(
            new Administrator(rig.Mail.Ann, "test", ""), rig.Mail.Ann, "mark", "require [\"imapsieve\", \"imap4flags\"]; addflag \"ran\";"u8.ToArray(), 100, default));
        await rig.GivenMessagesAsync(3);
        await using (WireScript c = await rig.LogInAsync())
            await c.PlayAsync("C: a SETMETADATA INBOX (/shared/imapsieve/script \"mark\")\nS: a OK *");
        Mailbox box = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Inbox))!;
        bool Ran(int index) => box.Current is var now && now.KeywordSets[now[index].KeywordSet].Contains("ran");
        var commands = new MemoryStream(Encoding.ASCII.GetBytes($"a LOGIN ann@example.test \"{MailRig.Password}\"\r\nb SELECT INBOX\r\nc STORE 1:3 +FLAGS.SILENT (\\Flagged)\r\n"));
        var said = new MemoryStream();
        var duplex = new LeavingClient(PipeReader.Create(commands), PipeWriter.Create(said));
        var connection = new Connection(new DefaultConnectionContext("c", duplex, duplex), new ListenerOptions { Protocol = MailProtocol.Imap }, new Heartbeat(TimeProvider.System), null!);
        Assert.True(rig.Mail.Sessions.TryAdd(connection));
        clock.Asked = () =>
        {
            if (!Ran(0))
                return;
            clock.Asked = null;
            connection.End(EndReason.TimedOut);
            rig.Mail.Sessions.EndAll();
        };
        await rig.Mail.ImapDoor.Serve(connection);
        await connection.Output.FlushAsync();
        rig.Mail.Sessions.Remove(connection);

        string last = Encoding.ASCII.GetString(said.ToArray());
        Assert.Contains("c OK ", last, StringComparison.Ordinal);   // what was asked for is done
        Assert.Contains("* BYE [UNAVAILABLE] The server stops", last, StringComparison.Ordinal);
        Assert.Equal((true, false), (Ran(0), Ran(2)));
        Assert.True(Enumerable.Range(0, 3).All(i => box.Current[i].Flags.HasFlag(MessageFlags.Flagged)));
    }

    sealed class LeavingClient(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;
        public PipeWriter Output => output;
    }

    /// <summary>What a client sent that closes when no more than so many octets are left of it.</summary>
    sealed class LeavingReader(PipeReader inner, int left, CancellationTokenSource gone) : PipeReader
    {
        ReadOnlySequence<byte> _last;

        public override bool TryRead(out ReadResult result)
        {
            bool any = inner.TryRead(out result);
            _last = result.Buffer;
            return any;
        }

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            ReadResult result = await inner.ReadAsync(cancellationToken);
            _last = result.Buffer;
            return result;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            bool isLast = _last.Slice(consumed).Length <= left;
            inner.AdvanceTo(consumed, examined);
            if (isLast)
                gone.Cancel();
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }

    /// <summary>Somebody is told whenever somebody asks for the time.</summary>
    sealed class WatchedClock : TimeProvider
    {
        public Action? Asked { get; set; }

        public override DateTimeOffset GetUtcNow()
        {
            Asked?.Invoke();
            return System.GetUtcNow();
        }
    }

    [Fact]
    public async Task When_scripts_of_mailboxes_send_more_than_they_may_in_a_minute_then_the_rest_is_not_sent_and_stays()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Sieve.EventMails = 2, new StillClock());
        Assert.Equal(ScriptFault.None, await new SieveScripts(rig.Mail.Accounts.Database).PutAsync(
            new Administrator(rig.Mail.Ann, "test", ""), rig.Mail.Ann, "send", "redirect \"bob@example.test\";"u8.ToArray(), 100, default));
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: a CREATE Work\nS: a OK *\nC: a SETMETADATA Work (/shared/imapsieve/script \"send\")\nS: a OK *");
        for (int i = 0; i < 5; i++)
        {
            await c.SendAsync(Append("b", "Work", "", $"Subject: {i}\r\n\r\n1\r\n"));
            await c.PlayAsync("S: b OK *");
        }

        Assert.Equal(2, (await rig.Mail.Store.InboxAsync(rig.Mail.Bob, 2)).Count);
        MailboxSnapshot work = (await rig.Mail.Store.OpenAsync(rig.Mail.Ann, MailboxName.Parse("Work")))!.Current;
        Assert.Equal([true, true, false, false, false], Enumerable.Range(0, work.Count).Select(i => work[i].Flags.HasFlag(MessageFlags.Deleted)));
        Assert.Single((await rig.Mail.Trace.FindAsync("ann@example.test")).Select(e => e.Text), text => text.Contains("2 mails a minute at the most", StringComparison.Ordinal));
    }

    [Fact]
    public void When_one_event_is_more_than_a_minute_may_have_then_it_has_a_minute_for_itself_and_who_is_refused_hears_so_once()
    {
        var count = new MinuteCount(3);
        DateTimeOffset time = DateTimeOffset.UnixEpoch;
        Assert.Equal((true, false), Take(1, 5));
        Assert.Equal((false, true), Take(1, 1));
        Assert.Equal((false, false), Take(1, 1));
        Assert.Equal((true, false), Take(2, 1));   // somebody else
        Assert.Equal((false, true), Take(2, 5));   // not beside others
        Assert.Equal((true, false), Take(2, 2));   // what is there is there still
        Assert.Equal((false, false), Take(2, 1));
        time += TimeSpan.FromMinutes(1);
        Assert.Equal((true, false), Take(1, 5));
        Assert.Equal((false, true), Take(1, 1));
        Assert.False(new MinuteCount(0).TryTake(1, 1, time, out _));   // none at all

        (bool Taken, bool IsFirst) Take(long account, int mails) => (count.TryTake(account, mails, time, out bool isFirst), isFirst);
    }

    [Fact]
    public async Task When_the_scripts_of_one_message_send_more_than_a_minute_may_have_then_they_are_sent_at_once()
    {
        await using ImapRig rig = await ImapRig.StartAsync(options => options.Sieve.EventMails = 1, new StillClock());
        Assert.Equal(ScriptFault.None, await new SieveScripts(rig.Mail.Accounts.Database).PutAsync(
            new Administrator(rig.Mail.Ann, "test", ""), rig.Mail.Ann, "send", "redirect \"bob@example.test\"; redirect \"ann@example.test\";"u8.ToArray(), 100, default));
        await using WireScript c = await rig.LogInAsync();
        await c.PlayAsync("C: a CREATE Work\nS: a OK *\nC: a SETMETADATA Work (/shared/imapsieve/script \"send\")\nS: a OK *");
        await c.SendAsync(Append("b", "Work", "", "Subject: 1\r\n\r\n1\r\n"));
        await c.PlayAsync("S: b OK *");

        Assert.Single(await rig.Mail.Store.InboxAsync(rig.Mail.Bob, 1));
        Assert.Single(await rig.Mail.Store.InboxAsync(rig.Mail.Ann, 1));
    }

    /// <summary>The time stands still, so that no minute turns.</summary>
    sealed class StillClock : TimeProvider
    {
        readonly DateTimeOffset _now = System.GetUtcNow();

        public override DateTimeOffset GetUtcNow() => _now;
    }

    [Theory]   // RFC 6785 §2.3.1, RFC 6785 §3.11, RFC 6785 §4.6
    [InlineData("require \"vacation\"; discard;", "Sieve: the script requires \"vacation\", which is for mail that comes in, and not for what is done over IMAP")]
    [InlineData("require \"ereject\"; discard;", "Sieve: the script requires \"ereject\", which is for mail that comes in, and not for what is done over IMAP")]
    [InlineData("require \"ihave\"; if ihave \"reject\" { reject \"no\"; }", "Sieve: \"reject\" is for mail that comes in, and not for what is done over IMAP")]
    [InlineData("require \"envelope\"; if not envelope \"from\" \"x\" { discard; }", "Sieve: \"envelope\" is for mail that comes in, and not for what is done over IMAP")]
    [InlineData("require \"duplicate\"; if not duplicate { discard; }", "Sieve: \"duplicate\" is for mail that comes in, and not for what is done over IMAP")]   // RFC 7352 §3.4
    [InlineData("require \"include\"; include :personal \"inner\"; discard;", "Sieve: the script requires \"vacation\", which is for mail that comes in, and not for what is done over IMAP")]
    [InlineData(null, null)]
    public async Task When_a_script_is_not_there_or_for_mail_that_comes_in_then_nothing_changes(string? script, string? note)
    {
        await GivenScriptAsync("inner", "require \"vacation\";");
        if (script is not null)
            await GivenScriptAsync("bad", script);
        // Of the server: for every mailbox that has none.
        await GivenScriptAsync("all", "require [\"imapsieve\", \"imap4flags\"]; addflag \"all\";", ScriptOwner.Domain(_rig.Mail.Domain));
        Assert.Equal(StoreError.None, await _rig.Mail.Store.SetAnnotationsAsync(Annotation.OfServer, 0, [new Annotation("/shared/imapsieve/script", "all"u8.ToArray())]));
        await using WireScript c = await _rig.LogInAsync();
        await c.PlayAsync("C: a CREATE Work\nS: a OK *\nC: a SETMETADATA Work (/shared/imapsieve/script \"bad\")\nS: a OK *");
        foreach (string mailbox in new[] { "Work", "INBOX" })
        {
            await c.SendAsync(Append("b", mailbox, "$x", "Subject: 1\r\n\r\n1\r\n"));
            await c.PlayAsync("S: b OK *");
        }
        Assert.Equal("$x", await FlagsAsync("Work"));
        Assert.Equal("$x all", await FlagsAsync("INBOX"));
        Assert.Equal(note is null ? [] : [note], await NotesAsync());
    }
}
