using MailAdmin.Web;
using MailEngine;

// Expected faults (a wrong setting, a port in use, a damaged file) are one line on standard error and an exit code, never a stack trace.
try
{
    return await Server.RunAsync(args);
}
catch (EngineStartException fault)
{
    await Console.Error.WriteLineAsync($"MailAdmin cannot start: {fault.Message}");
    return 1;
}

/// <summary>Named so that tests can find the assembly.</summary>
public partial class Program;
