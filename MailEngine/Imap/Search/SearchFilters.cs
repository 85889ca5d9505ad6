using System.Text;
using MailEngine.Store;

namespace MailEngine.Imap.Search;

/// <summary>Named searches: criteria that are kept as annotations of the server and stand where FILTER names them. RFC 5466 §3</summary>
/// <remarks>A filter may name others. Each pass puts values in the place of all names at once, in postfix order, so that nothing recurses;
/// passes and steps are bounded, and a filter that leads back to itself is like one that is not there.</remarks>
internal static class SearchFilters
{
    /// <summary>Filters within filters: RFC 5466 §3.1 wants 3 at least.</summary>
    const int MostPasses = 10;

    const string Values = "/filters/values/";

    /// <summary>filter-name: ATOM-CHARs but "/". RFC 5466 §4</summary>
    public static bool IsName(ReadOnlySpan<char> name) =>
        Ascii.IsValid(name) && !name.Contains('/') && ImapReader.IsAtom(Encoding.ASCII.GetBytes(name.ToString()));

    /// <summary>Whether a server's annotation may be set: the value of a filter must be whole criteria under a name that FILTER can have.
    /// RFC 5466 §3.2</summary>
    public static bool MayBeSet(Annotation annotation, int depth)
    {
        int at = annotation.Entry.IndexOf('/', 1);   // behind /private or /shared
        if (!annotation.Entry.AsSpan(at).StartsWith(Values, StringComparison.Ordinal))
            return true;
        return IsName(annotation.Entry.AsSpan(at + Values.Length)) && (annotation.Value is null || Parse(annotation.Value, depth, null) is not null);
    }

    /// <summary>Puts criteria in the place of all names.</summary>
    /// <returns>Null: done. Else the answer to the command.</returns>
    public static ImapReply? Expand(ImapSession session, ref SearchProgram program)
    {
        IReadOnlyList<Annotation> annotations = session.Store.AnnotationsOf(Annotation.OfServer, session.AccountId);
        var known = new Dictionary<string, SearchProgram?>(StringComparer.Ordinal);
        for (int pass = 0; program.FirstFilter is { } first; pass++)
        {
            if (pass == MostPasses)
                return Undefined(first);
            var steps = new List<SearchStep>();
            bool fuzzy = program.IsFuzzy;
            foreach (SearchStep step in program.Steps)
            {
                if (step.Key is not { Kind: SearchKind.Filter } filter)
                {
                    steps.Add(step);
                    continue;
                }
                if (Find(filter.Text) is not { } value)
                    return Undefined(filter.Text);
                steps.AddRange(filter.Fuzzy is null ? value.Steps : value.Steps.Select(inner => inner with { Key = inner.Key?.Fuzzily() }));
                fuzzy |= value.IsFuzzy;
                if (steps.Count > SearchProgram.MostSteps)
                    return ImapReply.No("[LIMIT] The filters make too long a search");
            }
            program = SearchProgram.Of(steps, fuzzy);
        }
        return null;

        SearchProgram? Find(string name)
        {
            if (known.TryGetValue(name, out SearchProgram? found))
                return found;
            string entry = Values + name.ToLowerInvariant();
            // One's own goes before the one that all share: RFC 5466 §1.
            byte[]? text = annotations.FirstOrDefault(a => a.Entry == "/private" + entry).Value ?? annotations.FirstOrDefault(a => a.Entry == "/shared" + entry).Value;
            return known[name] = text is null ? null : Parse(text, session.Limits.Depth, session.Selected?.Saved);
        }
    }

    static ImapReply Undefined(string name) => ImapReply.No($"[UNDEFINED-FILTER {name}] No filter of that name that can be used");

    // search-criteria = search-key *(SP search-key) (RFC 5466 §4), in UTF-8
    static SearchProgram? Parse(ReadOnlySpan<byte> value, int depth, SequenceSet? saved)
    {
        var line = new byte[value.Length + 2];
        value.CopyTo(line);
        "\r\n"u8.CopyTo(line.AsSpan(value.Length));
        var reader = new ImapReader(line, depth) { Saved = saved };
        SearchProgram program = SearchParser.Parse(ref reader);
        reader.End();
        return reader.Failed ? null : program;
    }
}
