namespace MailEngine.Sieve.Language;

/// <summary>Makes a tree of a script. RFC 5228 §8.2</summary>
/// <remarks>No recursion: open blocks and open test lists stand on stacks of their own, no deeper than <see cref="SieveOptions.Nesting"/>. After a
/// fault it goes on with the next command, so that one look shows all faults.</remarks>
internal sealed class Parser
{
    readonly Lexer _lexer;
    readonly SieveErrors _errors;
    readonly SieveOptions _limits;
    readonly Stack<(List<SyntaxNode> Commands, int Offset)> _blocks = new();
    readonly Stack<SyntaxNode> _lists = new();
    List<SyntaxNode> _block = [];
    Token _token;
    int _nodes;
    int _strings;

    Parser(ReadOnlyMemory<byte> script, SieveErrors errors, SieveOptions limits)
    {
        _lexer = new Lexer(script, errors);
        _errors = errors;
        _limits = limits;
        _token = _lexer.Next();
    }

    /// <returns>The commands at the top.</returns>
    public static List<SyntaxNode> Parse(ReadOnlyMemory<byte> script, SieveErrors errors, SieveOptions limits)
    {
        if (script.Length > limits.ScriptBytes)
        {
            errors.Add(0, $"The script has {script.Length} octets; the most is {limits.ScriptBytes}.");
            return [];
        }
        return new Parser(script, errors, limits).Commands();
    }

    List<SyntaxNode> Commands()
    {
        List<SyntaxNode> top = _block;
        while (!_errors.IsFull)
        {
            switch (_token.Kind)
            {
                case TokenKind.End:
                    if (_blocks.Count > 0)
                        _errors.Add(_blocks.Peek().Offset, "The block that begins here has no end: \"}\" is missing.");
                    return top;
                case TokenKind.CloseBrace:
                    if (_blocks.TryPop(out (List<SyntaxNode> Commands, int Offset) outer))
                        _block = outer.Commands;
                    else
                        _errors.Add(_token.Offset, "\"}\" closes no block.");
                    Move();
                    break;
                case TokenKind.Identifier:
                    if (Command() is { } command)
                    {
                        _block.Add(command);
                        if (command.Block is { } inner)
                        {
                            if (_blocks.Count >= _limits.Nesting)
                            {
                                _errors.Add(command.Offset, $"Blocks stand inside one another more than {_limits.Nesting} deep.");
                                return top;
                            }
                            _blocks.Push((_block, _token.Offset));
                            _block = inner;
                            Move();
                        }
                    }
                    break;
                default:
                    Fault($"A command must stand here, not {_token.Name}.");
                    break;
            }
        }
        return top;
    }

    /// <summary>One command up to its ";" (passed) or "{" (not passed). Null: it made no sense, and what follows is the next one.</summary>
    SyntaxNode? Command()
    {
        _lists.Clear();
        SyntaxNode command = Node(depth: 0);
        SyntaxNode current = command;
        while (!_errors.IsFull)
        {
            if (!Arguments(current))
                return null;
            if (_token.Kind == TokenKind.OpenParenthesis)
            {
                current.HasTestList = true;
                _lists.Push(current);
                Move();
                if (!Test(current, out current))
                    return null;
                continue;
            }
            if (_token.Kind == TokenKind.Identifier)
            {
                if (!Test(current, out current))
                    return null;
                continue;
            }
            while (_token.Kind == TokenKind.CloseParenthesis && _lists.TryPop(out _))
                Move();
            if (_token.Kind == TokenKind.Comma && _lists.TryPeek(out SyntaxNode? list))
            {
                Move();
                if (!Test(list, out current))
                    return null;
                continue;
            }
            return End(command);
        }
        return null;
    }

    SyntaxNode? End(SyntaxNode command)
    {
        if (_lists.Count > 0)
        {
            Fault($"\",\" or \")\" must follow in the list of tests, not {_token.Name}.");
            return null;
        }
        switch (_token.Kind)
        {
            case TokenKind.Semicolon:
                Move();
                return command;
            case TokenKind.OpenBrace:
                command.Block = [];
                return command;
            default:
                Fault($"\";\" is missing behind \"{command.Name}\" and its arguments, before {_token.Name}.");
                return null;
        }
    }

    bool Test(SyntaxNode parent, out SyntaxNode test)
    {
        test = parent;
        if (_token.Kind != TokenKind.Identifier)
        {
            Fault($"A test must stand here, not {_token.Name}.");
            return false;
        }
        if (parent.Depth >= _limits.Nesting)
        {
            Fault($"Tests stand inside one another more than {_limits.Nesting} deep.");
            return false;
        }
        test = Node(parent.Depth + 1);
        parent.Tests.Add(test);
        return true;
    }

    SyntaxNode Node(int depth)
    {
        var node = new SyntaxNode(_token, depth);
        if (++_nodes == _limits.Commands + 1)
            _errors.Add(_token.Offset, $"The script has more than {_limits.Commands} commands and tests.");
        Move();
        return node;
    }

    /// <summary>False: the command makes no sense.</summary>
    bool Arguments(SyntaxNode node)
    {
        while (true)
        {
            Token first = _token;
            switch (first.Kind)
            {
                case TokenKind.Tag:
                    node.Arguments.Add(new Argument(ArgumentKind.Tag, first.Offset, first.Text, 0, [], false));
                    Move();
                    break;
                case TokenKind.Number:
                    node.Arguments.Add(new Argument(ArgumentKind.Number, first.Offset, "", first.Number, [], false));
                    Move();
                    break;
                case TokenKind.String:
                    Count(first);
                    node.Arguments.Add(new Argument(ArgumentKind.Strings, first.Offset, "", 0, [first], false));
                    Move();
                    break;
                case TokenKind.OpenBracket:
                    if (List() is not { } strings)
                        return false;
                    node.Arguments.Add(new Argument(ArgumentKind.Strings, first.Offset, "", 0, strings, true));
                    break;
                default:
                    return true;
            }
        }
    }

    // string-list = "[" string *("," string) "]" / string
    List<Token>? List()
    {
        var strings = new List<Token>();
        Move();
        while (true)
        {
            if (_token.Kind != TokenKind.String)
            {
                Fault($"A string must stand in the list, not {_token.Name}.");
                return null;
            }
            Count(_token);
            strings.Add(_token);
            Move();
            if (_token.Kind == TokenKind.CloseBracket)
            {
                Move();
                return strings;
            }
            if (_token.Kind != TokenKind.Comma)
            {
                Fault($"\",\" or \"]\" must follow in the list of strings, not {_token.Name}.");
                return null;
            }
            Move();
        }
    }

    void Count(Token text)
    {
        if (++_strings == _limits.Strings + 1)
            _errors.Add(text.Offset, $"The script has more than {_limits.Strings} strings.");
    }

    /// <summary>Notes a fault and goes on behind the next ";", or before the next "}" or the block that "{" opens.</summary>
    void Fault(string message)
    {
        _errors.Add(_token.Offset, message);
        while (_token.Kind is not (TokenKind.End or TokenKind.Semicolon or TokenKind.OpenBrace or TokenKind.CloseBrace))
            Move();
        if (_token.Kind == TokenKind.OpenBrace && _blocks.Count >= _limits.Nesting)
        {
            SkipBlock();
        }
        else if (_token.Kind == TokenKind.OpenBrace)
        {
            // A block whose beginning made no sense: its commands are looked at as if they stood outside of it.
            _blocks.Push((_block, _token.Offset));
            Move();
        }
        else if (_token.Kind == TokenKind.Semicolon)
        {
            Move();
        }
    }

    void SkipBlock()
    {
        int depth = 0;
        do
        {
            depth += _token.Kind switch { TokenKind.OpenBrace => 1, TokenKind.CloseBrace => -1, _ => 0 };
            Move();
        }
        while (depth > 0 && _token.Kind != TokenKind.End);
    }

    void Move() => _token = _lexer.Next();
}
