namespace MailAdmin.Tests.Rig;

/// <summary>Entry point of the test binary when it runs as a child process of a test: <c>dotnet MailAdmin.Tests.dll VERB ARGS</c>.
/// The test host does not come through here.</summary>
static class ChildProgram
{
    static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["store-load", string folder, string step, string nth, string seed, .. string[] partitions]:
                await StoreLoad.RunAsync(folder, step, int.Parse(nth, System.Globalization.CultureInfo.InvariantCulture), int.Parse(seed, System.Globalization.CultureInfo.InvariantCulture), partitions);
                return 0;
            default:
                await Console.Error.WriteLineAsync($"unknown verb {string.Join(' ', args)}");
                return 2;
        }
    }
}
