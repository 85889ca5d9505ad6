using System.Text;

namespace MailAdmin.Web.Services;

/// <summary>Reads comma-separated rows; fields may be quoted and then hold commas, line ends and doubled quotes. RFC 4180 §2</summary>
/// <remarks>Differs from RFC 4180 §2: a semicolon or a tab stands between fields when it is the first of the three in the first row. So spreadsheets
/// write them where the comma stands in numbers.</remarks>
sealed class CsvReader(TextReader text)
{
    // A missing quote would make one field of the rest of the file.
    const int MaxFieldChars = 64 << 10;

    int _line = 1;
    char _between = ',';
    bool _isKnown;

    /// <summary>Number of the line the last row began in; the first is 1.</summary>
    public int Line { get; private set; }

    /// <returns>False: no more rows.</returns>
    public bool Read(out List<string> fields)
    {
        fields = [];
        if (text.Peek() < 0)
            return false;
        Line = _line;
        var field = new StringBuilder();
        bool quoted = false;
        while (true)
        {
            int next = text.Read();
            if (next < 0)
                break;
            char c = (char)next;
            if (c == '\n')
                _line++;
            if (quoted)
            {
                if (c != '"')
                    Append(field, c);
                else if (text.Peek() == '"')
                    Append(field, (char)text.Read());
                else
                    quoted = false;
            }
            else if (c == '"' && field.Length == 0)
            {
                quoted = true;
            }
            else if (c == _between || (!_isKnown && c is ',' or ';' or '\t'))
            {
                (_between, _isKnown) = (c, true);
                fields.Add(field.ToString());
                field.Clear();
            }
            else if (c == '\n')
            {
                break;
            }
            else if (c != '\r' && c != '\uFEFF')
            {
                Append(field, c);
            }
        }
        fields.Add(field.ToString());
        _isKnown = true;
        return true;
    }

    static void Append(StringBuilder field, char c)
    {
        if (field.Length < MaxFieldChars)
            field.Append(c);
    }
}
