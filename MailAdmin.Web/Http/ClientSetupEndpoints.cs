using System.Text;
using System.Xml;
using System.Xml.Linq;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.AspNetCore.Http.Features;

namespace MailAdmin.Web.Http;

/// <summary>Addresses that mail programs ask by themselves, and the profile that a telephone is given.</summary>
/// <remarks>autoconfig.example.org and autodiscover.example.org lead here by a CNAME; the first part of the host name says nothing else.</remarks>
static class ClientSetupEndpoints
{
    public const string ProfilePath = "/account/setup/profile.mobileconfig";

    /// <summary>The same for a device that fetches mail and keeps it.</summary>
    public const string Pop3ProfilePath = ProfilePath + "?incoming=pop3";

    public static void MapClientSetup(this WebApplication app)
    {
        app.MapGet("/mail/config-v1.1.xml", AutoconfigAsync);
        app.MapGet("/.well-known/autoconfig/mail/config-v1.1.xml", AutoconfigAsync);
        // Outlook writes it with capitals or without; routes do not mind.
        app.MapPost("/autodiscover/autodiscover.xml", AutodiscoverAsync).DisableAntiforgery();
        app.MapGet(ProfilePath, ProfileAsync).RequireAuthorization();
    }

    static async Task<IResult> AutoconfigAsync(HttpContext http, ClientSettings settings, string? emailaddress = null)
    {
        string about = emailaddress ?? AfterFirstLabel(http.Request.Host.Host);
        try
        {
            return await settings.DomainOfAsync(about, http.RequestAborted) is { } domain
                ? Xml(ClientSettings.Autoconfig(await settings.ServersAsync(http.RequestAborted), domain), "text/xml")
                : No(StatusCodes.Status404NotFound);
        }
        catch (DirectoryUnavailableException)
        {
            return No(StatusCodes.Status503ServiceUnavailable);
        }
    }

    static async Task<IResult> AutodiscoverAsync(HttpContext http, ClientSettings settings)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = ClientSettings.MostRequestBytes;
        try
        {
            return await ClientSettings.AddressOfRequestAsync(http.Request.Body, http.RequestAborted) is not { } address ? No(StatusCodes.Status400BadRequest)
                : await settings.DomainOfAsync(address, http.RequestAborted) is null ? No(StatusCodes.Status404NotFound)
                : Xml(ClientSettings.Autodiscover(await settings.ServersAsync(http.RequestAborted), address), "text/xml");
        }
        catch (BadHttpRequestException)
        {
            return No(StatusCodes.Status413PayloadTooLarge);
        }
        catch (DirectoryUnavailableException)
        {
            return No(StatusCodes.Status503ServiceUnavailable);
        }
    }

    static async Task<IResult> ProfileAsync(HttpContext http, ClientSettings settings, AccountService accounts, HostSettings hosts, string? incoming = null)
    {
        Actor actor = Actor.Of(http.User);
        if ((await accounts.OwnAsync(actor, http.RequestAborted)).Value is not { Primary.Length: > 0 } own)
            return No(StatusCodes.Status404NotFound);
        http.Response.Headers.CacheControl = "no-store";
        return Xml(ClientSettings.AppleProfile(await settings.ServersAsync(http.RequestAborted), own, await hosts.HostnameAsync(http.RequestAborted), incoming == "pop3"),
            "application/x-apple-aspen-config", $"{(incoming == "pop3" ? "pop3" : "mail")}.mobileconfig");
    }

    // With a text, or the page for people would be made in its place.
    static IResult No(int status) => Results.Text("There is no answer to this.", statusCode: status);

    static string AfterFirstLabel(string host) => host.IndexOf('.', StringComparison.Ordinal) is var dot and > 0 ? host[(dot + 1)..] : "";

    static IResult Xml(XDocument document, string type, string? fileName = null)
    {
        using var bytes = new MemoryStream();
        using (var writer = XmlWriter.Create(bytes, new XmlWriterSettings { Encoding = new UTF8Encoding(false), Indent = true }))
            document.Save(writer);
        return fileName is null ? Results.Bytes(bytes.ToArray(), $"{type}; charset=utf-8") : Results.File(bytes.ToArray(), type, fileName);
    }
}
