using System.Text;
using MailAdmin.Web.Services;
using MailEngine.Accounts;
using Microsoft.EntityFrameworkCore;

namespace MailAdmin.Tests.Services;

/// <summary>Who may change which scripts, what new accounts get, and what of it is on record.</summary>
public sealed class ScriptServiceTests : IAsyncLifetime
{
    ServicesRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ServicesRig.OpenAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    ScriptService Scripts => _rig.Get<ScriptService>();

    static readonly byte[] s_text = "discard; # secret"u8.ToArray();

    [Fact]
    public async Task When_somebody_changes_scripts_then_his_rights_decide_and_the_text_is_not_on_record()
    {
        ScriptOwner own = ScriptOwner.Domain(_rig.OwnDomain), server = ScriptOwner.Server;
        Actor ann = ServicesRig.As(_rig.OwnUser);
        async Task<string> MayAsync(Actor actor, ScriptOwner owner) =>
            $"{(await Scripts.ListAsync(actor, owner)).Refusal} {(await Scripts.PutAsync(actor, owner, "x", s_text)).Refusal}";
        Assert.Equal(["None None", "None None", "None None"], [await MayAsync(_rig.Super, server), await MayAsync(_rig.Super, own), await MayAsync(_rig.Super, _rig.OwnUser)]);
        Assert.Equal(["Forbidden Forbidden", "None None", "None None"], [await MayAsync(_rig.Master, server), await MayAsync(_rig.Master, own), await MayAsync(_rig.Master, _rig.OwnUser)]);
        Assert.Equal(["Forbidden Forbidden", "NotFound NotFound", "None None", "NotFound NotFound"],
            [await MayAsync(ann, server), await MayAsync(ann, own), await MayAsync(ann, _rig.OwnUser), await MayAsync(ann, _rig.SecondUser)]);

        Assert.Equal(Refusal.NotFound, (await Scripts.DeleteAsync(_rig.Super, own, "none")).Refusal);
        Assert.Contains("line 1, column 1", (await Scripts.PutAsync(ann, _rig.OwnUser, "y", "nonsense;"u8.ToArray())).Text, StringComparison.Ordinal);
        Assert.True((await Scripts.PlaceAsync(_rig.Master, own, "x", ScriptPlace.Before)).Ok);
        Assert.Equal(Refusal.Invalid, (await Scripts.DeleteAsync(_rig.Master, own, "x")).Refusal);   // in use
        Assert.True((await Scripts.SetPanelAsync(ann, _rig.OwnUser, "keep;"u8.ToArray())).Ok);
        Assert.Equal("keep;", Encoding.UTF8.GetString((await Scripts.ReadPanelAsync(ann, _rig.OwnUser)).Value!));
        Assert.True((await Scripts.SetPanelAsync(ann, _rig.OwnUser, [])).Ok);
        Assert.Empty((await Scripts.ReadPanelAsync(ann, _rig.OwnUser)).Value!);

        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        List<AuditEntry> audit = await db.Audit.Where(e => e.Action.StartsWith("sieve.")).ToListAsync();
        Assert.Equal(["sieve.panel", "sieve.place", "sieve.put"], audit.Select(e => e.Action).Distinct().Order(StringComparer.Ordinal));
        Assert.DoesNotContain(audit, e => (e.Before + e.After).Contains("secret", StringComparison.Ordinal));
        Assert.Equal("own.test {\"name\":\"x\",\"place\":\"None\"} {\"name\":\"x\",\"place\":\"Before\"}", audit.Where(e => e.Action == "sieve.place").Select(e => $"{e.Object} {e.Before} {e.After}").Single());
    }

    [Fact]
    public async Task When_an_account_is_made_then_it_gets_the_scripts_of_its_domain_or_else_of_the_server()
    {
        async Task PutAsync(ScriptOwner owner, string name, ScriptPlace place)
        {
            Assert.True((await Scripts.PutAsync(_rig.Super, owner, name, s_text)).Ok);
            Assert.True((await Scripts.PlaceAsync(_rig.Super, owner, name, place)).Ok);
        }
        async Task<string> MadeAsync(string local)
        {
            ServiceResult<long> made = await _rig.Get<AccountService>().CreateAsync(_rig.Super, new AccountForm { DomainId = _rig.OwnDomain, LocalPart = local, Password = ServicesRig.Password });
            Assert.True(made.Ok, made.Text);
            return string.Join(' ', (await Scripts.ListAsync(_rig.Super, made.Value)).Value!.Select(s => s.IsActive ? s.Name + "!" : s.Name));
        }
        Assert.Equal("", await MadeAsync("one"));
        await PutAsync(ScriptOwner.Server, "spam", ScriptPlace.CopiedActive);
        await PutAsync(ScriptOwner.Server, "more", ScriptPlace.Copied);
        await PutAsync(ScriptOwner.Server, "all", ScriptPlace.Before);
        Assert.Equal("more spam!", await MadeAsync("two"));
        await PutAsync(ScriptOwner.Domain(_rig.OwnDomain), "house", ScriptPlace.Copied);
        Assert.Equal("house", await MadeAsync("three"));

        string file = Path.Combine(_rig.Accounts.Folder, "import.csv");
        await File.WriteAllTextAsync(file, $"address,password\nfour@own.test,{ServicesRig.Password}\n");
        using (var reader = new StreamReader(file))
            Assert.Equal(1, (await _rig.Get<AccountImport>().ImportAsync(_rig.Super, reader)).Value!.Imported);
        await using AccountsContext db = _rig.Accounts.Database.NewContext();
        Assert.Equal(["house"], await db.SieveScripts.Where(s => db.Accounts.Any(a => a.Id == s.AccountId && a.UserName == "four@own.test")).Select(s => s.Name).ToListAsync());
    }
}
