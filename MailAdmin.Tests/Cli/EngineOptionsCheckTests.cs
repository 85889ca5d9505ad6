using MailEngine;

namespace MailAdmin.Tests.Cli;

public sealed class EngineOptionsCheckTests
{
    [Fact]
    public void When_nothing_is_set_then_nothing_is_wrong() => Assert.Empty(EngineOptionsCheck.Check(new EngineOptions()));

    public static TheoryData<string, Action<EngineOptions>> Wrong => new()
    {
        { "Mail:DataPath is \"/dev/null\"", o => o.DataPath = "/dev/null" },
        { "Mail:Hostname is \"a b\"", o => o.Hostname = "a b" },
        { "Mail:PortOffset is \"-5\"", o => o.PortOffset = -5 },
        { "Mail:PanelPort is \"70000\"", o => o.PanelPort = 70000 },
        { "Mail:PanelTlsPort is \"8080\"", o => o.PanelTlsPort = 8080 },
        { "Mail:PanelPort is \"10143\"", o => o.PanelPort = 10143 },
        { "Mail:Listen is \"localhost\"", o => o.Listen = ["localhost"] },
        { "Mail:Listeners:0:Port is \"99999\"", o => o.Listeners = [new ListenerOptions { Port = 99999 }] },
        { "Mail:Relayhosts is \"smtp.example.org\"", o => o.Relayhosts = ["smtp.example.org"] },
        { "Mail:RelayAuth is \"x:25\"", o => o.RelayAuth["x:25"] = new RelayAuthOptions { User = "u", Password = "p" } },
        { "Mail:Dns:Servers is \"ns1\"", o => o.Dns.Servers = ["ns1"] },
        { "Mail:TrustedNetworks is \"everybody\"", o => o.TrustedNetworks = ["everybody"] },
        { "Mail:Tls:CertificatePath is \"/none\"", o => o.Tls.CertificatePath = "/none" },
        { "Mail:Limits:MessageBytes is \"1\"", o => o.Limits.MessageBytes = 1 },
        { "Mail:Limits:FailedLogins is \"0\"", o => o.Limits.FailedLogins = 0 },
        { "Mail:Limits:SmtpIdle is \"00:00:01\"", o => o.Limits.SmtpIdle = TimeSpan.FromSeconds(1) },
        { "Mail:Store:SegmentBytes is \"5\"", o => o.Store.SegmentBytes = 5 },
        { "Mail:Queue:RetryAfter is \"00:00:00\"", o => o.Queue.RetryAfter = [TimeSpan.Zero] },
        { "Mail:Passwords:MinLength is \"4\"", o => o.Passwords.MinLength = 4 },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void When_a_setting_is_wrong_then_one_line_names_it_its_value_and_what_would_be_right(string start, Action<EngineOptions> change)
    {
        var options = new EngineOptions();
        change(options);
        string error = Assert.Single(EngineOptionsCheck.Check(options));
        Assert.StartsWith(start, error, StringComparison.Ordinal);
        Assert.Contains("right would be", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error);
    }

    [Fact]
    public void When_sessions_end_sooner_than_standards_ask_for_then_that_is_taken_and_said()
    {
        var options = new EngineOptions();
        Assert.Empty(EngineOptionsCheck.Warnings(options));
        (options.Limits.SmtpIdle, options.Limits.ImapIdle, options.Limits.Pop3Idle) = (TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(29), TimeSpan.FromMinutes(9));
        Assert.Empty(EngineOptionsCheck.Check(options));
        Assert.Equal(["Mail:Limits:SmtpIdle is \"00:04:00\"", "Mail:Limits:ImapIdle is \"00:29:00\"", "Mail:Limits:Pop3Idle is \"00:09:00\""],
            EngineOptionsCheck.Warnings(options).Select(warning => warning.Split(':')[..5] is var parts ? string.Join(':', parts) : ""));
        Assert.All(EngineOptionsCheck.Warnings(options), warning => Assert.Matches("right would be 00:(05|30|10):00 or more\\.$", warning));
    }
}
