using System.Security.Cryptography;
using System.Text;
using MailEngine;
using MailEngine.Accounts;

namespace MailAdmin.Tests.Accounts;

public sealed class PasswordTests
{
    static readonly PasswordHashes s_hashes = new(new PasswordOptions { Iterations = 1000 });

    [Theory]
    [InlineData("short")]
    [InlineData("password123")]
    [InlineData("Password!!")]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("abababababab")]
    [InlineData("1234567890")]
    [InlineData("12345678901")]
    [InlineData("abcdefghijk")]
    [InlineData("qwertyuiop")]
    [InlineData("ann@example.test")]
    [InlineData("tset.elpmaxe@nna")]
    [InlineData("with\0nul and more")]
    public void When_a_password_is_weak_then_the_text_says_what_to_do(string password) =>
        Assert.NotNull(PasswordPolicy.Check(password, new PasswordOptions(), "ann@example.test"));

    [Theory]
    [InlineData("correct horse 7 stairs")]
    [InlineData("blau-Wolke-4711")]
    [InlineData("пароль моей бабушки")]
    [InlineData("tr0mbone.lagoon")]
    public void When_a_password_is_good_then_nothing_is_said(string password) =>
        Assert.Null(PasswordPolicy.Check(password, new PasswordOptions(), "ann@example.test"));

    [Theory]   // made with openssl passwd and mkpasswd; password "secret word"
    [InlineData("$1$saltsalt$")]
    [InlineData("$5$saltsaltsalt$")]
    [InlineData("$6$saltsaltsalt$")]
    [InlineData("$6$rounds=5000$saltsaltsalt$")]
    [InlineData("$2b$05$abcdefghijklmnopqrstuu")]
    [InlineData("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$")]
    public void When_a_hash_is_of_an_old_scheme_then_it_is_verified_by_libcrypt_and_wants_renewal(string setting)
    {
        string hash = LegacyCryptTestDoor.Make("secret word", setting);
        Assert.Equal(PasswordMatch.YesButRehash, s_hashes.Verify(hash, "secret word"));
        Assert.Equal(PasswordMatch.YesButRehash, s_hashes.Verify("{CRYPT}" + hash, "secret word"));
        Assert.Equal(PasswordMatch.No, s_hashes.Verify(hash, "secret wore"));
        Assert.Equal(PasswordMatch.No, s_hashes.Verify(hash[..^1], "secret word"));
        Assert.True(PasswordHashes.IsSupported(hash));
    }

    [Fact]
    public void When_a_hash_is_an_ldap_digest_then_it_is_verified()
    {
        byte[] salt = [1, 2, 3, 4];
#pragma warning disable CA5350 // what other servers stored
        byte[] digest = SHA1.HashData([.. Encoding.UTF8.GetBytes("secret word"), .. salt]);
#pragma warning restore CA5350
        string hash = "{SSHA}" + Convert.ToBase64String([.. digest, .. salt]);
        Assert.Equal(PasswordMatch.YesButRehash, s_hashes.Verify(hash, "secret word"));
        Assert.Equal(PasswordMatch.No, s_hashes.Verify(hash, "secret"));
        Assert.Equal(PasswordMatch.YesButRehash, s_hashes.Verify(
            "{SHA256}" + Convert.ToBase64String(SHA256.HashData("secret word"u8)), "secret word"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("plain text")]
    [InlineData("{PLAIN}secret")]
    [InlineData("{SSHA}")]
    [InlineData("{SSHA}AAAA")]
    [InlineData("{SSHA")]
    [InlineData("$6$rounds=999999999$salt$x")]
    [InlineData("$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghi")]
    [InlineData("$9$x$y")]
    [InlineData("$")]
    public void When_a_hash_is_unknown_or_would_take_too_long_then_it_never_matches(string hash)
    {
        Assert.False(PasswordHashes.IsSupported(hash));
        Assert.Equal(PasswordMatch.No, s_hashes.Verify(hash, "secret"));
    }

    [Fact]
    public void When_a_hash_is_ours_then_it_matches_and_one_with_fewer_rounds_wants_renewal()
    {
        string hash = s_hashes.Make("secret word");
        Assert.Equal(PasswordMatch.Yes, s_hashes.Verify(hash, "secret word"));
        Assert.Equal(PasswordMatch.No, s_hashes.Verify(hash, "secret"));
        Assert.Equal(PasswordMatch.YesButRehash, new PasswordHashes(new PasswordOptions { Iterations = 2000 }).Verify(hash, "secret word"));
        Assert.Equal(PasswordMatch.No, s_hashes.Verify(null, "a password nobody has"));
    }
}

static partial class LegacyCryptTestDoor
{
    [System.Runtime.InteropServices.LibraryImport("libcrypt.so.1", StringMarshalling = System.Runtime.InteropServices.StringMarshalling.Utf8)]
    private static partial nint crypt(string phrase, string setting);

    static readonly Lock s_lock = new();

    public static string Make(string password, string setting)
    {
        lock (s_lock)   // crypt(3) has one buffer
            return System.Runtime.InteropServices.Marshal.PtrToStringUTF8(crypt(password, setting))!;
    }
}
