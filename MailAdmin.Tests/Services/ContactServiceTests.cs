using System.Text;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Addresses;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Address books: who may see and change whose (every role: <see cref="AuthorizationMatrixTests"/>), limits, and what of it is on record.</summary>
public sealed class ContactServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    ContactService Contacts => _rig.Get<ContactService>();

    Actor Ann => ServicesRig.As(_rig.OwnUser);

    async Task<string> AddressesAsync(string filter = "") =>
        string.Join(' ', (await Contacts.ListAsync(Ann, null, new PageRequest(Filter: filter))).Value!.Items.Select(c => c.Name.Length > 0 ? $"{c.Address}={c.Name}" : c.Address));

    [Fact]
    public async Task When_addresses_are_added_then_each_stands_there_once_its_owner_and_his_administrators_see_it_and_the_audit_does_not()
    {
        Assert.True((await Contacts.AddAsync(Ann, null, new ContactForm { Address = " Dan@Example.ORG ", Name = "Dän 100%\n" })).Ok);
        Assert.True((await Contacts.AddAsync(_rig.Master, _rig.OwnUser, new ContactForm { Address = "eve@bücher.test" })).Ok);
        Assert.Equal(["Address"], (await Contacts.AddAsync(Ann, null, new ContactForm { Address = "dan@example.org" })).Errors.Select(e => e.Field));
        Assert.Equal(["Address", "Name"], (await Contacts.AddAsync(Ann, null, new ContactForm { Address = "dan@", Name = new string('x', 201) })).Errors.Select(e => e.Field));
        Assert.Equal("Dan@Example.ORG=Dän 100% eve@bücher.test", await AddressesAsync());
        Assert.Equal(("Dan@Example.ORG=Dän 100%", "eve@bücher.test", ""), (await AddressesAsync("0%"), await AddressesAsync("EVE"), await AddressesAsync("_@")));
        Assert.Equal("", await AddressesAsync("1%0"));   // no sign of it stands for anything else
        Assert.True(_rig.Accounts.Directory.HasContact(_rig.OwnUser, EmailAddress.Parse("DAN@example.org")));
        Assert.True(_rig.Accounts.Directory.HasContact(_rig.OwnUser, EmailAddress.Parse("eve@xn--bcher-kva.test")));
        Assert.False(_rig.Accounts.Directory.HasContact(_rig.SecondUser, EmailAddress.Parse("dan@example.org")));

        // One's own number of somebody else's entry leads nowhere.
        long id = (await Contacts.ListAsync(Ann, null, new PageRequest())).Value!.Items[0].Id;
        Assert.Equal(Refusal.NotFound, (await Contacts.RemoveAsync(ServicesRig.As(_rig.SecondUser), null, id)).Refusal);
        Assert.Equal(Refusal.NotFound, (await Contacts.RemoveAsync(ServicesRig.As(_rig.OtherMaster), _rig.OwnUser, id)).Refusal);
        Assert.Equal(Refusal.Invalid, (await Contacts.AddAsync(_rig.Super, null, new ContactForm { Address = "x@example.org" })).Refusal);   // no mailbox
        Assert.True((await Contacts.RemoveAsync(Ann, null, id)).Ok);
        Assert.Equal(Refusal.NotFound, (await Contacts.RemoveAsync(Ann, null, id)).Refusal);
        Assert.False(_rig.Accounts.Directory.HasContact(_rig.OwnUser, EmailAddress.Parse("dan@example.org")));

        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        List<AuditEntry> audit = await db.Audit.Where(e => e.Action.StartsWith("contact.")).ToListAsync();
        Assert.Equal(["contact.add", "contact.add", "contact.remove"], audit.Select(e => e.Action));
        Assert.All(audit, e => Assert.True(e.AccountId == _rig.OwnUser && !(e.Before + e.After).Contains('@', StringComparison.Ordinal)));
        Assert.True((await _rig.Get<AccountService>().DeleteAsync(_rig.Super, _rig.OwnUser)).Ok);
        Assert.Empty(await db.Contacts.ToListAsync());
    }

    [Fact]
    public async Task When_a_name_is_changed_then_it_stands_there_and_the_audit_does_not_say_it()
    {
        Assert.True((await Contacts.AddAsync(Ann, null, new ContactForm { Address = "Dan@example.org", Name = "Dan" })).Ok);
        long id = (await Contacts.FindAsync(Ann, null, " dan@EXAMPLE.org ")).Value!.Id;
        Assert.True((await Contacts.NameAsync(_rig.Master, _rig.OwnUser, id, " Dän\tDing ")).Ok);
        Assert.Equal("Dan@example.org=Dän Ding", await AddressesAsync());
        Assert.Equal("Name", Assert.Single((await Contacts.NameAsync(Ann, null, id, new string('x', 201))).Errors).Field);
        Assert.Equal(Refusal.NotFound, (await Contacts.NameAsync(ServicesRig.As(_rig.SecondUser), null, id, "Eve")).Refusal);
        Assert.Equal("Dan@example.org=Dän Ding", await AddressesAsync());
        Assert.True((await Contacts.NameAsync(Ann, null, id, "")).Ok);
        Assert.Equal("Dan@example.org", await AddressesAsync());
        Assert.Contains("not in this address book", (await Contacts.FindAsync(Ann, null, "eve@example.org")).Text, StringComparison.Ordinal);
        Assert.Equal(Refusal.Invalid, (await Contacts.FindAsync(Ann, null, "eve@")).Refusal);
        Assert.Contains("not in this address book", (await Contacts.FindAsync(ServicesRig.As(_rig.SecondUser), null, "dan@example.org")).Text, StringComparison.Ordinal);

        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        List<AuditEntry> audit = await db.Audit.Where(e => e.Action == "contact.name").ToListAsync();
        Assert.Equal(2, audit.Count);
        Assert.All(audit, e => Assert.True(e.AccountId == _rig.OwnUser && !(e.Before + e.After).Contains('D', StringComparison.Ordinal)));
    }

    async Task<string> BookAsync(long account) =>
        string.Join(' ', (await Contacts.ListAsync(ServicesRig.As(account), null, new PageRequest())).Value!.Items.Select(c => $"{c.Address}={c.Name}"));

    bool Knows(long account, string address) => _rig.Accounts.Directory.HasContact(account, EmailAddress.Parse(address));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_a_domain_is_renamed_then_whoever_was_known_there_is_known_by_the_new_name(bool keepOld)
    {
        Assert.True((await Contacts.ImportAsync(Ann, null, "Bob <Bob@Own.Test>\nx+y@own.test\nboth@own.test\n<both@xn--bcher-kva.test>\nz@notown.test\nz@sub.own.test\n"u8.ToArray())).Ok);
        long both = (await Contacts.FindAsync(Ann, null, "both@own.test")).Value!.Id;
        Assert.True((await Contacts.NameAsync(Ann, null, both, "Both")).Ok);
        Assert.True((await Contacts.ImportAsync(ServicesRig.As(_rig.OtherUser), null, "Bob <bob@own.test>"u8.ToArray())).Ok);   // of another domain
        Assert.True((await _rig.Get<DomainNameService>().RenameAsync(_rig.Super, _rig.OwnDomain, new DomainNameForm { Name = "bücher.test", KeepOld = keepOld })).Ok);
        Assert.Equal("Bob@bücher.test=Bob both@xn--bcher-kva.test=Both x+y@bücher.test= z@notown.test= z@sub.own.test=", await BookAsync(_rig.OwnUser));
        Assert.Equal("bob@bücher.test=Bob", await BookAsync(_rig.OtherUser));
        Assert.Equal((true, keepOld), (Knows(_rig.OwnUser, "bob@bücher.test"), Knows(_rig.OwnUser, "bob@own.test")));   // dropped, it may be a stranger's tomorrow

        Assert.True((await _rig.Get<DomainNameService>().RenameAsync(_rig.Super, _rig.OwnDomain, new DomainNameForm { Name = "third.test", KeepOld = false })).Ok);
        Assert.Equal("Bob@third.test=Bob both@third.test=Both x+y@third.test= z@notown.test= z@sub.own.test=", await BookAsync(_rig.OwnUser));
        Assert.Equal((true, false), (Knows(_rig.OtherUser, "bob@third.test"), Knows(_rig.OtherUser, "bob@bücher.test")));
    }

    [Theory]
    [InlineData(true, "anna@own.test=Ann bob@own.test=")]
    [InlineData(false, "anna@own.test=Ann bob@own.test=")]
    public async Task When_an_account_is_renamed_then_whoever_knew_it_knows_its_new_address(bool keepOld, string book)
    {
        const string Old = "ann@own.test";
        Actor bob = ServicesRig.As(_rig.SecondUser), other = ServicesRig.As(_rig.OtherUser);
        Assert.True((await Contacts.AddAsync(bob, null, new ContactForm { Address = Old, Name = "Ann" })).Ok);
        Assert.True((await Contacts.AddAsync(bob, null, new ContactForm { Address = "bob@own.test" })).Ok);
        Assert.True((await Contacts.AddAsync(other, null, new ContactForm { Address = Old, Name = "Ann" })).Ok);
        Assert.True((await Contacts.AddAsync(other, null, new ContactForm { Address = "Anna@own.test" })).Ok);   // who knew what was coming
        Assert.True((await _rig.Get<AccountNameService>().RenameAsync(_rig.Super, _rig.OwnUser, new AccountNameForm { LocalPart = "Anna", KeepOld = keepOld })).Ok);
        Assert.Equal(keepOld, Knows(_rig.SecondUser, Old));
        Assert.True(Knows(_rig.SecondUser, "anna@own.test"));
        string now = await BookAsync(_rig.SecondUser);
        Assert.Equal(book, keepOld ? now.Replace($"{Old}=Ann ", "", StringComparison.Ordinal).Replace("Anna", "anna", StringComparison.Ordinal) : now.Replace("Anna", "anna", StringComparison.Ordinal));
        Assert.Equal(keepOld ? $"{Old}=Ann Anna@own.test=" : "Anna@own.test=Ann", await BookAsync(_rig.OtherUser));
    }

    [Fact]
    public async Task When_there_are_several_books_then_none_counts_shows_or_hides_what_stands_in_another()
    {
        _rig.Options.Limits.Contacts = 2;
        Actor bob = ServicesRig.As(_rig.SecondUser);
        Assert.True((await Contacts.ImportAsync(bob, null, "Zed <a@x.test>\nb@x.test"u8.ToArray())).Ok);
        Assert.True((await Contacts.AddAsync(Ann, null, new ContactForm { Address = "a@x.test", Name = "Zoe" })).Ok);   // is in Bob's too
        Assert.Equal(1, (await Contacts.ImportAsync(Ann, null, "b@x.test"u8.ToArray())).Value!.Added);
        Assert.Equal(("a@x.test=Zoe b@x.test", "a@x.test=Zoe"), (await AddressesAsync(), await AddressesAsync("a@x")));
        string cards = (await Contacts.ExportAsync(Ann, null)).Value!;
        Assert.Equal((true, false, 2), (cards.Contains("Zoe", StringComparison.Ordinal), cards.Contains("Zed", StringComparison.Ordinal), cards.Split("BEGIN:VCARD").Length - 1));
        Assert.Contains("full", (await Contacts.AddAsync(Ann, null, new ContactForm { Address = "c@x.test" })).Text, StringComparison.Ordinal);

        Assert.Equal(["b@x.test", "a@x.test"], (await Contacts.ListAsync(Ann, null, new PageRequest(Sort: nameof(ContactRow.Name)))).Value!.Items.Select(c => c.Address));
        PageOf<ContactRow> second = (await Contacts.ListAsync(Ann, null, new PageRequest(Skip: 1, Take: 1, Sort: nameof(ContactRow.Address), Descending: true))).Value!;
        Assert.Equal((2, "a@x.test"), (second.Total, Assert.Single(second.Items).Address));
    }

    [Fact]
    public async Task When_a_file_is_taken_in_then_it_comes_back_as_vCards_and_what_is_more_than_fits_is_refused_as_a_whole()
    {
        _rig.Options.Limits.Contacts = 4;
        ServiceResult<ContactImport> made = await Contacts.ImportAsync(Ann, null, "Name;E-Mail\nMüller, Jörg;joerg@example.org\nnobody;\n;JOERG@example.org\nEve;eve@example.org\n"u8.ToArray());
        Assert.True(made.Ok, made.Text);
        Assert.Equal((2, 1, "Line 3: no mail address."), (made.Value!.Added, made.Value.Known, string.Join('|', made.Value.Faults)));
        string cards = (await Contacts.ExportAsync(Ann, null)).Value!;
        Assert.Contains("FN:Müller\\, Jörg\r\nN:Müller\\, Jörg;;;;\r\nEMAIL;TYPE=INTERNET:joerg@example.org\r\n", cards, StringComparison.Ordinal);
        Assert.Equal((0, 2), (await Contacts.ImportAsync(Ann, null, Encoding.UTF8.GetBytes(cards))) is { Ok: true, Value: { } again } ? (again.Added, again.Known) : default);

        Assert.Equal((0, 1), (await Contacts.ImportAsync(Ann, null, "JOERG@Example.ORG"u8.ToArray())) is { Ok: true, Value: { } there } ? (there.Added, there.Known) : default);
        Assert.Equal("File", Assert.Single((await Contacts.ImportAsync(Ann, null, "a@x.test\nb@x.test\nc@x.test"u8.ToArray())).Errors).Field);
        Assert.Equal("joerg@example.org=Müller, Jörg", await AddressesAsync("joerg"));
        Assert.Equal("eve@example.org=Eve joerg@example.org=Müller, Jörg", await AddressesAsync());
        Assert.True((await Contacts.ImportAsync(Ann, null, "a@x.test\nb@x.test"u8.ToArray())).Ok);
        Assert.Contains("full", (await Contacts.AddAsync(Ann, null, new ContactForm { Address = "c@x.test" })).Text, StringComparison.Ordinal);
        Assert.False((await Contacts.ImportAsync(Ann, null, " \r\n"u8.ToArray())).Ok);
        _rig.Options.Limits.ContactFileBytes = 8;
        Assert.Contains("larger", (await Contacts.ImportAsync(Ann, null, "eve@example.org"u8.ToArray())).Text, StringComparison.Ordinal);
    }
}
