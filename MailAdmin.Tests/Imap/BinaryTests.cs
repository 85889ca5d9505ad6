using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine;

namespace MailAdmin.Tests.Imap;

public class BinaryTests
{
    static readonly byte[] s_noise = Noise(200_000);

    static byte[] Noise(int length)
    {
        var noise = new byte[length];
        new Random(5).NextBytes(noise);
        return noise;
    }

    static string Mixed(int n) => "Subject: mixed\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + $"caf=E9=20{n}=\r\n!\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + Convert.ToBase64String(s_noise, Base64FormattingOptions.InsertLineBreaks)
        + "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\nAGE=\r\n"
        + "--b\r\nContent-Transfer-Encoding: x-unknown\r\n\r\nxx\r\n--b--\r\n";

    [Fact]
    public async Task When_parts_are_fetched_as_binary_then_their_encoding_is_undone()   // RFC 3516 §4.2 and §4.3
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await rig.GivenMessagesAsync(1, text: Mixed);
        await using WireScript c = await rig.SelectAsync();
        await c.PlayAsync("""
            C: 1 FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[3.1] BINARY.SIZE[9])
            S: * 1 FETCH (BINARY.SIZE[1] 7 BINARY.SIZE[2] 200000 BINARY.SIZE[3.1] 2 BINARY.SIZE[9] 0)
            S: 1 OK *
            C: 2 FETCH 1 (BINARY.PEEK[1] BINARY.PEEK[1]<4.100> BINARY.PEEK[1]<9.1> BINARY.PEEK[9] FLAGS)
            S: * 1 FETCH (FLAGS (\Recent) BINARY[1] {7}
            """);
        Assert.Equal([.. "caf"u8, 0xE9, .. " 1!"u8], await c.ReadBytesAsync(7));
        await c.PlayAsync("""
            S:  BINARY[1]<4> {3}
            S:  1! BINARY[1]<9> {0}
            S:  BINARY[9] NIL)
            S: 2 OK *
            C: 3 FETCH 1 BINARY[2]
            S: * 1 FETCH (FLAGS (\Seen \Recent) BINARY[2] ~{200000}
            """);
        Assert.Equal(s_noise, await c.ReadBytesAsync(s_noise.Length));
        await c.PlayAsync("S: )\nS: 3 OK *\nC: 4 UID FETCH 1 (BINARY.PEEK[2]<70000.66000>)\nS: * 1 FETCH (UID 1 BINARY[2]<70000> ~{66000}");
        Assert.Equal(s_noise[70_000..136_000], await c.ReadBytesAsync(66_000));
        await c.PlayAsync("""
            S: )
            S: 4 OK *
            C: 5 FETCH 1 (BINARY.PEEK[3.1]<1.1> BINARY.PEEK[3])
            S: * 1 FETCH (BINARY[3.1]<1> {1}
            S: a BINARY[3] {*
            S: Subject: inner
            S: Content-Transfer-Encoding: base64
            S: 
            S: AGE=)
            S: 5 OK *
            C: 6 FETCH 1 (UID BINARY.PEEK[4])
            S: * 1 FETCH (UID 1 BINARY[4] NIL)
            S: 6 NO [UNKNOWN-CTE] *
            C: 7 FETCH 1 BINARY.SIZE[4]
            S: * 1 FETCH (BINARY.SIZE[4] 0)
            S: 7 NO [UNKNOWN-CTE] *
            C: 8 FETCH 1 BINARY[1.TEXT]
            S: 8 BAD *
            C: 9 FETCH 1 BINARY[HEADER]
            S: 9 BAD *
            C: 10 FETCH 1 (BINARY.PEEK[1]<0.9223372036854775> BINARY.PEEK[1]<922337203685477580.99>)
            S: * 1 FETCH (BINARY[1]<0> {7}
            """);
        await c.ReadBytesAsync(7);
        await c.PlayAsync("S:  BINARY[1]<922337203685477580> {0}\nS: )\nS: 10 OK *");
    }

    [Fact]
    public async Task When_a_message_with_nul_octets_is_appended_then_body_is_legal_and_binary_gives_them_back()   // RFC 3516 §4.4 and §6
    {
        await using ImapRig rig = await ImapRig.StartAsync();
        await using WireScript c = await rig.SelectAsync();
        byte[] octets = [.. "a\0b"u8, .. s_noise];
        byte[] message =
        [
            .. "Subject: raw\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nclean \r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding:\r\n binary\r\nX-Last: 1\r\n\r\n"u8,
            .. octets, .. "\r\n--b--\r\n"u8,
        ];
        await c.SendAsync($"1 APPEND INBOX (\\Seen) ~{{{message.Length}}}\r\n");
        await c.PlayAsync("S: + *");
        await c.SendAsync(message);
        await c.PlayAsync("C: \nS: * 1 EXISTS\nS: * *\nS: 1 OK [APPENDUID *");
        string kept = Assert.Single(await rig.Mail.MessagesAsync(rig.Mail.Ann));
        Assert.DoesNotContain('\0', kept);
        Assert.StartsWith("Subject: raw\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nclean \r\n--b\r\nContent-Type: image/png\r\nX-Last: 1\r\nContent-Transfer-Encoding: base64\r\n\r\n", kept, StringComparison.Ordinal);
        await c.PlayAsync($"C: 2 FETCH 1 (BINARY.PEEK[1] BINARY.PEEK[2])\nS: * 1 FETCH (BINARY[1] {{6}}\nS: clean  BINARY[2] ~{{{octets.Length}}}");
        Assert.Equal(octets, await c.ReadBytesAsync(octets.Length));
        await c.PlayAsync("S: )\nS: 2 OK *");
        // A message that is one part, without a header even; and one whose NUL stands where nothing can be encoded.
        await c.SendAsync("3 APPEND INBOX ~{5+}\r\n\r\nx\0y\r\n");
        await c.PlayAsync("S: * 2 EXISTS\nS: * *\nS: 3 OK *\nC: 4 FETCH 2 (BODY.PEEK[] BINARY.PEEK[1])\nS: * 2 FETCH (BODY[] {43}\nS: Content-Transfer-Encoding: base64\nS: \nS: eAB5");
        Assert.Equal(" BINARY[1] ~{3}\r\nx\0y)\r\n"u8.ToArray(), await c.ReadBytesAsync(23));
        await c.SendAsync("5 APPEND INBOX ~{11+}\r\nX: \0\r\n\r\nx\0y {3+}\r\nabc\r\n");
        await c.PlayAsync("S: 4 OK *\nS: 5 NO [UNKNOWN-CTE] *\nC: 6 NOOP\nS: 6 OK *");
        // Without a NUL nothing is changed, whatever the part says of itself.
        byte[] clean = Encoding.Latin1.GetBytes("Content-Transfer-Encoding: binary\r\n\r\n" + new string('\u00ff', 5000));
        await c.SendAsync($"7 APPEND INBOX ~{{{clean.Length}+}}\r\n");
        await c.SendAsync(clean);
        await c.PlayAsync("C: \nS: * 3 EXISTS\nS: * *\nS: 7 OK *");
        Assert.Equal(Encoding.Latin1.GetString(clean), (await rig.Mail.MessagesAsync(rig.Mail.Ann))[^1]);
    }
}
