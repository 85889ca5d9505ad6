using MailEngine.Sieve.Commands;
using MailEngine.Sieve.Running;
using MailEngine.Sieve.Tests;

namespace MailEngine.Sieve.Language;

/// <param name="Capability">Extension that brings it; null: always there.</param>
/// <param name="Parse">Null: nothing is to be done when the script runs, or there were errors.</param>
internal sealed record CommandRow(string? Capability, Func<Arguments, SieveCommand?> Parse);

/// <summary>All commands but require, if, elsif, else, foreverypart and break, which <see cref="BlockCompiler"/> knows by itself.</summary>
internal static class CommandTable
{
    public static Dictionary<string, CommandRow> Rows { get; } = new(StringComparer.Ordinal)
    {
        ["stop"] = new(null, StopCommand.Parse),
        ["keep"] = new(null, KeepCommand.Parse),
        ["discard"] = new(null, DiscardCommand.Parse),
        ["redirect"] = new(null, RedirectCommand.Parse),
        ["fileinto"] = new(Capability.FileInto, FileIntoCommand.Parse),
        ["set"] = new(Capability.Variables, SetCommand.Parse),
        ["setflag"] = new(Capability.Imap4Flags, FlagCommand.Parse),
        ["addflag"] = new(Capability.Imap4Flags, FlagCommand.Parse),
        ["removeflag"] = new(Capability.Imap4Flags, FlagCommand.Parse),
        ["vacation"] = new(Capability.Vacation, VacationCommand.Parse),
        ["ereject"] = new(Capability.EReject, RejectCommand.Parse),
        ["reject"] = new(Capability.Reject, RejectCommand.Parse),
        ["include"] = new(Capability.Include, IncludeCommand.Parse),
        ["return"] = new(Capability.Include, ReturnCommand.Parse),
        ["global"] = new(Capability.Include, GlobalDeclaration.Parse),
        ["addheader"] = new(Capability.EditHeader, AddHeaderCommand.Parse),
        ["deleteheader"] = new(Capability.EditHeader, DeleteHeaderCommand.Parse),
        ["extracttext"] = new(Capability.ExtractText, ExtractTextCommand.Parse),
        ["replace"] = new(Capability.Replace, ReplaceCommand.Parse),
        ["enclose"] = new(Capability.Enclose, EncloseCommand.Parse),
        ["notify"] = new(Capability.ENotify, NotifyCommand.Parse),
        ["debug_log"] = new(Capability.Debug, DebugLogCommand.Parse),
        ["report"] = new(Capability.Report, ReportCommand.Parse),
        ["error"] = new(Capability.IHave, ErrorCommand.Parse),
    };
}

/// <param name="Capability">Extension that brings it; null: always there.</param>
internal sealed record TestRow(string? Capability, Func<Arguments, SieveTest> Parse);

/// <summary>All tests but not, allof, anyof, true and false, which <see cref="TestCompiler"/> knows by itself.</summary>
internal static class TestTable
{
    public static Dictionary<string, TestRow> Rows { get; } = new(StringComparer.Ordinal)
    {
        ["header"] = new(null, HeaderTest.Parse),
        ["address"] = new(null, AddressTest.Parse),
        ["envelope"] = new(Capability.Envelope, EnvelopeTest.Parse),
        ["exists"] = new(null, ExistsTest.Parse),
        ["size"] = new(null, SizeTest.Parse),
        ["body"] = new(Capability.Body, BodyTest.Parse),
        ["string"] = new(Capability.Variables, StringTest.Parse),
        ["hasflag"] = new(Capability.Imap4Flags, HasFlagTest.Parse),
        ["date"] = new(Capability.Date, DateTest.Parse),
        ["currentdate"] = new(Capability.Date, DateTest.ParseCurrent),
        ["environment"] = new(Capability.Environment, EnvironmentTest.Parse),
        ["duplicate"] = new(Capability.Duplicate, DuplicateTest.Parse),
        ["mailboxexists"] = new(Capability.Mailbox, MailboxExistsTest.Parse),
        ["specialuse_exists"] = new(Capability.SpecialUse, SpecialUseExistsTest.Parse),
        ["mailboxidexists"] = new(Capability.MailboxId, MailboxIdExistsTest.Parse),
        ["metadata"] = new(Capability.MailboxMetadata, MetadataTest.Parse),
        ["metadataexists"] = new(Capability.MailboxMetadata, MetadataExistsTest.Parse),
        ["servermetadata"] = new(Capability.ServerMetadata, MetadataTest.Parse),
        ["servermetadataexists"] = new(Capability.ServerMetadata, MetadataExistsTest.Parse),
        ["valid_notify_method"] = new(Capability.ENotify, ValidNotifyMethodTest.Parse),
        ["notify_method_capability"] = new(Capability.ENotify, NotifyMethodCapabilityTest.Parse),
        ["valid_ext_list"] = new(Capability.ExtLists, ValidExtListTest.Parse),
        ["spamtest"] = new(null, VerdictTest.ParseSpam),
        ["virustest"] = new(Capability.VirusTest, VerdictTest.ParseVirus),
        ["ihave"] = new(Capability.IHave, _ => throw new InvalidOperationException("ihave is answered while compiling.")),
    };
}
