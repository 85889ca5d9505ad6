using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace MailAdmin.Tests.Rig;

/// <summary>Debian's Chromium, headless, driven by Playwright. Starting one takes a second or two, so a test class shares it.</summary>
public sealed class Browser : IAsyncDisposable
{
    const string Chromium = "/usr/bin/chromium";

    /// <summary>Milliseconds that everything here is waited for. Only what never comes takes so long; a busy machine has needed more than five seconds.</summary>
    public const int Patience = 30_000;

    // A closed network: whatever the browser itself would fetch is switched off.
    static readonly string[] s_switches =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    ];

    readonly IPlaywright _playwright;
    readonly IBrowser _browser;

    Browser(IPlaywright playwright, IBrowser browser)
    {
        _playwright = playwright;
        _browser = browser;
    }

    public static async Task<Browser> StartAsync()
    {
        Assertions.SetDefaultExpectTimeout(Patience);
        IPlaywright playwright = await Playwright.CreateAsync();
        IBrowser browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, Headless = true, Args = s_switches, Timeout = 120_000 });
        return new Browser(playwright, browser);
    }

    /// <summary>A person at a browser of his own: no cookies, nothing remembered.</summary>
    /// <param name="home">Address of the panel, e.g. http://127.0.0.1:8080.</param>
    /// <param name="zone">Its time zone; null: that of the machine.</param>
    public async Task<BrowserTab> OpenAsync(Uri home, int width = 1280, bool dark = false, string? zone = null)
    {
        IBrowserContext context = await _browser.NewContextAsync(new()
        {
            BaseURL = home.ToString(),
            ViewportSize = new() { Width = width, Height = 900 },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            Locale = "en-GB",
            TimezoneId = zone,
            IgnoreHTTPSErrors = true,
        });
        context.SetDefaultTimeout(Patience);
        return await BrowserTab.OpenAsync(context, home);
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.CloseAsync();
        _playwright.Dispose();
    }
}

/// <summary>A tab that writes down everything a well-made page does not do.</summary>
public sealed class BrowserTab : IAsyncDisposable
{
    readonly IBrowserContext _context;
    readonly ConcurrentQueue<string> _complaints = new();

    BrowserTab(IBrowserContext context, IPage page, Uri home)
    {
        _context = context;
        Page = page;
        Home = home;
    }

    public IPage Page { get; }

    public Uri Home { get; }

    /// <summary>Errors on the console, uncaught exceptions, violations of the content policy, requests to other servers.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    internal static async Task<BrowserTab> OpenAsync(IBrowserContext context, Uri home)
    {
        IPage page = await context.NewPageAsync();
        var tab = new BrowserTab(context, page, home);
        page.Console += (_, message) =>
        {
            // The browser logs each 4xx page as an error of its own; what pages answer is the test's business.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource: the server responded with a status of 4", StringComparison.Ordinal))
                tab._complaints.Enqueue($"console at {page.Url}: {message.Text}");
        };
        page.PageError += (_, error) => tab._complaints.Enqueue($"script error at {page.Url}: {error}");
        page.Request += (_, request) => tab.CheckOrigin(request.Url);
        page.WebSocket += (_, socket) => tab.CheckOrigin(socket.Url.Replace("ws", "http", StringComparison.Ordinal));
        return tab;
    }

    void CheckOrigin(string url)
    {
        if (Uri.TryCreate(url, UriKind.Absolute, out Uri? target) && target.Scheme is "http" or "https" && target.Authority != Home.Authority)
            _complaints.Enqueue($"request to another server: {url}");
    }

    /// <summary>Opens a page and waits until its circuit answers.</summary>
    public async Task GoAsync(string path)
    {
        await Page.GotoAsync(path);
        await LiveAsync();
    }

    /// <summary>Waits until the page that is open answers: clicks before that would be lost, and so would what is typed, since the heading takes the focus.</summary>
    public Task LiveAsync() => Page.Locator("[data-live=yes]").WaitForAsync(new() { State = WaitForSelectorState.Attached });

    /// <summary>Opens a page that has no circuit (log-in, set-up, password).</summary>
    public async Task<int> GoStaticAsync(string path) => (await Page.GotoAsync(path))?.Status ?? 0;

    /// <summary>Sends a form of a page that has no circuit; comes back when the answer is here and its scripts have run, which move the focus.</summary>
    public async Task SubmitAsync(string button)
    {
        await Page.EvaluateAsync("() => { document.documentElement.dataset.sent = ''; }");
        await Page.ClickAsync(button);
        await Page.Locator("html:not([data-sent])").WaitForAsync(new() { State = WaitForSelectorState.Attached });
        await Page.WaitForLoadStateAsync();
    }

    /// <summary>Goes by a link to another page of the same circuit; comes back when its heading has the focus: what is typed before that is lost.</summary>
    public async Task FollowAsync(string link)
    {
        await Page.ClickAsync(link);
        await ArrivedAsync();
    }

    /// <summary>Waits until the page that the circuit has gone on to has the focus.</summary>
    public Task ArrivedAsync() => Assertions.Expect(Page.Locator("h1")).ToBeFocusedAsync();

    /// <summary>Waits until a question that was asked has the focus: what is typed before that is lost.</summary>
    public Task AskedAsync() => Assertions.Expect(Page.Locator(".rz-dialog :focus")).ToHaveCountAsync(1);

    /// <summary>Chooses a file as soon as the page listens to its field; what is chosen before that is lost.</summary>
    public async Task ChooseFileAsync(string field, FilePayload file)
    {
        await Page.WaitForFunctionAsync("field => document.querySelector(field)?._blazorInputFileNextFileId !== undefined", field);
        await Page.SetInputFilesAsync(field, file);
    }

    public async Task SignInAsync(string login, string password)
    {
        if (!Page.Url.Contains("/login", StringComparison.Ordinal))
            await GoStaticAsync("/login");
        await Page.FillAsync("#login-name", login);
        await Page.FillAsync("#login-password", password);
        await Page.ClickAsync("button[type=submit]");
        await LiveAsync();
    }

    /// <summary>Makes the window this wide, and its user's system dark or light; comes back when nothing moves any more.</summary>
    public async Task AppearAsync(int width, bool dark)
    {
        await Page.SetViewportSizeAsync(width, 900);
        // Nothing to wait for: what moves, moves at once.
        await Page.EmulateMediaAsync(new() { ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light, ReducedMotion = ReducedMotion.Reduce });
        await AtRestAsync();
    }

    /// <summary>
    /// Comes back when nothing moves any more: a note that fades in is paler than it will be, one that slides stands where nobody reads it.
    /// What moves for ever is not waited for.
    /// </summary>
    public Task AtRestAsync() => Page.EvaluateAsync("""
        async () => {
          await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
          for (let moving; (moving = document.getAnimations().filter(a => a.playState === "running" && a.effect.getComputedTiming().endTime !== Infinity)).length > 0;)
            await Promise.allSettled(moving.map(a => a.finished));
        }
        """);

    /// <summary>Pixels that the page is wider than its window; 0: nothing sticks out.</summary>
    public Task<int> OverhangAsync() => Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");

    public ILocator Toast(string text) => Page.Locator(".toast", new() { HasText = text });

    public async ValueTask DisposeAsync() => await _context.CloseAsync();
}
