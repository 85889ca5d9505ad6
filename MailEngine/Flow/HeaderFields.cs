namespace MailEngine.Flow;

/// <summary>Walks the fields of a header section, folded lines included. RFC 5322 §2.2</summary>
/// <remarks>Works on raw bytes and looks at each once; a line without a colon ends nothing and has an empty name.</remarks>
ref struct HeaderFields(ReadOnlySpan<byte> header)
{
    ReadOnlySpan<byte> _rest = header;

    /// <summary>The whole field with its line end.</summary>
    public ReadOnlySpan<byte> Field { get; private set; }

    /// <summary>What stands before the colon, white space trimmed; empty when there is none.</summary>
    public readonly ReadOnlySpan<byte> Name
    {
        get
        {
            int colon = Field.IndexOf((byte)':');
            return colon < 0 ? default : Field[..colon].TrimEnd(" \t"u8);
        }
    }

    /// <summary>field-name ":" with a name of printable ASCII. RFC 5322 §2.2</summary>
    public readonly bool IsField => Name is { IsEmpty: false } name && !name.ContainsAnyExceptInRange((byte)'!', (byte)'~');

    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        int end = 0;
        do
        {
            int lineEnd = _rest[end..].IndexOf((byte)'\n');
            end = lineEnd < 0 ? _rest.Length : end + lineEnd + 1;
        }
        while (end < _rest.Length && _rest[end] is (byte)' ' or (byte)'\t');
        Field = _rest[..end];
        _rest = _rest[end..];
        return true;
    }

    public readonly bool Is(ReadOnlySpan<byte> lowerName) => Name is var name && name.Length == lowerName.Length
        && System.Text.Ascii.EqualsIgnoreCase(name, lowerName);
}
