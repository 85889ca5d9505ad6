using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MailAdmin.Tests.Architecture;

namespace MailAdmin.Tests.Rig;

/// <summary>The product as an administrator starts it: its own process, its own ports, a data folder; can be killed and started again.</summary>
sealed class ServerProcess : IAsyncDisposable
{
    readonly Dictionary<string, string> _settings = [];
    readonly ConcurrentQueue<string> _output = new();
    Process? _process;

    public ServerProcess(string dataPath, int? offset = null)
    {
        Offset = offset ?? FreeOffset();
        PanelPort = Offset + 1000;
        Set("DataPath", dataPath);
        Set("PortOffset", Offset.ToString(CultureInfo.InvariantCulture));
        Set("PanelPort", PanelPort.ToString(CultureInfo.InvariantCulture));
        Set("PanelTlsPort", "-1");
        Set("Listen__0", "127.0.0.1");
    }

    public int Offset { get; }

    public int PanelPort { get; }

    public Uri Home => new($"http://localhost:{PanelPort}");

    /// <summary>Everything it said, for the message of a failed test.</summary>
    public string Output => string.Join('\n', _output);

    public int ProcessId => _process!.Id;

    public int Port(int standard) => Offset + standard;

    /// <summary>A setting by its name below <c>Mail:</c>, levels apart by "__".</summary>
    public void Set(string name, string value) => _settings["Mail__" + name] = value;

    /// <summary>Starts it and waits until all ports are open.</summary>
    /// <returns>The line that tells where the panel or the set-up page is.</returns>
    public async Task<string> StartAsync()
    {
        Process process = Launch([]);
        var announced = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                return;
            _output.Enqueue(line.Data);
            if (line.Data.StartsWith("Set up MailAdmin", StringComparison.Ordinal) || line.Data.StartsWith("MailAdmin ", StringComparison.Ordinal))
                announced.TrySetResult(line.Data);
        };
        process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.Exited += (_, _) => announced.TrySetException(new InvalidOperationException("the server ended: " + Output));
        process.EnableRaisingEvents = true;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        return await announced.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>SIGKILL: nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as an init system does.</summary>
    public async Task<int> StopAsync()
    {
        using (Process kill = Process.Start("kill", ["-TERM", _process!.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(45));
        return _process.ExitCode;
    }

    /// <summary>Runs a verb of the command line beside the server.</summary>
    public async Task<(int Exit, string Output, string Error)> CliAsync(string? input, params string[] arguments)
    {
        using Process process = Launch(arguments);
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, await output, await error);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
            await KillAsync();
        _process?.Dispose();
    }

    Process Launch(string[] arguments)
    {
        // The Web project's own output, of the configuration that these tests were built in.
        string configuration = AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        start.ArgumentList.Add(Path.Combine(Repository.Root, "MailAdmin.Web", "bin", configuration, "net10.0", "MailAdmin.Web.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in _settings)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    static readonly HashSet<int> s_given = [];

    /// <summary>An offset whose ports nobody has, nor will have while the server of another test starts; below the range the kernel gives to clients.</summary>
    static int FreeOffset()
    {
        var random = new Random();
        while (true)
        {
            int offset = 12_000 + random.Next(18_000);
            int[] ports = [.. new[] { 25, 587, 465, 24, 143, 993, 110, 995, 1000 }.Select(port => offset + port)];
            lock (s_given)
            {
                if (ports.Any(s_given.Contains) || !ports.All(IsFree))
                    continue;
                s_given.UnionWith(ports);
                return offset;
            }
        }
    }

    static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
