using System.Net;
using System.Text.RegularExpressions;

namespace MailAdmin.Tests.Rig;

/// <summary>A program that speaks HTTP to the panel and keeps cookies: what a browser sends, without the browser's own protection.</summary>
sealed partial class PanelClient : IDisposable
{
    readonly HttpClientHandler _handler = new() { AllowAutoRedirect = false, CookieContainer = new() };

    public PanelClient(Uri home) => Http = new HttpClient(_handler) { BaseAddress = home };

    public HttpClient Http { get; }

    /// <summary>The cookie of its session, as it stands in its jar.</summary>
    public Cookie Session => _handler.CookieContainer.GetAllCookies().Single(c => c.Name.Contains("session", StringComparison.Ordinal));

    /// <summary>Puts somebody else's cookie into the jar.</summary>
    public void Plant(Cookie cookie) => _handler.CookieContainer.Add(Http.BaseAddress!, new Cookie(cookie.Name, cookie.Value));

    /// <summary>A form as a page holds it.</summary>
    /// <param name="Action">Where it is sent.</param>
    /// <param name="Fields">Its hidden fields, the token among them.</param>
    public sealed record PageForm(string Action, IReadOnlyDictionary<string, string> Fields);

    public const string TokenField = "__RequestVerificationToken";

    public async Task SignInAsync(string login, string password)
    {
        PageForm form = Assert.Single(await FormsAsync("/login"), f => f.Fields.GetValueOrDefault("_handler") == "login");
        using HttpResponseMessage answer = await PostAsync(form.Action, new(form.Fields) { ["Form.Login"] = login, ["Form.Password"] = password });
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
    }

    /// <summary>The forms of a page that are sent by POST.</summary>
    public async Task<IReadOnlyList<PageForm>> FormsAsync(string path)
    {
        string html = await Http.GetStringAsync(path);
        return
        [
            .. Form().Matches(html).Where(f => f.Groups[1].Value.Contains("method=\"post\"", StringComparison.OrdinalIgnoreCase)).Select(f => new PageForm(
                Attribute(f.Groups[1].Value, "action") is { Length: > 0 } action ? action : path,
                Hidden().Matches(f.Groups[2].Value).Select(m => m.Value).Where(i => i.Contains("type=\"hidden\"", StringComparison.OrdinalIgnoreCase))
                    .ToDictionary(i => Attribute(i, "name"), i => Attribute(i, "value")))),
        ];
    }

    public Task<HttpResponseMessage> PostAsync(string action, Dictionary<string, string> fields) => Http.PostAsync(action, new FormUrlEncodedContent(fields));

    static string Attribute(string tag, string name) =>
        WebUtility.HtmlDecode(Regex.Match(tag, $"\\b{name}=\"([^\"]*)\"", RegexOptions.IgnoreCase).Groups[1].Value);

    public void Dispose()
    {
        Http.Dispose();
        _handler.Dispose();
    }

    [GeneratedRegex("<form\\b([^>]*)>(.*?)</form>", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Form();

    [GeneratedRegex("<input\\b[^>]*>", RegexOptions.IgnoreCase)]
    private static partial Regex Hidden();
}
