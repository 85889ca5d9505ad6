namespace MailEngine.Sieve.Language;

/// <summary>Compiles commands, block by block; open blocks stand on a stack, not on ours.</summary>
internal sealed class BlockCompiler
{
    /// <summary>A block that is being compiled.</summary>
    sealed class Frame(List<SyntaxNode> commands)
    {
        public List<SyntaxNode> Commands => commands;
        public int Next;

        /// <summary>Label behind the chain of if, elsif, else that stands open; -1: none.</summary>
        public int ChainEnd = -1;

        /// <summary>Label of the next branch of it.</summary>
        public int NextBranch = -1;

        /// <summary>Of a foreverypart: where it goes on to the next part, and where it ends; null: it is none.</summary>
        public (int Next, int End, string Name)? Loop { get; init; }

        /// <summary>The chain ends with an else.</summary>
        public bool HadElse;
    }

    readonly Compilation _script;
    readonly Stack<Frame> _frames = new();
    bool _requireEnded;

    /// <summary>An ihave was met: from there on what is not known here is an error only when it is reached. RFC 5463 §4</summary>
    bool _isTolerant;

    BlockCompiler(Compilation script) => _script = script;

    public static void Compile(List<SyntaxNode> commands, Compilation script)
    {
        var compiler = new BlockCompiler(script);
        compiler._frames.Push(new Frame(commands));
        compiler.Run();
    }

    void Run()
    {
        while (_frames.TryPeek(out Frame? frame) && !_script.Errors.IsFull)
        {
            if (frame.Next == frame.Commands.Count)
            {
                EndChain(frame);
                _frames.Pop();
                if (frame.Loop is { } loop)
                    EndLoop(loop.Next, loop.End);
                else if (_frames.TryPeek(out Frame? outer))
                    EndBranch(outer);
                continue;
            }
            SyntaxNode command = frame.Commands[frame.Next++];
            if (command.Name is not ("elsif" or "else"))
                EndChain(frame);
            if (command.Name != "require")
                _requireEnded = true;
            int mark = _script.Errors.Mark(), from = _script.Length;
            Command(command, frame);
            // What opens a block has labels in it, and its tests have put off their errors themselves.
            if (_isTolerant)
                _script.PutOff(mark, command.Name is "if" or "elsif" or "else" or "foreverypart" ? _script.Length : from, command.Offset);
        }
    }

    void EndChain(Frame frame)
    {
        if (frame.ChainEnd >= 0)
            _script.Place(frame.ChainEnd);
        frame.ChainEnd = -1;
    }

    void EndBranch(Frame frame)
    {
        if (frame.NextBranch < 0)
            return;
        _script.EmitJump(frame.ChainEnd);
        _script.Place(frame.NextBranch);
        frame.NextBranch = -1;
    }

    void Command(SyntaxNode node, Frame frame)
    {
        switch (node.Name)
        {
            case "if" or "elsif" or "else":
                Branch(node, frame);
                return;
            case "require":
                Require(node);
                return;
            case "foreverypart":
                ForEveryPart(node);
                return;
            case "break":
                Break(node);
                return;
        }
        if (node.Tests.Count > 0)
            _script.Error(node.Tests[0].Offset, $"\"{node.Name}\" takes no test.");
        if (node.Block is not null)
            _script.Error(node.Offset, $"\"{node.Name}\" takes no block; it ends with \";\".");
        if (!CommandTable.Rows.TryGetValue(node.Name, out CommandRow? row))
        {
            _script.Error(node.Offset, TestTable.Rows.ContainsKey(node.Name)
                ? $"\"{node.Name}\" is a test: it stands behind if, not alone." : $"\"{node.Name}\" is no command that is known here.");
            return;
        }
        _script.Needs(row.Capability, node.Offset, $"\"{node.Name}\"");
        var arguments = new Arguments(node, _script);
        Running.SieveCommand? command = row.Parse(arguments);
        arguments.End();
        if (command is not null)
            _script.Emit(command);
    }

    // RFC 5228 §3.1
    void Branch(SyntaxNode node, Frame frame)
    {
        bool isFirst = node.Name == "if", isLast = node.Name == "else";
        if (!isFirst && (frame.ChainEnd < 0 || frame.HadElse))
            _script.Error(node.Offset, $"\"{node.Name}\" must follow the block of an \"if\" or \"elsif\".");
        if (frame.ChainEnd < 0)
            frame.ChainEnd = _script.NewLabel();
        frame.HadElse = isLast;
        if (node.Arguments.Count > 0)
            _script.Error(node.Arguments[0].Offset, $"\"{node.Name}\" takes {(isLast ? "" : "a test and ")}a block, nothing else.");
        if (isLast)
        {
            if (node.Tests.Count > 0)
                _script.Error(node.Tests[0].Offset, "\"else\" takes no test; \"elsif\" does.");
        }
        else if (node.Tests.Count != 1 || node.HasTestList)
        {
            _script.Error(node.Offset, $"\"{node.Name}\" takes one test; several are put together by anyof or allof.");
        }
        else
        {
            _isTolerant |= TestCompiler.AsksForCapabilities(node.Tests[0]);
            int body = _script.NewLabel();
            frame.NextBranch = _script.NewLabel();
            TestCompiler.Compile(node.Tests[0], body, frame.NextBranch, _script, _isTolerant);
            _script.Place(body);
        }
        if (node.Block is not null)
        {
            _frames.Push(new Frame(node.Block));
            return;
        }
        _script.Error(node.Offset, $"\"{node.Name}\" needs a block in braces.");
        EndBranch(frame);
    }

    // foreverypart [":name" string] block (RFC 5703 §3)
    void ForEveryPart(SyntaxNode node)
    {
        _script.Needs(Capability.ForEveryPart, node.Offset, "\"foreverypart\"");
        var arguments = new Arguments(node, _script);
        string name = arguments.TaggedString("name")?.Constant ?? "";
        arguments.End();
        if (node.Tests.Count > 0)
            _script.Error(node.Tests[0].Offset, "\"foreverypart\" takes no test.");
        if (node.Block is null)
        {
            _script.Error(node.Offset, "\"foreverypart\" needs a block in braces.");
            return;
        }
        int next = _script.NewLabel(), body = _script.NewLabel(), end = _script.NewLabel();
        _script.Emit(new Commands.BeginPartsCommand());
        _script.Place(next);
        _script.EmitTest(new Commands.NextPart(), body, end);
        _script.Place(body);
        _script.Loops++;
        _frames.Push(new Frame(node.Block) { Loop = (next, end, name) });
    }

    void EndLoop(int next, int end)
    {
        _script.Loops--;
        _script.EmitJump(next);
        _script.Place(end);
    }

    // break [":name" string] (RFC 5703 §3.2)
    void Break(SyntaxNode node)
    {
        _script.Needs(Capability.ForEveryPart, node.Offset, "\"break\"");
        var arguments = new Arguments(node, _script);
        string? name = arguments.TaggedString("name")?.Constant;
        arguments.End();
        if (node.Block is not null || node.Tests.Count > 0)
            _script.Error(node.Offset, "\"break\" takes neither test nor block; it ends with \";\".");
        int left = 0;
        foreach (Frame frame in _frames)
        {
            if (frame.Loop is not { } loop)
                continue;
            left++;
            if (name is not null && loop.Name != name)
                continue;
            _script.Emit(new Commands.LeavePartsCommand(left));
            _script.EmitJump(loop.End);
            return;
        }
        _script.Error(node.Offset, name is null ? "\"break\" must stand in the block of a \"foreverypart\"." : $"There is no \"foreverypart\" of the name \"{Printable(name)}\" around this.");
    }

    // RFC 5228 §3.2
    void Require(SyntaxNode node)
    {
        if (_requireEnded)
            _script.Error(node.Offset, "\"require\" must stand at the top, before all other commands.");
        var arguments = new Arguments(node, _script);
        foreach (ScriptString name in arguments.Strings("the list of extensions"))
        {
            string capability = name.Constant ?? "";
            if (Capability.IsKnown(capability))
                _script.RequireByName(capability);
            else
                _script.Error(name.Offset, $"The extension \"{Printable(capability)}\" is not known here.");
        }
        arguments.End();
        if (node.Block is not null || node.Tests.Count > 0)
            _script.Error(node.Offset, "\"require\" takes a list of strings and ends with \";\".");
    }

    static string Printable(string octets)
    {
        string text = Octets.ToText(octets.Length > 100 ? octets[..100] : octets);
        return string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
    }
}
