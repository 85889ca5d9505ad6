namespace MailAdmin.Tests.Rig;

/// <summary>What a page must not have, computed in the browser from the page as it is shown.</summary>
static class PageChecks
{
    // Contrast: WCAG 2.2, 1.4.3; labels: 1.3.1 and 4.1.2; sideways scrolling: 1.4.10.
    const string Script = """
        () => {
          const faults = [];
          const named = e => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${[...e.classList].map(c => "." + c).join("")} "${(e.textContent || e.value || "").trim().slice(0, 40)}"`;
          const shown = e => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".visually-hidden, .skip");
          const tool = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
          const known = new Map();
          const rgba = colour => known.get(colour) ?? known.set(colour, drawn(colour)).get(colour);
          const drawn = colour => {
            tool.clearRect(0, 0, 1, 1);
            tool.fillStyle = colour;
            tool.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = tool.getImageData(0, 0, 1, 1).data;
            return [r, g, b, a / 255];
          };
          const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
          const ground = e => {
            const layers = [];
            for (let at = e; at; at = at.parentElement) {
              layers.push(rgba(getComputedStyle(at).backgroundColor));
              if (layers.at(-1)[3] === 1) break;
            }
            return layers.reduceRight((under, top) => over(top, under), [255, 255, 255, 1]);
          };
          const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const contrast = (e, colour) => {
            const under = ground(e), [a, b] = [light(over(rgba(colour), under)), light(under)].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05);
          };
          const readable = (e, style, what) => {
            if (e.closest("[disabled], [aria-disabled=true]")) return;
            const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
            const ratio = contrast(e, style.color);
            if (ratio < (large ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)} of ${what} ${named(e)}`);
          };

          const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let node; (node = texts.nextNode());) {
            const e = node.parentElement;
            if (node.data.trim() && !e.closest("script, style, option, datalist, title") && shown(e)) readable(e, getComputedStyle(e), "text");
          }
          for (const e of document.querySelectorAll("input:not([type=hidden]):not([type=checkbox]), select, textarea")) {
            if (!shown(e)) continue;
            readable(e, getComputedStyle(e), "value");
            if (e.placeholder) readable(e, getComputedStyle(e, "::placeholder"), "placeholder");
          }

          const wording = e => (e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.title || (e.matches("input, select, textarea") ? "" : e.textContent) || document.getElementById(e.getAttribute("aria-labelledby"))?.textContent || "").trim();
          for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a[href], summary"))
            if (shown(e) && !wording(e)) faults.push(`no label: ${e.outerHTML.slice(0, 120)}`);
          for (const e of document.querySelectorAll("[aria-describedby]"))
            for (const id of e.getAttribute("aria-describedby").split(" "))
              if (!document.getElementById(id)) faults.push(`described by nothing: ${named(e)} names ${id}`);
          const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
          for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push(`id twice: ${id}`);
          if (document.querySelectorAll("h1").length !== 1) faults.push(`headings of the page: ${document.querySelectorAll("h1").length}`);

          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth > width) faults.push(`wider than the window by ${document.documentElement.scrollWidth - width}`);
          for (const e of document.querySelectorAll("body *")) {
            if (!shown(e) || e.closest("svg, datalist, option")) continue;
            const box = e.getBoundingClientRect();
            if (box.width > 0 && box.height > 0 && (box.right > width + 1 || box.left < -1)) faults.push(`sticks out: ${named(e)}`);
          }
          return [...new Set(faults)];
        }
        """;

    /// <summary>Unreadable text, fields and buttons without a name, things that stick out of the window. Empty: none.</summary>
    public static async Task<string[]> FaultsAsync(this BrowserTab tab)
    {
        await tab.AtRestAsync();
        return await tab.Page.EvaluateAsync<string[]>(Script);
    }

    /// <param name="lookOnly">The same page was looked at already, wider, narrower, darker or lighter.</param>
    public static async Task AssertSoundAsync(this BrowserTab tab, string where, bool lookOnly = false)
    {
        string[] faults = [.. await tab.FaultsAsync(), .. await tab.ViolationsAsync(lookOnly)];
        Assert.True(faults.Length == 0, $"{where}:\n{string.Join('\n', faults)}");
    }

    static readonly Lazy<string> s_axe = new(() =>
    {
        string file = Path.Combine(Architecture.Repository.Root, "tools", "axe", "node_modules", "axe-core", "axe.min.js");
        Assert.True(File.Exists(file), "test.sh installs axe-core (npm ci in tools/axe)");
        return File.ReadAllText(file);
    });

    /// <summary>What axe-core finds serious or critical. It is brought in by the browser's own door, so the content policy stays as it is.</summary>
    /// <param name="lookOnly">Only by the rules whose outcome depends on widths and colours.</param>
    public static async Task<string[]> ViolationsAsync(this BrowserTab tab, bool lookOnly = false)
    {
        if (!await tab.Page.EvaluateAsync<bool>("() => typeof axe === 'object'"))
            await tab.Page.EvaluateAsync(s_axe.Value);
        await tab.AtRestAsync();
        return await tab.Page.EvaluateAsync<string[]>("""
            async lookOnly => (await axe.run(document, { resultTypes: ["violations"], ...(lookOnly ? { runOnly: ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"] } : {}) })).violations
                .filter(v => v.impact === "serious" || v.impact === "critical")
                .flatMap(v => v.nodes.slice(0, 3).map(n => `axe: ${v.id}: ${n.html.slice(0, 160)}: ${(n.failureSummary ?? "").split("\n").slice(1, 2).join(" ").trim()}`))
            """, lookOnly);
    }
}
