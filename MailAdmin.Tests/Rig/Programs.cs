using System.Diagnostics;

namespace MailAdmin.Tests.Rig;

/// <summary>Runs programs that nobody here wrote: swaks, mbsync, curl, openssl, python.</summary>
static class Programs
{
    public static async Task<(int Exit, string Output)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
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
