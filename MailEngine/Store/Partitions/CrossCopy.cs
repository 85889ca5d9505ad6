using MailEngine.Store.Changes;

namespace MailEngine.Store.Partitions;

/// <summary>COPY, MOVE and REPLACE between mailboxes of two partitions.</summary>
/// <remarks>
/// Bytes are copied and checked on the way: few in memory, many through segments of their own. The target has all of it, durable, in one commit;
/// only then do messages leave the source. Killed between, they are in both, which RFC 6851 §3.3 prefers to in neither. Each side looks at the
/// rights there when it commits.
/// </remarks>
internal static class CrossCopy
{
    /// <param name="uids">Ascending; those that are not there are passed over.</param>
    public static async Task<CopyOutcome> RunAsync(Mailbox from, IReadOnlyList<uint> uids, Mailbox to, long quotaBytes, bool move)
    {
        // A move also needs what \Deleted and EXPUNGE need in the source: RFC 6851 §4.2.
        const AclRights leave = AclRights.DeleteMessages | AclRights.Expunge;
        AclRights there = to.Rights;
        if (!there.HasFlag(AclRights.Insert) || !from.Rights.HasFlag(move ? AclRights.Read | leave : AclRights.Read))
            return new CopyOutcome(StoreError.NoPermission, 0, [], []);
        MailboxUser leaver = MailboxUser.Of(from), user = MailboxUser.Of(to);
        Partition target = to.Home;
        MailboxSnapshot source = from.Current;   // a reader's view has his own \Seen in it
        TransferSegments? transfer = null;
        try
        {
            from.Home.Settle();
            (List<Incoming> messages, HashSet<uint> seen) = await Task.Run(() => Read(source, uids, user.Reader != 0, FlagMask.Of(there), target, ref transfer));
            var change = new CopyInChange(from, to.Id, user, quotaBytes, messages, seen, transfer, move);
            CopyOutcome outcome = await target.CommitAsync(change);
            if (change.IsDiverted)
                return await RunAsync(from, uids, to, quotaBytes, move);
            if (outcome.Error != StoreError.None || !move || outcome.SourceUids.Count == 0)
                return outcome;
            StoreError left = await from.Home.CommitAsync(new TakeOutChange(from.Id, leaver, outcome.SourceUids, ExpungeReason.Moved));
            return left is StoreError.None or StoreError.NoSuchMailbox ? outcome : new CopyOutcome(left, 0, [], []);
        }
        catch (IOException)
        {
            return new CopyOutcome(StoreError.Unavailable, 0, [], []);
        }
        finally
        {
            transfer?.Dispose();
        }
    }

    /// <param name="keep">Flags that may be set in the target. RFC 4314 §4</param>
    static (List<Incoming>, HashSet<uint>) Read(
        MailboxSnapshot source, IReadOnlyList<uint> uids, bool isReader, FlagMask keep, Partition target, ref TransferSegments? transfer)
    {
        int[] indexes = [.. uids.Select(source.IndexOf).Where(index => index >= 0)];
        long bytes = 0;
        foreach (int index in indexes)
            bytes += source[index].BodyLength;
        if (bytes > target.Options.InlineBodyBytes)
            transfer = new TransferSegments(target.Segments, target.Options.SegmentBytes);
        SegmentFiles segments = source.Segments;
        var messages = new List<Incoming>(indexes.Length);
        var seen = new HashSet<uint>();
        foreach (int index in indexes)
        {
            MessageEntry entry = source[index];
            entry.Flags &= keep.Flags;
            if (isReader && entry.Flags.HasFlag(MessageFlags.Seen))
            {
                seen.Add(entry.Uid);
                entry.Flags &= ~MessageFlags.Seen;
            }
            byte[] prefix = new byte[entry.PrefixLength];
            using (var reader = new MessageReader(segments, default, entry.Prefix))
                reader.Read(0, prefix);
            byte[]? payload = null;
            if (transfer is null)
                payload = TransferSegments.Read(segments, entry.Body);
            else
                (entry.BodySegment, entry.BodyOffset, entry.BodyLength) = transfer.Copy(segments, entry.Body);
            messages.Add(new Incoming(entry.Uid, entry, keep.Keywords ? source.KeywordSets[entry.KeywordSet] : [], prefix, payload));
        }
        transfer?.Seal();
        GC.KeepAlive(source);
        return (messages, seen);
    }
}
