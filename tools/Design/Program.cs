using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore.Design;

Console.WriteLine("Used by dotnet-ef at design time only.");

/// <summary>What <c>dotnet ef migrations add NAME --project MailEngine --startup-project tools/Design --context SqliteAccountsContext
/// --output-dir Accounts/Migrations/Sqlite</c> works with.</summary>
sealed class SqliteFactory : IDesignTimeDbContextFactory<SqliteAccountsContext>
{
    public SqliteAccountsContext CreateDbContext(string[] args) => new(SqliteAccountsContext.Options("Data Source=design.db").Options);
}
