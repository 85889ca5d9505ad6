using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace MailEngine.Checks;

/// <summary>Verifies signatures of Ed25519. RFC 8032 §5.1</summary>
/// <remarks>
/// .NET has no Ed25519. Only public numbers are handled, so nothing here needs to take the same time for all of them, and the big integers of
/// the framework will do: some milliseconds a signature. Strict where the RFC leaves a choice: every number in its one shortest form (S below
/// L, y below p), no keys of small order (with them anybody's signature fits), the equation without the cofactor.
/// </remarks>
static class Ed25519
{
    /// <summary>The field is that of the integers modulo 2^255 - 19.</summary>
    static readonly BigInteger s_p = BigInteger.Pow(2, 255) - 19;
    /// <summary>Order of the base point.</summary>
    static readonly BigInteger s_order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", CultureInfo.InvariantCulture);
    /// <summary>d of the curve -x^2 + y^2 = 1 + d x^2 y^2.</summary>
    static readonly BigInteger s_d = Mod(-121665 * Invert(121666));
    static readonly BigInteger s_rootOfMinusOne = BigInteger.ModPow(2, (s_p - 1) / 4, s_p);
    /// <summary>y = 4/5, x even.</summary>
    static readonly Point s_base = Decode(ToBytes(Mod(4 * Invert(5))))!.Value;
    static readonly Point s_neutral = new(0, 1, 1, 0);

    /// <summary>A point as (X : Y : Z : T) with x = X/Z, y = Y/Z, xy = T/Z. RFC 8032 §5.1.4</summary>
    readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z, BigInteger T);

    /// <returns>
    /// Null: the key is none, that is, not 32 octets that are a point of the curve, written as it must be, and not one of the eight of small order.
    /// False: the signature is not of this message and key, or is not written as it must be. RFC 8032 §5.1.7
    /// </returns>
    public static bool? Verify(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (Decode(key) is not { } point || IsSmall(point))
            return null;
        if (signature.Length != 64)
            return false;
        ReadOnlySpan<byte> r = signature[..32];
        BigInteger s = new(signature[32..], isUnsigned: true);
        if (s >= s_order)
            return false;
        byte[] hash = SHA512.HashData([.. r, .. key, .. message]);
        BigInteger k = new BigInteger(hash, isUnsigned: true) % s_order;
        // R = [S]B - [k]A; a point has one way to be written, so the octets can be compared.
        return Encode(Combine(s, s_base, k, Negate(point))).AsSpan().SequenceEqual(r);
    }

    static bool IsSmall(Point point)
    {
        Point eight = Double(Double(Double(point)));
        return eight.X.IsZero && eight.Y == eight.Z;
    }

    // RFC 8032 §5.1.3
    static Point? Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != 32)
            return null;
        byte[] number = bytes.ToArray();
        bool isOdd = (number[31] & 0x80) != 0;
        number[31] &= 0x7F;
        BigInteger y = new(number, isUnsigned: true);
        if (y >= s_p)
            return null;
        // x^2 = (y^2 - 1) / (d y^2 + 1) = u / v; a candidate for its root is u v^3 (u v^7)^((p-5)/8).
        BigInteger u = Mod(y * y - 1), v = Mod(s_d * y * y + 1);
        BigInteger v3 = Mod(v * v * v);
        BigInteger x = Mod(u * v3 * BigInteger.ModPow(Mod(u * v3 * v3 * v), (s_p - 5) / 8, s_p));
        BigInteger square = Mod(v * x * x);
        if (square != u)
        {
            if (square != Mod(-u))
                return null;
            x = Mod(x * s_rootOfMinusOne);
        }
        if (x.IsZero && isOdd)
            return null;   // there is no odd 0
        if (x.IsEven == isOdd)
            x = s_p - x;
        return new Point(x, y, 1, Mod(x * y));
    }

    static byte[] Encode(Point point)
    {
        BigInteger z = Invert(point.Z);
        byte[] bytes = ToBytes(Mod(point.Y * z));
        if (!Mod(point.X * z).IsEven)
            bytes[31] |= 0x80;
        return bytes;
    }

    /// <summary>[a]A + [b]B, from the top bit down, both at once.</summary>
    static Point Combine(BigInteger a, Point pointA, BigInteger b, Point pointB)
    {
        Point both = Add(pointA, pointB);
        Point sum = s_neutral;
        for (long bit = Math.Max(a.GetBitLength(), b.GetBitLength()) - 1; bit >= 0; bit--)
        {
            sum = Double(sum);
            bool inA = !(a >> (int)bit).IsEven, inB = !(b >> (int)bit).IsEven;
            if (inA || inB)
                sum = Add(sum, inA && inB ? both : inA ? pointA : pointB);
        }
        return sum;
    }

    // RFC 8032 §5.1.4
    static Point Add(Point one, Point two)
    {
        BigInteger a = Mod((one.Y - one.X) * (two.Y - two.X));
        BigInteger b = Mod((one.Y + one.X) * (two.Y + two.X));
        BigInteger c = Mod(one.T * 2 * s_d * two.T);
        BigInteger d = Mod(one.Z * 2 * two.Z);
        BigInteger e = b - a, f = d - c, g = d + c, h = b + a;
        return new Point(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    static Point Double(Point point)
    {
        BigInteger a = Mod(point.X * point.X), b = Mod(point.Y * point.Y), c = 2 * Mod(point.Z * point.Z);
        BigInteger sum = point.X + point.Y;
        BigInteger h = a + b, e = h - Mod(sum * sum), g = a - b, f = c + g;
        return new Point(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    static Point Negate(Point point) => new(Mod(-point.X), point.Y, point.Z, Mod(-point.T));

    static BigInteger Invert(BigInteger number) => BigInteger.ModPow(number, s_p - 2, s_p);

    static BigInteger Mod(BigInteger number)
    {
        BigInteger rest = number % s_p;
        return rest.Sign < 0 ? rest + s_p : rest;
    }

    /// <summary>32 octets, the lowest first.</summary>
    static byte[] ToBytes(BigInteger number)
    {
        byte[] bytes = new byte[32];
        number.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }
}
