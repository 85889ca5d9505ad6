using System.Text;
using MailAdmin.Web.Services;

namespace MailAdmin.Tests.Services;

/// <summary>Addresses and names out of lists, tables and vCards, as programs write them and as nobody should.</summary>
public sealed class ContactReaderTests
{
    static string Found(string text, int most = 100)
    {
        ContactReader read = ContactReader.Read(text, most);
        return string.Join('|', read.Found.Select(c => c.Name.Length > 0 ? $"{c.Written}={c.Name}" : c.Written).Concat(read.Faults.Select(f => $"{f.Line}!{f.Text}")));
    }

    [Theory]
    [InlineData("ann@x.test\r\n\r\n  bob@x.test  \n", "ann@x.test|bob@x.test")]
    [InlineData("ann@x.test, Bob <bob@x.test>, \"Ding, Cid\" <cid@x.test>, Ann@X.test", "ann@x.test|bob@x.test=Bob|cid@x.test=Ding, Cid")]
    [InlineData("Ann Example;ann@x.test\nmailto:bob@x.test\nwho@\nnothing", "ann@x.test=Ann Example|bob@x.test|3!who@|4!")]
    [InlineData("First Name,Last Name,Display Name,Primary Email,Secondary Email,Notes\nAnn,Example,,ann@x.test,ann@y.test,see a@b c\nBob,B,Bobby,bob@x.test,,\nCid,C,,,,", "ann@x.test=Ann Example|ann@y.test=Ann Example|bob@x.test=Bobby|4!")]
    [InlineData("\uFEFFVorname;Nachname;E-Mail-Adresse\nJörg;Müller;j@x.test", "j@x.test=Jörg Müller")]
    public void When_a_list_or_a_table_is_read_then_addresses_and_names_are_found_and_faults_have_their_lines(string text, string found) => Assert.Equal(found, Found(text));

    [Theory]
    // Roundcube
    [InlineData("BEGIN:VCARD\r\nVERSION:3.0\r\nN:Example;Ann;;;\r\nFN:Ann Example\r\nEMAIL;TYPE=INTERNET;TYPE=HOME:ann@x.test\r\nEMAIL;TYPE=INTERNET;TYPE=WORK:ann@y.test\r\nEND:VCARD\r\n", "ann@x.test=Ann Example|ann@y.test=Ann Example")]
    // Thunderbird, new and old
    [InlineData("BEGIN:VCARD\r\nVERSION:4.0\r\nEMAIL;PREF=1:bob@x.test\r\nFN:Bob\\, the second\r\nUID:1\r\nEND:VCARD\r\n", "bob@x.test=Bob, the second")]
    [InlineData("begin:vcard\r\nfn;quoted-printable:J=C3=B6rg M=C3=\r\n=BCller\r\nemail;internet:j@x.test\r\nversion:2.1\r\nend:vcard\r\n", "j@x.test=Jörg Müller")]
    // Folded, grouped, quoted, only N, without an address, with a wrong one, no end
    [InlineData("BEGIN:VCARD\nitem1.EMAIL;X=\"a:b;c\":very.long@\n x.test\nN:Ding;C\n id;;;\nEND:VCARD", "very.long@x.test=Cid Ding")]
    [InlineData("BEGIN:VCARD\nFN:Nobody\nEND:VCARD\nBEGIN:VCARD\nFN:Dan\nEMAIL:dan@\nBEGIN:VCARD\nFN:Eve\nEMAIL:eve@x.test", "eve@x.test=Eve|1!Nobody|4!dan@")]
    // A card inside a card
    [InlineData("BEGIN:VCARD\nAGENT:\nBEGIN:VCARD\nFN:Inner\nEMAIL:inner@x.test\nEND:VCARD\nFN:Outer\nEMAIL:outer@x.test\nEND:VCARD\n", "outer@x.test=Outer")]
    public void When_vCards_are_read_then_their_addresses_have_their_names(string text, string found) => Assert.Equal(found, Found(text));

    [Fact]
    public void When_a_vCard_is_cut_anywhere_then_what_is_found_is_what_stands_there()
    {
        const string Card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann \\n E\r\n x\r\nPHOTO;ENCODING=b:AAAA\r\n AAAA\r\nEMAIL:ann@x.test\r\nEND:VCARD\r\n";
        Assert.Equal("ann@x.test=Ann   Ex", Found(Card));
        for (int cut = 0; cut < Card.Length; cut++)
        {
            foreach (string text in (string[])[Card[..cut], Card[cut..], Card[..cut] + Card, Card.Insert(cut, "\r\n")])
                Assert.True(ContactReader.Read(text, 10).Found.Count <= 2);
        }
        // The line ends of other systems are the same to it.
        Assert.Equal(Found(Card), Found(Card.Replace("\r\n", "\n", StringComparison.Ordinal)));
    }

    [Fact]
    public void When_a_text_is_hostile_then_reading_ends_and_keeps_little()
    {
        const int Many = 200_000;
        string[] texts =
        [
            string.Concat(Enumerable.Repeat("BEGIN:VCARD\nAGENT:\n", Many)),
            string.Concat(Enumerable.Repeat("BEGIN:VCARD\n", Many)),
            "BEGIN:VCARD\nEMAIL:" + new string('x', 4 << 20),
            "BEGIN:VCARD\nFN;QUOTED-PRINTABLE:" + string.Concat(Enumerable.Repeat("=\n", Many)) + "\nEMAIL:a@x.test",
            "BEGIN:VCARD\nN:" + string.Concat(Enumerable.Repeat(";\\", Many)),
            "BEGIN:VCARD\n" + string.Concat(Enumerable.Range(0, Many).Select(i => $"EMAIL:{i}@x.test\n")),
            "BEGIN:VCARD\nEMAIL;" + new string('"', Many) + "\n" + string.Concat(Enumerable.Repeat(" x\n", Many)),
            new string(',', Many), "\"" + new string('@', Many), string.Concat(Enumerable.Repeat("@\n", Many)),
            string.Concat(Enumerable.Range(0, Many).Select(i => $"{i}@x.test,")),
        ];
        foreach (string text in texts)
        {
            ContactReader read = ContactReader.Read(text, 100);
            Assert.True(read.Found.Count <= 100 && read.Faults.Count <= ContactReader.MostFaults && read.Faults.All(f => f.Text.Length <= 80), text[..30]);
        }
        Assert.True(ContactReader.Read(texts[5], 100).IsTooMany);

        var random = new Random(6134);
        string[] pieces = ["BEGIN:VCARD", "END:VCARD", "\n", "\r\n ", "EMAIL", ";", ":", "=", "\"", "a@x.test", "<", ">", "\\", "N:", "FN", "AGENT:", "QUOTED-PRINTABLE", "=C3", "\uD83D", "\0", ","];
        for (int round = 0; round < 2000; round++)
            _ = Found(ContactReader.TextOf(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => pieces[random.Next(pieces.Length)])))));
    }

    [Fact]
    public void When_addresses_are_written_as_vCards_then_reading_gives_them_back_and_no_line_is_too_long()
    {
        (string Address, string Name)[] contacts = [("ann@x.test", "Ann; the \\first, \"A\""), ("\"a,b\"@x.test", string.Concat(Enumerable.Repeat("Ünï🎈", 30))), ("eve@x.test", "")];
        string text = VCardWriter.Write(contacts);
        Assert.All(text.Split("\r\n"), line => Assert.True(Encoding.UTF8.GetByteCount(line) <= 75));
        Assert.Equal([("ann@x.test", contacts[0].Name), ("\"a,b\"@x.test", contacts[1].Name), ("eve@x.test", "")], ContactReader.Read(text, 10).Found.Select(c => (c.Written, c.Name)));
        Assert.Equal("Jörg", ContactReader.TextOf([.. "J"u8, 0xF6, .. "rg"u8]));
        Assert.Equal("Jö", ContactReader.TextOf([0xFF, 0xFE, (byte)'J', 0, 0xF6, 0]));
    }
}
