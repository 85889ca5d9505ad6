using System.Text;
using MailAdmin.Web.Services;

namespace MailAdmin.Web.Http;

/// <summary>GET /contacts/export and /accounts/ID/contacts/export: an address book as a file of vCards, for whoever may see it.</summary>
static class ContactExport
{
    public static void MapContactExport(this WebApplication app)
    {
        app.MapGet("/contacts/export", (HttpContext http, ContactService contacts, CancellationToken ct) => ExportAsync(http, contacts, null, ct)).RequireAuthorization();
        app.MapGet("/accounts/{id:long}/contacts/export", (HttpContext http, ContactService contacts, long id, CancellationToken ct) => ExportAsync(http, contacts, id, ct)).RequireAuthorization();
    }

    static async Task<IResult> ExportAsync(HttpContext http, ContactService contacts, long? accountId, CancellationToken ct)
    {
        ServiceResult<string> cards = await contacts.ExportAsync(Actor.Of(http.User), accountId, ct);
        return cards.Ok ? Results.File(Encoding.UTF8.GetBytes(cards.Value!), "text/vcard; charset=utf-8", "contacts.vcf") : Results.NotFound();
    }
}
