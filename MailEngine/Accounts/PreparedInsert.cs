using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;

namespace MailEngine.Accounts;

/// <summary>Inserts many rows of one table by one prepared statement: some ten times as fast as tracked entities. Table, columns and
/// conversions come from the model, so they cannot differ from what EF does.</summary>
/// <remarks>Use inside a transaction of the same context; the entities are not tracked. Only what the entity itself holds is written:
/// set foreign keys, not navigations.</remarks>
public sealed class PreparedInsert<T> : IDisposable where T : class
{
    readonly DbCommand _command;
    readonly (IProperty Property, RelationalTypeMapping Mapping, string Name)[] _columns;

    public PreparedInsert(AccountsContext db)
    {
        IEntityType type = db.Model.FindEntityType(typeof(T)) ?? throw new ArgumentException($"{typeof(T)} is not in the model.");
        ISqlGenerationHelper sql = db.GetService<ISqlGenerationHelper>();
        var table = StoreObjectIdentifier.Table(type.GetTableName()!, type.GetSchema());
        _columns = [.. type.GetProperties().Where(p => p.ValueGenerated == ValueGenerated.Never)
            .Select((p, i) => (p, p.GetRelationalTypeMapping(), $"p{i}"))];
        string key = type.FindPrimaryKey()!.Properties[0].GetColumnName(table)!;
        _command = db.Database.GetDbConnection().CreateCommand();
        _command.Transaction = db.Database.CurrentTransaction?.GetDbTransaction();
#pragma warning disable CA2100 // Names of the model, quoted by the provider; values are parameters.
        _command.CommandText = $"INSERT INTO {sql.DelimitIdentifier(table.Name)} ("
            + string.Join(", ", _columns.Select(c => sql.DelimitIdentifier(c.Property.GetColumnName(table)!)))
            + ") VALUES (" + string.Join(", ", _columns.Select(c => sql.GenerateParameterName(c.Name)))
            + $") RETURNING {sql.DelimitIdentifier(key)}";
#pragma warning restore CA2100
    }

    /// <returns>The key that the database gave.</returns>
    public long Insert(T entity)
    {
        _command.Parameters.Clear();
        foreach ((IProperty property, RelationalTypeMapping mapping, string name) in _columns)
            _command.Parameters.Add(mapping.CreateParameter(_command, name, property.GetGetter().GetClrValue(entity), property.IsNullable));
        return Convert.ToInt64(_command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    public void Dispose() => _command.Dispose();
}
