using MailAdmin.Web.Services;

namespace MailAdmin.Tests.Services;

public sealed class CsvReaderTests
{
    static string Rows(string text)
    {
        using var from = new StringReader(text);
        var reader = new CsvReader(from);
        var rows = new List<string>();
        while (reader.Read(out List<string> fields))
            rows.Add(string.Join('|', fields));
        return string.Join('/', rows);
    }

    [Theory]
    [InlineData("address,name\na@b.test,Ann; and Bob\n", "address|name/a@b.test|Ann; and Bob")]
    [InlineData("address;name;quota\r\na@b.test;\"Ann; \"\"the first\"\"\";1,5\r\n", "address|name|quota/a@b.test|Ann; \"the first\"|1,5")]
    [InlineData("\uFEFFaddress\tname\na@b.test\tAnn, Bob; Cid", "address|name/a@b.test|Ann, Bob; Cid")]
    [InlineData("address\na;b,c\n", "address/a;b|c")]   // one column: the comma it is
    [InlineData("\"address;x\",name\na;b,c\n", "address;x|name/a;b|c")]
    public void When_a_table_comes_from_a_spreadsheet_then_its_first_row_says_what_stands_between_fields(string text, string rows) => Assert.Equal(rows, Rows(text));
}
