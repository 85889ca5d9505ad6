using System.Diagnostics;

namespace MailAdmin.Tests.Rig;

/// <summary>Runs programs that nobody here wrote: swaks, mbsync, curl, openssl, python.</summary>
static class Programs
{
    public static Task<(int Exit, string Output)> RunAsync(string program, params string[] arguments) => RunAsync(null, program, arguments);

    /// <summary>The same, for a program that must succeed, with a folder of the test as its home: nothing of the machine's user is read or
    /// written.</summary>
    public static async Task<string> MustAtHomeAsync(TempFolder home, string program, params string[] arguments)
    {
        (int exit, string output) = await RunAsync(home, program, arguments);
        Assert.True(exit == 0, $"{program} ended with {exit}:\n{output}");
        return output;
    }

    static async Task<(int Exit, string Output)> RunAsync(TempFolder? home, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        if (home is not null)
        {
            start.WorkingDirectory = home.Path;
            foreach (string name in new[] { "HOME", "FETCHMAILHOME", "GETMAILHOME", "IMAPFILTER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR" })
                start.Environment[name] = home.Path;
        }
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, await output + await error);
    }

    /// <summary>The same, for a program that must succeed.</summary>
    public static async Task<string> MustAsync(string program, params string[] arguments)
    {
        (int exit, string output) = await RunAsync(program, arguments);
        Assert.True(exit == 0, $"{program} ended with {exit}:\n{output}");
        return output;
    }
}
