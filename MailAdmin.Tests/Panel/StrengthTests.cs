using MailAdmin.Tests.Rig;
using MailEngine;
using MailEngine.Accounts;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailAdmin.Tests.Panel;

/// <summary>What is said of a password while it is typed.</summary>
public sealed class StrengthTests(PanelRig rig) : IClassFixture<PanelRig>
{
    static readonly string[] s_names = ["ann@own.test", "Ann Example"];

    static async Task<int[]> LevelsAsync(BrowserTab tab, params string[] passwords)
    {
        await tab.GoStaticAsync("/login");
        return await tab.Page.EvaluateAsync<int[]>("""
            async ([passwords, names]) => {
              const { estimate } = await import("/js/strength.js");
              const words = (await (await fetch("/passwords/common")).text()).split("\n");
              return passwords.map(password => estimate(password, { names, words: new Set(words) }).level);
            }
            """, new object[] { passwords, s_names });
    }

    [Fact]
    public async Task When_a_password_is_one_that_is_tried_early_then_it_is_not_called_good_and_a_long_or_mixed_one_is()
    {
        await using BrowserTab tab = await rig.OpenAsync();
        string[] weak =
        [
            "password", "Password123", "P@ssw0rd2026", "drowssap2026", "qwertyuiop", "Qwertzuiop1", "aaaaaaaaaaaaaaaa", "abcabcabcabcabc", "1234567890123", "9876543210",
            "ann@own.test", "tset.nwo@nna", "AnnExample1", "annexample2026", "passwordpassword", "dragondragon", "19.05.1984", "2026-11-21", "summer2026!", "asdfghjkl1", "monkeymonkey12",
        ];
        string[] good = ["lagoon trombone 9", "an entirely different phrase", "tR7#kq9Lmz2!", "Straßenbahnhaltestelle", "9f3k2m8x1q7z", "correct horse battery staple", "密码安全很重要的一句话确实如此"];
        int[] levels = await LevelsAsync(tab, [.. weak, .. good]);
        Assert.All(weak.Zip(levels), w => Assert.True(w.Second <= 1, $"{w.First} is called {w.Second}"));
        Assert.All(good.Zip(levels.Skip(weak.Length)), g => Assert.True(g.Second >= 3, $"{g.First} is called {g.Second}"));
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task When_the_service_refuses_a_password_then_the_page_has_not_called_it_good()
    {
        await using BrowserTab tab = await rig.OpenAsync();
        var options = new PasswordOptions();
        string[] refused =
        [
            .. PasswordPolicy.TriedFirst.SelectMany(w => (string[])[w, w + "1", w + "2026!", w.ToUpperInvariant()])
                .Concat(s_names).Concat(["short", "", "abababababab", "bcdefghijklm", "3210987654"])
                .Where(p => PasswordPolicy.Check(p, options, "ann@own.test", "Ann Example") is not null),
        ];
        Assert.True(refused.Length > 500, $"{refused.Length}");
        int[] levels = await LevelsAsync(tab, refused);
        Assert.All(refused.Zip(levels), r => Assert.True(r.Second <= 2, $"{r.First} is refused, and was called {r.Second}"));
        // Whatever is sent, it costs little.
        await LevelsAsync(tab, new string('a', 100_000), string.Concat(Enumerable.Repeat("password1!", 10_000)), string.Concat(Enumerable.Repeat("19841984", 10_000)));
    }

    [Theory]
    [InlineData(1280, true)]
    [InlineData(400, false)]
    public async Task When_a_password_is_typed_then_its_strength_shows_and_why_it_is_no_better(int width, bool dark)
    {
        string name = $"strength{width}.test";
        long domain = await rig.GivenDomainAsync(name);
        await rig.GivenAccountAsync(domain, "trombone");
        await using BrowserTab tab = await rig.GivenSignedInAsync($"trombone@{name}", width, dark);
        IPage page = tab.Page;
        await tab.GoStaticAsync("/password");
        ILocator strength = page.Locator("#password-new-strength");
        await Expect(strength).ToBeHiddenAsync();
        foreach ((string password, string level, string text) in new[]
        {
            ("tromb", "0", "at least 10 characters"), ("trombone@" + name, "0", "your own name"), ("passwordpass", "1", "guessing programs try first"),
            ("1234567890", "0", ""), ("lagoon cellar", "4", "Strong"),
        })
        {
            await page.Locator("#password-new").FillAsync(password);
            await Expect(strength).ToHaveAttributeAsync("data-level", level);
            await Expect(strength.Locator("output")).ToContainTextAsync(text);
        }
        await tab.AssertSoundAsync($"a strong password at {width}");
        await page.Locator("#password-new").FillAsync("monkeymonkey");
        await Expect(strength).ToHaveAttributeAsync("data-level", "0");
        await tab.AssertSoundAsync($"a weak password at {width}");
        await page.Locator("#password-new").FillAsync("");
        await Expect(strength).ToBeHiddenAsync();

        // The same in a circuit, by what stands in the other fields; and it stays when the page is drawn anew.
        await using BrowserTab root = await rig.GivenSignedInAsync(width: width, dark: dark);
        await root.GoAsync($"/accounts/new?domain={domain}");
        await root.Page.FillAsync("#LocalPart", "saxophone");
        await root.Page.FillAsync("#Password", "saxophone12");
        ILocator there = root.Page.Locator("#Password-strength");
        await Expect(there.Locator("output")).ToContainTextAsync("your own name");
        await root.Page.FillAsync("#Password", "lagoon cellar");
        await root.Page.FillAsync("#DisplayName", "Somebody");
        await root.Page.Locator("#DisplayName").BlurAsync();
        await Expect(there).ToHaveAttributeAsync("data-level", "4");
        await root.AssertSoundAsync($"a new account's password at {width}");
        Assert.Empty(tab.Complaints.Concat(root.Complaints));
    }
}
