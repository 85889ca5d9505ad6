using System.Text;
using MailEngine.Addresses;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>redirect [":copy"] address. RFC 5228 §4.2, RFC 3894 §3</summary>
internal sealed class RedirectCommand(ScriptString address, bool copy) : SieveCommand
{
    public static SieveCommand Parse(Arguments arguments)
    {
        bool copy = arguments.Flag("copy", Capability.Copy);
        ScriptString address = arguments.String("the address");
        if (address.Constant is { } constant && SieveAddress.Parse(constant) is null)
            arguments.Script.Error(address.Offset, "This is no mail address such as jo@example.org.");
        return new RedirectCommand(address, copy);
    }

    public override void Run(SieveRun run)
    {
        if (SieveAddress.Parse(address.Get(run)) is not { } to)
            throw new SieveFaultException("redirect has an address that is none");
        run.Redirect(new SieveAction.Redirect(to));
        if (!copy)
            run.CancelImplicitKeep();
    }
}

/// <summary>Addresses as scripts write them. RFC 5228 §2.4.2.3</summary>
internal static class SieveAddress
{
    // sieve-address = addr-spec / phrase "<" addr-spec ">"
    /// <returns>Null: it is none, or more than one.</returns>
    public static EmailAddress? Parse(string octets)
    {
        if (octets.Length > 1000)
            return null;
        byte[] bytes = Octets.ToBytes(octets);
        using var scratch = new ByteBuffer(256);
        var reader = new AddressReader(bytes, scratch);
        if (!reader.MoveNext(out ListedAddress listed) || listed.Kind != AddressKind.Mailbox || !listed.Route.IsEmpty || listed.Domain.IsEmpty)
            return null;
        string local = Encoding.UTF8.GetString(listed.Local), domain = Encoding.UTF8.GetString(listed.Domain);
        return reader.MoveNext(out _) ? null : Accounts.AddressParts.Join(local, domain);
    }
}
