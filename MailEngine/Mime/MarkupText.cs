using System.Net;
using System.Text;

namespace MailEngine.Mime;

/// <summary>Takes the markup out of HTML, piece by piece: what a reader would see, with white space as one space.</summary>
/// <remarks>Never fails and keeps no more than a name in memory: what is no tag or entity stays as it stands. Tags that stand inside
/// a word (b, span, a, ...) leave no trace, others leave a space.</remarks>
internal sealed class MarkupText
{
    const int MaxName = 32;

    enum State
    {
        Text, Open, Name, Tag, Value, Quoted, Comment, Declaration, Raw, Entity,
    }

    static readonly HashSet<string> s_inline = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark", "q", "s",
        "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
    };

    readonly StringBuilder _text = new();
    readonly StringBuilder _name = new(MaxName);
    State _state;
    string _rawEnd = "";     // of style and script: "</style"
    int _rawSeen;
    char _quote;
    int _dashes;
    bool _closes;
    bool _space = true;      // the text ends in white space, or is empty

    /// <summary>Text of the next piece; valid until the next call.</summary>
    public ReadOnlySpan<char> Take(ReadOnlySpan<char> piece, bool last)
    {
        _text.Clear();
        foreach (char c in piece)
            Take(c);
        if (last && _state is State.Entity or State.Open)
            Literal();
        return _text.ToString();
    }

    void Take(char c)
    {
        switch (_state)
        {
            case State.Text when c == '<':
                _state = State.Open;
                _closes = false;
                _name.Clear();
                break;
            case State.Text when c == '&':
                _state = State.Entity;
                _name.Clear();
                break;
            case State.Text:
                Add(c);
                break;
            case State.Open:
                Open(c);
                break;
            case State.Name when char.IsAsciiLetterOrDigit(c) && _name.Length < MaxName:
                _name.Append(c);
                break;
            case State.Name or State.Tag:
                _state = c switch { '>' => EndTag(), '=' => State.Value, _ => State.Tag };
                break;
            case State.Value:
                if (c is '"' or '\'')
                {
                    _quote = c;
                    _state = State.Quoted;
                }
                else if (!char.IsWhiteSpace(c))
                    _state = c == '>' ? EndTag() : State.Tag;
                break;
            case State.Quoted:
                if (c == _quote)
                    _state = State.Tag;
                break;
            case State.Declaration:
                if (c == '>')
                    _state = State.Text;
                else if (c != '-' || _dashes > 1)
                    _dashes = 2;   // "<!DOCTYPE": no comment any more
                else if (++_dashes == 2)
                {
                    _state = State.Comment;
                    _dashes = 0;
                }
                break;
            case State.Comment:
                if (c == '>' && _dashes >= 2)
                    _state = State.Text;
                _dashes = c == '-' ? _dashes + 1 : 0;
                break;
            case State.Raw:
                _rawSeen = char.ToLowerInvariant(c) == _rawEnd[_rawSeen] ? _rawSeen + 1 : c == '<' ? 1 : 0;
                if (_rawSeen == _rawEnd.Length)
                    _state = State.Tag;
                break;
            case State.Entity:
                Entity(c);
                break;
        }
    }

    void Open(char c)
    {
        if (char.IsAsciiLetter(c))
        {
            _name.Append(c);
            _state = State.Name;
        }
        else if (c == '/' && !_closes)
            _closes = true;
        else if (c is '!' or '?' && !_closes)
        {
            _state = State.Declaration;
            _dashes = c == '!' ? 0 : 2;
        }
        else
        {
            Literal();
            Take(c);
        }
    }

    State EndTag()
    {
        string name = _name.ToString();
        _name.Clear();
        if (!s_inline.Contains(name))
            Add(' ');
        if (_closes || !(name.Equals("style", StringComparison.OrdinalIgnoreCase) || name.Equals("script", StringComparison.OrdinalIgnoreCase)))
            return State.Text;
        _rawEnd = "</" + name.ToLowerInvariant();
        _rawSeen = 0;
        _closes = true;   // the tag that ends it is the next one
        return State.Raw;
    }

    void Entity(char c)
    {
        if ((char.IsAsciiLetterOrDigit(c) || c == '#') && _name.Length < MaxName)
        {
            _name.Append(c);
            return;
        }
        if (c != ';')
        {
            Literal();
            Take(c);
            return;
        }
        _state = State.Text;
        foreach (char decoded in WebUtility.HtmlDecode($"&{_name};"))
            Add(decoded);
    }

    /// <summary>It was no tag or entity.</summary>
    void Literal()
    {
        bool entity = _state == State.Entity;
        _state = State.Text;
        Add(entity ? '&' : '<');
        if (!entity && _closes)
            Add('/');
        for (int i = 0; entity && i < _name.Length; i++)
            Add(_name[i]);
    }

    void Add(char c)
    {
        if (char.IsWhiteSpace(c))
        {
            if (!_space)
                _text.Append(' ');
            _space = true;
            return;
        }
        _space = false;
        _text.Append(c);
    }
}
