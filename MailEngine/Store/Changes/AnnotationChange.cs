namespace MailEngine.Store.Changes;

/// <summary>SETMETADATA: annotations of a mailbox or of the server, all or none. RFC 5464 §4.3</summary>
/// <remarks>The mailbox has a new mod-sequence then, whosever they are: RFC 7162 §3.2.</remarks>
/// <param name="reader">Whose the private ones are.</param>
/// <param name="most">Annotations one may have, or share, on one mailbox.</param>
/// <param name="by">See <see cref="AnnotationsChanged"/>.</param>
internal sealed class AnnotationChange(long mailboxId, long reader, IReadOnlyList<Annotation> annotations, int most, object? by) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => mailboxes.Contains(mailboxId);

    public override void Prepare(CommitBatch batch)
    {
        MailboxDraft? box = mailboxId == Annotation.OfServer ? null : batch.Mailbox(mailboxId);
        if (mailboxId != Annotation.OfServer && box is null)
        {
            Result = StoreError.NoSuchMailbox;
            return;
        }
        // What the same batch adds is not counted: the limit keeps things small, not exact.
        HashSet<string> known = [.. batch.Committed.Annotations(mailboxId, reader).Select(a => a.Entry)];
        foreach (Annotation annotation in annotations)
        {
            if (annotation.Value is null)
                known.Remove(annotation.Entry);
            else
                known.Add(annotation.Entry);
        }
        if (known.Count(entry => new Annotation(entry, null).IsPrivate) > most || known.Count(entry => !new Annotation(entry, null).IsPrivate) > most)
        {
            Result = StoreError.Limit;
            return;
        }
        Result = StoreError.None;
        long account = box?.Mailbox.AccountId ?? Annotation.OfServer;
        box?.Raise(batch.Account(account).NextModSeq());
        foreach (IGrouping<bool, Annotation> some in annotations.GroupBy(annotation => annotation.IsPrivate))
        {
            var change = new AnnotationsChanged([.. some.Select(annotation => annotation.Entry)], some.Key ? reader : 0, by);
            batch.Tell(account, new MailboxEvent(MailboxEventKind.Annotated, mailboxId, box?.Mailbox.Name ?? default, Change: change));
        }
        foreach (Annotation annotation in annotations)
            batch.Row(index => index.PutAnnotation(mailboxId, annotation.IsPrivate ? reader : 0, account, annotation));
    }
}

/// <summary>SETQUOTA: how many messages and mailboxes an account may have; for a domain's tree octets too. RFC 9208 §4.1.3</summary>
internal sealed class LimitsChange(long accountId, AccountLimits limits) : SimpleChange
{
    public override bool Concerns(long account, IReadOnlySet<long> mailboxes) => account == accountId;

    public override void Prepare(CommitBatch batch)
    {
        Result = StoreError.None;
        batch.Account(accountId).Limits = limits;
        batch.Row(index => index.PutLimits(accountId, limits));
    }
}
