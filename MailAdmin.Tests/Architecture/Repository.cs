namespace MailAdmin.Tests.Architecture;

/// <summary>The sources this test binary was built from.</summary>
static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Our own source files below a folder of the repository; nothing generated.</summary>
    public static IEnumerable<string> Sources(string folder, string pattern) => Directory
        .EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
        .Where(file => !Relative(file).Split('/').Any(part => part is "bin" or "obj" or "Migrations" or "_framework"));

    public static string Relative(string file) => Path.GetRelativePath(Root, file);

    static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MailAdmin.sln")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException("MailAdmin.sln is above none of the folders of the test binary.");
    }
}
