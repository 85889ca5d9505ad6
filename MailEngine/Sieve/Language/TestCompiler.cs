namespace MailEngine.Sieve.Language;

/// <summary>Compiles a test and those inside it to instructions that jump: what need not be asked is not asked. RFC 5229 §3.2</summary>
/// <remarks>Not, allof and anyof (RFC 5228 §5) leave nothing but jumps. What is still to be done stands on a stack of its own.</remarks>
internal static class TestCompiler
{
    /// <summary>A test to compile, or (<see cref="Node"/> null) a label to place.</summary>
    readonly record struct Work(SyntaxNode? Node, int IfTrue, int IfFalse);

    /// <param name="isTolerant">What is not known is an error only when it is reached. RFC 5463 §4</param>
    public static void Compile(SyntaxNode test, int ifTrue, int ifFalse, Compilation script, bool isTolerant)
    {
        var work = new Stack<Work>();
        work.Push(new Work(test, ifTrue, ifFalse));
        while (work.TryPop(out Work next))
        {
            if (next.Node is not { } node)
            {
                script.Place(next.IfTrue);
                continue;
            }
            int mark = script.Errors.Mark(), from = script.Length;
            Compile(node, next.IfTrue, next.IfFalse, script, work);
            if (isTolerant)
                script.PutOff(mark, from, node.Offset);
        }
    }

    /// <summary>An ihave is somewhere in it.</summary>
    public static bool AsksForCapabilities(SyntaxNode test)
    {
        var waiting = new Stack<SyntaxNode>();
        waiting.Push(test);
        while (waiting.TryPop(out SyntaxNode? node))
        {
            if (node.Name == "ihave")
                return true;
            foreach (SyntaxNode inner in node.Tests)
                waiting.Push(inner);
        }
        return false;
    }

    static void Compile(SyntaxNode node, int ifTrue, int ifFalse, Compilation script, Stack<Work> work)
    {
        switch (node.Name)
        {
            case "not":
                if (Takes(node, script, "one test", node.Tests.Count == 1 && !node.HasTestList))
                    work.Push(new Work(node.Tests[0], ifFalse, ifTrue));
                return;
            case "allof" or "anyof":
                if (!Takes(node, script, "a list of tests in parentheses", node.HasTestList))
                    return;
                // Backwards, since the stack gives the last one first.
                for (int i = node.Tests.Count - 1; i >= 0; i--)
                {
                    if (i == node.Tests.Count - 1)
                    {
                        work.Push(new Work(node.Tests[i], ifTrue, ifFalse));
                        continue;
                    }
                    int next = script.NewLabel();
                    work.Push(new Work(null, next, 0));
                    work.Push(node.Name == "allof" ? new Work(node.Tests[i], next, ifFalse) : new Work(node.Tests[i], ifTrue, next));
                }
                return;
            case "true" or "false":
                if (Takes(node, script, "no test", node.Tests.Count == 0))
                    script.EmitJump(node.Name == "true" ? ifTrue : ifFalse);
                return;
        }
        if (node.Tests.Count > 0)
            script.Error(node.Tests[0].Offset, $"\"{node.Name}\" takes no test.");
        if (!TestTable.Rows.TryGetValue(node.Name, out TestRow? row))
        {
            script.Error(node.Offset, CommandTable.Rows.ContainsKey(node.Name)
                ? $"\"{node.Name}\" is a command: it cannot be asked like a test." : $"\"{node.Name}\" is no test that is known here.");
            return;
        }
        script.Needs(row.Capability, node.Offset, $"\"{node.Name}\"");
        var arguments = new Arguments(node, script);
        if (node.Name == "ihave")
            script.EmitJump(IHave(arguments) ? ifTrue : ifFalse);
        else
            script.EmitTest(row.Parse(arguments), ifTrue, ifFalse);
        arguments.End();
    }

    static bool Takes(SyntaxNode node, Compilation script, string what, bool holds)
    {
        if (node.Arguments.Count > 0 || !holds)
            script.Error(node.Arguments.Count > 0 ? node.Arguments[0].Offset : node.Offset, $"\"{node.Name}\" takes {what}{(what == "no test" ? "" : " and nothing else")}.");
        return node.Arguments.Count == 0 && holds;
    }

    /// <summary>What is known here does not change while a script runs, so the answer is found now; from here on the extensions are there.</summary>
    /// <remarks>RFC 5463 §4</remarks>
    static bool IHave(Arguments arguments)
    {
        bool all = true;
        ScriptString[] names = arguments.Strings("the list of extensions");
        foreach (ScriptString name in names)
        {
            if (name.Constant is null)
                arguments.Script.Error(name.Offset, "The names of extensions must not have variables in them.");
            // What changes how a script is read cannot be switched on in the middle of it.
            all &= Capability.IsKnown(name.Constant ?? "") && (name.Constant is not (Capability.Variables or Capability.EncodedCharacter) || arguments.Script.Has(name.Constant));
        }
        foreach (ScriptString name in all ? names : [])
            arguments.Script.Require(name.Constant!);
        return all;
    }
}
