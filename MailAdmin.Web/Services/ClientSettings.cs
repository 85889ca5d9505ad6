using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using MailEngine;
using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Net;

namespace MailAdmin.Web.Services;

/// <summary>A server as a mail program is told of it.</summary>
/// <param name="IsImplicitTls">TLS from the first byte (RFC 8314); false: STARTTLS.</param>
public sealed record ClientServer(string Host, int Port, bool IsImplicitTls);

/// <summary>What a mail program needs to know. Null: the server has no such port.</summary>
public sealed record ClientServers(ClientServer? Imap, ClientServer? Pop3, ClientServer? Submission);

/// <summary>The exact names and ports for mail programs, in words for people and in the forms that programs ask for by themselves.</summary>
/// <remarks>The log-in name is always the address: the engine takes it as well as the account's own name. Nothing here says whether an account
/// exists.</remarks>
public sealed class ClientSettings(HostSettings hosts, MailListeners listeners, AccountDirectory directory)
{
    public async ValueTask<ClientServers> ServersAsync(CancellationToken ct = default)
    {
        string host = await hosts.HostnameAsync(ct);
        return new ClientServers(Of(host, MailProtocol.Imap), Of(host, MailProtocol.Pop3), Of(host, MailProtocol.Submission));
    }

    // Implicit TLS where there is a choice: RFC 8314 §3.
    ClientServer? Of(string host, MailProtocol protocol)
    {
        BoundListener? best = listeners.Bound.Where(b => b.Listener.Protocol == protocol && b.EndPoint is System.Net.IPEndPoint)
            .OrderByDescending(b => b.Listener.ImplicitTls).FirstOrDefault();
        return best is null ? null : new ClientServer(host, ((System.Net.IPEndPoint)best.EndPoint).Port, best.Listener.ImplicitTls);
    }

    /// <summary>The domain an address is in, if its mail is here; null: not ours.</summary>
    public async ValueTask<DomainEntry?> DomainOfAsync(string addressOrDomain, CancellationToken ct = default)
    {
        string name = addressOrDomain[(addressOrDomain.LastIndexOf('@') + 1)..];
        return DomainName.TryParse(name, out DomainName domain) && await directory.FindDomainAsync(domain, ct) is { Enabled: true, Kind: not DomainKind.Relay } found ? found : null;
    }

    /// <summary>Thunderbird and others: config-v1.1.xml.</summary>
    public static XDocument Autoconfig(ClientServers servers, DomainEntry domain)
    {
        static XElement Server(string element, string type, ClientServer server) => new(element, new XAttribute("type", type),
            new XElement("hostname", server.Host), new XElement("port", server.Port), new XElement("socketType", server.IsImplicitTls ? "SSL" : "STARTTLS"),
            new XElement("username", "%EMAILADDRESS%"), new XElement("authentication", "password-cleartext"));   // under TLS
        return new XDocument(new XElement("clientConfig", new XAttribute("version", "1.1"), new XElement("emailProvider", new XAttribute("id", domain.Name.Value),
            new XElement("domain", domain.Name.Value), new XElement("displayName", domain.Name.Display), new XElement("displayShortName", domain.Name.Display),
            servers.Imap is { } imap ? Server("incomingServer", "imap", imap) : null,   // programs take the first they can speak
            servers.Pop3 is { } pop3 ? Server("incomingServer", "pop3", pop3) : null,
            servers.Submission is { } smtp ? Server("outgoingServer", "smtp", smtp) : null)));
    }

    /// <summary>Outlook: the answer to a plain old XML request.</summary>
    public static XDocument Autodiscover(ClientServers servers, string address)
    {
        XNamespace outer = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
        XNamespace inner = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
        XElement Protocol(string type, ClientServer server) => new(inner + "Protocol", new XElement(inner + "Type", type),
            new XElement(inner + "Server", server.Host), new XElement(inner + "Port", server.Port), new XElement(inner + "DomainRequired", "off"),
            new XElement(inner + "LoginName", address), new XElement(inner + "SPA", "off"), new XElement(inner + "SSL", server.IsImplicitTls ? "on" : "off"),
            new XElement(inner + "Encryption", server.IsImplicitTls ? "SSL" : "TLS"), new XElement(inner + "AuthRequired", "on"),
            type == "SMTP" ? new XElement(inner + "UsePOPAuth", "on") : null);
        return new XDocument(new XElement(outer + "Autodiscover", new XElement(inner + "Response", new XElement(inner + "Account",
            new XElement(inner + "AccountType", "email"), new XElement(inner + "Action", "settings"),
            servers.Imap is { } imap ? Protocol("IMAP", imap) : null,
            servers.Pop3 is { } pop3 ? Protocol("POP3", pop3) : null,
            servers.Submission is { } smtp ? Protocol("SMTP", smtp) : null))));
    }

    /// <summary>The address that an Outlook request is about; null: it is none.</summary>
    /// <param name="body">From anybody: no document type, no outside parts, at most <see cref="MostRequestBytes"/> read.</param>
    public static async Task<string?> AddressOfRequestAsync(Stream body, CancellationToken ct)
    {
        var settings = new XmlReaderSettings { Async = true, DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MostRequestBytes };
        try
        {
            using var reader = XmlReader.Create(body, settings);
            while (await reader.ReadAsync())
            {
                ct.ThrowIfCancellationRequested();
                if (reader.Depth > 8)
                    return null;
                if (reader is { NodeType: XmlNodeType.Element, LocalName: "EMailAddress" })
                    return await reader.ReadElementContentAsStringAsync() is var text && EmailAddress.TryParse(text.Trim(), out EmailAddress address) ? address.ToString() : null;
            }
        }
        catch (XmlException)
        {
            // Not XML, or more than it may be.
        }
        return null;
    }

    /// <summary>Longest request of Outlook, octets: a real one has some 500.</summary>
    public const int MostRequestBytes = 16 << 10;

    /// <summary>Apple's Mail on telephones and Macs: a profile. Without the password, which the device asks for.</summary>
    /// <param name="byPop3">The device fetches mail by POP3, where the server has it; or else by IMAP.</param>
    public static XDocument AppleProfile(ClientServers servers, OwnAccount account, string organisation, bool byPop3 = false)
    {
        string mail = account.Primary;
        var payload = new List<(string Key, object Value)>
        {
            ("EmailAccountDescription", mail), ("EmailAccountName", account.DisplayName.Length > 0 ? account.DisplayName : mail),
            ("EmailAccountType", byPop3 && servers.Pop3 is not null ? "EmailTypePOP" : "EmailTypeIMAP"), ("EmailAddress", mail),
        };
        string kind = byPop3 && servers.Pop3 is not null ? "pop3" : "mail";   // both may be on one device
        if ((kind == "pop3" ? servers.Pop3 : servers.Imap) is { } incoming)
        {
            payload.AddRange([("IncomingMailServerAuthentication", "EmailAuthPassword"), ("IncomingMailServerHostName", incoming.Host), ("IncomingMailServerPortNumber", incoming.Port),
                ("IncomingMailServerUseSSL", true), ("IncomingMailServerUsername", mail)]);
        }
        if (servers.Submission is { } smtp)
        {
            payload.AddRange([("OutgoingMailServerAuthentication", "EmailAuthPassword"), ("OutgoingMailServerHostName", smtp.Host), ("OutgoingMailServerPortNumber", smtp.Port),
                ("OutgoingMailServerUseSSL", true), ("OutgoingMailServerUsername", mail), ("OutgoingPasswordSameAsIncomingPassword", true)]);
        }
        payload.AddRange([("PayloadDescription", mail), ("PayloadDisplayName", mail), ("PayloadIdentifier", $"mailadmin.{organisation}.{account.Id}.{kind}"),
            ("PayloadType", "com.apple.mail.managed"), ("PayloadUUID", StableId($"{organisation}/{account.Id}/{kind}")), ("PayloadVersion", 1)]);
        XElement profile = Dictionary(
        [
            ("PayloadContent", new XElement("array", Dictionary(payload))), ("PayloadDescription", mail), ("PayloadDisplayName", $"{mail} ({organisation})"),
            ("PayloadIdentifier", $"mailadmin.{organisation}.{account.Id}{(kind == "pop3" ? ".pop3" : "")}"), ("PayloadOrganization", organisation), ("PayloadRemovalDisallowed", false),
            ("PayloadType", "Configuration"), ("PayloadUUID", StableId($"{organisation}/{account.Id}{(kind == "pop3" ? "/pop3" : "")}")), ("PayloadVersion", 1),
        ]);
        return new XDocument(new XDeclaration("1.0", "UTF-8", null),
            new XDocumentType("plist", "-//Apple//DTD PLIST 1.0//EN", "http://www.apple.com/DTDs/PropertyList-1.0.dtd", null),
            new XElement("plist", new XAttribute("version", "1.0"), profile));
    }

    static XElement Dictionary(IEnumerable<(string Key, object Value)> entries) => new("dict", entries.SelectMany(e => new[]
    {
        new XElement("key", e.Key),
        e.Value switch
        {
            XElement element => element,
            bool yes => new XElement(yes ? "true" : "false"),
            int number => new XElement("integer", number.ToString(CultureInfo.InvariantCulture)),
            _ => new XElement("string", e.Value),
        },
    }));

    // The same for the same account, so that a profile fetched again takes the place of the one before.
    static string StableId(string name)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(name));
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);   // version 8, of our own making: RFC 9562 §5.8
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true).ToString().ToUpperInvariant();
    }
}
