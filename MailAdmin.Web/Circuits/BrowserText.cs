using Microsoft.JSInterop;

namespace MailAdmin.Web.Circuits;

/// <summary>Text that stands in the browser and may be longer than an event of a page: it comes in pieces.</summary>
internal static class BrowserText
{
    /// <param name="most">Octets.</param>
    /// <returns>Null: it has more.</returns>
    public static async Task<byte[]?> ReceiveAsync(this IJSStreamReference text, long most, CancellationToken ct)
    {
        await using (text)
        {
            if (text.Length > most)
                return null;
            await using Stream stream = await text.OpenReadStreamAsync(most, ct);
            var all = new byte[text.Length];
            await stream.ReadExactlyAsync(all, ct);
            return all;
        }
    }
}
