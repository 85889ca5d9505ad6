namespace MailEngine.Mime;

/// <summary>What an element of an address list is.</summary>
internal enum AddressKind { Mailbox, GroupStart, GroupEnd }

/// <summary>One element of an address list, unquoted and unfolded. The spans die with the next read.</summary>
internal readonly ref struct ListedAddress
{
    public required AddressKind Kind { get; init; }
    /// <summary>Display name, or comment, or name of the group; encoded words as they stand. Empty: none.</summary>
    public ReadOnlySpan<byte> Name { get; init; }
    /// <summary>Source route without the colon: "@a,@b". RFC 5322 §4.4. Empty: none.</summary>
    public ReadOnlySpan<byte> Route { get; init; }
    /// <summary>Local part without quoting; empty when it is missing.</summary>
    public ReadOnlySpan<byte> Local { get; init; }
    /// <summary>Domain; empty when it is missing.</summary>
    public ReadOnlySpan<byte> Domain { get; init; }
}

/// <summary>Reads an address list as it stands in a header field, folding, comments, groups, routes and common faults included.</summary>
/// <remarks>RFC 5322 §3.4 and §4.4; faults: RFC 7103 §7.1. Never fails: what makes no sense becomes a name or is left out.
/// One pass, no recursion; at most <see cref="MaxAddresses"/> elements (attack case A8).</remarks>
internal ref struct AddressReader(ReadOnlySpan<byte> text, ByteBuffer scratch)
{
    public const int MaxAddresses = 4096;

    readonly ReadOnlySpan<byte> _text = text;
    readonly ByteBuffer _scratch = scratch;
    readonly int _base = scratch.Length;
    int _at;
    int _count;
    bool _inGroup;
    int _commentStart;
    int _commentLength;

    public bool MoveNext(out ListedAddress address)
    {
        while (true)
        {
            address = default;
            _scratch.Truncate(_base);
            SkipSpace();
            if (_at >= _text.Length || _count >= MaxAddresses)
            {
                _at = _text.Length;
                return EndGroup(out address);
            }
            byte c = _text[_at];
            if (c == (byte)',')
            {
                _at++;
                continue;
            }
            if (c == (byte)';')
            {
                _at++;
                if (EndGroup(out address))
                    return true;
                continue;
            }
            if (Element(out address))
            {
                _count++;
                return true;
            }
        }
    }

    bool EndGroup(out ListedAddress address)
    {
        address = new ListedAddress { Kind = AddressKind.GroupEnd };
        bool was = _inGroup;
        _inGroup = false;
        return was;
    }

    /// <summary>Reads up to the comma or semicolon. False: there was nothing to hand out (a lone comment).</summary>
    bool Element(out ListedAddress address)
    {
        int start = _at;
        bool quoted = false, spaced = false;
        _commentLength = 0;
        while (_at < _text.Length)
        {
            byte c = _text[_at];
            switch (c)
            {
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0:
                    spaced = true;
                    _at++;
                    continue;
                case (byte)'(':
                    SkipComment();
                    spaced = true;
                    continue;
                case (byte)'"':
                    Space(spaced);
                    spaced = false;
                    quoted = true;
                    QuotedString();
                    continue;
                case (byte)'<':
                    return Angle(_base, out address);
                case (byte)'@' when _scratch.Length > _base:
                    if (AtDomain(start, quoted, out address))
                        return true;
                    continue;   // "a@b <c@d>": what looked like an address is the name
                case (byte)':' when !_inGroup && _scratch.Length > _base:
                    _at++;
                    _inGroup = true;
                    address = new ListedAddress { Kind = AddressKind.GroupStart, Name = _scratch.From(_base) };
                    return true;
                case (byte)',' or (byte)';':
                    goto end;
                default:
                    Space(spaced);
                    spaced = false;
                    Atom();
                    continue;
            }
        }
    end:
        // A naked local part: RFC 7103 §7.1.7
        int local = _scratch.Length;
        address = default;
        if (local == _base)
            return false;
        int name = Comment();
        address = new ListedAddress
        {
            Kind = AddressKind.Mailbox,
            Local = _scratch.Slice(_base, local - _base),
            Name = _scratch.From(name),
        };
        return true;
    }

    /// <summary>At the "@" of an address without angle brackets. False: it was part of a name, "&lt;" comes next.</summary>
    bool AtDomain(int start, bool quoted, out ListedAddress address)
    {
        if (!quoted)
            RemoveSpaces(_base);
        int local = _scratch.Length;
        _at++;
        bool dot = true, spaced = false;
        while (_at < _text.Length)
        {
            byte c = _text[_at];
            if (c is (byte)',' or (byte)';' or (byte)'<')
                break;
            if (c == (byte)'(')
            {
                SkipComment();
                spaced = true;
                continue;
            }
            if (c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0)
                spaced = true;
            else if (!spaced || dot || c == (byte)'.')   // "host . example" is one domain, "host words" is not
            {
                _scratch.Write(c);
                dot = c == (byte)'.';
                spaced = false;
            }
            _at++;
        }
        if (_at < _text.Length && _text[_at] == (byte)'<')
        {
            int angle = _at;
            _scratch.Truncate(_base);
            Folding.Unfold(_text[start..angle].Trim(" \t\r\n\""u8), _scratch);
            address = default;
            return false;
        }
        int domain = _scratch.Length;
        int name = Comment();
        address = new ListedAddress
        {
            Kind = AddressKind.Mailbox,
            Local = _scratch.Slice(_base, local - _base),
            Domain = _scratch.Slice(local, domain - local),
            Name = _scratch.From(name),
        };
        return true;
    }

    /// <summary>At "&lt;". Reads the address and all up to the next comma. RFC 7103 §7.1.2 and §7.1.3 for brackets too many or too few.</summary>
    bool Angle(int nameStart, out ListedAddress address)
    {
        int nameEnd = _scratch.Length;
        while (_at < _text.Length && _text[_at] == (byte)'<')
            _at++;
        SkipSpace();
        int route = _scratch.Length;
        int routeEnd = route;
        if (_at < _text.Length && _text[_at] == (byte)'@')
        {
            int colon = _text[_at..].IndexOfAny((byte)':', (byte)'>');
            if (colon >= 0 && _text[_at + colon] == (byte)':')
            {
                AppendWithoutSpace(_text.Slice(_at, colon));
                routeEnd = _scratch.Length;
                _at += colon + 1;
            }
        }
        int localEnd = -1;
        while (_at < _text.Length)
        {
            byte c = _text[_at];
            if (c is (byte)'>' or (byte)',')
                break;
            if (c == (byte)'(')
            {
                SkipComment();
                continue;
            }
            if (c == (byte)'"' && localEnd < 0)
            {
                QuotedString();
                continue;
            }
            _at++;
            if (c == (byte)'@' && localEnd < 0)
                localEnd = _scratch.Length;
            else if (c is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'<' or 0))
                _scratch.Write(c);
        }
        int domainEnd = _scratch.Length;
        if (localEnd < 0)
            localEnd = domainEnd;
        // The rest of the element: more brackets, a comment that serves as a name, rubbish.
        while (_at < _text.Length && _text[_at] is not ((byte)',' or (byte)';'))
        {
            if (_text[_at] == (byte)'(')
                SkipComment();
            else
                _at++;
        }
        int name = nameStart, end = nameEnd;
        if (nameEnd == nameStart)
        {
            name = Comment();
            end = _scratch.Length;
        }
        address = new ListedAddress
        {
            Kind = AddressKind.Mailbox,
            Name = _scratch.Slice(name, end - name),
            Route = _scratch.Slice(route, routeEnd - route),
            Local = _scratch.Slice(routeEnd, localEnd - routeEnd),
            Domain = _scratch.Slice(localEnd, domainEnd - localEnd),
        };
        return true;
    }

    readonly void Space(bool spaced)
    {
        if (spaced && _scratch.Length > _base)
            _scratch.Write((byte)' ');
    }

    void Atom()
    {
        ReadOnlySpan<byte> rest = _text[_at..];
        int length = 1;   // the first one may be a special that makes no sense here: it is taken as it is
        while (length < rest.Length && rest[length] is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0
            or (byte)'(' or (byte)'"' or (byte)'<' or (byte)'>' or (byte)'@' or (byte)',' or (byte)';' or (byte)':'))
            length++;
        _scratch.Write(rest[..length]);
        _at += length;
    }

    void QuotedString() => FieldLexer.QuotedString(_text, ref _at, _scratch);

    /// <summary>At "(": moves behind the comment and remembers it: it may serve as a name.</summary>
    void SkipComment() => (_commentStart, _commentLength) = FieldLexer.Comment(_text, ref _at);

    /// <summary>Appends the content of the last comment as a name and says where it starts.</summary>
    readonly int Comment()
    {
        int at = _scratch.Length;
        ReadOnlySpan<byte> rest = _text.Slice(_commentStart, _commentLength).Trim(" \t\r\n"u8);
        for (int i = 0; i < rest.Length; i++)
        {
            if (rest[i] == (byte)'\\' && i + 1 < rest.Length)
                i++;
            if (rest[i] is not ((byte)'\r' or (byte)'\n' or 0))
                _scratch.Write(rest[i]);
        }
        return at;
    }

    void SkipSpace()
    {
        while (_at < _text.Length && _text[_at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0)
            _at++;
    }

    readonly void AppendWithoutSpace(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0))
                _scratch.Write(b);
        }
    }

    /// <summary>"john . doe" before an "@" is "john.doe": RFC 5322 §4.4 (obs-local-part).</summary>
    readonly void RemoveSpaces(int start)
    {
        ReadOnlySpan<byte> bytes = _scratch.From(start);
        if (!bytes.Contains((byte)' '))
            return;
        byte[] copy = bytes.ToArray();
        _scratch.Truncate(start);
        AppendWithoutSpace(copy);
    }
}
