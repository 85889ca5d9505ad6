using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Store;
using MailEngine.Store.Exchange;

namespace MailAdmin.Tests.Store;

/// <summary>Mail out of an account and into one: our own archives come back octet for octet, those of others are read, hostile ones are refused.</summary>
public sealed class ExchangeTests : IAsyncLifetime
{
    const long From = 1, To = 2;

    StoreRig _rig = null!;
    TempFolder _folder = null!;

    public async Task InitializeAsync()
    {
        _rig = await StoreRig.OpenAsync();
        _folder = new TempFolder();
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _folder.Dispose();
    }

    static readonly string[] s_messages =
    [
        "Subject: plain\r\n\r\nhello\r\n",
        "Subject: no end\r\n\r\nhello",
        "Subject: From\r\n\r\nFrom here\r\n>From there\r\n>>From\r\nFrom\r\n\r\nFrom me\r\n",
        "From someone at the top\r\n\r\n\r\n",
        "Subject: ends\r\n\r\n\r\n\r\n\r\n",
        "Subject: bare LF\n\nhello\nFrom x\n",
        "Subject: bare CR\r\n\r\na\r\r\nb\rc\r\n\r\r\nFrom\r",
        "Subject: mixed\r\n\r\none\ntwo\r\n\nFrom three\r\n\n",
        "Status: RO\r\nX-Status: F\r\nX-MailAdmin-Export: uid=7 size=1\r\nX-MailAdmin-Keywords: x\r\n\r\nnot ours\r\n",
        "",
        "\r\n",
        "no header at all",
        "Subject: octets\r\n\r\n\0\xFF\x80 \x01\r\n",
        "Subject: >\r\n\r\n" + new string('>', 999) + "From \r\n" + new string('>', 1000) + "From \r\n" + new string('>', 1001) + "x\r\n" + new string('>', 70000) + "From",
        "Subject: large\r\n\r\n" + new string('x', 3_000_000),
    ];

    async Task GivenAccountAsync()
    {
        await _rig.Store.ProvisionAsync(From, [(MailboxName.Parse("Sent"), "\\Sent")]);
        int number = 0;
        foreach (string name in new[] { "INBOX", "Sent", "Archive", "Archive/2024.mbox", "Archive.mbox", ".hidden/..x", "Ä ö & ß/a.b", new string('n', 240) + "/" + new string('m', 100) })
        {
            Mailbox box = await _rig.GivenMailboxAsync(From, name);
            foreach (string message in name == "INBOX" ? s_messages : [s_messages[number % 5]])
            {
                using Body body = _rig.GivenBody(Encoding.Latin1.GetBytes(message));
                AppendOutcome done = await _rig.Store.AppendAsync(box, 0,
                [
                    new AppendItem
                    {
                        Body = body, Flags = (MessageFlags)(number % 32), Keywords = number % 3 == 0 ? [$"$Label{number}", "Junk"] : [],
                        InternalDate = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000 + (number * 86_400)),
                    },
                ]);
                Assert.Equal(StoreError.None, done.Error);
                number++;
            }
        }
        // Holes in the UIDs, more keywords than letters.
        Mailbox inbox = (await _rig.Store.OpenAsync(From, MailboxName.Inbox))!;
        await _rig.Store.StoreFlagsAsync(inbox, [1], new FlagChange(FlagChangeMode.Add, 0, [.. Enumerable.Range(0, 30).Select(i => $"keyword{i}")]));
        await _rig.Store.StoreFlagsAsync(inbox, [4, 9], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await _rig.Store.ExpungeAsync(inbox, [4]);
        await _rig.Store.SubscribeAsync(From, MailboxName.Inbox, subscribed: true);
    }

    async Task<List<string>> PictureAsync(long account, bool uids = true)
    {
        var lines = new List<string>();
        foreach (MailboxInfo info in await _rig.Store.ListAsync(account))
        {
            MailboxSnapshot now = (await _rig.Store.OpenAsync(account, info.Name))!.Current;
            lines.Add($"{info.Name} {info.SpecialUse} {info.Subscribed}" + (uids ? $" {now.UidValidity} {now.UidNext}" : ""));
            for (int i = 0; i < now.Count; i++)
            {
                MessageEntry e = now[i];
                string keywords = string.Join(' ', now.KeywordSets[e.KeywordSet].Order(StringComparer.Ordinal));
                lines.Add($"  {(uids ? e.Uid : i)} {e.Flags} [{keywords}] {e.InternalDate} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(_rig.Read(e)))}");
            }
        }
        return lines;
    }

    Task<ExchangeReport> ExportAsync(string path, ArchiveFormat format, IProgress<ExchangeProgress>? progress = null) =>
        new MailExport(_rig.Store, TimeProvider.System).RunAsync(From, path, format, progress, default);

    Task<ExchangeReport> ImportAsync(string path, ArchiveFormat format, bool keepUids = false, long quota = 0, LimitOptions? limits = null) =>
        new MailImport(_rig.Store, limits ?? new LimitOptions(), TimeProvider.System).RunAsync(new ImportOrder(To, path, format, quota, keepUids), null, default);

    [Theory]
    [InlineData(ArchiveFormat.Maildir)]
    [InlineData(ArchiveFormat.Mbox)]
    [InlineData(ArchiveFormat.Tar)]
    public async Task When_an_account_goes_out_and_comes_in_then_not_an_octet_is_another(ArchiveFormat format)
    {
        await GivenAccountAsync();
        string path = _folder["archive" + (format == ArchiveFormat.Tar ? ".tar" : "")];
        ExchangeReport left = await ExportAsync(path, format);
        Assert.Empty(left.Notes);
        ExchangeReport came = await ImportAsync(path, format, keepUids: true);

        Assert.Empty(came.Notes);
        Assert.Equal((left.Messages, left.Bytes, left.Mailboxes), (came.Messages, came.Bytes, came.Mailboxes));
        Assert.Equal(await PictureAsync(From), await PictureAsync(To));
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
        await Assert.ThrowsAsync<ArchiveException>(() => ExportAsync(path, format));   // never over something
    }

    [Theory]
    [InlineData(ArchiveFormat.Maildir)]
    [InlineData(ArchiveFormat.Mbox)]
    [InlineData(ArchiveFormat.Tar)]
    public async Task When_the_account_is_in_use_then_messages_come_behind_those_that_are_there(ArchiveFormat format)
    {
        await GivenAccountAsync();
        await _rig.GivenMailboxAsync(To, "INBOX", messages: 2);
        string path = _folder["archive.tar"];
        await ExportAsync(path, format);
        ExchangeReport came = await ImportAsync(path, format, keepUids: true);

        Assert.Contains("INBOX", Assert.Single(came.Notes));
        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(To, MailboxName.Inbox))!.Current;
        MailboxSnapshot source = (await _rig.Store.OpenAsync(From, MailboxName.Inbox))!.Current;
        Assert.Equal(2 + source.Count, inbox.Count);
        Assert.NotEqual(source.UidValidity, inbox.UidValidity);
        Assert.Equal(_rig.Read(source[0]), _rig.Read(inbox[2]));
    }

    [Fact]
    public async Task When_the_quota_is_full_or_a_message_too_large_then_it_says_so_and_how_much_came()
    {
        await _rig.GivenMailboxAsync(From, "INBOX", messages: 3);
        await ExportAsync(_folder["out"], ArchiveFormat.Maildir);
        ArchiveException full = await Assert.ThrowsAsync<ArchiveException>(() => ImportAsync(_folder["out"], ArchiveFormat.Maildir, quota: 50));
        Assert.Contains("quota", full.Message);
        Assert.Contains("Nothing was imported", full.Message);
        ArchiveException large = await Assert.ThrowsAsync<ArchiveException>(() =>
            ImportAsync(_folder["out"], ArchiveFormat.Maildir, limits: new LimitOptions { MessageBytes = 100 }));
        Assert.Contains("Mail:Limits:MessageBytes", large.Message);
    }

    sealed class Steps : IProgress<ExchangeProgress>
    {
        public List<ExchangeProgress> Told { get; } = [];

        public void Report(ExchangeProgress value) => Told.Add(value);
    }

    [Fact]
    public async Task When_many_messages_come_then_they_come_in_groups_and_the_progress_is_told()
    {
        var file = new StringBuilder();
        for (int i = 0; i < 5000; i++)
            file.Append("From x Sat Nov 21 04:00:00 2026\nSubject: ").Append(i).Append("\n\ntext\n\n");
        await File.WriteAllTextAsync(_folder["many"], file.ToString());
        var steps = new Steps();
        ExchangeReport report = await new MailImport(_rig.Store, new LimitOptions(), TimeProvider.System)
            .RunAsync(new ImportOrder(To, _folder["many"], ArchiveFormat.Mbox, 0, false), steps, default);
        Assert.Equal(5000, report.Messages);
        Assert.Equal(5000, steps.Told[^1].Messages);
        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(To, MailboxName.Inbox))!.Current;
        Assert.Equal("Subject: 4999\r\n\r\ntext\r\n", Encoding.ASCII.GetString(_rig.Read(inbox[4999])));
        Assert.Equal(new DateTimeOffset(2026, 11, 21, 4, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds(), inbox[0].InternalDate);
    }

    // -- other programs --

    [Fact]
    public async Task When_Python_reads_the_Maildir_then_it_finds_every_message_with_its_flags()
    {
        await GivenAccountAsync();
        await ExportAsync(_folder["out"], ArchiveFormat.Maildir);
        const string Script = """
            import mailbox, sys
            box = mailbox.Maildir(sys.argv[1], create=False)
            for key in sorted(box.keys(), key=lambda k: int(k.split('.U')[1].split('V')[0])):
                print(int(box.get_message(key).get_date()), box.get_message(key).get_flags().strip('abcdefghijklmnopqrstuvwxyz'), len(box.get_bytes(key)))
            print(sorted(box.list_folders()))
            """;
        string[] lines = (await Programs.MustAsync("python3", "-c", Script, _folder["out"])).TrimEnd().Split('\n');
        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(From, MailboxName.Inbox))!.Current;
        Assert.Equal(inbox.Count + 1, lines.Length);
        for (int i = 0; i < inbox.Count; i++)
            Assert.StartsWith($"{inbox[i].InternalDate} {ArchiveText.Letters(inbox[i].Flags)} ", lines[i]);
        Assert.Contains("'Archive.2024&AC4-mbox'", lines[^1]);
        Assert.Contains("'Sent'", lines[^1]);
    }

    [Fact]
    public async Task When_Python_reads_the_mbox_then_it_finds_every_message_and_what_it_writes_comes_in()
    {
        await GivenAccountAsync();
        await ExportAsync(_folder["out"], ArchiveFormat.Mbox);
        const string Read = "import mailbox, sys; box = mailbox.mbox(sys.argv[1], create=False); print(len(box), [m.get_flags() for m in box])";
        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(From, MailboxName.Inbox))!.Current;
        Assert.StartsWith($"{inbox.Count} ", await Programs.MustAsync("python3", "-c", Read, _folder["out/INBOX.mbox"]));

        const string Write = """
            import mailbox, sys
            box = mailbox.mbox(sys.argv[1])
            for i, flags in enumerate(['', 'RO', 'ROAF', 'D']):
                m = mailbox.mboxMessage(f'Subject: {i}\n\nFrom the start\nend {i}\n'); m.set_flags(flags); box.add(m)
            box.flush()
            """;
        await Programs.MustAsync("python3", "-c", Write, _folder["theirs"]);
        await ImportAsync(_folder["theirs"], ArchiveFormat.Mbox);
        MailboxSnapshot came = (await _rig.Store.OpenAsync(To, MailboxName.Inbox))!.Current;
        Assert.Equal([MessageFlags.None, MessageFlags.Seen, MessageFlags.Seen | MessageFlags.Answered | MessageFlags.Flagged, MessageFlags.Deleted],
            Enumerable.Range(0, came.Count).Select(i => came[i].Flags));
        Assert.EndsWith("\r\n\r\nFrom the start\r\nend 3\r\n", Encoding.ASCII.GetString(_rig.Read(came[3])));
    }

    [Fact]
    public async Task When_Python_has_written_a_Maildir_then_it_comes_in()
    {
        const string Write = """
            import mailbox, sys
            box = mailbox.Maildir(sys.argv[1])
            m = mailbox.MaildirMessage('Subject: read\n\none\n'); m.set_flags('SR'); m.set_subdir('cur'); box.add(m)
            sub = box.add_folder('Work.Now'); m = mailbox.MaildirMessage('Subject: new\n\ntwo\n'); sub.add(m)
            """;
        await Programs.MustAsync("python3", "-c", Write, _folder["theirs"]);
        ExchangeReport report = await ImportAsync(_folder["theirs"], ArchiveFormat.Maildir, keepUids: true);
        Assert.Equal(2, report.Messages);
        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(To, MailboxName.Inbox))!.Current;
        Assert.Equal(MessageFlags.Seen | MessageFlags.Answered, inbox[0].Flags);
        Assert.Equal("Subject: read\r\n\r\none\r\n", Encoding.ASCII.GetString(_rig.Read(inbox[0])));
        Assert.Equal(1, (await _rig.Store.OpenAsync(To, MailboxName.Parse("Work/Now")))!.Current.Count);
    }

    [Fact]
    public async Task When_tar_unpacks_the_archive_then_the_files_are_the_messages_and_what_it_packs_comes_in()
    {
        await GivenAccountAsync();
        await ExportAsync(_folder["out.tar"], ArchiveFormat.Tar);
        Directory.CreateDirectory(_folder["unpacked"]);
        await Programs.MustAsync("tar", "-xf", _folder["out.tar"], "-C", _folder["unpacked"]);
        MailboxSnapshot inbox = (await _rig.Store.OpenAsync(From, MailboxName.Inbox))!.Current;
        for (int i = 0; i < inbox.Count; i++)
            Assert.Equal(_rig.Read(inbox[i]), await File.ReadAllBytesAsync(_folder[$"unpacked/INBOX/{inbox[i].Uid:D10}.eml"]));

        await Programs.MustAsync("tar", "--format=gnu", "--sort=name", "-cf", _folder["again.tar"], "-C", _folder["unpacked"], ".");
        ExchangeReport came = await ImportAsync(_folder["again.tar"], ArchiveFormat.Tar);
        Assert.Equal((await PictureAsync(From, uids: false)).Order(), (await PictureAsync(To, uids: false)).Order());
        Assert.Empty(came.Notes);
    }

    // -- hostile archives --

    /// <summary>A tar of one file: header fields as given, checksum right.</summary>
    static byte[] Tar(string name, char type, string content, long? size = null, string link = "")
    {
        byte[] header = new byte[512];
        Encoding.UTF8.GetBytes(name).CopyTo(header, 0);
        Encoding.ASCII.GetBytes(Convert.ToString(size ?? content.Length, 8).PadLeft(11, '0')).CopyTo(header, 124);
        Encoding.ASCII.GetBytes("00000000000").CopyTo(header, 136);
        header[156] = (byte)type;
        Encoding.ASCII.GetBytes(link).CopyTo(header, 157);
        Encoding.ASCII.GetBytes("ustar\000").CopyTo(header, 257);
        Encoding.ASCII.GetBytes(Convert.ToString(TarFormat.Checksum(header), 8).PadLeft(6, '0')).CopyTo(header, 148);
        byte[] body = Encoding.Latin1.GetBytes(content);
        return [.. header, .. body, .. new byte[TarFormat.Padding(body.Length)]];
    }

    public static TheoryData<string, byte[], string> HostileTars => new()
    {
        { "a path upwards", Tar("../../etc/x.eml", '0', "hi"), "leads out" },
        { "a path upwards in the middle", Tar("a/../../x.eml", '0', "hi"), "leads out" },
        { "an absolute path", Tar("/etc/x.eml", '0', "hi"), "leads out" },
        { "a control character", Tar("a\nb/x.eml", '0', "hi"), "leads out" },
        { "a symbolic link", Tar("x.eml", '2', "", link: "/etc/passwd"), "a link" },
        { "a hard link", Tar("x.eml", '1', "", link: "/etc/passwd"), "a link" },
        { "a device", Tar("x.eml", '3', ""), "no plain file" },
        { "a header of gigabytes", Tar("x", 'x', "", size: 1L << 31), "no name is that long" },
        { "a long name of gigabytes", Tar("x", 'L', "", size: 1L << 31), "no name is that long" },
        { "a pax header that is none", Tar("x", 'x', "99999 path=y\n"), "not well-formed" },
        { "a pax length that is none", [.. Tar("x", 'x', "10 size=x\n"), .. Tar("x.eml", '0', "hi")], "no number" },
        { "a length that is not there", Tar("x.eml", '0', "short", size: 1 << 20), "lies about the length" },
        { "a length beyond the end that nobody reads", Tar("d", '5', "", size: 1 << 20), "lies about a length" },
        { "another file", Tar("x.exe", '0', "hi"), "no .eml" },
        { "no tar at all", Encoding.ASCII.GetBytes(new string('x', 2048)), "no tar file" },
        { "half a block", new byte[100], "cut off" },
        { "a list that is none", Tar("INBOX/.messages-00001", '0', "nonsense\n"), "tells of no message" },
        { "a list of gigabytes", Tar("INBOX/.messages-00001", '0', "", size: 1L << 31), "more than any list" },
        { "a mailbox that is none", Tar("INBOX/.mailbox", '0', "1\t2\t-\t-\ta//b\n"), "nothing of a mailbox" },
    };

    [Theory, MemberData(nameof(HostileTars))]
    public async Task When_a_tar_means_harm_then_it_is_refused_in_words(string what, byte[] tar, string words)
    {
        await File.WriteAllBytesAsync(_folder["bad.tar"], [.. Tar("INBOX/1.eml", '0', "Subject: good\r\n\r\nhi\r\n"), .. tar]);
        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(() => ImportAsync(_folder["bad.tar"], ArchiveFormat.Tar));
        Assert.True(refused.Message.Contains(words, StringComparison.Ordinal), $"{what}: {refused.Message}");
        Assert.StartsWith(_folder["bad.tar"], refused.Message);
        Assert.EndsWith("1 messages were imported before that.", refused.Message);
    }

    [Fact]
    public async Task When_a_tar_is_cut_off_anywhere_then_it_is_refused_or_ends_between_messages()
    {
        await _rig.GivenMailboxAsync(From, "INBOX", messages: 2);
        await ExportAsync(_folder["whole.tar"], ArchiveFormat.Tar);
        byte[] whole = await File.ReadAllBytesAsync(_folder["whole.tar"]);
        for (int cut = 0; cut < whole.Length - 1024; cut += 97)
        {
            await File.WriteAllBytesAsync(_folder["cut.tar"], whole[..cut]);
            if (cut % 512 != 0)
                await Assert.ThrowsAsync<ArchiveException>(() => ImportAsync(_folder["cut.tar"], ArchiveFormat.Tar));
        }
    }

    public static TheoryData<string, string> HostileMaildirs => new()
    {
        { "a link to a file", "is a link" }, { "a link to a folder", "is a link" }, { "a link for cur", "is a link" },
        { "a file that was cut", "was cut off or changed" }, { "a file that was changed", "was changed" }, { "a UID that falls", "above the one before" },
        { "no Maildir", "no Maildir" }, { "a name that is none", "cannot be the name" },
    };

    [Theory, MemberData(nameof(HostileMaildirs))]
    public async Task When_a_Maildir_means_harm_then_it_is_refused_in_words(string what, string words)
    {
        string root = _folder["bad"];
        foreach (string part in new[] { "cur", "new", "tmp" })
            Directory.CreateDirectory(Path.Combine(root, part));
        await File.WriteAllTextAsync(_folder["secret"], "Subject: secret\n\nx\n");
        switch (what)
        {
            case "a link to a file":
                File.CreateSymbolicLink(Path.Combine(root, "cur", "1.x:2,S"), _folder["secret"]);
                break;
            case "a link to a folder":
                Directory.CreateDirectory(_folder["elsewhere/cur"]);
                Directory.CreateSymbolicLink(Path.Combine(root, ".Sub"), _folder["elsewhere"]);
                break;
            case "a link for cur":
                Directory.Delete(Path.Combine(root, "new"));
                Directory.CreateDirectory(_folder["elsewhere"]);
                Directory.CreateSymbolicLink(Path.Combine(root, "new"), _folder["elsewhere"]);
                break;
            case "a file that was cut":
                await File.WriteAllTextAsync(Path.Combine(root, "cur", "1.x,S=100,W=110:2,S"), "short\n");
                break;
            case "a file that was changed":
                await File.WriteAllTextAsync(Path.Combine(root, "cur", "1.x,S=6,W=9:2,S"), "short\n");
                break;
            case "a UID that falls":
                await File.WriteAllTextAsync(Path.Combine(root, "dovecot-uidlist"), "3 V1 N9\n5 :a\n4 :b\n");
                break;
            case "no Maildir":
                Directory.Delete(Path.Combine(root, "cur"));
                break;
            case "a name that is none":
                Directory.CreateDirectory(Path.Combine(root, ".a..b", "cur"));
                break;
        }
        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(() => ImportAsync(root, ArchiveFormat.Maildir));
        Assert.True(refused.Message.Contains(words, StringComparison.Ordinal), refused.Message);
        Assert.Empty((await _rig.Store.OpenAsync(To, MailboxName.Inbox))!.Current.Chunks.ToArray());
    }

    [Theory]
    [InlineData("no mbox at all\n", "no mbox")]
    [InlineData("From x\nX-MailAdmin-Export: uid=1 size=500 lines=text\nX-MailAdmin-Keywords: \nSubject: x\n\nshort\n\n", "cut off or changed")]
    [InlineData("From x\nX-MailAdmin-Export: uid=1 size=5 lines=text\nX-MailAdmin-Keywords: \nSubject: x\n\nlonger\n\n", "cut off or changed")]
    [InlineData("From x\nX-MailAdmin-Export: uid=1 lines=text\n\n", "no size")]
    [InlineData("From x\nX-MailAdmin-Export: uid=1 size=5\nSubject: x\n\n", "not whole")]
    public async Task When_an_mbox_is_not_what_it_says_then_it_is_refused_in_words(string text, string words)
    {
        await File.WriteAllTextAsync(_folder["bad"], text);
        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(() => ImportAsync(_folder["bad"], ArchiveFormat.Mbox));
        Assert.True(refused.Message.Contains(words, StringComparison.Ordinal), refused.Message);
    }

    [Fact]
    public void When_text_is_quoted_in_any_two_pieces_then_the_result_is_the_same()
    {
        byte[] text = Encoding.ASCII.GetBytes("From a\n>From b\n>x\nFro\nFrom c\n\n>>From \nFrom");
        string expected = Quoted(text, []);
        Assert.Equal(">From a\n>>From b\n>x\nFro\n>From c\n\n>>>From \nFrom", expected);
        for (int cut = 0; cut <= text.Length; cut++)
            Assert.Equal(expected, Quoted(text.AsSpan(0, cut), text.AsSpan(cut)));
    }

    static string Quoted(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var quoting = new MboxQuoting();
        using var to = new MemoryStream();
        quoting.Begin();
        quoting.Write(first, to);
        quoting.Write(second, to);
        quoting.End(to);
        return Encoding.ASCII.GetString(to.ToArray());
    }
}
