using System.Globalization;
using MailAdmin.Tests.Rig;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Store;

namespace MailAdmin.Tests.Store;

public sealed class AclTests : IAsyncLifetime
{
    const long Owner = 1, Reader = 2, Third = 3;
    StoreRig _rig = null!;

    public async Task InitializeAsync() => _rig = await StoreRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    internal static AclSubject Subject(long id, string domain = "example.test", params string[] addresses) => AclSubject.Of(new AccountEntry
    {
        AccountId = id, Login = $"user{id}@{domain}", DisplayName = "", PasswordHash = null, State = AccountState.Active, Services = MailServices.All, Primary = null,
        Addresses = [.. addresses.Select(EmailAddress.Parse)], QuotaBytes = 0, SecurityStamp = "", HasMailbox = true, Domain = DomainName.Parse(domain),
    });

    async Task GrantAsync(Mailbox box, string identifier, string rights)
    {
        Assert.True(AclText.TryParse(rights, out AclRights parsed));
        Assert.Equal(StoreError.None, await _rig.Store.SetAclAsync(box.Id, identifier, AclChangeMode.Replace, parsed));
    }

    async Task<Mailbox> ViewAsync(string name, long reader = Reader) => (await _rig.Store.OpenAsync(Owner, MailboxName.Parse(name), Subject(reader)))!;

    static string Seen(Mailbox box) =>
        string.Join(' ', Enumerable.Range(0, box.Current.Count).Where(i => box.Current[i].Flags.HasFlag(MessageFlags.Seen)).Select(i => box.Current[i].Uid));

    [Theory]
    [InlineData("", "")]
    [InlineData("2 lrs", "lrs")]
    [InlineData("anyone lr|2 si", "lrsi")]                         // the union of all that match: RFC 4314 §2
    [InlineData("anyone lrsi|-2 si", "lr")]
    [InlineData("2 lrsi|-anyone rs", "li")]
    [InlineData("$team@example.test lr|$other@example.test w", "lr")]
    [InlineData("$team@example.test lrw|-$@example.test w", "lr")]
    [InlineData("$@example.test lr|$@other.test w", "lr")]
    [InlineData("3 lrs|22 w", "")]
    public void When_rights_are_worked_out_then_those_taken_win_over_those_given(string list, string expected)
    {
        Acl acl = Acl.Empty;
        foreach (string[] entry in list.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(e => e.Split(' ')))
        {
            Assert.True(AclText.TryParse(entry[1], out AclRights rights));
            acl = acl.With(entry[0], rights);
        }
        Assert.Equal(expected, AclText.Format(acl.RightsOf(Subject(Reader, "example.test", "user2@example.test", "team@example.test"))));
    }

    [Fact]
    public void When_an_owner_takes_rights_from_himself_then_he_keeps_those_to_take_them_back()
    {
        Assert.Equal(AclRights.All, Acl.Empty.OwnerRights(Owner));
        Assert.Equal(AclRights.All, Acl.Empty.With("anyone", AclRights.Lookup).With("-anyone", AclRights.All).OwnerRights(Owner));
        Assert.Equal("lra", AclText.Format(Acl.Empty.With("1", AclRights.Read).OwnerRights(Owner)));
        Assert.Equal("la", AclText.Format(Acl.Empty.With("1", AclRights.None, keepEmpty: true).OwnerRights(Owner)));
        Assert.Equal("lrswipktea", AclText.Format(Acl.Empty.With("-1", AclRights.Delete | AclRights.Administer).OwnerRights(Owner)));
    }

    [Theory]
    [InlineData("lrswipkxtea", "lrswipkxtea", "lrswipkxteacd")]
    [InlineData("lrswicda", "lrswiktea", "lrswikteacd")]           // RFC 4314 §2.1.1
    [InlineData("e", "e", "ed")]
    [InlineData("", "", "")]
    [InlineData("lrq", null, null)]
    [InlineData("L", null, null)]
    public void When_rights_are_read_then_the_obsolete_ones_mean_their_members(string text, string? stored, string? shown)
    {
        bool ok = AclText.TryParse(text, out AclRights rights);
        Assert.Equal(stored, ok ? AclText.Format(rights) : null);
        Assert.Equal(shown, ok ? AclText.FormatForClient(rights) : null);
    }

    [Fact]
    public async Task When_somebody_else_reads_a_mailbox_then_seen_is_his_own_and_the_other_flags_are_not()
    {
        Mailbox own = await _rig.GivenMailboxAsync(Owner, "Work", messages: 60);
        await GrantAsync(own, "anyone", "lrsw");
        Mailbox view = await ViewAsync("Work"), third = await ViewAsync("Work", Third);
        MailboxSnapshot before = view.Current;
        ulong modSeq = own.Current.HighestModSeq;

        await _rig.Store.StoreFlagsAsync(view, [3, 4, 58], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen | MessageFlags.Flagged, []));
        Assert.Equal(("", "3 4 58", ""), (Seen(own), Seen(view), Seen(third)));
        Assert.Equal((60, 57, 60), (own.Current.Unseen, view.Current.Unseen, third.Current.Unseen));
        Assert.True(third.Current[2].Flags.HasFlag(MessageFlags.Flagged));
        Assert.True(view.Current.HighestModSeq > modSeq && view.Current[2].ModSeq > modSeq);   // RFC 7162 §3.1: his other clients find it
        Assert.Equal([3, 4, 58], SnapshotDifference.Of(before, view.Current).Changed);
        Assert.Equal(3, (await _rig.Store.StatusAsync(Owner, own.Name))!.Count - 57);

        await _rig.Store.StoreFlagsAsync(own, [1, 3], new FlagChange(FlagChangeMode.Replace, MessageFlags.Seen, []));
        Assert.Equal(("1 3", "3 4 58", ""), (Seen(own), Seen(view), Seen(third)));
        await _rig.Store.StoreFlagsAsync(view, [1, 3], new FlagChange(FlagChangeMode.Replace, MessageFlags.None, []));
        Assert.Equal(("1 3", "4 58"), (Seen(own), Seen(view)));
        await _rig.Store.StoreFlagsAsync(own, [4], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        await _rig.Store.ExpungeAsync(own, null);
        Assert.Equal(("58", 58), (Seen(view), view.Current.Unseen));

        Assert.Equal(1u, await _rig.Store.ClaimRecentAsync(view));
        Assert.Equal(61u, await _rig.Store.ClaimRecentAsync(view));
        Assert.Equal(1u, await _rig.Store.ClaimRecentAsync(third));
        await _rig.ReopenAsync();
        view = await ViewAsync("Work");
        Assert.Equal(("58", 58), (Seen(view), view.Current.Unseen));
        Assert.Equal(61u, await _rig.Store.ClaimRecentAsync(view));
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Theory]   // bug: a right that was taken away while a change waited for its commit was still used
    [InlineData("append", "lr")]
    [InlineData("copy in", "lrste")]
    [InlineData("copy out", "liste")]
    [InlineData("move out", "lrit")]
    [InlineData("replace", "lrie")]
    [InlineData("flags", "lrite")]
    [InlineData("expunge", "lrit")]
    [InlineData("owner", "lra")]
    public async Task When_a_right_is_taken_away_before_a_change_is_committed_then_the_change_is_refused(string change, string left)
    {
        Mailbox own = await _rig.GivenMailboxAsync(Owner, "Work", messages: 3), mine = await _rig.GivenMailboxAsync(Reader, "Mine", messages: 1);
        await GrantAsync(own, "2", "lrswite");
        Mailbox view = await ViewAsync("Work");
        await _rig.Store.StoreFlagsAsync(own, [1], new FlagChange(FlagChangeMode.Add, MessageFlags.Deleted, []));
        using Body body = _rig.GivenBody(StoreRig.Mail("new"));
        AppendItem[] one = [new AppendItem { Body = body }];
        var flagged = new FlagChange(FlagChangeMode.Add, MessageFlags.Flagged, []);
        Func<Task<StoreError>> make = change switch
        {
            "append" => async () => (await _rig.Store.AppendAsync(view, 0, one)).Error,
            "copy in" => async () => (await _rig.Store.CopyAsync(mine, [1], view, 0)).Error,
            "copy out" => async () => (await _rig.Store.CopyAsync(view, [2], mine, 0)).Error,
            "move out" => async () => (await _rig.Store.MoveAsync(view, [2], mine)).Error,
            "replace" => async () => (await _rig.Store.ReplaceAsync(view, 2, mine, 0, one[0])).Error,
            "flags" => () => _rig.Store.StoreFlagsAsync(view, [2], flagged),
            "expunge" => () => _rig.Store.ExpungeAsync(view, null),
            _ => () => _rig.Store.StoreFlagsAsync(own, [2], flagged),
        };
        Assert.True(AclText.TryParse(left, out AclRights kept));
        using var goOn = new ManualResetEventSlim();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _rig.Store.Default.StepReached = step =>
        {
            if (step == CommitStep.Taken && held.TrySetResult())
                goOn.Wait();
        };
        Task<StoreError> before = _rig.Store.SubscribeAsync(Owner, own.Name, subscribed: true);
        await held.Task;   // what comes now is committed after this one, in order
        Task<StoreError> revoked = _rig.Store.SetAclAsync(own.Id, change == "owner" ? "1" : "2", AclChangeMode.Replace, kept), refused = make();
        goOn.Set();
        Assert.Equal((StoreError.None, StoreError.None, StoreError.NoPermission), (await before, await revoked, await refused));
        Assert.Equal((3, 1, false), (own.Current.Count, mine.Current.Count, own.Current[1].Flags.HasFlag(MessageFlags.Flagged)));
        await GrantAsync(own, change == "owner" ? "1" : "2", "lrswitea");
        Assert.Equal(StoreError.None, await make());
    }

    [Fact]
    public async Task When_a_view_s_reader_lacks_rights_then_the_store_does_not_do_it_whoever_asks()   // promise 2, below every command
    {
        Mailbox own = await _rig.GivenMailboxAsync(Owner, "Work", messages: 3), mine = await _rig.GivenMailboxAsync(Reader, "Mine", messages: 1);
        await GrantAsync(own, "2", "lr");
        Mailbox view = await ViewAsync("Work");
        using Body body = _rig.GivenBody(StoreRig.Mail("new"));
        AppendItem[] one = [new AppendItem { Body = body, Flags = MessageFlags.Seen | MessageFlags.Deleted | MessageFlags.Draft, Keywords = ["k"] }];
        var all = new FlagChange(FlagChangeMode.Add, MessageFlags.All, ["k"]);

        Assert.Equal(StoreError.NoPermission, await _rig.Store.StoreFlagsAsync(view, [1], all));
        Assert.Equal(StoreError.NoPermission, (await _rig.Store.AppendAsync(view, 0, one)).Error);
        Assert.Equal(StoreError.NoPermission, (await _rig.Store.CopyAsync(mine, [1], view, 0)).Error);
        Assert.Equal(StoreError.NoPermission, (await _rig.Store.MoveAsync(view, [1], mine)).Error);
        Assert.Equal(StoreError.NoPermission, await _rig.Store.ExpungeAsync(view, null));
        Assert.Equal(StoreError.None, (await _rig.Store.CopyAsync(view, [1], mine, 0)).Error);

        await GrantAsync(own, "2", "lrit");   // the same objects: a change of rights is in force at once
        Assert.Equal(StoreError.None, (await _rig.Store.AppendAsync(view, 0, one)).Error);
        Assert.Equal((MessageFlags.Deleted, 0), (own.Current[3].Flags, own.Current[3].KeywordSet));
        Assert.Equal(StoreError.None, await _rig.Store.StoreFlagsAsync(view, [1], all));
        Assert.Equal(MessageFlags.Deleted, own.Current[0].Flags);
        Assert.Equal(StoreError.NoPermission, (await _rig.Store.MoveAsync(view, [1], mine)).Error);
        await GrantAsync(own, "2", "");
        Assert.Equal(StoreError.NoPermission, (await _rig.Store.CopyAsync(view, [1], mine, 0)).Error);
        Assert.Equal(4, own.Current.Count);
    }

    [Fact]
    public async Task When_messages_go_between_accounts_then_seen_goes_with_the_reader_and_the_owner_pays()
    {
        Mailbox own = await _rig.GivenMailboxAsync(Owner, "Work", messages: 3), mine = await _rig.GivenMailboxAsync(Reader, "Mine", messages: 2);
        await GrantAsync(own, "2", "lrswipte");
        Mailbox view = await ViewAsync("Work");
        await _rig.Store.StoreFlagsAsync(view, [2], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, []));
        await _rig.Store.StoreFlagsAsync(own, [1, 3], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, []));
        Assert.Equal(StoreError.None, (await _rig.Store.CopyAsync(view, [1, 2], mine, 0)).Error);
        Assert.Equal("4", Seen(mine));

        await _rig.Store.StoreFlagsAsync(mine, [1], new FlagChange(FlagChangeMode.Add, MessageFlags.Seen, []));
        long before = (await _rig.Store.UseAsync(Owner)).Bytes, size = mine.Current[0].Size;
        Assert.Equal(StoreError.OverQuota, (await _rig.Store.MoveAsync(mine, [1], view, before + size - 1)).Error);
        Assert.Equal(StoreError.None, (await _rig.Store.MoveAsync(mine, [1], view, before + size)).Error);
        Assert.Equal(("1 3", "2 4"), (Seen(own), Seen(view)));
        Assert.Equal(before + size, (await _rig.Store.UseAsync(Owner)).Bytes);
        Assert.Equal(3, (await _rig.Store.UseAsync(Reader)).Messages);

        Mailbox other = await _rig.GivenMailboxAsync(Owner, "Other");   // moved about among the owner's: both keep what they have seen
        await GrantAsync(other, "2", "lrsi");
        Mailbox otherView = await ViewAsync("Other");
        Assert.Equal(StoreError.None, (await _rig.Store.MoveAsync(view, [1, 2, 4], otherView)).Error);
        Assert.Equal(("1", "2 3"), (Seen(other), Seen(otherView)));
        Assert.True((await _rig.Store.CheckAsync(null, default)).IsWhole);
    }

    [Fact]
    public async Task When_mailboxes_are_made_renamed_and_deleted_then_their_lists_are_inherited_kept_and_gone()
    {
        Mailbox work = await _rig.GivenMailboxAsync(Owner, "Work");
        await GrantAsync(work, "2", "lrk");
        await _rig.GivenMailboxAsync(Owner, "Work/A/B");
        await _rig.Store.RenameAsync(Owner, MailboxName.Parse("Work/A"), MailboxName.Parse("Elsewhere"));
        string[] Named() => [.. _rig.Store.NamedIn(Subject(Reader)).Select(info => info.Name.Value).Order(StringComparer.Ordinal)];
        Assert.Equal(["Elsewhere", "Elsewhere/B", "Work"], Named());
        Assert.Empty(_rig.Store.NamedIn(Subject(Third)));
        Assert.Empty(_rig.Store.NamedIn(Subject(Owner)));
        await _rig.Store.DeleteAsync(Owner, MailboxName.Parse("Elsewhere/B"));
        Assert.Equal(["Elsewhere", "Work"], Named());
        await _rig.Store.CreateAsync(Owner, MailboxName.Parse("Elsewhere/B"));
        await _rig.ReopenAsync();
        Assert.Equal(["Elsewhere", "Elsewhere/B", "Work"], Named());
        await _rig.Store.DeleteAccountAsync(Reader);   // his number stands in no list any more
        Assert.Empty(Named());
    }

    [Fact]
    public void When_seen_states_change_at_random_then_they_are_what_a_plain_set_is()
    {
        var random = new Random(7);
        var model = new HashSet<uint>();
        SeenState state = SeenState.None;
        for (int round = 0; round < 2000; round++)
        {
            uint[] uids = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => (uint)random.Next(1, 300)).Distinct().Order()];
            bool with = random.Next(2) == 0;
            state = with ? state.With(uids) : state.Without(uids);
            if (with)
                model.UnionWith(uids);
            else
                model.ExceptWith(uids);
            if (round % 10 == 0)
                state = SeenState.Read(state.WithRecentFrom((uint)round).Write());
            Assert.Equal(model.Order(), Enumerable.Range(0, 310).Select(i => (uint)i).Where(state.Contains));
        }
        Assert.Equal(1990u, state.RecentFrom);
        Assert.False(SeenState.Read([1, 0, 0, 0, 255, 255, 255, 255, 255]).Contains(1));
        Assert.True(SeenState.None.With([uint.MaxValue]).Contains(uint.MaxValue));
    }

    [Fact]
    public async Task When_what_was_seen_is_in_many_pieces_then_gaps_without_messages_do_not_keep_them_apart()
    {
        Mailbox own = await _rig.GivenMailboxAsync(Owner, "Work");
        using Body body = _rig.GivenBody(StoreRig.Mail("many"));
        await _rig.Store.AppendAsync(own, 0, [.. Enumerable.Range(0, 800).Select(i => new AppendItem { Body = body, Flags = i % 2 == 0 ? MessageFlags.Deleted : 0 })]);
        await _rig.Store.ExpungeAsync(own, null);
        uint[] left = [.. Enumerable.Range(0, 400).Select(i => own.Current[i].Uid)];
        SeenState seen = SeenState.None.With(left).Compact(own.Current);
        Assert.All(left, uid => Assert.True(seen.Contains(uid)));
        Assert.True(seen.Write().Length < 12, seen.Write().Length.ToString(CultureInfo.InvariantCulture));
        Assert.False(seen.Contains(own.Current.UidNext));
        SeenState half = SeenState.None.With([.. left.Where((_, i) => i % 4 != 0)]).With([5000]).Compact(own.Current);
        Assert.Equal(300, left.Count(half.Contains));
    }

    [Fact]
    public async Task When_a_domain_is_renamed_then_every_list_names_it_by_the_new_name()
    {
        Mailbox box = await _rig.GivenMailboxAsync(1, "Work");
        Mailbox gone = await _rig.GivenMailboxAsync(1, "Gone");
        foreach ((string identifier, AclRights rights) in ((string, AclRights)[])[("$@old.test", AclRights.Read), ("-$team@old.test", AclRights.Insert),
            ("$@new.test", AclRights.Lookup), ("$x@bold.test", AclRights.Lookup), ("2", AclRights.Lookup)])
            await _rig.Store.SetAclAsync(box.Id, identifier, AclChangeMode.Replace, rights);
        await _rig.Store.SetAclAsync(gone.Id, "$@old.test", AclChangeMode.Replace, AclRights.Read);

        for (int i = 0; i < 2; i++)   // twice does no harm
            Assert.Equal(StoreError.None, await _rig.Store.RenameDomainAsync("old.test", "new.test"));
        await _rig.ReopenAsync();

        box = (await _rig.Store.OpenAsync(1, MailboxName.Parse("Work")))!;
        Assert.Equal([("$@new.test", AclRights.Read | AclRights.Lookup), ("$x@bold.test", AclRights.Lookup), ("-$team@new.test", AclRights.Insert), ("2", AclRights.Lookup)],
            box.Acl.Entries.Select(e => (e.Identifier, e.Rights)));
        Assert.Equal("$@new.test", Assert.Single((await _rig.Store.OpenAsync(1, MailboxName.Parse("Gone")))!.Acl.Entries).Identifier);
    }
}
