using System.Text;
using System.Text.RegularExpressions;
using MailEngine.Store;

namespace MailAdmin.Tests.Rig;

static partial class InboxSteps
{
    /// <summary>What is in an account's INBOX, as text, once it is so much.</summary>
    public static async Task<List<string>> InboxAsync(this MailStore store, long account, int count)
    {
        Mailbox? box = await store.OpenAsync(account, MailboxName.Inbox);
        if (box is null && count == 0)
            return [];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (box!.Current is var now && now.Count < count)
            await box.ChangedSince(now).WaitAsync(patience.Token);
        MailboxSnapshot snapshot = box.Current;
        var texts = new List<string>();
        for (int i = 0; i < snapshot.Count; i++)
        {
            using MessageReader message = store.OpenMessage(snapshot, snapshot[i]);
            byte[] bytes = new byte[message.Length];
            message.Read(0, bytes);
            texts.Add(Encoding.UTF8.GetString(bytes));
        }
        return texts;
    }

    /// <summary>The token of the one-time link in a text.</summary>
    public static string TokenIn(string text)
    {
        Match match = Link().Match(text);
        Assert.True(match.Success, text);
        return match.Groups[1].Value;
    }

    [GeneratedRegex(@"/login/link\?token=([A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])")]
    private static partial Regex Link();
}
