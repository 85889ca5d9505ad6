using System.Net;
using MailAdmin.Tests.Rig;
using MailAdmin.Web.Services;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Routing;

namespace MailAdmin.Tests.Panel;

/// <summary>What another site can have a user's browser send: nothing of it is done without the token of his own page.</summary>
public sealed class ForgeryTests(PanelRig rig) : IClassFixture<PanelRig>
{
    [Fact]
    public async Task When_a_form_comes_without_its_token_or_with_somebody_elses_then_nothing_is_done()
    {
        PanelPlace place = await PanelPlace.GivenAsync(rig, "forged.test");
        using var root = new PanelClient(rig.Server.Home);
        await root.SignInAsync(PanelRig.Root, PanelRig.Password);
        using var attacker = new PanelClient(rig.Server.Home);
        await attacker.SignInAsync(place.Login, PanelRig.Password);
        string foreign = (await attacker.FormsAsync("/password"))[0].Fields[PanelClient.TokenField];
        long entries = await EntriesAsync();

        int tried = 0;
        foreach ((string path, bool isStatic) in place.EveryPage().Where(p => p.IsStatic))
        {
            using HttpResponseMessage page = await root.Http.GetAsync(path);
            if (!page.IsSuccessStatusCode)
                continue;   // the log-in page leads somebody who is logged in on
            foreach (PanelClient.PageForm form in await root.FormsAsync(path))
            {
                Assert.True(form.Fields.ContainsKey(PanelClient.TokenField), $"{path}: a form without a token");
                foreach (string? token in (string?[])[null, "", "nonsense", foreign])
                {
                    var fields = new Dictionary<string, string>(form.Fields) { ["Form.Password"] = PanelRig.Password, ["Form.Current"] = PanelRig.Password, ["Form.New"] = "lagoon trombone 9", ["Form.Repeat"] = "lagoon trombone 9", ["Form.Reason"] = "because it works", ["Form.What"] = "off" };
                    fields.Remove(PanelClient.TokenField);
                    if (token is not null)
                        fields[PanelClient.TokenField] = token;
                    using HttpResponseMessage answer = await root.PostAsync(form.Action, fields);
                    Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{path} to {form.Action}, token \"{token}\": {answer.StatusCode}");
                    tried++;
                }
            }
        }
        Assert.True(tried >= 12, $"{tried} forms were tried");
        Assert.Equal(entries, await EntriesAsync());
        Assert.True((await root.Http.GetAsync("/password")).IsSuccessStatusCode, "it is signed in still");
    }

    async Task<long> EntriesAsync() => (await rig.Server.Get<AuditService>().ListAsync(rig.Superuser, new AuditQuery(new PageRequest()))).Value!.Total;

    [Fact]
    public async Task When_an_address_takes_posts_then_it_wants_a_token_or_is_known_to_change_nothing()
    {
        // Mail programs ask here without a browser; the answer is the same for everybody.
        string[] open = ["/autodiscover/autodiscover.xml"];
        RouteEndpoint[] posts =
        [
            .. rig.Server.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
                .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("POST") == true && e.RoutePattern.Parameters.Count == 0)
                .Where(e => e.RoutePattern.RawText?.Contains("_blazor", StringComparison.Ordinal) != true),
        ];
        Assert.True(posts.Length >= 5, $"{posts.Length} addresses take posts");
        using var root = new PanelClient(rig.Server.Home);
        await root.SignInAsync(PanelRig.Root, PanelRig.Password);
        foreach (RouteEndpoint post in posts.Where(p => !open.Contains("/" + p.RoutePattern.RawText!.TrimStart('/'))))
        {
            bool isPage = post.Metadata.GetMetadata<IAntiforgeryMetadata>()?.RequiresValidation == true;
            using HttpResponseMessage answer = await root.PostAsync("/" + post.RoutePattern.RawText!.TrimStart('/'), new() { ["_handler"] = "x" });
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{post.RoutePattern.RawText} ({(isPage ? "page" : "address")}): {answer.StatusCode}");
        }
        Assert.True((await root.Http.GetAsync("/password")).IsSuccessStatusCode, "it is signed in still");
    }
}
