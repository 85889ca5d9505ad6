using MailEngine;
using MailEngine.Store;
using MailEngine.Store.Partitions;

namespace MailAdmin.Tests.Rig;

/// <summary>Short ways to stores of several partitions.</summary>
static class PartitionSteps
{
    public static StoreOptions With(this StoreOptions options, params string[] names)
    {
        foreach (string name in names)
            options.Partitions.Add(new PartitionOptions { Name = name });
        return options;
    }

    public static PartitionSlot Slot(this MailStore store, string name) => store.Partitions.Slots.Single(slot => slot.Name == name);

    /// <summary>Where an account that has nothing yet is to live.</summary>
    public static async Task GivenHomeAsync(this MailStore store, long account, string name) =>
        Assert.Equal(StoreError.None, await store.Partitions.SetHomeAsync(account, store.Slot(name)));

    public static string HomeOf(this MailStore store, long account) => store.Partitions.SlotOf(account).Name;

    public static string Read(this MailStore store, MailboxSnapshot snapshot, int index)
    {
        using MessageReader reader = store.OpenMessage(snapshot, snapshot[index]);
        byte[] bytes = new byte[reader.Length];
        Assert.Equal(bytes.Length, reader.Read(0, bytes));
        return System.Text.Encoding.ASCII.GetString(bytes);
    }
}
