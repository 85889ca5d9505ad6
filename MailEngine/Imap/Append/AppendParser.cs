using MailEngine.Store;

namespace MailEngine.Imap.Append;

/// <summary>Takes the messages of an APPEND apart, piece by piece: a piece ends with the line end behind a literal's length, or with that of
/// the command.</summary>
/// <remarks>RFC 9051 §6.3.12, RFC 3502 §6.3.11, RFC 4469 §5. The octets of literals never come here. Between two pieces nothing is kept
/// but the place.</remarks>
/// <param name="single">REPLACE: one message and no more. RFC 8508 §4.7</param>
internal sealed class AppendParser(bool single = false)
{
    enum Place
    {
        /// <summary>A message comes.</summary>
        Message,
        /// <summary>Behind the data of a message.</summary>
        AfterMessage,
        /// <summary>A part of CATENATE comes.</summary>
        Part,
        /// <summary>Behind a part.</summary>
        AfterPart,
        /// <summary>Behind the literal of UTF8 (...). RFC 6855 §4</summary>
        AfterUtf8,
    }

    readonly List<AppendStep> _steps = [];
    Place _place;
    Place _afterUtf8;   // where the closing parenthesis leads to
    bool _waits;   // a literal ended the piece

    /// <summary>What the piece read last asks for, in order.</summary>
    public IReadOnlyList<AppendStep> Steps => _steps;

    /// <summary>The command has ended.</summary>
    public bool IsComplete { get; private set; }

    // append = "APPEND" SP mailbox 1*append-message
    // append-message = [SP flag-list] [SP date-time] SP append-data (RFC 3502 §6.3.11)

    /// <summary>Reads a piece; afterwards the error of the reader tells whether it was right. After one that was not: <see cref="Skip"/>.</summary>
    public void Read(ref ImapReader r)
    {
        _steps.Clear();
        _waits = false;
        while (!r.Failed && !_waits && !IsComplete)
        {
            switch (_place)
            {
                case Place.Message:
                    r.Sp();
                    Message(ref r);
                    break;
                case Place.AfterMessage:
                    _steps.Add(new AppendStep(AppendStepKind.Finish));
                    _place = Place.Message;
                    IsComplete = single || r.AtEnd;
                    if (IsComplete)
                        r.End();
                    break;
                case Place.Part:
                    Part(ref r);
                    break;
                case Place.AfterUtf8:
                    r.Take((byte)')');
                    _place = _afterUtf8;
                    break;
                default:
                    _place = r.TryTake((byte)')') ? Place.AfterMessage : Place.Part;
                    if (_place == Place.Part)
                        r.Sp();
                    break;
            }
        }
    }

    /// <summary>Passes over a piece of a command that is broken.</summary>
    public void Skip(ReadOnlySpan<byte> piece)
    {
        _steps.Clear();
        if (CommandFramer.TryLiteral(piece, out long length, out bool waits))
            _steps.Add(new AppendStep(AppendStepKind.Discard) { Length = length, Waits = waits });
        else
            IsComplete = true;
    }

    void Message(ref ImapReader r)
    {
        (MessageFlags flags, IReadOnlyList<string> keywords) = (MessageFlags.None, (IReadOnlyList<string>)[]);
        if (r.Peek() == (byte)'(')
        {
            (flags, keywords) = r.Flags();
            r.Sp();
        }
        DateTimeOffset? date = null;
        if (r.Peek() == (byte)'"')
        {
            date = r.DateTime();
            r.Sp();
        }
        _steps.Add(new AppendStep(AppendStepKind.Start) { Flags = flags, Keywords = keywords, Date = date });
        if (r.TryWord("CATENATE"u8))
        {
            r.Sp();
            r.Take((byte)'(');
            _place = Place.Part;
        }
        else
        {
            _place = Place.AfterMessage;
            if (!TryUtf8(ref r))
                Literal(ref r, AppendStepKind.Literal, isWhole: true);
        }
    }

    // cat-part = "TEXT" SP literal / "URL" SP astring / utf8-literal (RFC 4469 §5)
    void Part(ref ImapReader r)
    {
        _place = Place.AfterPart;
        if (r.TryWord("TEXT"u8))
        {
            r.Sp();
            Literal(ref r, AppendStepKind.Literal);
        }
        else if (r.TryWord("URL"u8))
        {
            r.Sp();
            if (r.Peek() == (byte)'{')
                Literal(ref r, AppendStepKind.UrlLiteral);
            else
                _steps.Add(new AppendStep(AppendStepKind.Url) { Url = r.AstringText() });
        }
        else if (!TryUtf8(ref r))
            r.Fail("Expected TEXT or URL");
    }

    // utf8-literal = "UTF8" SP "(" literal8 ")" (RFC 6855 §4)
    bool TryUtf8(ref ImapReader r)
    {
        if (!r.TryWord("UTF8"u8))
            return false;
        r.Sp();
        r.Take((byte)'(');
        Literal(ref r, AppendStepKind.Literal);
        _afterUtf8 = _place;
        _place = Place.AfterUtf8;
        return true;
    }

    void Literal(ref ImapReader r, AppendStepKind kind, bool isWhole = false)
    {
        long length = r.MessageLiteral(out bool waits);
        _steps.Add(new AppendStep(kind) { Length = length, Waits = waits, IsWhole = isWhole });
        _waits = true;
    }
}
