using System.Globalization;
using System.Numerics;
using MailEngine.Checks;

namespace MailAdmin.Tests.Checks;

public sealed class DkimEd25519Tests
{
    const string Key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const string Signature =
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

    static bool? Verify(string key, string message, string signature) =>
        Ed25519.Verify(Convert.FromHexString(key), Convert.FromHexString(message), Convert.FromHexString(signature));

    [Theory]   // RFC 8032 §7.1, tests 1, 2, 3
    [InlineData(Key, "", Signature)]
    [InlineData("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void When_a_signature_is_true_then_it_verifies_and_with_any_bit_changed_it_does_not(string key, string message, string signature)
    {
        Assert.True(Verify(key, message, signature));
        Assert.False(Verify(key, message + "00", signature));
        byte[] bytes = Convert.FromHexString(signature);
        for (int bit = 0; bit < 512; bit += 13)
        {
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.False(Verify(key, message, Convert.ToHexString(bytes)));
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }
    }

    [Fact]   // RFC 8032 §8.4: S + L is the same number in another form
    public void When_S_is_not_below_the_order_then_the_signature_is_none()
    {
        BigInteger order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", CultureInfo.InvariantCulture);
        byte[] signature = Convert.FromHexString(Signature);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true);
        for (int times = 1; (s + times * order).GetBitLength() <= 256; times++)
        {
            byte[] other = (s + times * order).ToByteArray(isUnsigned: true);
            Assert.False(Verify(Key, "", Convert.ToHexString([.. signature[..32], .. other, .. new byte[32 - other.Length]])));
        }
    }

    [Theory]
    // The eight points of small order: with S = 0 anybody could sign for such a key.
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")]
    // The same in forms that they must not have: y = p, y = p + 1, an odd 0.
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    // y = 2^255 - 1, no point at all, too short, too long
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("0200000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751")]
    [InlineData("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a00")]
    [InlineData("")]
    public void When_the_key_is_not_one_then_nothing_verifies(string key)
    {
        Assert.Null(Verify(key, "", "01" + new string('0', 126)));
        Assert.Null(Verify(key, "", Signature));
    }

    [Fact]
    public void When_the_signature_has_another_length_then_it_is_none()
    {
        Assert.False(Verify(Key, "", ""));
        Assert.False(Verify(Key, "", Signature[..^2]));
        Assert.False(Verify(Key, "", Signature + "00"));
    }
}
