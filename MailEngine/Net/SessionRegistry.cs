using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailEngine.Net;

/// <summary>An open session as the panel lists it.</summary>
/// <param name="AccountId">0: not logged in.</param>
public sealed record SessionInfo(
    string Id, MailProtocol Protocol, long AccountId, string Login, string Client, bool Tls, DateTimeOffset Since);

/// <summary>All open sessions, and how many of them one client or one account may have.</summary>
/// <remarks>The counters move under one lock; it is held for a few instructions and never over a socket write.</remarks>
public sealed class SessionRegistry(EngineOptions options)
{
    readonly ConcurrentDictionary<string, Connection> _open = new(StringComparer.Ordinal);
    readonly Lock _lock = new();
    readonly Dictionary<UInt128, int> _perNetwork = [];
    readonly Dictionary<(long Account, MailProtocol Protocol), int> _perAccount = [];

    public int Count => _open.Count;

    /// <summary>Counts a new connection in; false: over the limit in all, or of this client.</summary>
    internal bool TryAdd(Connection connection)
    {
        lock (_lock)
        {
            if (_open.Count >= options.Limits.Connections)
                return false;
            if (!connection.IsLoopback)
            {
                UInt128 network = NetworkOf(connection.Remote!.Address);
                int now = _perNetwork.GetValueOrDefault(network);
                if (now >= options.Limits.ConnectionsPerAddress)
                    return false;
                _perNetwork[network] = now + 1;
            }
            return _open.TryAdd(connection.Id, connection);
        }
    }

    internal void Remove(Connection connection)
    {
        lock (_lock)
        {
            if (!_open.TryRemove(connection.Id, out _))
                return;
            if (!connection.IsLoopback)
                Decrease(_perNetwork, NetworkOf(connection.Remote!.Address));
            if (connection.AccountId != 0)
                Decrease(_perAccount, (connection.AccountId, connection.Listener.Protocol));
        }
    }

    /// <summary>Notes who logged in on a connection.</summary>
    /// <returns>False: the account has <see cref="LimitOptions.ConnectionsPerAccount"/> sessions of this protocol already; answer
    /// NO [LIMIT] or 421.</returns>
    public bool TryBind(Connection connection, long accountId, string login)
    {
        lock (_lock)
        {
            var key = (accountId, connection.Listener.Protocol);
            int now = _perAccount.GetValueOrDefault(key);
            if (connection.AccountId == accountId)
                return true;
            if (now >= options.Limits.ConnectionsPerAccount)
                return false;
            if (connection.AccountId != 0)
                Decrease(_perAccount, (connection.AccountId, connection.Listener.Protocol));
            _perAccount[key] = now + 1;
            connection.AccountId = accountId;
            connection.Login = login;
            return true;
        }
    }

    /// <summary>Nobody is logged in on a connection any more.</summary>
    public void Unbind(Connection connection)
    {
        lock (_lock)
        {
            if (connection.AccountId == 0)
                return;
            Decrease(_perAccount, (connection.AccountId, connection.Listener.Protocol));
            connection.AccountId = 0;
            connection.Login = "";
        }
    }

    /// <summary>All open sessions, oldest first.</summary>
    public IReadOnlyList<SessionInfo> List() =>
    [
        .. _open.Values.OrderBy(c => c.Since).Select(c =>
            new SessionInfo(c.Id, c.Listener.Protocol, c.AccountId, c.Login, c.RemoteText, c.IsTls, c.Since)),
    ];

    /// <summary>Ends all sessions of an account: its password, state or rights changed.</summary>
    /// <returns>How many.</returns>
    public int EndAccount(long accountId)
    {
        int ended = 0;
        foreach (Connection connection in _open.Values)
        {
            if (connection.AccountId != accountId)
                continue;
            connection.End(EndReason.Ended);
            ended++;
        }
        return ended;
    }

    /// <summary>Ends one session; false: there is none with that id.</summary>
    public bool End(string sessionId)
    {
        if (!_open.TryGetValue(sessionId, out Connection? connection))
            return false;
        connection.End(EndReason.Ended);
        return true;
    }

    /// <summary>Asks every session to say 421 or BYE and leave; the host then waits for them. Running commands finish first.</summary>
    public void EndAll()
    {
        foreach (Connection connection in _open.Values)
            connection.End(EndReason.Stopping);
    }

    // IPv4: the address; IPv6: the /64, since one customer has at least that (attack case A22).
    static UInt128 NetworkOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out int length);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            bytes[8..].Clear();
        return new UInt128(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes),
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) + (ulong)length);
    }

    static void Decrease<TKey>(Dictionary<TKey, int> counts, TKey key) where TKey : notnull
    {
        int left = counts.GetValueOrDefault(key) - 1;
        if (left <= 0)
            counts.Remove(key);
        else
            counts[key] = left;
    }
}
