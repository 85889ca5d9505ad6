namespace MailEngine.Store;

/// <summary>Rights on a mailbox, one a letter. RFC 4314 §2.1</summary>
[Flags]
public enum AclRights
{
    None = 0,
    /// <summary>l: it is listed.</summary>
    Lookup = 1,
    /// <summary>r: it can be selected, its messages read.</summary>
    Read = 2,
    /// <summary>s: \Seen is kept.</summary>
    Seen = 4,
    /// <summary>w: flags and keywords other than \Seen and \Deleted.</summary>
    Write = 8,
    /// <summary>i: APPEND and COPY into it.</summary>
    Insert = 16,
    /// <summary>p: mail to its own address (a subaddress) is put into it.</summary>
    Post = 32,
    /// <summary>k: mailboxes can be made below it.</summary>
    Create = 64,
    /// <summary>x: it can be deleted and renamed.</summary>
    Delete = 128,
    /// <summary>t: \Deleted.</summary>
    DeleteMessages = 256,
    /// <summary>e: EXPUNGE.</summary>
    Expunge = 512,
    /// <summary>a: its access control list can be read and changed.</summary>
    Administer = 1024,
    All = Lookup | Read | Seen | Write | Insert | Post | Create | Delete | DeleteMessages | Expunge | Administer,
}

/// <summary>How SETACL changes the rights of an identifier. RFC 4314 §3.1</summary>
public enum AclChangeMode
{
    Replace,
    Add,
    Remove,
    /// <summary>DELETEACL: no entry at all. For the owner that is all rights.</summary>
    Delete,
}

/// <summary>Rights as text.</summary>
public static class AclText
{
    const string Letters = "lrswipkxtea";

    /// <summary>Rights in the order of RFC 4314 §2.1, without the obsolete ones: what is stored.</summary>
    public static string Format(AclRights rights) =>
        string.Concat(Letters.Where((_, i) => rights.HasFlag((AclRights)(1 << i))));

    /// <summary>The same with "c" and "d", as ACL and MYRIGHTS must show them. RFC 4314 §2.1.1</summary>
    public static string FormatForClient(AclRights rights) =>
        Format(rights)
        + ((rights & AclRights.Create) != 0 ? "c" : "")
        + ((rights & (AclRights.DeleteMessages | AclRights.Expunge)) != 0 ? "d" : "");

    /// <summary>False: a letter that is no right. "c" means k, "d" means t and e: RFC 4314 §2.1.1; x is tied to neither.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AclRights rights)
    {
        rights = AclRights.None;
        foreach (char letter in text)
        {
            if (Letters.IndexOf(letter, StringComparison.Ordinal) is var at and >= 0)
                rights |= (AclRights)(1 << at);
            else if (letter == 'c')
                rights |= AclRights.Create;
            else if (letter == 'd')
                rights |= AclRights.DeleteMessages | AclRights.Expunge;
            else
                return false;
        }
        return true;
    }
}
