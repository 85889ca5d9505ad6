using System.Text;

namespace MailAdmin.Tests.Imap;

/// <summary>A message as threading sees it.</summary>
sealed record ThreadedMail(int Number, string? Id, string[] References, string Subject, string BaseSubject, bool IsReply, long Date);

/// <summary>THREAD=REFERENCES as RFC 5256 §3 tells it, step by step, with objects and recursion: what the engine's answer is compared with.</summary>
static class ThreadModel
{
    sealed class Node
    {
        public ThreadedMail? Mail;
        public Node? Parent;
        public List<Node> Children = [];

        public bool IsAbove(Node? other)
        {
            for (; other is not null; other = other.Parent)
            {
                if (other == this)
                    return true;
            }
            return false;
        }

        public void MoveTo(Node? parent)
        {
            Parent?.Children.Remove(this);
            Parent = parent;
            parent?.Children.Add(this);
        }
    }

    public static string Threads(IEnumerable<ThreadedMail> mails)
    {
        var byId = new Dictionary<string, Node>();
        var all = new List<Node>();
        Node Of(string id)
        {
            if (!byId.TryGetValue(id, out Node? node))
                all.Add(byId[id] = node = new Node());
            return node;
        }
        foreach (ThreadedMail mail in mails)
        {
            Node node;
            if (mail.Id is null || Of(mail.Id).Mail is not null)
                all.Add(node = new Node());
            else
                node = Of(mail.Id);
            node.Mail = mail;
            Node? last = null;
            foreach (Node reference in mail.References.Select(Of))
            {
                if (last is not null && reference.Parent is null && !reference.IsAbove(last))
                    reference.MoveTo(last);
                last = reference;
            }
            node.MoveTo(null);
            if (last is not null && !node.IsAbove(last))
                node.MoveTo(last);
        }
        var root = new Node();
        foreach (Node node in all.Where(n => n.Parent is null).ToList())
            node.MoveTo(root);
        Prune(root, root);
        root.Children = Sorted(root.Children);
        Merge(root);
        SortAll(root);
        var text = new StringBuilder();
        foreach (Node thread in root.Children)
            Write(thread, text);
        return text.ToString();
    }

    static void Prune(Node node, Node root)
    {
        foreach (Node child in node.Children.ToList())
        {
            Prune(child, root);
            if (child.Mail is not null || (node == root && child.Children.Count > 1))
                continue;
            foreach (Node grandchild in child.Children.ToList())
                grandchild.MoveTo(node);
            child.MoveTo(null);
        }
    }

    static List<Node> Sorted(List<Node> nodes) => [.. nodes.OrderBy(n => First(n).Date).ThenBy(n => First(n).Number)];

    /// <summary>The message itself, or the first child of a dummy.</summary>
    static ThreadedMail First(Node node) => node.Mail ?? node.Children.OrderBy(n => n.Mail!.Date).ThenBy(n => n.Mail!.Number).First().Mail!;

    static void Merge(Node root)
    {
        var table = new Dictionary<string, Node>();
        foreach (Node node in root.Children)
        {
            string subject = First(node).BaseSubject;
            if (subject.Length == 0)
                continue;
            if (!table.TryGetValue(subject, out Node? entry)
                || (entry.Mail is not null && (node.Mail is null || (entry.Mail.IsReply && !node.Mail.IsReply))))
                table[subject] = node;
        }
        foreach (Node node in root.Children.ToList())
        {
            if (node.Parent != root)
                continue;
            string subject = First(node).BaseSubject;
            if (subject.Length == 0 || table[subject] == node)
                continue;
            Node entry = table[subject];
            if (node.Mail is null && entry.Mail is null)
            {
                foreach (Node child in node.Children.ToList())
                    child.MoveTo(entry);
                node.MoveTo(null);
            }
            else if (entry.Mail is null || (node.Mail!.IsReply && !entry.Mail.IsReply))
                node.MoveTo(entry);
            else
            {
                var dummy = new Node();
                dummy.MoveTo(root);
                entry.MoveTo(dummy);
                node.MoveTo(dummy);
                table[subject] = dummy;
            }
        }
    }

    static void SortAll(Node node)
    {
        foreach (Node child in node.Children)
            SortAll(child);
        node.Children = Sorted(node.Children);
    }

    static void Write(Node node, StringBuilder text)
    {
        text.Append('(');
        for (; ; node = node.Children[0])
        {
            if (node.Mail is not null)
                text.Append(node.Mail.Number);
            if (node.Mail is null || node.Children.Count != 1)
                break;
            text.Append(' ');
        }
        if (node.Mail is not null && node.Children.Count > 0)
            text.Append(' ');
        foreach (Node child in node.Children)
            Write(child, text);
        text.Append(')');
    }
}
