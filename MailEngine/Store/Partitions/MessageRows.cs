using MailEngine.Io;

namespace MailEngine.Store.Partitions;

/// <summary>Copies rows of table message from one index into another.</summary>
internal static class MessageRows
{
    const string Columns = "envelope, structure, layout, message_id, base_subject, sort_from, sort_to, sort_cc, refs, preview, email_id";

    public static SqliteStatement Query(SqliteDatabase from) => from.Prepare($"SELECT {Columns} FROM message WHERE id=?1");

    /// <param name="query">Made by <see cref="Query"/>.</param>
    /// <param name="emailId">What the message is called where its row does not say: a copy. Null: the row stays as it is, because the message keeps its name.</param>
    /// <returns>False: there is no row.</returns>
    public static bool TryCopy(SqliteStatement query, long from, IndexWriter index, long to, long account, string? emailId)
    {
        try
        {
            if (!query.Bind(1, from).Step())
                return false;
            index.PutMessageRow(to, account, query, emailId);
            return true;
        }
        finally
        {
            query.Reset();
        }
    }
}
