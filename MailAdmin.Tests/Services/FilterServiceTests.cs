using System.Text;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using MailEngine.Store;

namespace MailAdmin.Tests.Services;

/// <summary>What a script would do, in words, before it does it.</summary>
public sealed class FilterServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync(withStore: true);

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    async Task GivenScriptAsync(ScriptOwner owner, string name, string text, ScriptPlace place = ScriptPlace.None, bool active = false)
    {
        ServiceResult<bool> saved = await _rig.Get<ScriptService>().SaveAsync(
            _rig.Super, owner, new ScriptForm { Name = name, Text = Encoding.UTF8.GetBytes(text), Place = place, Activate = active });
        Assert.True(saved.Ok, saved.Text);
    }

    async Task<TrialOutcome> TryAsync(Actor actor, ScriptOwner owner, string script, ScriptPlace place = ScriptPlace.None, string name = "", string to = "ann@own.test")
    {
        var form = new TrialForm
        {
            Script = Encoding.UTF8.GetBytes(script), Place = place, OldName = name, Name = name, From = "x@other.test", To = to, Message = "Subject: Hello\n\nText\n"u8.ToArray(),
        };
        ServiceResult<TrialOutcome> tried = await _rig.Get<FilterService>().TryAsync(actor, owner, form);
        Assert.True(tried.Ok, tried.Text);
        return tried.Value!;
    }

    static string Words(TrialOutcome outcome) => string.Join("; ", outcome.Steps.Select(s =>
        $"{s.Kind} {s.Value}".Trim() + (s.Flags.Count > 0 ? $" {string.Join(' ', s.Flags)}" : "") + (s.Script < 0 ? "" : $" by {outcome.Scripts[s.Script].Kind} {outcome.Scripts[s.Script].Name}".TrimEnd())));

    static string Row(TrialOutcome outcome) => string.Join(", ", outcome.Scripts.Select(s =>
        $"{s.Kind} {s.Name}".Trim() + (s.IsTried ? "*" : "") + (s.Fault is not null ? " fails" : s.Ran ? "" : " not")));

    [Fact]
    public async Task When_a_script_is_tried_then_everything_it_would_do_is_told()
    {
        TrialOutcome outcome = await TryAsync(ServicesRig.As(_rig.OwnUser), _rig.OwnUser, """
            require ["editheader", "enotify", "copy", "imap4flags", "fileinto"];
            redirect :copy "bob@elsewhere.test";
            addheader "X-Seen" "yes";
            notify "mailto:carol@elsewhere.test";
            keep :flags "\\Flagged";
            """);
        Assert.Null(outcome.Fault);
        Assert.Equal(
            ["Keep  \\Flagged True", "Notify carol@elsewhere.test  True", "Redirect bob@elsewhere.test  False"],
            outcome.Steps.Select(s => $"{s.Kind} {s.Value} {string.Join(' ', s.Flags)} {s.IsEdited}").Order(StringComparer.Ordinal));
        Assert.Equal("Own*", Row(outcome));
    }

    [Fact]
    public async Task When_a_script_is_tried_then_the_whole_row_runs_with_it_in_its_place()
    {
        await GivenScriptAsync(ScriptOwner.Server, "journal", "require [\"copy\", \"imap4flags\"]; redirect :copy \"journal@else.test\"; addflag \"\\\\Seen\";", ScriptPlace.Before);
        await GivenScriptAsync(ScriptOwner.Domain(_rig.OwnDomain), "late", "require \"fileinto\"; if header \"Subject\" \"Hello\" { fileinto \"Late\"; }", ScriptPlace.After);
        await GivenScriptAsync(_rig.OwnUser, "mine", "discard;", active: true);
        await GivenScriptAsync(_rig.OwnUser, "tool", "require [\"fileinto\", \"special-use\"]; fileinto :specialuse \"\\\\Junk\" \"Spam\"; stop;");
        await _rig.Store!.CreateAsync(_rig.OwnUser, MailboxName.Parse("Rubbish"), "\\Junk");
        Actor ann = ServicesRig.As(_rig.OwnUser);

        // Where mail of the server's scripts goes is not for everybody's eyes.
        TrialOutcome rules = await TryAsync(ann, _rig.OwnUser, "keep;", ScriptPlace.Panel);
        Assert.Equal("RedirectUnseen by Server journal", Words(rules));
        Assert.Equal("Server journal, Panel*, Own, Domain late not", Row(rules));
        Assert.StartsWith("Redirect journal@else.test by Server journal", Words(await TryAsync(_rig.Super, _rig.OwnUser, "keep;", ScriptPlace.Panel)), StringComparison.Ordinal);

        // The active script is the one in the editor; what it includes, and special uses, are the account's.
        TrialOutcome own = await TryAsync(ann, _rig.OwnUser, "require \"include\"; include :personal \"tool\";", name: "mine");
        Assert.Equal("RedirectUnseen by Server journal; FileInto Rubbish \\Seen by OwnNamed mine", Words(own));
        Assert.Equal("Server journal, OwnNamed mine*, Domain late not", Row(own));

        TrialOutcome fault = await TryAsync(ann, _rig.OwnUser, "require \"include\"; include \"none\";", name: "mine");
        Assert.Equal("RedirectUnseen by Server journal; FileIntoNone Late \\Seen by Domain late", Words(fault));
        Assert.Equal("Server journal, OwnNamed mine* fails, Domain late", Row(fault));
    }

    [Fact]
    public async Task When_a_script_of_a_domain_is_tried_then_it_runs_beside_those_that_its_master_may_see()
    {
        await GivenScriptAsync(_rig.OwnUser, "mine", "require \"fileinto\"; fileinto \"None\";", active: true);
        await GivenScriptAsync(ScriptOwner.Domain(_rig.OwnDomain), "all", "keep;", ScriptPlace.Before);
        ScriptOwner domain = ScriptOwner.Domain(_rig.OwnDomain);

        Assert.Equal("Domain all*, Own", Row(await TryAsync(_rig.Master, domain, "keep;", ScriptPlace.Before, "all")));
        Assert.Equal("Domain all*", Row(await TryAsync(_rig.Master, domain, "keep;", ScriptPlace.Before, "all", to: "postmaster@own.test")));
        Assert.Equal("Domain all*", Row(await TryAsync(_rig.Master, domain, "keep;", ScriptPlace.Before, "all", to: "cid@other.test")));
        Assert.Equal("Own, Domain all* not", Row(await TryAsync(_rig.Super, domain, "discard;", ScriptPlace.After, "all")));
        Assert.Equal("FileIntoNone None by Own", Words(await TryAsync(_rig.Super, ScriptOwner.Server, "keep;", ScriptPlace.After)));
    }
}
