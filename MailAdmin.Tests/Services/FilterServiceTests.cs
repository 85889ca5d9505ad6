using System.Text;
using MailAdmin.Web.Services;

namespace MailAdmin.Tests.Services;

/// <summary>What a script would do, in words, before it does it.</summary>
public sealed class FilterServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public async Task When_a_script_is_tried_then_everything_it_would_do_is_told()
    {
        var form = new TrialForm
        {
            From = "x@other.test", To = "ann@own.test", Message = "Subject: Hello\n\nText\n"u8.ToArray(),
            Script = Encoding.UTF8.GetBytes("""
                require ["editheader", "enotify", "copy", "imap4flags", "fileinto"];
                redirect :copy "bob@elsewhere.test";
                addheader "X-Seen" "yes";
                notify "mailto:carol@elsewhere.test";
                keep :flags "\\Flagged";
                """),
        };
        TrialOutcome outcome = (await _rig.Get<FilterService>().TryAsync(ServicesRig.As(_rig.OwnUser), _rig.OwnUser, form)).Value!;
        Assert.Null(outcome.Fault);
        Assert.Equal(
            ["Keep  \\Flagged True", "Notify carol@elsewhere.test  True", "Redirect bob@elsewhere.test  False"],
            outcome.Steps.Select(s => $"{s.Kind} {s.Value} {string.Join(' ', s.Flags)} {s.IsEdited}").Order(StringComparer.Ordinal));
    }
}
