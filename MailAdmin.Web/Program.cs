using MailAdmin.Web;
using MailEngine;

// Static files and appsettings.json stand beside the binary; data/ and other relative paths are taken from the working directory.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.WebHost.UseStaticWebAssets();
var options = new EngineOptions();
builder.Configuration.GetSection("Mail").Bind(options);
using ILoggerFactory logs = LoggerFactory.Create(log => log.AddConsole());
await using EngineServices engine = await EngineServices.OpenAsync(options, TimeProvider.System, logs);
engine.AddTo(builder.Services);
builder.Services.AddPanel(options.DataPath);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(options.PanelPort));
WebApplication app = builder.Build();
app.MapPanel();
var setup = app.Services.GetRequiredService<MailAdmin.Web.Services.SetupService>();
if (await setup.IsNeededAsync(default))
    Console.WriteLine($"Set up MailAdmin here, once: http://localhost:{options.PanelPort}/setup?token={await setup.NewTokenAsync(default)}");
await app.RunAsync();
