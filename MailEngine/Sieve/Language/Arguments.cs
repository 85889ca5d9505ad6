namespace MailEngine.Sieve.Language;

/// <summary>The arguments of one command or test, taken out one by one by whoever compiles it; <see cref="End"/> reports what is left over.</summary>
/// <remarks>RFC 5228 §2.6. A fault is reported once and a value that does no harm is given back, so that compiling reads like the "Usage" lines of
/// the RFCs: tags first, then what goes by its place.</remarks>
internal sealed class Arguments(SyntaxNode node, Compilation script)
{
    int _next;

    public Compilation Script => script;

    public int Offset => node.Offset;

    public string Name => node.Name;

    List<Argument> All => node.Arguments;

    /// <summary>":tag" without a value.</summary>
    public bool Flag(string tag, string? capability = null)
    {
        int at = FindTag(tag);
        if (at < 0)
            return false;
        All[at].IsUsed = true;
        return script.Needs(capability, All[at].Offset, $":{tag}");
    }

    /// <summary>The one of several tags that is there; null: none.</summary>
    public string? OneOf(params ReadOnlySpan<(string Tag, string? Capability)> tags)
    {
        string? found = null;
        foreach (Argument argument in All)
        {
            if (argument.Kind != ArgumentKind.Tag || argument.IsUsed)
                continue;
            foreach ((string tag, string? capability) in tags)
            {
                if (argument.Text != tag)
                    continue;
                argument.IsUsed = true;
                script.Needs(capability, argument.Offset, $":{tag}");
                if (found is not null)
                    script.Error(argument.Offset, found == tag ? $":{tag} is given twice." : $":{tag} and :{found} exclude one another.");
                found = tag;
            }
        }
        return found;
    }

    /// <summary>":tag string"; null: it is not there.</summary>
    public ScriptString? TaggedString(string tag, string? capability = null) =>
        TaggedValue(tag, capability, ArgumentKind.Strings, "a string") is not { } value ? null
        : value.IsList ? Refuse(value, $":{tag} takes one string, not a list.") : script.String(value.Strings[0]);

    /// <summary>":tag string-list"; null: it is not there.</summary>
    public ScriptString[]? TaggedStrings(string tag, string? capability = null) =>
        TaggedValue(tag, capability, ArgumentKind.Strings, "a string or a list of strings") is { } value ? Compile(value) : null;

    /// <summary>":tag number"; null: it is not there.</summary>
    public long? TaggedNumber(string tag, string? capability = null) => TaggedValue(tag, capability, ArgumentKind.Number, "a number")?.Number;

    /// <summary>Arguments by place that are left.</summary>
    public int Left
    {
        get
        {
            int left = 0;
            for (int i = _next; i < All.Count; i++)
                left += !All[i].IsUsed && All[i].Kind != ArgumentKind.Tag ? 1 : 0;
            return left;
        }
    }

    /// <param name="what">What it is, for people: "the address".</param>
    public ScriptString String(string what)
    {
        if (Next() is not { Kind: ArgumentKind.Strings } value)
            return Missing(what, "a string");
        return value.IsList ? Refuse(value, $"{Capital(what)} of \"{Name}\" must be one string, not a list.") : script.String(value.Strings[0]);
    }

    public ScriptString[] Strings(string what) =>
        Next() is { Kind: ArgumentKind.Strings } value ? Compile(value) : [Missing(what, "a string or a list of strings")];

    public long Number(string what)
    {
        if (Next() is { Kind: ArgumentKind.Number } value)
            return value.Number;
        Missing(what, "a number");
        return 0;
    }

    /// <summary>A string without variables. RFC 5229 §3</summary>
    public string Constant(string what)
    {
        ScriptString value = String(what);
        if (value.Constant is null)
            script.Error(value.Offset, $"{Capital(what)} of \"{Name}\" must not have variables in it.");
        return value.Constant ?? "";
    }

    /// <summary>Reports everything that nobody took.</summary>
    public void End()
    {
        foreach (Argument argument in All)
        {
            if (script.Errors.IsFull)
                return;   // what is said of each one looks through all of them
            if (!argument.IsUsed)
                script.Error(argument.Offset, argument.Kind == ArgumentKind.Tag ? UnknownTag(argument) : $"This is more than \"{Name}\" takes.");
        }
    }

    string UnknownTag(Argument argument) =>
        All.Exists(other => other != argument && other.IsUsed && other.Kind == ArgumentKind.Tag && other.Text == argument.Text) ? $":{argument.Text} is given twice."
        : $"\"{Name}\" has no argument :{argument.Text}, or none in this place.";

    int FindTag(string tag) => All.FindIndex(a => !a.IsUsed && a.Kind == ArgumentKind.Tag && a.Text == tag);

    Argument? TaggedValue(string tag, string? capability, ArgumentKind kind, string what)
    {
        int at = FindTag(tag);
        if (at < 0)
            return null;
        All[at].IsUsed = true;
        script.Needs(capability, All[at].Offset, $":{tag}");
        if (at + 1 < All.Count && All[at + 1].Kind == kind && !All[at + 1].IsUsed)
        {
            All[at + 1].IsUsed = true;
            return All[at + 1];
        }
        script.Error(All[at].Offset, $"{Capital(what)} must follow :{tag}.");
        return null;
    }

    /// <summary>The next one by place. Tags may stand before these only: RFC 5228 §2.6.2</summary>
    Argument? Next()
    {
        while (_next < All.Count && (All[_next].IsUsed || All[_next].Kind == ArgumentKind.Tag))
            _next++;
        if (_next >= All.Count)
            return null;
        Argument value = All[_next++];
        value.IsUsed = true;
        if (All.Skip(_next).FirstOrDefault(later => later.Kind == ArgumentKind.Tag && later.IsUsed) is { } late)
            script.Error(late.Offset, $":{late.Text} must stand before the other arguments of \"{Name}\".");
        return value;
    }

    ScriptString[] Compile(Argument value)
    {
        var strings = new ScriptString[value.Strings.Count];
        for (int i = 0; i < strings.Length; i++)
            strings[i] = script.String(value.Strings[i]);
        return strings;
    }

    ScriptString Missing(string what, string kind)
    {
        int offset = _next > 0 && _next <= All.Count ? All[_next - 1].Offset : Offset;
        script.Error(offset, $"{Capital(what)} of \"{Name}\" is missing here: {kind}.");
        return ScriptString.Missing(offset);
    }

    ScriptString Refuse(Argument value, string message)
    {
        script.Error(value.Offset, message);
        return ScriptString.Missing(value.Offset);
    }

    static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
