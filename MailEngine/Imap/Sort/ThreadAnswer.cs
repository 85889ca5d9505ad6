using MailEngine.Store;

namespace MailEngine.Imap.Sort;

/// <summary>Writes THREAD responses. RFC 5256 §4</summary>
internal static class ThreadAnswer
{
    const int Close = -1;

    public static async ValueTask WriteAsync(ImapSession session, MailboxSnapshot snapshot, ThreadTree tree, List<int> indexes, bool isUid, CancellationToken ct)
    {
        ImapWriter w = session.Writer;
        w.Write("* THREAD"u8);
        if (tree.Roots.Count > 0)
            w.Write((byte)' ');
        var open = new Stack<int>();   // lists to write, and parentheses to close
        var children = new List<int>();
        foreach (int root in tree.Roots)
        {
            open.Push(root);
            while (open.TryPop(out int member))
            {
                if (member == Close)
                {
                    w.Write((byte)')');
                    continue;
                }
                w.Write((byte)'(');
                if (member < tree.Messages)
                    member = await WriteMembersAsync(member);
                open.Push(Close);
                children.Clear();
                for (int child = member < 0 ? -1 : tree.FirstChild(member); child >= 0; child = tree.NextSibling(child))
                    children.Add(child);
                for (int i = children.Count - 1; i >= 0; i--)
                    open.Push(children[i]);
            }
        }
        w.Write("\r\n"u8);

        // thread-members = nz-number *(SP nz-number) [SP thread-nested]; gives the member whose children are to be nested, or -1.
        async ValueTask<int> WriteMembersAsync(int member)
        {
            while (true)
            {
                w.WriteNumber(isUid ? snapshot[indexes[member]].Uid : (uint)indexes[member] + 1);
                if (w.IsFull)
                    await w.FlushAsync(session.Limits, ct);
                int child = tree.FirstChild(member);
                if (child < 0)
                    return -1;
                w.Write((byte)' ');
                if (tree.NextSibling(child) >= 0)
                    return member;
                member = child;
            }
        }
    }
}
