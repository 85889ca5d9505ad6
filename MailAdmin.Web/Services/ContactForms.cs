using MailEngine.Addresses;

namespace MailAdmin.Web.Services;

/// <summary>Somebody in an address book.</summary>
/// <param name="Address">As it was written.</param>
/// <param name="Name">Empty: none.</param>
public sealed record ContactRow(long Id, string Address, string Name, DateTimeOffset CreatedAt);

/// <summary>Somebody to be put into an address book.</summary>
public sealed class ContactForm
{
    public string Address { get; set; } = "";
    public string Name { get; set; } = "";
}

/// <summary>What came of a file or text with addresses.</summary>
/// <param name="Known">Were there already, or stood in it twice.</param>
/// <param name="Faults">What could not be read, for people; the first of them.</param>
/// <param name="FaultCount">How many there were.</param>
public sealed record ContactImport(int Added, int Known, IReadOnlyList<string> Faults, int FaultCount);

/// <summary>An address found in a file.</summary>
/// <param name="Written">As it stands there.</param>
sealed record FoundContact(EmailAddress Address, string Written, string Name);

/// <summary>A place in a file where an address should be.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Text">What stands there; empty: nothing like an address.</param>
readonly record struct ContactFault(int Line, string Text);
