using MailEngine.Accounts;
using MailEngine.Addresses;
using MailEngine.Flow;

namespace MailEngine.Smtp.Commands;

/// <summary>MAIL FROM: opens a transaction and names who is told of failures.</summary>
/// <remarks>RFC 5321 §4.1.1.2; SIZE: RFC 1870 §6; on submission the sender must be the account's own: RFC 6409 §6.1.</remarks>
sealed record MailCommand(string Path, SenderParameters Parameters) : SmtpCommand
{
    static readonly Reply s_ok = new(250, "2.1.0", "Ok");
    static readonly Reply s_syntax = new(501, "5.5.4", "Syntax: MAIL FROM:<address>");
    static readonly Reply s_badAddress = new(553, "5.1.7", "Bad sender address");
    static readonly Reply s_notYours = new(553, "5.7.1", "Sender address is not one of your account");
    static readonly Reply s_needsUtf8 = new(553, "5.6.7", "A non-ASCII address needs SMTPUTF8");

    static readonly Reply s_loggedOut = new(421, "4.7.0", "The account has changed; log in again");

    // "MAIL FROM:" Reverse-path [SP Mail-parameters]
    public static SmtpCommand Parse(string argument)
    {
        if (!MailPath.TrySplit(argument, "FROM", out string path, out string rest))
            return new RefusedCommand(s_syntax);
        return SenderParameters.TryParse(rest, out SenderParameters parameters) is { } refusal
            ? new RefusedCommand(refusal)
            : new MailCommand(path, parameters);
    }

    public override async ValueTask RunAsync(SmtpSession session)
    {
        if (Parameters.Size > session.Services.Options.Limits.MessageBytes)
        {
            session.Send(Reply.TooBig);
            return;
        }
        // The account may have been locked, or its password changed, since the session logged in.
        if (session.Account is { } who && await MayGoOnAsync(session, who) is { } ended)
        {
            session.Close(ended);
            return;
        }
        EmailAddress? reversePath = null;
        if (Path.Length > 0)
        {
            DomainName own = session.Account?.Domain ?? default;
            if (!MailPath.TryParseAddress(Path, own, out EmailAddress address))
            {
                session.SendError(s_badAddress);
                return;
            }
            if (address.NeedsUtf8 && !Parameters.Utf8)
            {
                session.SendError(s_needsUtf8);
                return;
            }
            if (session.Account is { } account)
            {
                address = new SenderRewrite(account, session.Services.Hostname.Name).Apply(address);
                if (await RefusalForAsync(session, account, address) is { } refusal)
                {
                    session.SendError(refusal);
                    return;
                }
            }
            reversePath = address;
        }
        session.Transaction = new Transaction(reversePath, Parameters);
        session.Send(s_ok);
    }

    /// <summary>Null: the account may send still; else the reply with which its session ends.</summary>
    internal static async ValueTask<Reply?> MayGoOnAsync(SmtpSession session, AccountEntry account)
    {
        try
        {
            return await session.Services.Authenticator.MayContinueAsync(account, MailServices.Sending, session.Connection.Closed) ? null : s_loggedOut;
        }
        catch (DirectoryUnavailableException)
        {
            return Reply.DirectoryOut;
        }
    }

    // Its own: an address that delivers to the account, be it with a subaddress, as one of many, or by catch-all.
    static async ValueTask<Reply?> RefusalForAsync(SmtpSession session, AccountEntry account, EmailAddress address)
    {
        foreach (EmailAddress own in account.Addresses)
        {
            if (own.Canonical == address.Canonical)
                return null;
        }
        try
        {
            Resolution resolution = await session.Services.Directory.ResolveAsync(address, session.Connection.Closed);
            foreach (AddressTarget target in resolution.Address?.Targets ?? [])
            {
                if (target.Account?.AccountId == account.AccountId)
                    return null;
            }
            return s_notYours;
        }
        catch (DirectoryUnavailableException)
        {
            return Reply.DirectoryOut;
        }
    }
}
