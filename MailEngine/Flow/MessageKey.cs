namespace MailEngine.Flow;

/// <summary>The id of an accepted message, as told in the 250 answer; key of queue rows and of the trace.</summary>
/// <remarks>Thirteen characters that cannot form a word: the time in milliseconds and a counter, so ids sort by age and none
/// comes twice, also not after a restart.</remarks>
static class MessageKey
{
    const string Alphabet = "0123456789BCDFGHJKLMNPQRSTVWXZ";
    static int s_counter = Random.Shared.Next(1 << 20);

    public static string Next(DateTimeOffset now)
    {
        long value = (now.ToUnixTimeMilliseconds() << 20) | ((uint)Interlocked.Increment(ref s_counter) & 0xFFFFF);
        return string.Create(13, value, static (span, rest) =>
        {
            for (int i = span.Length - 1; i >= 0; i--)
            {
                span[i] = Alphabet[(int)(rest % Alphabet.Length)];
                rest /= Alphabet.Length;
            }
        });
    }
}
