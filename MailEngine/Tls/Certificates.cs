using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailEngine.Tls;

/// <summary>The server's certificate: the files of <c>Mail:Tls</c>, or one that signs itself, made at the first start.</summary>
/// <remarks>A file that changes is read again within half a minute, so a renewed certificate needs no restart; running
/// sessions keep the one they have. A file that cannot be read any more leaves the last good one in use.</remarks>
public sealed class Certificates : IDisposable
{
    static readonly TimeSpan s_recheck = TimeSpan.FromSeconds(30);
    readonly string _certificatePath;
    readonly string _keyPath;
    readonly TimeProvider _clock;
    readonly Lock _lock = new();
    DateTime _stamp;
    long _checkedAt;
    volatile SslServerAuthenticationOptions _server;

    Certificates(string certificatePath, string keyPath, TimeProvider clock)
    {
        _certificatePath = certificatePath;
        _keyPath = keyPath;
        _clock = clock;
        _checkedAt = clock.GetTimestamp();
        _stamp = StampOf();
        Certificate = Read();
        _server = OptionsFor(Certificate);
    }

    /// <summary>The certificate in use.</summary>
    public X509Certificate2 Certificate { get; private set; }

    /// <summary>For AuthenticateAsServer: TLS 1.2 or 1.3 (RFC 8996 forbids the older ones), no client certificate.</summary>
    public SslServerAuthenticationOptions ServerOptions
    {
        get
        {
            if (_clock.GetElapsedTime(Volatile.Read(ref _checkedAt)) > s_recheck)
                Recheck();
            return _server;
        }
    }

    /// <summary>Loads the certificate, making a self-signed one when none is set.</summary>
    /// <exception cref="InvalidOperationException">The files cannot be used; the text names setting, file and reason.</exception>
    public static Certificates Load(EngineOptions options, string hostname, TimeProvider clock)
    {
        string certificate = options.Tls.CertificatePath ?? Path.Combine(options.DataPath, "tls", "self-signed.pem");
        string key = options.Tls.KeyPath ?? certificate;
        try
        {
            if (options.Tls.CertificatePath is null && !IsStillGood(certificate, clock))
                WriteSelfSigned(certificate, hostname, clock);
            return new Certificates(certificate, key, clock);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new InvalidOperationException(
                $"Mail:Tls: certificate \"{certificate}\" with key \"{key}\" cannot be used: {e.Message} " +
                "Right is a PEM file with the chain and a PEM file with its unencrypted private key.", e);
        }
    }

    void Recheck()
    {
        lock (_lock)
        {
            Volatile.Write(ref _checkedAt, _clock.GetTimestamp());
            try
            {
                DateTime stamp = StampOf();
                if (stamp == _stamp)
                    return;
                X509Certificate2 fresh = Read();
                _server = OptionsFor(fresh);
                Certificate = fresh;   // the old one is left to the collector: handshakes may still use it
                _stamp = stamp;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
            {
                // Half-written or wrong: stay with the last good one and look again later.
            }
        }
    }

    DateTime StampOf()
    {
        DateTime certificate = File.GetLastWriteTimeUtc(_certificatePath);
        DateTime key = File.GetLastWriteTimeUtc(_keyPath);
        return certificate > key ? certificate : key;
    }

    X509Certificate2 Read() => X509Certificate2.CreateFromPemFile(_certificatePath, _keyPath);

    SslServerAuthenticationOptions OptionsFor(X509Certificate2 certificate)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_certificatePath);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ClientCertificateRequired = false,
            AllowRenegotiation = false,
        };
    }

    static bool IsStillGood(string path, TimeProvider clock)
    {
        if (!File.Exists(path))
            return false;
        using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(path);
        return certificate.NotAfter.ToUniversalTime() > clock.GetUtcNow().UtcDateTime.AddDays(30);
    }

    static void WriteSelfSigned(string path, string hostname, TimeProvider clock)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName($"CN={hostname}"), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(hostname);
        if (hostname != "localhost")
            names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        DateTimeOffset now = clock.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(5));

        string folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string half = path + ".new";
        File.Delete(half);
        var mode = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,   // it holds the private key
        };
        using (var file = new StreamWriter(half, mode))
        {
            file.Write(certificate.ExportCertificatePem());
            file.Write('\n');
            file.Write(key.ExportPkcs8PrivateKeyPem());
            file.Write('\n');
        }
        File.Move(half, path, overwrite: true);
    }

    public void Dispose() => Certificate.Dispose();
}
