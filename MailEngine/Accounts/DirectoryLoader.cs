using System.Data.Common;
using System.Globalization;
using MailEngine.Addresses;

namespace MailEngine.Accounts;

/// <summary>Reads rows into the immutable entries of <see cref="AccountDirectory"/>. Fills the cache it is given with accounts and domains.</summary>
/// <remarks>Plain SQL over one connection: after every change each address is looked up anew, and EF would take ten times as long for
/// it. The statements are such that SQLite and PostgreSQL both take them.</remarks>
sealed class DirectoryLoader(DbConnection connection, AccountDirectory.Cache cache)
{
    // A domain may be another name of a domain that is another name itself. Longer chains, and circles, end here.
    const int MaxAliasSteps = 8;

    const int IdsPerQuery = 500;

    // Other names of a domain under which somebody is looked for: each is a look-up, and domains have one or two.
    const int MostNames = 20;

    public Resolution Resolve(AccountDirectory.AddressKey key)
    {
        DomainEntry? domain = FindDomain(key.Domain);
        bool enabled = true;
        for (int step = 0; domain is { Kind: DomainKind.AliasOf, AliasOf: { } real }; step++)
        {
            enabled &= domain.Enabled;
            if (step == MaxAliasSteps)
                return new Resolution(domain with { Enabled = false }, null, "");
            domain = FindDomain(real);
        }
        if (domain is null)
            return new Resolution(null, null, "");
        if (!enabled && domain.Enabled)
            domain = domain with { Enabled = false };
        if (domain.Kind == DomainKind.Relay)
            return new Resolution(domain, null, "");

        string local = key.CanonicalLocal;
        int separator = Subaddress.SeparatorIn(local, domain.SubaddressSeparator);
        string user = separator > 0 ? local[..separator] : local;
        List<AddressRow> rows = ReadAddresses(domain.DomainId, local, user);
        AddressRow? found = rows.Find(a => a.Local == local);
        string detail = "";
        if (found is null && separator > 0 && (found = rows.Find(a => a.Local == user)) is not null)
            detail = local[(separator + domain.SubaddressSeparator.Length)..];
        found ??= rows.Find(a => a.Local == Address.CatchAll);
        return found is null ? new Resolution(domain, null, "") : new Resolution(domain, EntryOf(found), detail);
    }

    public bool HasContact(long accountId, EmailAddress address)
    {
        foreach (EmailAddress one in SameAs(address))
        {
            using DbCommand command = Command("""SELECT 1 FROM "account_contact" WHERE "AccountId" = @account AND "Address" = @address""", ("@account", accountId), ("@address", one.Canonical));
            if (command.ExecuteScalar() is not null)
                return true;
        }
        return false;
    }

    public List<EmailAddress> SameAs(EmailAddress address)
    {
        var same = new List<EmailAddress> { address };
        DomainEntry? domain = FindDomain(address.Domain);
        for (int step = 0; step < MaxAliasSteps && domain is { Kind: DomainKind.AliasOf, AliasOf: { } real }; step++)
            domain = FindDomain(real);
        if (domain is not { Kind: DomainKind.Local })
            return same;
        foreach (string name in (cache.OtherNames ??= ReadOtherNames())[domain.DomainId].Prepend(domain.Name.Value).Take(MostNames))
        {
            if (name != address.Domain.Value && AddressParts.Join(address.CanonicalLocal, name) is { } other)
                same.Add(other);
        }
        return same;
    }

    public AccountEntry? FindLogin(string login)
    {
        using DbCommand command = Command("""SELECT "Id" FROM "account" WHERE "NormalizedUserName" = @login""", ("@login", login));
        return command.ExecuteScalar() is long id ? LoadAccounts([id]).GetValueOrDefault(id) : null;
    }

    public DomainEntry? FindDomain(DomainName name)
    {
        if (cache.Domains.TryGetValue(name, out DomainEntry? known))
            return known;
        using DbCommand command = Command("""
            SELECT d."Id", d."Enabled", d."Kind", d."RelayHost", d."SubaddressSeparator", d."MessageBytes", d."StandardFolders", r."Name"
            FROM "domain" d LEFT JOIN "domain" r ON r."Id" = d."AliasOfId" WHERE d."Name" = @name
            """, ("@name", name.Value));
        using DbDataReader row = command.ExecuteReader();
        DomainEntry? entry = !row.Read() ? null : new DomainEntry
        {
            DomainId = row.GetInt64(0),
            Name = name,
            Enabled = row.GetBoolean(1),
            Kind = (DomainKind)row.GetInt32(2),
            RelayHost = row.GetString(3),
            SubaddressSeparator = row.GetString(4),
            MessageBytes = row.GetInt64(5),
            StandardFolders = Domain.ParseFolders(row.GetString(6)),
            AliasOf = row.IsDBNull(7) ? null : DomainName.Parse(row.GetString(7)),
        };
        cache.MakeRoom();
        cache.Domains[name] = entry;
        return entry;
    }

    /// <summary>Entries of these accounts; ids that are no account are left out.</summary>
    public Dictionary<long, AccountEntry> LoadAccounts(IReadOnlyCollection<long> ids)
    {
        var entries = new Dictionary<long, AccountEntry>(ids.Count);
        var missing = new List<long>();
        foreach (long id in ids)
        {
            if (!cache.Accounts.TryGetValue(id, out AccountEntry? known))
                missing.Add(id);
            else if (known is not null)
                entries[id] = known;
        }
        foreach (long[] some in missing.Chunk(IdsPerQuery))
        {
            LoadSome(some, entries);
            foreach (long id in some)
            {
                cache.MakeRoom();
                cache.Accounts[id] = entries.GetValueOrDefault(id);
            }
        }
        return entries;
    }

    void LoadSome(long[] ids, Dictionary<long, AccountEntry> entries)
    {
        string list = string.Join(',', ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));
        Dictionary<long, List<(EmailAddress Address, bool IsOwn)>> addresses = ReadAddressesOf(list);
        ILookup<long, AppPasswordEntry> apps = ReadAppPasswords(list);
        ILookup<long, SecondFactorRule> rules = ReadSecondFactorRules(list);
        IReadOnlyList<AccountDirectory.SharedScript> shared = cache.SharedScripts ??= ReadSharedScripts();
        using DbCommand command = Command($"""
            SELECT a."Id", a."UserName", a."DisplayName", a."PasswordHash", a."State", a."Services", a."QuotaBytes", a."SecurityStamp", a."HasMailbox",
                d."Name", d."DefaultQuotaBytes", p."DisplayLocal", pd."Name",
                a."TwoFactorEnabled", d."SecondFactorFrom", s."Id", s."Version", w."Id", w."Version", v."Id", v."Version", a."DomainId"
            FROM "account" a
            LEFT JOIN "sieve_script" v ON v."AccountId" = a."Id" AND v."Place" = {(int)ScriptPlace.Vacation}
            LEFT JOIN "sieve_script" s ON s."AccountId" = a."Id" AND s."IsActive"
            LEFT JOIN "sieve_script" w ON w."AccountId" = a."Id" AND w."Place" = {(int)ScriptPlace.Panel}
            LEFT JOIN "domain" d ON d."Id" = a."DomainId"
            LEFT JOIN "address" p ON p."Id" = a."PrimaryAddressId"
            LEFT JOIN "domain" pd ON pd."Id" = p."DomainId"
            WHERE a."Id" IN ({list})
            """);
        using DbDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            long id = row.GetInt64(0);
            entries[id] = new AccountEntry
            {
                AccountId = id,
                Login = Text(row, 1) ?? "",
                DisplayName = row.GetString(2),
                PasswordHash = Text(row, 3),
                State = (AccountState)row.GetInt32(4),
                Services = (MailServices)row.GetInt32(5),
                QuotaBytes = Number(row, 6) ?? Number(row, 10) ?? 0,
                SecurityStamp = Text(row, 7) ?? "",
                HasMailbox = row.GetBoolean(8),
                HasSecondFactor = row.GetBoolean(13),
                SecondFactorRules = Time(row, 14) is { } from ? [.. rules[id], new SecondFactorRule(from)] : [.. rules[id]],
                AppPasswords = [.. apps[id]],
                Domain = Text(row, 9) is { } domain ? DomainName.Parse(domain) : default,
                Primary = Text(row, 11) is { } local && Text(row, 12) is { } ofDomain ? AddressParts.Join(local, ofDomain) : null,
                Addresses = addresses.TryGetValue(id, out List<(EmailAddress Address, bool IsOwn)>? all) ? [.. all.Select(a => a.Address)] : [],
                OwnAddresses = all is null ? [] : [.. all.Where(a => a.IsOwn).Select(a => a.Address)],
                Scripts = ScriptsOf(shared, Number(row, 21), vacation: ScriptAt(row, 19), panel: ScriptAt(row, 17), own: ScriptAt(row, 15)),
            };
        }
    }

    static ActiveScript? ScriptAt(DbDataReader row, int column) => Number(row, column) is { } id ? new ActiveScript(id, row.GetInt64(column + 1)) : null;

    /// <summary>Scripts of the server and, if one is given, of a domain, without any account's, in their order.</summary>
    public List<FilterScript> SharedScripts(long? domainId) => ScriptsOf(cache.SharedScripts ??= ReadSharedScripts(), domainId, null, null, null);

    /// <summary>What decides about the mail of an account, in its order: docs/filters.md.</summary>
    static List<FilterScript> ScriptsOf(IReadOnlyList<AccountDirectory.SharedScript> shared, long? domainId, ActiveScript? vacation, ActiveScript? panel, ActiveScript? own)
    {
        if (vacation is null && panel is null && own is null && shared.Count == 0)
            return [];
        var scripts = new List<FilterScript>();
        scripts.AddRange(shared.Where(s => s.Place == ScriptPlace.Before && s.DomainId is null).Select(s => s.Script));
        scripts.AddRange(shared.Where(s => s.Place == ScriptPlace.Before && s.DomainId is not null && s.DomainId == domainId).Select(s => s.Script));
        if (vacation is { } away)
            scripts.Add(new FilterScript(away, "the answer set in the panel") { Place = ScriptPlace.Vacation });
        if (panel is { } rules)
            scripts.Add(new FilterScript(rules, "the rules of the panel") { Place = ScriptPlace.Panel });
        if (own is { } active)
            scripts.Add(new FilterScript(active, ""));
        scripts.AddRange(shared.Where(s => s.Place == ScriptPlace.After && s.DomainId is not null && s.DomainId == domainId).Select(s => s.Script));
        scripts.AddRange(shared.Where(s => s.Place == ScriptPlace.After && s.DomainId is null).Select(s => s.Script));
        return scripts;
    }

    // Few, and wanted for every account: read once.
    List<AccountDirectory.SharedScript> ReadSharedScripts()
    {
        var scripts = new List<AccountDirectory.SharedScript>();
        using DbCommand command = Command($"""
            SELECT "Id", "Version", "DomainId", "Place", "Name" FROM "sieve_script"
            WHERE "AccountId" IS NULL AND "Place" IN ({(int)ScriptPlace.Before}, {(int)ScriptPlace.After}) ORDER BY "Name", "Id"
            """);
        using DbDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            (long? domain, var place, string name) = (Number(row, 2), (ScriptPlace)row.GetInt32(3), row.GetString(4));
            scripts.Add(new(domain, place, new FilterScript(new ActiveScript(row.GetInt64(0), row.GetInt64(1)), $"the script \"{name}\" of the {(domain is null ? "server" : "domain")}")
            {
                Place = place, DomainId = domain, Name = name,
            }));
        }
        return scripts;
    }

    ILookup<long, AppPasswordEntry> ReadAppPasswords(string accountIds)
    {
        var apps = new List<(long Account, AppPasswordEntry Entry)>();
        using DbCommand command = Command($"""
            SELECT "AccountId", "Id", "Hash", "Services", "EndsAt" FROM "app_password" WHERE "AccountId" IN ({accountIds}) ORDER BY "Id"
            """);
        using DbDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            DateTimeOffset? end = Number(row, 4) is { } milliseconds ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
            apps.Add((row.GetInt64(0), new AppPasswordEntry(row.GetInt64(1), row.GetString(2), (MailServices)row.GetInt32(3), end)));
        }
        return apps.ToLookup(a => a.Account, a => a.Entry);
    }

    ILookup<long, SecondFactorRule> ReadSecondFactorRules(string accountIds)
    {
        var rules = new List<(long Account, SecondFactorRule Rule)>();
        using DbCommand command = Command($"""
            SELECT g."AccountId", s."SecondFactorFrom", g."EndsAt" FROM "grant" g JOIN "permission_set" s ON s."Id" = g."SetId"
            WHERE g."AccountId" IN ({accountIds}) AND s."SecondFactorFrom" IS NOT NULL
            """);
        using DbDataReader row = command.ExecuteReader();
        while (row.Read())
            rules.Add((row.GetInt64(0), new SecondFactorRule(Time(row, 1)!.Value, Time(row, 2))));
        return rules.ToLookup(r => r.Account, r => r.Rule);
    }

    Dictionary<long, List<(EmailAddress Address, bool IsOwn)>> ReadAddressesOf(string accountIds)
    {
        var found = new Dictionary<long, List<(EmailAddress, bool)>>();
        ILookup<long, string> otherNames = cache.OtherNames ??= ReadOtherNames();
        using DbCommand command = Command($"""
            SELECT t."AccountId", a."DisplayLocal", d."Name", a."DomainId",
                a."Id" = coalesce(o."PrimaryAddressId", 0) OR NOT EXISTS (SELECT 1 FROM "target" x WHERE x."AddressId" = a."Id" AND x."Id" <> t."Id")
            FROM "target" t JOIN "address" a ON a."Id" = t."AddressId" JOIN "domain" d ON d."Id" = a."DomainId" JOIN "account" o ON o."Id" = t."AccountId"
            WHERE t."AccountId" IN ({accountIds}) AND a."Enabled" AND a."LocalPart" <> '*' ORDER BY t."Id"
            """);
        using DbDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            if (!found.TryGetValue(row.GetInt64(0), out List<(EmailAddress, bool)>? list))
                found[row.GetInt64(0)] = list = [];
            string local = row.GetString(1);
            foreach (string domain in otherNames[row.GetInt64(3)].Prepend(row.GetString(2)))
            {
                if (AddressParts.Join(local, domain) is { } address)
                    list.Add((address, row.GetBoolean(4)));
            }
        }
        return found;
    }

    // Few, and wanted for every account: read once.
    ILookup<long, string> ReadOtherNames()
    {
        var names = new List<(long Of, string Name)>();
        using DbCommand command = Command("""SELECT "AliasOfId", "Name" FROM "domain" WHERE "AliasOfId" IS NOT NULL""");
        using DbDataReader row = command.ExecuteReader();
        while (row.Read())
            names.Add((row.GetInt64(0), row.GetString(1)));
        return names.ToLookup(n => n.Of, n => n.Name);
    }

    List<AddressRow> ReadAddresses(long domainId, string local, string user)
    {
        var rows = new List<AddressRow>(1);
        using DbCommand command = Command("""
            SELECT a."Id", a."LocalPart", a."Enabled", t."AccountId", t."Outside"
            FROM "address" a LEFT JOIN "target" t ON t."AddressId" = a."Id"
            WHERE a."DomainId" = @domain AND a."LocalPart" IN (@local, @user, '*') ORDER BY a."Id", t."Id"
            """, ("@domain", domainId), ("@local", local), ("@user", user));
        using DbDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            long id = row.GetInt64(0);
            if (rows.Count == 0 || rows[^1].Id != id)
                rows.Add(new AddressRow(id, row.GetString(1), row.GetBoolean(2)));
            if (!row.IsDBNull(3) || !row.IsDBNull(4))
                rows[^1].Targets.Add((Number(row, 3), Text(row, 4)));
        }
        return rows;
    }

    AddressEntry EntryOf(AddressRow row)
    {
        Dictionary<long, AccountEntry> accounts = LoadAccounts([.. row.Targets.Where(t => t.AccountId != null).Select(t => t.AccountId!.Value)]);
        var targets = new List<AddressTarget>(row.Targets.Count);
        foreach ((long? accountId, string? text) in row.Targets)
        {
            if (accountId is { } id)
            {
                if (accounts.TryGetValue(id, out AccountEntry? account))
                    targets.Add(new AddressTarget(account, default));
            }
            else if (EmailAddress.TryParse(text, out EmailAddress outside))
            {
                targets.Add(new AddressTarget(null, outside));
            }
        }
        return new AddressEntry { AddressId = row.Id, Enabled = row.Enabled, IsCatchAll = row.Local == Address.CatchAll, Targets = targets };
    }

    DbCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        DbCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants and lists of numbers; whatever people write is a parameter.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object value) in parameters)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
        return command;
    }

    static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    static long? Number(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    static DateTimeOffset? Time(DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));

    sealed record AddressRow(long Id, string Local, bool Enabled)
    {
        public List<(long? AccountId, string? Outside)> Targets { get; } = [];
    }
}
