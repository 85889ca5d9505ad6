using System.Text;

namespace MailEngine.Pop3.Commands;

/// <summary>LANG: the language of the answers, or the list of them.</summary>
/// <remarks>RFC 6856 §3.2; matching: RFC 4647 §3.4</remarks>
/// <param name="Range">Null: the list is asked for.</param>
internal sealed record LangCommand(string? Range) : Pop3Command
{
    static readonly (string Tag, string Name, Pop3Language Language)[] s_languages =
    [
        ("en", "English", Pop3Language.English),
        ("de", "Deutsch", Pop3Language.German),
    ];

    public static Pop3Command Parse(ref Pop3Reader r) => new LangCommand(r.HasMore ? Encoding.ASCII.GetString(r.Word()) : null);

    public override ValueTask<Pop3Reply> RunAsync(Pop3Session session, CancellationToken ct)
    {
        if (Range is null)
        {
            session.Say(Pop3Reply.Ok(Pop3Texts.Languages));
            foreach ((string tag, string name, _) in s_languages)
                session.Writer.WriteAscii($"{tag} {name}\r\n");
            session.Writer.Write(".\r\n"u8);
            return new(Pop3Reply.Nothing);
        }
        for (string range = Range == "*" ? s_languages[0].Tag : Range; ; range = range[..range.LastIndexOf('-')])
        {
            foreach ((string tag, _, Pop3Language language) in s_languages)
            {
                if (!range.Equals(tag, StringComparison.OrdinalIgnoreCase))
                    continue;
                session.Language = language;
                return new(Pop3Reply.Ok(Pop3Texts.LanguageIs, tag));
            }
            if (!range.Contains('-', StringComparison.Ordinal))
                return new(Pop3Reply.Err(Pop3Texts.NoSuchLanguage));
        }
    }
}
