namespace MailAdmin.Tests.Rig;

/// <summary>Entry point of the test binary when it runs as a child process of a test: <c>dotnet MailAdmin.Tests.dll VERB ARGS</c>.
/// The test host does not come through here.</summary>
static class ChildProgram
{
    static int Main(string[] args)
    {
        Console.Error.WriteLine($"unknown verb {string.Join(' ', args)}");
        return 2;
    }
}
