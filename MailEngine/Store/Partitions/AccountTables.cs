using MailEngine.Io;

namespace MailEngine.Store.Partitions;

/// <summary>The small tables of an index whose rows belong to accounts. Found by their column `account`, so that one which a later version adds moves too.</summary>
internal static class AccountTables
{
    // Large ones go chunk by chunk; the queue, what it answered for whom, and the list of who lives where stay with the default
    // partition; deliveries have numbers of their own.
    static readonly string[] s_apart = ["chunk", "message", "expunged", "queue", "answered", "placement", "delivered"];

    public static IReadOnlyList<string> All(SqliteDatabase db)
    {
        var tables = new List<string>();
        using SqliteStatement query = db.Prepare(
            "SELECT t.name FROM sqlite_schema t WHERE t.type='table' AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) c WHERE c.name='account')");
        while (query.Step())
        {
            if (query.Text(0) is var name && !s_apart.Contains(name))
                tables.Add(name);
        }
        return tables;
    }

    /// <summary>The rows of an account, in place of those that were there.</summary>
    /// <param name="column">Name of the column that has the account's number.</param>
    public static void Copy(SqliteDatabase from, SqliteDatabase to, string table, string column, long accountId)
    {
        var columns = new List<string>();
        using (SqliteStatement query = to.Prepare("SELECT name FROM pragma_table_info(?1)"))
        {
            query.Bind(1, table);
            while (query.Step())
                columns.Add(query.Text(0));
        }
        using (SqliteStatement old = to.Prepare($"DELETE FROM {table} WHERE {column}=?1"))
            old.Bind(1, accountId).Run();
        string names = string.Join(',', columns);
        using SqliteStatement read = from.Prepare($"SELECT {names} FROM {table} WHERE {column}=?1");
        using SqliteStatement write = to.Prepare($"INSERT INTO {table}({names}) VALUES({string.Join(',', columns.Select((_, i) => $"?{i + 1}"))})");
        read.Bind(1, accountId);
        while (read.Step())
        {
            for (int i = 0; i < columns.Count; i++)
                write.BindColumn(i + 1, read, i);
            write.Run();
        }
    }
}
