using System.Text;
using MailEngine;
using MailEngine.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailAdmin.Tests.Rig;

/// <summary>A real store in a temporary folder, and short ways to put mail into it.</summary>
sealed class StoreRig : IAsyncDisposable
{
    readonly TempFolder? _own;
    MailStore? _store;

    StoreRig(TempFolder? own, string folder, StoreOptions options)
    {
        _own = own;
        Folder = folder;
        Options = options;
    }

    public string Folder { get; }

    public StoreOptions Options { get; }

    public LimitOptions Limits { get; } = new();

    public MailStore Store => _store ?? throw new InvalidOperationException("the store is closed");

    public static async Task<StoreRig> OpenAsync(StoreOptions? options = null, string? folder = null)
    {
        TempFolder? own = folder is null ? new TempFolder() : null;
        var rig = new StoreRig(own, folder ?? own!.Path, options ?? new StoreOptions());
        await rig.ReopenAsync();
        return rig;
    }

    public async Task ReopenAsync()
    {
        await CloseAsync();
        _store = await MailStore.OpenAsync(Folder, Options, TimeProvider.System, NullLogger<MailStore>.Instance, Limits);
    }

    public async Task CloseAsync()
    {
        if (_store is not null)
            await _store.DisposeAsync();
        _store = null;
    }

    public static byte[] Mail(string subject, int bodyBytes = 40) => Encoding.ASCII.GetBytes(
        $"From: Ann <ann@example.test>\r\nTo: bob@example.test\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\nDate: Sat, 21 Nov 2026 04:00:00 +0000\r\n\r\n{new string('x', bodyBytes)}\r\n");

    public Body GivenBody(byte[] mail)
    {
        using BodyWriter writer = Store.NewBody();
        writer.Write(mail);
        return writer.Complete();
    }

    public static Deposit To(long account, string mailbox = "INBOX", string prefix = "", long quota = 0, byte[]? key = null) => new()
    {
        Owner = new Owner(account, quota),
        Mailbox = MailboxName.Parse(mailbox),
        Prefix = Encoding.ASCII.GetBytes(prefix),
        InternalDate = DateTimeOffset.UtcNow,
        DuplicateKey = key,
    };

    public async Task<AcceptOutcome> DeliverAsync(byte[] mail, params Deposit[] deposits)
    {
        using Body body = GivenBody(mail);
        return await Store.AcceptAsync(new Acceptance { Body = body, Deposits = deposits }, CancellationToken.None);
    }

    public async Task<Mailbox> GivenMailboxAsync(long account, string name, int messages = 0)
    {
        MailboxName box = MailboxName.Parse(name);
        if (!box.IsInbox)
            await Store.CreateAsync(account, box);
        for (int i = 1; i <= messages; i++)
            await DeliverAsync(Mail($"{name}-{i}"), To(account, name));
        return (await Store.OpenAsync(account, box))!;
    }

    /// <summary>Of a mailbox in the default partition.</summary>
    public byte[] Read(in MessageEntry entry)
    {
        using var reader = new MessageReader(Store.Default.Segments, entry.Prefix, entry.Body);
        byte[] bytes = new byte[reader.Length];
        Assert.Equal(bytes.Length, reader.Read(0, bytes));
        return bytes;
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _own?.Dispose();
    }
}
