namespace MailEngine.Checks;

/// <summary>What the checks say of the one to whom a refusal, a report or an answer would go.</summary>
/// <param name="IsForged">Somebody else used his name: what he is told, he never asked for (backscatter).</param>
/// <param name="IsUnsure">The name servers of his domain did not answer: nobody knows, and what was to be refused is kept.</param>
/// <param name="Why">In the words of RFC 7601 §2.7, "spf=fail"; empty: nothing is against him.</param>
public sealed record SenderVerdict(bool IsForged, bool IsUnsure, string Why)
{
    /// <summary>SPF says that the client may use the reverse path: what is against the message is its From.</summary>
    public bool MayUsePath { get; init; }

    public static SenderVerdict Believed { get; } = new(false, false, "");

    internal static SenderVerdict Forged(string why) => new(true, false, why);

    internal static SenderVerdict Unsure(string why) => new(false, true, why);
}
