using MailAdmin.Web.Services;

namespace MailAdmin.Web.Http;

/// <summary>What js/passkey.js asks for before it asks the device. Answers change nothing; the forms that follow do.</summary>
static class PasskeyEndpoints
{
    public static void MapPasskeys(this WebApplication app)
    {
        app.MapGet("/security/passkeys/new", NewAsync).RequireAuthorization();
        app.MapGet("/login/passkey", AnyAsync);
        app.MapGet("/login/code/passkey", StepAsync);
    }

    static async Task<IResult> NewAsync(HttpContext http, PasskeyService passkeys)
    {
        ServiceResult<PasskeyQuestion> asked = await passkeys.AskNewAsync(Actor.Of(http.User, http.Connection.RemoteIpAddress?.ToString() ?? ""), http, http.RequestAborted);
        return asked.Ok ? Answer(http, asked.Value!) : Results.Text(asked.Text, statusCode: StatusCodes.Status403Forbidden);
    }

    static async Task<IResult> AnyAsync(HttpContext http, PasskeyService passkeys) => Answer(http, await passkeys.AskAsync(null, http, http.RequestAborted));

    // Only after the password: which passkeys there are tells that there is such an account.
    static async Task<IResult> StepAsync(HttpContext http, PasskeyService passkeys, PanelSignIn signIn) =>
        signIn.HalfwayAccount(http) is { } id ? Answer(http, await passkeys.AskAsync(id, http, http.RequestAborted)) : Results.Text("", statusCode: StatusCodes.Status403Forbidden);

    static IResult Answer(HttpContext http, PasskeyQuestion question)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(question);
    }
}
