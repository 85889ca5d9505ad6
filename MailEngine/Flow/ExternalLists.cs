using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Sieve;
using MailEngine.Store;

namespace MailEngine.Flow;

/// <summary>The lists that scripts ask about: whom the account knows, the addresses of its domain, and whom those lead to. RFC 6134 §2.2</summary>
/// <remarks>Nobody learns by a script of his own who is on a list that he is not on himself; scripts of the domain and of the server may ask
/// about all lists of the domain. Lists of other domains are nobody's business.</remarks>
/// <param name="store">Null: nobody's mail is looked at, and address books hold only what was put into them.</param>
public sealed class ExternalLists(AccountDirectory directory, MailStore? store, LimitOptions limits)
{
    /// <summary>What a look-up in the accounts' database takes in steps of a script.</summary>
    const int LookUpSteps = 500;

    /// <summary>Lists as the scripts of an account see them; for <see cref="SieveSurroundings.List"/>.</summary>
    /// <exception cref="IOException">The mail of the account cannot be read now.</exception>
    public async ValueTask<Func<ListName, bool, SieveList?>> OpenAsync(AccountEntry account)
    {
        AddressBook book = await AddressBook.OpenAsync(directory, store, account.AccountId);
        return (name, isOwn) => name.Kind switch
        {
            ListKind.AddressBook => new SieveList(book.Has, LookUpSteps + (book.Messages / 16)),
            _ when name.Domain != account.Domain => null,
            ListKind.Addresses => new SieveList(address => IsOf(account.Domain, address), LookUpSteps),
            _ => MembersOf(name.Address, account, isOwn),
        };
    }

    bool IsOf(DomainName domain, EmailAddress address) =>
        directory.Resolve(address) is { Domain: { } found, Address: { Enabled: true, IsCatchAll: false, Targets.Count: > 0 } } && found.Name == domain;

    /// <summary>All whom an address leads to, through others of ours too, each once; as far as mail to it would go.</summary>
    SieveList? MembersOf(EmailAddress address, AccountEntry account, bool isOwn)
    {
        var members = new HashSet<string>(StringComparer.Ordinal);
        var asked = new HashSet<string>(StringComparer.Ordinal) { address.Canonical };
        var waiting = new Queue<(EmailAddress Address, int Depth)>([(address, 1)]);
        bool isMember = false;
        while (waiting.TryDequeue(out (EmailAddress Address, int Depth) next))
        {
            // Of a stranger there are no targets: he is a member, and that is all.
            if (directory.Resolve(next.Address) is not { Address: { Enabled: true, IsCatchAll: false } entry, Detail: "" })
                continue;
            foreach (AddressTarget target in entry.Targets)
            {
                if (target.Account is { } member)
                {
                    isMember |= member.AccountId == account.AccountId;
                    foreach (EmailAddress own in member.OwnAddresses)
                        members.Add(own.Canonical);
                }
                else if (asked.Count <= limits.AliasExpansion && asked.Add(target.Outside.Canonical))
                {
                    members.Add(target.Outside.Canonical);
                    if (next.Depth < limits.AliasDepth)
                        waiting.Enqueue((target.Outside, next.Depth + 1));
                }
            }
        }
        return members.Count == 0 || (isOwn && !isMember) ? null : new SieveList(one => members.Contains(one.Canonical), 10) { Everybody = address };
    }
}
