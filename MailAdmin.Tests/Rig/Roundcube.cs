using System.Diagnostics;
using System.Text.RegularExpressions;

namespace MailAdmin.Tests.Rig;

/// <summary>Debian's Roundcube with its filters plug-in, served by PHP's own web server on a free port; everything it writes is in a folder of the test.</summary>
sealed partial class Roundcube : IAsyncDisposable
{
    readonly TempFolder _folder;
    readonly Process _process;

    Roundcube(TempFolder folder, Process process, Uri home)
    {
        _folder = folder;
        _process = process;
        Home = home;
    }

    public Uri Home { get; }

    /// <param name="imap">As Roundcube writes it: <c>ssl://host:port</c>.</param>
    /// <param name="manageSieve"><c>tls://host:port</c> for STARTTLS, <c>host:port</c> for none.</param>
    public static async Task<Roundcube> StartAsync(string imap, string manageSieve)
    {
        var folder = new TempFolder();
        // Debian's defaults stand beside what is ours: Roundcube reads both from one folder.
        foreach (string file in (string[])["defaults.inc.php", "mimetypes.php"])
            File.CreateSymbolicLink(folder[file], "/etc/roundcube/" + file);
        await File.WriteAllTextAsync(folder["config.inc.php"], $"""
            <?php
            $config['db_dsnw'] = 'sqlite:///{folder["roundcube.db"]}';
            $config['imap_host'] = '{imap}';
            $config['managesieve_host'] = '{manageSieve}';
            $config['imap_conn_options'] = $config['managesieve_conn_options'] = ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false, 'allow_self_signed' => true]];
            $config['des_key'] = 'no secret of anybody 24 b';
            $config['plugins'] = ['managesieve'];
            $config['managesieve_mbox_encoding'] = 'UTF-8';
            $config['log_dir'] = $config['temp_dir'] = '{folder.Path}/';
            $config['session_samesite'] = 'Lax';
            $config['language'] = 'en_GB';
            """);
        var start = new ProcessStartInfo("php") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = folder.Path };
        foreach (string argument in (string[])["-d", "opcache.enable_cli=1", "-d", "session.save_path=" + folder.Path, "-S", "127.0.0.1:0", "-t", "/var/lib/roundcube/public_html"])
            start.ArgumentList.Add(argument);
        start.Environment["ROUNDCUBE_CONFIG_DIR"] = folder.Path;
        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        var port = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
                port.TrySetException(new InvalidOperationException("php ended before it listened"));
            else if (Started().Match(line.Data) is { Success: true } found)
                port.TrySetResult(found.Groups[1].Value);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new Roundcube(folder, process, new Uri(await port.Task.WaitAsync(TimeSpan.FromSeconds(60))));
    }

    [GeneratedRegex(@"Development Server \((http://127\.0\.0\.1:\d+)\) started")]
    private static partial Regex Started();

    /// <summary>What Roundcube found wrong; empty: nothing.</summary>
    public async Task<string> ErrorsAsync() => File.Exists(_folder["errors.log"]) ? await File.ReadAllTextAsync(_folder["errors.log"]) : "";

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }
}
