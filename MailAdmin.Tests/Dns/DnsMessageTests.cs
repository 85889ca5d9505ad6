using System.Text;
using MailAdmin.Tests.Rig;
using MailEngine.Dns;

namespace MailAdmin.Tests.Dns;

public sealed class DnsMessageTests
{
    static byte[] GivenQuery(string name, DnsType type)
    {
        byte[] query = new byte[512];
        return query[..DnsMessage.WriteQuery(query, 0x1234, name, type)];
    }

    static byte[] GivenAnswer()
    {
        using var server = new DnsServer();
        server.Mx("example.test", 10, "mx.example.test").Mx("example.test", 20, "mx2.example.test");
        return server.AnswerTo(GivenQuery("example.test", DnsType.Mx));
    }

    [Fact]
    public void When_an_answer_is_cut_off_anywhere_then_it_is_no_answer()
    {
        byte[] answer = GivenAnswer();
        Assert.True(DnsMessage.TryRead(answer, 0x1234, "example.test", DnsType.Mx, out DnsResponse? whole));
        Assert.Equal(2, whole!.Answers.Count);
        for (int length = 0; length < answer.Length; length++)
            Assert.False(DnsMessage.TryRead(answer.AsSpan(0, length), 0x1234, "example.test", DnsType.Mx, out _), $"cut at {length}");
    }

    [Fact]   // RFC 5452 §4
    public void When_the_id_or_the_question_is_another_one_then_it_is_no_answer()
    {
        byte[] answer = GivenAnswer();
        Assert.False(DnsMessage.TryRead(answer, 0x1235, "example.test", DnsType.Mx, out _));
        Assert.False(DnsMessage.TryRead(answer, 0x1234, "example.text", DnsType.Mx, out _));
        Assert.False(DnsMessage.TryRead(answer, 0x1234, "example.test", DnsType.A, out _));
        Assert.False(DnsMessage.TryRead(GivenQuery("example.test", DnsType.Mx), 0x1234, "example.test", DnsType.Mx, out _));
    }

    [Theory]   // attack case A20
    [InlineData(new byte[] { 0xC0, 0x00 }, 0)]                                    // to itself
    [InlineData(new byte[] { 0xC0, 0x02, 0xC0, 0x00 }, 0)]                        // forwards
    [InlineData(new byte[] { 0xC0, 0x02, 0xC0, 0x00 }, 2)]                        // back, then forwards: a ring
    [InlineData(new byte[] { 1, (byte)'a', 0xC0, 0x00 }, 0)]                      // a label and back to it
    [InlineData(new byte[] { 0x40, 0x00 }, 0)]                                    // label types of no meaning
    [InlineData(new byte[] { 0x80, 0x00 }, 0)]
    [InlineData(new byte[] { 5, (byte)'a' }, 0)]                                  // longer than the message
    [InlineData(new byte[] { 0xC0 }, 0)]
    public void When_a_name_is_damaged_or_goes_in_a_ring_then_it_is_refused(byte[] message, int start)
    {
        Assert.False(DnsMessage.TryReadName(message, ref start, out _));
    }

    [Fact]
    public void When_a_name_is_longer_than_255_octets_then_it_is_refused()
    {
        var message = new List<byte>();
        for (int i = 0; i < 5; i++)
        {
            message.Add(63);
            message.AddRange(Encoding.ASCII.GetBytes(new string('a', 63)));
        }
        message.Add(0);
        int at = 0;
        Assert.False(DnsMessage.TryReadName([.. message], ref at, out _));
    }

    [Fact]
    public void When_random_octets_are_changed_then_reading_ends_without_a_fault()
    {
        byte[] good = GivenAnswer();
        var random = new Random(7);
        for (int round = 0; round < 50_000; round++)
        {
            byte[] bad = [.. good];
            for (int i = random.Next(1, 6); i > 0; i--)
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            _ = DnsMessage.TryRead(bad, 0x1234, "example.test", DnsType.Mx, out _);
        }
    }

    [Fact]
    public void When_octets_are_random_then_reading_ends_without_a_fault()
    {
        var random = new Random(8);
        byte[] noise = new byte[300];
        for (int round = 0; round < 50_000; round++)
        {
            random.NextBytes(noise);
            noise[0] = 0x12;
            noise[1] = 0x34;
            noise[2] = 0x80;
            int at = 12;
            _ = DnsMessage.TryReadName(noise, ref at, out string name);
            _ = DnsMessage.TryRead(noise, 0x1234, name, DnsType.A, out _);
        }
    }
}
