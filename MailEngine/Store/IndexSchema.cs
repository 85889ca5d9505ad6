using MailEngine.Io;

namespace MailEngine.Store;

/// <summary>Tables of index.db. Described in docs/formats/index.md; change both together.</summary>
/// <remarks>Rows of a mailbox are found by one integer key, (mailbox &lt;&lt; 32 | number): a rowid table keeps a chunk in one page and
/// a mailbox's rows side by side. Every row carries its account id: what a later move to a shared database needs.</remarks>
internal static class IndexSchema
{
    public const int Version = 9;

    const string Tables = """
        CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE account(id INTEGER PRIMARY KEY, modseq INTEGER NOT NULL, messages INTEGER NOT NULL, bytes INTEGER NOT NULL);
        CREATE TABLE mailbox(id INTEGER PRIMARY KEY, account INTEGER NOT NULL, name TEXT NOT NULL, special_use TEXT NOT NULL,
            uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL, modseq INTEGER NOT NULL, messages INTEGER NOT NULL,
            unseen INTEGER NOT NULL, bytes INTEGER NOT NULL, next_chunk INTEGER NOT NULL, recent_from INTEGER NOT NULL,
            keywords TEXT NOT NULL, deleted_at INTEGER);
        CREATE UNIQUE INDEX mailbox_name ON mailbox(account, name) WHERE deleted_at IS NULL;
        CREATE INDEX mailbox_deleted ON mailbox(deleted_at) WHERE deleted_at IS NOT NULL;
        CREATE TABLE subscription(account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(account, name)) WITHOUT ROWID;
        CREATE TABLE chunk(id INTEGER PRIMARY KEY, account INTEGER NOT NULL, data BLOB NOT NULL);
        CREATE TABLE message(id INTEGER PRIMARY KEY, account INTEGER NOT NULL, envelope BLOB NOT NULL, structure BLOB NOT NULL,
            layout BLOB NOT NULL, message_id TEXT, base_subject TEXT NOT NULL, sort_from TEXT NOT NULL, sort_to TEXT NOT NULL,
            sort_cc TEXT NOT NULL, refs TEXT NOT NULL, preview TEXT NOT NULL, email_id TEXT);
        CREATE TABLE expunged(id INTEGER PRIMARY KEY, account INTEGER NOT NULL, modseq INTEGER NOT NULL, at INTEGER NOT NULL, entry BLOB NOT NULL);
        CREATE INDEX expunged_at ON expunged(at);
        CREATE INDEX expunged_modseq ON expunged(id >> 32, modseq);
        CREATE TABLE acl(mailbox INTEGER NOT NULL, account INTEGER NOT NULL, identifier TEXT NOT NULL, rights TEXT NOT NULL,
            PRIMARY KEY(mailbox, identifier)) WITHOUT ROWID;
        CREATE INDEX acl_identifier ON acl(identifier, mailbox);
        CREATE TABLE seen(mailbox INTEGER NOT NULL, reader INTEGER NOT NULL, account INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY(mailbox, reader)) WITHOUT ROWID;
        CREATE TABLE annotation(mailbox INTEGER NOT NULL, reader INTEGER NOT NULL, entry TEXT NOT NULL, account INTEGER NOT NULL,
            value BLOB NOT NULL, PRIMARY KEY(mailbox, reader, entry)) WITHOUT ROWID;
        CREATE TABLE quota(account INTEGER PRIMARY KEY, bytes INTEGER, messages INTEGER, mailboxes INTEGER);
        CREATE TABLE url_key(mailbox INTEGER PRIMARY KEY, account INTEGER NOT NULL, key TEXT NOT NULL);
        CREATE TABLE delivered(id INTEGER PRIMARY KEY, key BLOB NOT NULL, expires INTEGER NOT NULL, account INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE placement(account INTEGER PRIMARY KEY, partition INTEGER NOT NULL);
        CREATE TABLE partition(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, identity TEXT NOT NULL);
        CREATE TABLE answered(account INTEGER NOT NULL, sender TEXT NOT NULL, handle TEXT NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY(account, sender, handle)) WITHOUT ROWID;
        CREATE INDEX answered_until ON answered(until);
        CREATE TABLE queue(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, message_key TEXT NOT NULL, reverse_path TEXT NOT NULL,
            recipient TEXT NOT NULL, parameters TEXT NOT NULL, state INTEGER NOT NULL, queued_at INTEGER NOT NULL, next_attempt INTEGER NOT NULL,
            attempts INTEGER NOT NULL, last_reply TEXT NOT NULL, delay_noticed INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
            length INTEGER NOT NULL);
        CREATE TABLE segment(number INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0);
        """;

    /// <summary>What makes a file of one version that of the next: the first entry is for version 1.</summary>
    static readonly string[] s_upgrades =
    [
        """
        CREATE INDEX acl_identifier ON acl(identifier, mailbox);
        CREATE TABLE seen(mailbox INTEGER NOT NULL, reader INTEGER NOT NULL, account INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY(mailbox, reader)) WITHOUT ROWID
        """,
        "ALTER TABLE message ADD COLUMN email_id TEXT",
        """
        DROP TABLE delivered;
        CREATE TABLE delivered(id INTEGER PRIMARY KEY, key BLOB NOT NULL, expires INTEGER NOT NULL);
        ALTER TABLE segment ADD COLUMN closed INTEGER NOT NULL DEFAULT 0
        """,
        """
        CREATE TABLE annotation(mailbox INTEGER NOT NULL, reader INTEGER NOT NULL, entry TEXT NOT NULL, account INTEGER NOT NULL,
            value BLOB NOT NULL, PRIMARY KEY(mailbox, reader, entry)) WITHOUT ROWID;
        CREATE TABLE quota(account INTEGER PRIMARY KEY, bytes INTEGER, messages INTEGER, mailboxes INTEGER)
        """,
        "CREATE TABLE url_key(mailbox INTEGER PRIMARY KEY, account INTEGER NOT NULL, key TEXT NOT NULL)",
        """
        ALTER TABLE delivered ADD COLUMN account INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE placement(account INTEGER PRIMARY KEY, partition INTEGER NOT NULL);
        CREATE TABLE partition(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, identity TEXT NOT NULL)
        """,
        // From here on what is not in table expunged and was forgotten stands in meta, so nobody counts the rows any more.
        """
        CREATE INDEX expunged_modseq ON expunged(id >> 32, modseq);
        INSERT INTO meta(key, value) SELECT 'forgotten ' || m.id, m.modseq FROM mailbox m
            WHERE m.uidnext - 1 - m.messages <> (SELECT count(*) FROM expunged e WHERE e.id >= m.id << 32 AND e.id < (m.id + 1) << 32)
            AND NOT EXISTS (SELECT 1 FROM meta f WHERE f.key = 'forgotten ' || m.id)
        """,
        """
        CREATE TABLE answered(account INTEGER NOT NULL, sender TEXT NOT NULL, handle TEXT NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY(account, sender, handle)) WITHOUT ROWID;
        CREATE INDEX answered_until ON answered(until)
        """,
    ];

    /// <summary>Makes the tables in a new file; brings an old one to this version.</summary>
    /// <exception cref="StoreOpenException">Made by a newer version.</exception>
    public static void Prepare(SqliteDatabase db)
    {
        long version = db.ReadNumber("PRAGMA user_version") ?? 0;
        if (version == Version)
            return;
        if (version is > 0 and < Version)
        {
            db.Execute($"BEGIN IMMEDIATE; {string.Join(';', s_upgrades[((int)version - 1)..])}; PRAGMA user_version={Version}; COMMIT;");
            return;
        }
        if (version != 0)
            throw new StoreOpenException($"{db.Path} has format {version}; this program knows {Version}. Start the version that made it, or a newer one.");
        db.Execute($"BEGIN IMMEDIATE; {Tables} PRAGMA user_version={Version}; COMMIT;");
    }

    /// <summary>Key in table meta: expunged messages up to this mod-sequence may have been forgotten. RFC 7162 §5.3</summary>
    public static string Forgotten(long mailboxId) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"forgotten {mailboxId}");

    public static long Key(long mailboxId, uint number) => mailboxId << 32 | number;

    public static uint NumberOf(long key) => (uint)key;

    public static long MailboxOf(long key) => key >> 32;
}

/// <summary>The store cannot be opened; the message says what is wrong and what to do, in one line for the operator.</summary>
public sealed class StoreOpenException(string message, Exception? inner = null) : IOException(message, inner);
