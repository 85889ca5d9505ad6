using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Io;
using MailEngine.Mime;

namespace MailAdmin.Tests.Mime;

/// <summary>Attack cases A7 and A8: any bytes give a well-formed summary, in linear time and bounded memory.</summary>
public class HostileMessageTests
{
    static readonly string[] s_messages =
    [
        "Date: Fri, 21 Nov 1997 09:55:06 -0600\nFrom: \"A (b) \\\" c\" <@r:a@b>, g: x@y (c), z;\nSubject: =?utf-8?B?w6k=?= =?utf-8?Q?=C3=A9?=\n folded\n"
            + "Content-Type: multipart/mixed; boundary=\"b\"; x*0*=utf-8''%41; x*1=\"y\"\n\npre\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n"
            + "Content-Transfer-Encoding: quoted-printable\n\n=41=\n=\n--c\nContent-Type: text/html\nContent-Language: en, de\n\n<p>x&amp;y<!-- -->\n--c--\n--b\n"
            + "Content-Type: message/rfc822\nContent-Disposition: attachment; filename=a\n\nSubject: i\nMessage-ID: <a@b>\nReferences: <c@d> <e@f>\n\nbody\n--b--\nepi\n",
        "Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: 1\n\nx\n--d\n\nSubject: 2\nContent-Type: multipart/mixed; boundary=d\n\n--d\n\n--d--\n--d--\n",
        "\n\n\n--\n----\n: x\n x\nFrom x\n",
    ];

    static void Check(ReadOnlySpan<byte> message)
    {
        MessageSummary summary = MessageSummary.Of(message);
        Assert.True(ImapShape.IsOneList(summary.Envelope), Encoding.Latin1.GetString(summary.Envelope));
        Assert.True(ImapShape.IsOneList(summary.BodyStructure), Encoding.Latin1.GetString(summary.BodyStructure));
        using var basic = new ByteBuffer();
        BodyStructureText.WriteBasic(summary.BodyStructure, basic);
        Assert.True(ImapShape.IsOneList(basic.Written), Encoding.Latin1.GetString(basic.Written));
        var parts = new List<MimePart>();
        Assert.True(new MimeLayout(summary.Layout).TryRead(parts));
        Assert.InRange(parts.Count, 1, MimeLimits.Default.Parts + MimeLimits.Default.Depth);
        for (int i = 0; i < parts.Count; i++)
        {
            MimePart part = parts[i];
            Assert.True(part.HeaderStart <= part.BodyStart && part.BodyStart <= part.BodyEnd && part.BodyEnd <= message.Length);
            if (part.Parent >= 0)
                Assert.True(parts[part.Parent].BodyStart <= part.HeaderStart && part.BodyEnd <= parts[part.Parent].BodyEnd);
        }
        Assert.True(summary.Preview.Length <= 200);
        Assert.DoesNotContain('\n', summary.BaseSubject);
    }

    [Fact]
    public void When_a_message_ends_anywhere_then_its_summary_is_well_formed()
    {
        foreach (string text in s_messages)
        {
            byte[] crlf = SummaryTests.Crlf(text), lf = Encoding.Latin1.GetBytes(text);
            for (int end = 0; end <= crlf.Length; end++)
                Check(crlf.AsSpan(0, end));
            for (int end = 0; end <= lf.Length; end++)
                Check(lf.AsSpan(0, end));
        }
    }

    [Fact]
    public void When_bytes_are_changed_at_random_then_the_summary_is_well_formed()
    {
        var random = new Random(20261121);
        byte[] evil = Encoding.Latin1.GetBytes("\r\n\0\"\\()<>@,;:-=?*%[]{} \tab\u00e9\u00ff");
        for (int round = 0; round < 4000; round++)
        {
            byte[] bytes = SummaryTests.Crlf(s_messages[round % s_messages.Length]);
            for (int change = random.Next(1, 12); change > 0; change--)
            {
                int at = random.Next(bytes.Length);
                switch (random.Next(3))
                {
                    case 0:
                        bytes[at] = evil[random.Next(evil.Length)];
                        break;
                    case 1:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    default:
                        int from = random.Next(bytes.Length), length = Math.Min(random.Next(40), bytes.Length - Math.Max(from, at));
                        bytes.AsSpan(from, length).CopyTo(bytes.AsSpan(at));
                        break;
                }
            }
            Check(bytes);
        }
    }

    public static TheoryData<string> Floods => [.. s_floods.Keys];

    const int Size = 10_000_000;

    static readonly Dictionary<string, Func<string>> s_floods = new()
    {
        ["parts"] = () => "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Repeat("--b\r\n\r\nx\r\n"),
        ["empty parts"] = () => "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Repeat("--b\r\n"),
        ["depth"] = () => Nested(100_000),
        ["depth, then boundaries"] = () => Nested(99) + Repeat("--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n"),
        ["near boundaries"] = () => "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Repeat("--bx\r\n"),
        ["dashes"] = () => "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Repeat("-"),
        ["messages"] = () => Repeat("Content-Type: message/rfc822\r\n\r\n"),
        ["parameters"] = () => "Content-Type: text/plain; " + Repeat("a=b; ") + "\r\n\r\n",
        ["parameter pieces"] = () => "Content-Type: text/plain" + Pieces() + "\r\n\r\n",
        ["one parameter"] = () => "Content-Type: text/plain; name=\"" + Repeat("\\\"") + "\r\n\r\n",
        ["boundary"] = () => "Content-Type: multipart/mixed; boundary=\"" + Repeat("b") + "\"\r\n\r\n",
        ["addresses"] = () => "To: " + Repeat("a@b, ") + "\r\n\r\n",
        ["groups"] = () => "To: " + Repeat("a:;") + "\r\n\r\n",
        ["one name"] = () => "From: " + Repeat("x ") + "<a@b>\r\n\r\n",
        ["comments"] = () => "From: " + Repeat("(") + "\r\nDate: " + "\r\nContent-Type: text/plain; a=" + Repeat("(") + "\r\n\r\n",
        ["angle"] = () => "From: " + Repeat("<") + "\r\n\r\n",
        ["at"] = () => "From: " + Repeat("a@b ") + "\r\n\r\n",
        ["fields"] = () => Repeat("To: a@b\r\n"),
        ["folds"] = () => "Subject: x" + Repeat("\r\n "),
        ["encoded words"] = () => "Subject: " + Repeat("=?a?q? ") + "\r\n\r\n",
        ["blobs"] = () => "Subject: " + Repeat("[a]") + "\r\n\r\n",
        ["references"] = () => "References: " + Repeat("<a@b> ") + "\r\n\r\n",
        ["languages"] = () => "Content-Language: " + Repeat("a,") + "\r\n\r\n",
        ["date"] = () => "Date: " + Repeat("-1") + "\r\n\r\n",
        ["html"] = () => "Content-Type: text/html\r\n\r\n" + Repeat("<!--"),
        ["zeros"] = () => Repeat("\0"),
        ["lines"] = () => "\r\n" + Repeat("\n"),
    };

    static string Repeat(string text) => new StringBuilder(Size + text.Length).Insert(0, text, Size / text.Length).ToString();

    static string Pieces()
    {
        var text = new StringBuilder(Size);
        for (int i = 0; text.Length < Size; i++)
            text.Append("; a*").Append(i % 1000).Append("*=%41");
        return text.ToString();
    }

    static string Nested(int levels)
    {
        var text = new StringBuilder(Size);
        text.Append("Content-Type: multipart/mixed; boundary=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0\r\n\r\n");
        for (int i = 1; i <= levels && text.Length < Size; i++)
            text.Append("--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb").Append(i - 1)
                .Append("\r\nContent-Type: multipart/mixed; boundary=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb").Append(i).Append("\r\n\r\n");
        return text.ToString();
    }

    [Theory, MemberData(nameof(Floods))]
    public void When_ten_megabytes_are_built_to_hurt_then_they_cost_less_than_a_second_and_little_memory(string name)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(s_floods[name]());
        Check(bytes);
        long before = 0;
        TimeSpan took = TimeSpan.MaxValue;
        for (int round = 0; round < 5 && took >= TimeSpan.FromSeconds(1); round++)   // the best one: the first pays for the compiler
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            TimeSpan start = ProcessorTime.OfThread();
            MessageSummary.Of(bytes);
            took = ProcessorTime.OfThread() - start;
        }
        Assert.True(took < TimeSpan.FromSeconds(1), $"{took.TotalMilliseconds} ms of processor time");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 3L * Size);
    }
}

/// <summary>Checks the grammar of ready-made IMAP text: RFC 9051 §4.</summary>
static class ImapShape
{
    public static bool IsOneList(ReadOnlySpan<byte> text)
    {
        int depth = 0;
        int at = 0;
        while (at < text.Length)
        {
            byte c = text[at++];
            switch (c)
            {
                case (byte)'(':
                    depth++;
                    break;
                case (byte)')':
                    if (--depth == 0)
                        return at == text.Length;
                    break;
                case (byte)'"':
                    for (; ; at++)
                    {
                        if (at >= text.Length || text[at] is (byte)'\r' or (byte)'\n' or 0 or >= 0x80)
                            return false;
                        if (text[at] == (byte)'"')
                            break;
                        if (text[at] == (byte)'\\' && text[++at] is not ((byte)'"' or (byte)'\\'))
                            return false;
                    }
                    at++;
                    break;
                case (byte)'{':
                    int length = 0;
                    while (text[at] != (byte)'}')
                        length = length * 10 + (text[at++] - '0');
                    if (!text[at..].StartsWith("}\r\n"u8) || at + 3 + length > text.Length || text.Slice(at + 3, length).Contains((byte)0))
                        return false;
                    at += 3 + length;
                    break;
                case (byte)' ' or (>= (byte)'0' and <= (byte)'9') or (byte)'N' or (byte)'I' or (byte)'L':
                    break;
                default:
                    return false;
            }
        }
        return false;
    }
}
