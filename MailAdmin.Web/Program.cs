using MailAdmin.Web;

// Static files and appsettings.json stand beside the binary; data/ and other relative paths are taken from the working directory.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.WebHost.UseStaticWebAssets();
string dataPath = Path.GetFullPath(builder.Configuration["Mail:DataPath"] ?? "data");
builder.Services.AddPanel(dataPath);
WebApplication app = builder.Build();
app.MapPanel();
await app.RunAsync();
