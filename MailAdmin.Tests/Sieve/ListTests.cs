using System.Text;
using MailEngine;
using MailEngine.Addresses;
using MailEngine.Sieve;

namespace MailAdmin.Tests.Sieve;

/// <summary>Lists that are kept outside of scripts. RFC 6134</summary>
public sealed class ListTests
{
    const string Require = "require [\"extlists\", \"envelope\", \"variables\", \"fileinto\", \"copy\", \"relational\", \"comparator-i;ascii-numeric\"];";

    /// <summary>Coyote is in the address book; tim is a member of team, which own scripts may ask about, and of board, which they may not.</summary>
    static SieveSurroundings Around() => SieveStage.Usual with
    {
        List = (name, isOwn) => name switch
        {
            { Kind: ListKind.AddressBook } => ListOf("coyote@desert.example.org"),
            { Kind: ListKind.Addresses } => name.Domain.Value == "example.net" ? ListOf("me@example.net") : null,
            _ => name.Address.Local == "team" || (name.Address.Local == "board" && !isOwn) ? ListOf("tim@example.com") with { Everybody = name.Address } : null,
        },
    };

    static SieveList ListOf(string member) => new(address => address.Canonical == member, 10);

    // RFC 6134 §2.2, RFC 6134 §2.3, RFC 6134 §2.4
    [Theory]
    [InlineData("if address :list \"from\" \":addrbook:default\" { discard; }", "nothing")]
    [InlineData("if address :list \"from\" \"urn:ietf:params:sieve:addrbook:Default\" { discard; }", "nothing")]
    [InlineData("if address :list [\"to\", \"cc\"] \":addrbook:default\" { discard; }", "keep")]
    [InlineData("if address :localpart :list \"from\" \":addrbook:default\" { discard; }", "keep")]
    [InlineData("if header :list \"from\" \":addrbook:default\" { discard; }", "nothing")]   // with a name before it
    [InlineData("if header :list \"to\" \":addrbook:default\" { discard; }", "keep")]        // more than one address
    [InlineData("if header :list \"subject\" [\":addrbook:default\", \"tag:example.net,2026:addresses\"] { discard; }", "keep")]
    [InlineData("if envelope :list \"from\" [\"tag:example.net,2026:addresses\", \"tag:team@example.net,2026:members\"] { discard; }", "nothing")]
    [InlineData("if envelope :list \"from\" \"tag:board@example.net,2026:members\" { discard; }", "keep")]
    [InlineData("if envelope :list \"from\" \"tag:nobody@example.net,2026:members\" { discard; }", "keep")]
    [InlineData("if envelope :list \"from\" \"tag:team@example.net,2025:members\" { discard; }", "keep")]
    [InlineData("set \"l\" \"team\"; if envelope :list \"from\" \"tag:${l}@example.net,2026:members\" { discard; }", "nothing")]
    [InlineData("if address :list \"from\" \":addrbook:default\" { fileinto \"${0}\"; }", "fileinto coyote@desert.example.org")]
    [InlineData("if string :list [\"x\", \"ME@example.net\"] \"tag:EXAMPLE.net,2026:addresses\" { fileinto \"${0}${1}\"; }", "fileinto ME@example.net")]
    [InlineData("if not string :list \"\" \":addrbook:default\" { discard; }", "nothing")]
    [InlineData("if valid_ext_list [\":addrbook:default\", \"tag:team@example.net,2026:members\"] { discard; }", "nothing")]
    [InlineData("if valid_ext_list [\":addrbook:default\", \"tag:board@example.net,2026:members\"] { discard; }", "keep")]
    [InlineData("if valid_ext_list \":addrbook:friends\" { discard; }", "keep")]
    [InlineData("redirect :list \"tag:team@example.net,2026:members\";", "redirect team@example.net")]
    [InlineData("redirect :copy :list \"tag:team@example.net,2026:members\"; redirect :copy \"Team@example.net\";", "redirect team@example.net; keep")]
    [InlineData("redirect :list \":addrbook:default\";", "fault: mail cannot be sent on to all of the list :addrbook:default: only lists of members can be written to")]
    [InlineData("redirect :list \"tag:board@example.net,2026:members\";", "fault: redirect names a list that there is not: tag:board@example.net,2026:members")]
    [InlineData("if address :list :comparator \"i;octet\" \"from\" \":addrbook:default\" {}", "error: :list takes no comparator: the list knows by itself how its members are compared.")]
    [InlineData("if address :list :is \"from\" \":addrbook:default\" {}", "error: :is and :list exclude one another.")]
    [InlineData("if address :list :count \"eq\" \"from\" \":addrbook:default\" {}", "error: :count and :list exclude one another.")]
    public void When_a_script_asks_about_a_list_then_it_is_told(string script, string does) => Assert.Equal(
        does, does.StartsWith("error", StringComparison.Ordinal) ? $"error: {SieveStage.Compile(Require + script).Errors[0].Message}" : SieveStage.Does(Require + script, surroundings: Around()));

    [Theory]
    [InlineData(":addrbook:default", "AddressBook  ")]
    [InlineData("URN:IETF:params:sieve:ADDRBOOK:default", "AddressBook  ")]
    [InlineData("tag:Example.NET,2026:addresses", "Addresses  example.net")]
    [InlineData("tag:bücher.example,2026:addresses", "Addresses  xn--bcher-kva.example")]
    [InlineData("tag:\"a b\"@example.net,2026:members", "Members \"a b\"@example.net example.net")]
    [InlineData("", null)]
    [InlineData(":", null)]
    [InlineData("addrbook:default", null)]
    [InlineData(":addrbook:default?x", null)]
    [InlineData("tag:,2026:addresses", null)]
    [InlineData("tag:,2026:members", null)]
    [InlineData("tag:a@b@example.net,2026:members", null)]
    [InlineData("tag:example.net,2026:members", null)]
    [InlineData("tag:me@example.net,2026:addresses", null)]
    [InlineData(",2026:addresses", null)]
    public void When_a_name_is_read_then_it_is_one_of_three_kinds_or_none(string text, string? kind) =>
        Assert.Equal(kind, ListName.TryParse(text, out ListName name) ? $"{name.Kind} {name.Address} {name.Domain}" : null);

    [Fact]
    public void When_no_list_can_have_a_name_then_the_script_is_good_and_its_owner_is_warned()
    {
        SieveCompilation compilation = SieveStage.Compile(Require + "if valid_ext_list \"ldap:///x\" { if address :list \"from\" \"ldap:///x\" { discard; } }");
        Assert.True(compilation.Program!.UsesLists);
        Assert.StartsWith("No list has such a name here", Assert.Single(compilation.Errors).Message, StringComparison.Ordinal);
        Assert.True(compilation.Errors[0].IsWarning);
        Assert.False(SieveStage.Program("keep;").UsesLists);
    }

    [Fact]
    public void When_a_message_has_a_hundred_thousand_addresses_then_each_costs_and_the_script_ends()
    {
        var to = new StringBuilder();
        for (int i = 0; i < 100_000; i++)
            to.Append(i % 4000 == 0 ? "To: a" : " a").Append(i).Append("@x.net").Append(i % 4000 == 3999 ? "\r\n" : ",\r\n");
        string message = to.Append("\r\n").ToString();
        int asked = 0;
        SieveSurroundings around = SieveStage.Usual with { List = (_, _) => new SieveList(_ => ++asked < 0, 100) };
        Assert.StartsWith("fault: the script takes too long", SieveStage.Does(Require + "if address :list \"to\" \":addrbook:default\" { discard; }", message, around), StringComparison.Ordinal);
        Assert.InRange(asked, 1000, new SieveOptions().Steps / 100);
    }

    [Fact]
    public void When_the_same_address_is_asked_about_again_then_the_list_is_not()
    {
        int lists = 0, asked = 0;
        SieveSurroundings around = SieveStage.Usual with { List = (_, _) => { lists++; return new SieveList(_ => ++asked < 0, 100); } };
        string script = string.Concat(Enumerable.Repeat("if address :list [\"from\", \"sender\"] \":addrbook:default\" { discard; } ", 50));
        Assert.Equal("keep", SieveStage.Does(Require + script, surroundings: around));
        Assert.Equal((1, 1), (lists, asked));
    }
}
