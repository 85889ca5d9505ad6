using System.Security.Cryptography;
using System.Text;
using MailEngine.Addresses;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Commands;

/// <summary>vacation [":days" number / ":seconds" number] [":subject" string] [":from" string] [":addresses" string-list] [":mime"]
/// [":handle" string] [FCC] reason. RFC 5230 §4, RFC 6131 §2, RFC 8580 §3</summary>
internal sealed class VacationCommand : SieveCommand
{
    /// <summary>RFC 5230 §4.1: longer ones are taken as this.</summary>
    static readonly TimeSpan s_longest = TimeSpan.FromDays(90);

    /// <summary>RFC 6131 §2 lets a server set it: somebody who writes every second is told once a minute.</summary>
    static readonly TimeSpan s_shortest = TimeSpan.FromMinutes(1);

    static readonly TimeSpan s_usual = TimeSpan.FromDays(7);

    readonly TimeSpan _interval;
    readonly ScriptString? _subject;
    readonly ScriptString? _from;
    readonly ScriptString[] _addresses;
    readonly bool _isMime;
    readonly ScriptString? _handle;
    readonly ScriptString _reason;
    readonly FccTag? _fcc;
    readonly string _ownHandle;

    VacationCommand(TimeSpan interval, ScriptString? subject, ScriptString? from, ScriptString[] addresses, bool isMime, ScriptString? handle, FccTag? fcc, ScriptString reason)
    {
        _fcc = fcc;
        _interval = interval;
        _subject = subject;
        _from = from;
        _addresses = addresses;
        _isMime = isMime;
        _handle = handle;
        _reason = reason;
        _ownHandle = HandleOf(subject, from, isMime, reason);
    }

    public static SieveCommand Parse(Arguments arguments)
    {
        long? days = arguments.TaggedNumber("days"), seconds = arguments.TaggedNumber("seconds", Capability.VacationSeconds);
        if (days is not null && seconds is not null)
            arguments.Script.Error(arguments.Offset, ":days and :seconds exclude one another.");
        TimeSpan interval = days is { } d ? TimeSpan.FromDays(Math.Clamp(d, 1, s_longest.Days))
            : seconds is { } s ? TimeSpan.FromSeconds(Math.Clamp(s, (long)s_shortest.TotalSeconds, (long)s_longest.TotalSeconds)) : s_usual;
        ScriptString? subject = arguments.TaggedString("subject"), from = arguments.TaggedString("from"), handle = arguments.TaggedString("handle");
        ScriptString[] addresses = arguments.TaggedStrings("addresses") ?? [];
        if (from?.Constant is { } sender && SieveAddress.ParseList(sender) is null)
            arguments.Script.Error(from.Offset, SieveAddress.NoList);
        foreach (ScriptString address in addresses)
        {
            if (address.Constant is { } constant && SieveAddress.Parse(constant) is null)
                arguments.Script.Error(address.Offset, "This is no mail address such as jo@example.org.");
        }
        bool isMime = arguments.Flag("mime");
        var fcc = FccTag.Read(arguments);
        ScriptString reason = arguments.String("the reason");
        if (isMime && reason.Constant is { } entity)
        {
            try
            {
                _ = EntityOf(entity);
            }
            catch (SieveFaultException fault)
            {
                arguments.Script.Error(reason.Offset, char.ToUpperInvariant(fault.Message[0]) + fault.Message[1..] + ".");
            }
        }
        return new VacationCommand(interval, subject, from, addresses, isMime, handle, fcc, reason);
    }

    /// <summary>The reason of :mime, of its header only what says what it is: whose the answer is, and about what, is said elsewhere. RFC 5230 §4.4, RFC 5230 §5</summary>
    static string EntityOf(string octets)
    {
        var entity = NewEntity.OfMime(octets, "vacation");
        return Ascii.IsValid(entity.Fields) ? Octets.Of([.. entity.Fields, .. "\r\n"u8, .. entity.Content])
            : throw new SieveFaultException("vacation has a MIME header with characters outside of ASCII, which must be encoded there");
    }

    public override void Run(SieveRun run)
    {
        var addresses = new List<EmailAddress>();
        foreach (ScriptString address in _addresses)
        {
            run.Charge(1);
            if (SieveAddress.Parse(address.Get(run)) is { } own)
                addresses.Add(own);
        }
        run.Vacation(new SieveAction.Vacation(
            Octets.ToText(_isMime ? EntityOf(_reason.Get(run)) : _reason.Get(run)), _subject is null ? "" : Octets.ToText(_subject.Get(run)), _from is null ? [] : SieveAddress.ParseList(_from.Get(run)) ?? [], addresses,
            _isMime, _handle is null ? _ownHandle : "h " + Octets.ToText(Octets.Cut(_handle.Get(run), 500)), _interval)
        {
            Fcc = _fcc?.Get(run),
        });
    }

    /// <summary>Names the answer by what stands in the script, variables not replaced. RFC 5230 §4.2</summary>
    static string HandleOf(ScriptString? subject, ScriptString? from, bool isMime, ScriptString reason)
    {
        string all = $"{subject?.Source.Length ?? -1} {from?.Source.Length ?? -1} {isMime} {subject?.Source}{from?.Source}{reason.Source}";
        return "r " + Convert.ToHexString(SHA256.HashData(Encoding.Latin1.GetBytes(all)));
    }
}
