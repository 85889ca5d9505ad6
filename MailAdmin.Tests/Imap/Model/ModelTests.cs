using System.Globalization;

namespace MailAdmin.Tests.Imap.Model;

/// <summary>Several sessions at once against a plain model: whatever they do, every client's picture becomes the model.</summary>
/// <remarks>Commands of the sessions are interleaved one by one by a seeded generator, so a run can be repeated. A failure prints the
/// seed and what was said.</remarks>
public class ModelTests
{
    static readonly string[] s_flags = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "k1", "K2"];

    /// <summary>Runs in a build: 8. More when looking for a fault: the environment variable says how many, and from which on.</summary>
    public static TheoryData<int> Seeds()
    {
        string[] wanted = (Environment.GetEnvironmentVariable("MAILADMIN_MODEL_SEEDS") ?? "1:8").Split(':');
        int first = int.Parse(wanted[0], CultureInfo.InvariantCulture), last = int.Parse(wanted[^1], CultureInfo.InvariantCulture);
        return [.. Enumerable.Range(first, last - first + 1)];
    }

    [Theory, MemberData(nameof(Seeds))]
    public async Task When_sessions_work_side_by_side_then_every_picture_becomes_the_model(int seed)
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        var run = new Run(rig, seed);
        try
        {
            await run.PlayAsync(steps: 150);
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"seed {seed}, step {run.Step}: {e.Message}\nmodel: {string.Join("\n       ", run.Boxes.Select(b => b.Text))}\n{run.Transcripts}\n{e.StackTrace}");
        }
    }

    sealed class Run(ImapRig rig, int seed)
    {
        readonly Random _random = new(seed);
        readonly List<ModelClient> _clients = [];
        readonly Dictionary<(string, uint, ulong), string> _history = [];
        ModelClient? _last;

        public int Step { get; private set; }

        public ModelMailbox[] Boxes { get; } = [new("A"), new("B")];

        public string Transcripts => string.Join("\n\n", _clients.OrderBy(c => c == _last).Select(c => $"-- {c.Name} {c.Kind}, picture {c.Text}\n{c.Transcript}"));

        public async Task PlayAsync(int steps)
        {
            await using (var c = await rig.LogInAsync())
                await c.PlayAsync("C: 1 CREATE A\nS: 1 OK *\nC: 2 CREATE B\nS: 2 OK *");
            int count = 2 + seed % 4;
            for (int i = 0; i < count; i++)
            {
                var client = new ModelClient(rig, (ClientKind)((seed + i) % 4), ((char)('a' + i)).ToString(), _history);
                _clients.Add(client);
                await client.ConnectAsync();
                await client.SelectAsync(Boxes[i % 3 == 2 ? 1 : 0]);
            }
            for (Step = 0; Step < steps; Step++)
            {
                _last = _clients[_random.Next(_clients.Count)];
                await ActAsync(_last);
                await _last.FillAsync();
            }
            foreach (ModelClient client in _clients)
            {
                _last = client;
                await LookAsync(client, "NOOP");
                await client.DisconnectAsync();
            }
            var fresh = new ModelClient(rig, ClientKind.Plain, "z", _history);
            _clients.Add(_last = fresh);
            await fresh.ConnectAsync();
            foreach (ModelMailbox box in Boxes)
            {
                await fresh.SelectAsync(box);
                Assert.Equal(box.Text, fresh.Text);
            }
            await fresh.DisconnectAsync();
        }

        Task ActAsync(ModelClient c) => _random.Next(20) switch
        {
            0 or 1 or 2 => AppendAsync(c),
            3 or 4 or 5 or 6 => StoreAsync(c),
            7 or 8 => ExpungeAsync(c),
            9 => CopyAsync(c, move: false),
            10 => CopyAsync(c, move: true),
            11 or 12 => LookAsync(c, _random.Next(3) == 0 ? "IDLE" : "NOOP"),
            13 or 14 => SearchAsync(c),
            15 => DeliverAsync(),
            16 or 17 => FetchAsync(c),
            18 => SwitchAsync(c),
            _ => AwayAsync(c),
        };

        /// <summary>After this the client has been told of everything.</summary>
        static async Task LookAsync(ModelClient c, string command)
        {
            await c.RunAsync(command);
            await c.FillAsync();
            if (command == "IDLE")
                await c.RunAsync("NOOP");
            Assert.Equal(c.Box!.Text, c.Text);
        }

        async Task AppendAsync(ModelClient c)
        {
            ModelMailbox box = Boxes[_random.Next(2)];
            string[] flags = Flags();
            string literal = $"Subject: {Step}\r\n\r\n{new string('x', _random.Next(50))}\r\n";
            string answer = await c.RunAsync($"APPEND {box.Name} ({string.Join(' ', flags)}) {{{literal.Length}+}}", literal + "\r\n");
            Assert.Contains($" {box.Add(flags)}] ", answer, StringComparison.Ordinal);
        }

        async Task DeliverAsync()
        {
            ModelMailbox box = Boxes[_random.Next(2)];
            int count = _random.Next(1, 70);   // now and then more than a chunk
            await rig.GivenMessagesAsync(count, box.Name);
            for (int i = 0; i < count; i++)
                box.Add([]);
        }

        async Task StoreAsync(ModelClient c)
        {
            List<int> places = Some(c);
            if (places.Count == 0)
                return;
            char sign = "+-="[_random.Next(3)];
            bool silent = _random.Next(2) == 0;
            string[] flags = Flags();
            string condition = c.IsAware && _random.Next(3) == 0 ? $"(UNCHANGEDSINCE {c.HighestModSeq}) " : "";
            uint[] uids = [.. places.Select(i => c.Picture[i].Uid)];
            var asked = places.ConvertAll(i => c.Picture[i]);
            (string command, string set) = Named(c, "STORE", places);
            string answer = await c.RunAsync($"{command} {set} {condition}{(sign == '=' ? "" : sign)}FLAGS{(silent ? ".SILENT" : "")} ({string.Join(' ', flags)})");
            Assert.StartsWith("OK", answer, StringComparison.Ordinal);
            var modified = new HashSet<uint>();
            if (answer.Contains("[MODIFIED ", StringComparison.Ordinal))
            {
                Assert.NotEqual("", condition);
                List<uint> numbers = NumberSet.Parse(answer[(answer.IndexOf("[MODIFIED ", StringComparison.Ordinal) + 10)..answer.IndexOf(']', StringComparison.Ordinal)]);
                modified = command.StartsWith("UID", StringComparison.Ordinal) ? [.. numbers] : [.. numbers.Select(n => uids[places.IndexOf((int)n - 1)])];
                Assert.Subset(uids.ToHashSet(), modified);
            }
            foreach (uint uid in uids.Where(uid => !modified.Contains(uid)))
                c.Box!.Change(uid, sign, flags);
            if (!silent)
                return;
            // What it asked for in silence it takes as done, where it was not told otherwise; gone messages do not matter.
            foreach (ModelClient.Known message in asked.Where(m => !modified.Contains(m.Uid) && c.Box!.Messages.ContainsKey(m.Uid)))
            {
                var expected = new ModelMailbox("");
                expected.Messages.Add(1, new SortedSet<string>(message.Flags, StringComparer.Ordinal));
                expected.Change(1, sign, flags);
                message.Flags = expected.Messages[1];
            }
        }

        async Task ExpungeAsync(ModelClient c)
        {
            uint[] gone = c.Box!.With("\\Deleted");
            string answer;
            if (_random.Next(2) == 0)
            {
                answer = await c.RunAsync("EXPUNGE");
            }
            else
            {
                List<int> places = Some(c);
                if (places.Count == 0)
                    return;
                uint[] named = [.. places.Select(i => c.Picture[i].Uid)];
                gone = [.. gone.Intersect(named)];
                answer = await c.RunAsync($"UID EXPUNGE {NumberSet.Of(named)}");
            }
            Assert.StartsWith("OK", answer, StringComparison.Ordinal);
            foreach (uint uid in gone)
                c.Box.Messages.Remove(uid);
            Assert.DoesNotContain(c.Picture, m => gone.Contains(m.Uid));
            if (gone.Length > 0 && c.Kind is ClientKind.QResync or ClientKind.UidOnly)
                Assert.True(gone.Length == 0 || answer.Contains("[HIGHESTMODSEQ ", StringComparison.Ordinal), answer);
        }

        async Task CopyAsync(ModelClient c, bool move)
        {
            ModelMailbox target = Boxes[move ? (c.Box == Boxes[0] ? 1 : 0) : _random.Next(2)];
            List<int> places = Some(c);
            if (places.Count == 0)
                return;
            uint[] there = [.. places.Select(i => c.Picture[i].Uid).Where(c.Box!.Messages.ContainsKey)];
            (string command, string set) = Named(c, move ? "MOVE" : "COPY", places);
            string answer = await c.RunAsync($"{command} {set} {target.Name}");
            Assert.StartsWith("OK", answer, StringComparison.Ordinal);
            foreach (uint uid in there)
            {
                target.Add([.. c.Box.Messages[uid]]);
                if (move)
                    c.Box.Messages.Remove(uid);
            }
            if (move)
                Assert.DoesNotContain(c.Picture, m => there.Contains(m.Uid));
        }

        async Task SearchAsync(ModelClient c)
        {
            string flag = s_flags[_random.Next(s_flags.Length)];
            string key = flag[0] == '\\' ? flag[1..].ToUpperInvariant() : $"KEYWORD {flag}";
            bool uid = c.UidsOnly || _random.Next(2) == 0;
            ModelClient.Known[] knew = [.. c.Picture];
            bool[] has = [.. knew.Select(m => m.Flags.Contains(flag))];
            await c.RunAsync(uid ? $"UID SEARCH {key}" : $"SEARCH {key}");
            var found = new HashSet<uint>(uid ? c.Found : c.Found.Select(n => knew[(int)n - 1].Uid));
            for (int i = 0; i < knew.Length; i++)
            {
                // Of messages that others expunged the flags do not matter any more.
                if (c.Box!.Messages.ContainsKey(knew[i].Uid))
                    Assert.True(has[i] == found.Contains(knew[i].Uid), $"search for {key}: {knew[i].Uid}");
            }
        }

        async Task FetchAsync(ModelClient c)
        {
            List<int> places = Some(c);
            if (places.Count == 0)
                return;
            (string command, string set) = Named(c, "FETCH", places);
            string since = c.IsAware && _random.Next(2) == 0 ? $" (CHANGEDSINCE {Math.Max(1, c.HighestModSeq - (ulong)_random.Next(5))})" : "";
            await c.RunAsync($"{command} {set} (FLAGS){since}");
        }

        async Task SwitchAsync(ModelClient c)
        {
            if (_random.Next(4) == 0)
            {
                await c.RunAsync("CLOSE");
                foreach (uint uid in c.Box!.With("\\Deleted"))
                    c.Box.Messages.Remove(uid);
            }
            await c.SelectAsync(Boxes[_random.Next(2)]);
            Assert.Equal(c.Box!.Text, c.Text);
        }

        /// <summary>Cut off at any moment; others go on; then it catches up.</summary>
        async Task AwayAsync(ModelClient c)
        {
            if (_random.Next(2) == 0 && _clients.Find(other => other != c && other.Box == c.Box) is { } neighbour)
            {
                // Cut off while expunged messages wait to be told: what it was told last must not make it believe that it knows of them.
                _last = neighbour;
                await StoreAsync(neighbour);
                await neighbour.FillAsync();
                await ExpungeAsync(neighbour);
                await neighbour.FillAsync();
                await StoreAsync(neighbour);
                await neighbour.FillAsync();
                _last = c;
                await StoreAsync(c);
            }
            await c.DisconnectAsync();
            int others = _random.Next(6);
            for (int i = 0; i < others && _clients.Count > 1; i++)
            {
                ModelClient other = _clients[(_clients.IndexOf(c) + 1 + _random.Next(_clients.Count - 1)) % _clients.Count];
                _last = other;
                await (_random.Next(4) switch { 0 => AppendAsync(other), 1 => StoreAsync(other), 2 => ExpungeAsync(other), _ => CopyAsync(other, move: true) });
                await other.FillAsync();
            }
            _last = c;
            await c.ConnectAsync();
            if (c.Kind is ClientKind.QResync or ClientKind.UidOnly)
                await c.CatchUpAsync(_random);
            else
                await c.SelectAsync(c.Box!);
            Assert.Equal(c.Box!.Text, c.Text);
        }

        string[] Flags() => [.. s_flags.Where(_ => _random.Next(4) == 0)];

        /// <summary>Some places in the client's picture, ascending.</summary>
        List<int> Some(ModelClient c)
        {
            int dense = _random.Next(1, 6);
            return [.. Enumerable.Range(0, c.Picture.Count).Where(i => c.Picture[i].Uid != 0 && _random.Next(dense) == 0)];
        }

        /// <summary>The command by numbers or by UIDs.</summary>
        (string Command, string Set) Named(ModelClient c, string command, List<int> places)
        {
            bool uid = c.UidsOnly || _random.Next(2) == 0;
            return uid ? ($"UID {command}", NumberSet.Of(places.Select(i => c.Picture[i].Uid))) : (command, NumberSet.Of(places.Select(i => (uint)i + 1)));
        }
    }
}
