using MailAdmin.Tests.Rig;
using MailEngine.Io;

namespace MailAdmin.Tests.Imap;

public class PreviewTests
{
    [Fact]
    public async Task When_previews_are_fetched_then_the_stored_words_come()   // RFC 8970 §3 and §5
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(3, text: n => n switch
        {
            1 => "Subject: 1\r\n\r\nPreview \"text\"!\r\n",
            2 => "Subject: 2\r\nContent-Type: image/png\r\n\r\nxx",
            _ => "Subject: 3\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\u00fc\u00dfe\r\n",
        });
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("""
            C: A1 FETCH 1 (PREVIEW)
            S: * 1 FETCH (PREVIEW "Preview \"text\"!")
            S: A1 OK *
            C: A2 FETCH 1:2 (RFC822.SIZE PREVIEW (LAZY LAZY) UID)
            S: * 1 FETCH (UID 1 RFC822.SIZE 31 PREVIEW "Preview \"text\"!")
            S: * 2 FETCH (UID 2 RFC822.SIZE 41 PREVIEW "")
            S: A2 OK *
            C: A3 UID FETCH 3 PREVIEW
            S: * 3 FETCH (UID 3 PREVIEW {7}
            """);
        Assert.Equal("Grüße)\r\n"u8.ToArray(), await c.ReadBytesAsync(10));
        await c.PlayAsync("""
            S: A3 OK *
            C: A4 FETCH 1 PREVIEW (NONSENSE)
            S: A4 BAD *
            C: A5 FETCH 1 (PREVIEW (LAZY NONSENSE))
            S: A5 BAD *
            """);
    }

    [Fact]
    public async Task When_the_stored_words_are_lost_then_lazy_gives_nil_and_the_other_works_them_out()   // RFC 8970 §4.1
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(2);
        await using WireScript bob = await rig.SelectAsync();
        using (var index = new SqliteDatabase(rig.Mail.Store.Default.IndexPath, SqliteOpen.ReadWrite))
            index.Execute("DELETE FROM message WHERE id & 0xFFFFFFFF = 1");
        await bob.PlayAsync("C: 1 FETCH 1:2 PREVIEW (LAZY)\nS: * 1 FETCH (PREVIEW NIL)\nS: * 2 FETCH (PREVIEW \"Hello 2\")\nS: 1 OK *");
        await bob.PlayAsync("C: 2 FETCH 1 PREVIEW\nS: * 1 FETCH (PREVIEW \"Hello 1\")\nS: 2 OK *");
    }
}
