using System.Globalization;
using System.Text;

namespace MailEngine.Mime;

/// <summary>Date and time of a Date field. RFC 5322 §3.3 and §4.3</summary>
internal static class MailDate
{
    /// <summary>Longest form <see cref="Format"/> writes: "Thu, 31 Dec 2026 23:59:59 +0000".</summary>
    public const int MaxLength = 31;

    static ReadOnlySpan<byte> Months => "janfebmaraprmayjunjulaugsepoctnovdec"u8;
    static ReadOnlySpan<byte> MonthNames => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;
    static ReadOnlySpan<byte> DayNames => "SunMonTueWedThuFriSat"u8;

    /// <summary>Reads what mail programs write: comments, folding, missing day names and seconds, years of two digits, named
    /// zones. An unknown zone counts as UTC (RFC 5322 §4.3), a time that makes no sense as 00:00:00 (RFC 5256 §2.2).</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out DateTimeOffset date)
    {
        date = default;
        var tokens = new Tokens(text);
        if (!tokens.Next(out ReadOnlySpan<byte> token))
            return false;
        if (!IsDigit(token[0]) && !tokens.Next(out token))   // day of the week
            return false;
        if (!Number(token, 2, out int day) || !tokens.Next(out token) || !Month(token, out int month)
            || !tokens.Next(out token) || !Number(token, 4, out int year))
            return false;
        if (token.Length <= 2)
            year += year < 50 ? 2000 : 1900;   // RFC 5322 §4.3
        else if (token.Length == 3)
            year += 1900;
        if (year is < 1 or > 9999 || day < 1 || day > DateTime.DaysInMonth(year, month))
            return false;

        int hour = 0, minute = 0, second = 0;
        TimeSpan zone = TimeSpan.Zero;
        if (tokens.Next(out token) && Number(token, 2, out hour) && tokens.Colon() && tokens.Next(out token) && Number(token, 2, out minute))
        {
            if (tokens.Colon() && (!tokens.Next(out token) || !Number(token, 2, out second)))
                second = 0;
            if (tokens.Next(out token))
                zone = Zone(token, ref tokens);
        }
        if (hour > 23 || minute > 59 || second > 60)
            hour = minute = second = 0;
        second = Math.Min(second, 59);   // a leap second: .NET has none
        try
        {
            date = new DateTimeOffset(year, month, day, hour, minute, second, zone);
        }
        catch (ArgumentOutOfRangeException)   // year 1 or 9999, pushed over the edge by the zone
        {
            return false;
        }
        return true;
    }

    /// <summary>Writes "Tue, 1 Jul 2003 10:52:37 +0200". RFC 5322 §3.3</summary>
    /// <returns>Bytes written; <paramref name="to"/> must hold <see cref="MaxLength"/>.</returns>
    public static int Format(DateTimeOffset date, Span<byte> to)
    {
        int at = 0;
        DayNames.Slice((int)date.DayOfWeek * 3, 3).CopyTo(to);
        at += 3;
        ", "u8.CopyTo(to[at..]);
        at += 2;
        if (date.Day > 9)
            to[at++] = (byte)('0' + date.Day / 10);
        to[at++] = (byte)('0' + date.Day % 10);
        to[at++] = (byte)' ';
        MonthNames.Slice((date.Month - 1) * 3, 3).CopyTo(to[at..]);
        at += 3;
        to[at++] = (byte)' ';
        Two(date.Year / 100, to, ref at);
        Two(date.Year % 100, to, ref at);
        to[at++] = (byte)' ';
        Two(date.Hour, to, ref at);
        to[at++] = (byte)':';
        Two(date.Minute, to, ref at);
        to[at++] = (byte)':';
        Two(date.Second, to, ref at);
        to[at++] = (byte)' ';
        int minutes = (int)date.Offset.TotalMinutes;
        to[at++] = (byte)(minutes < 0 ? '-' : '+');
        minutes = Math.Abs(minutes);
        Two(minutes / 60, to, ref at);
        Two(minutes % 60, to, ref at);
        return at;
    }

    public static string Format(DateTimeOffset date)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        return Encoding.ASCII.GetString(text[..Format(date, text)]);
    }

    /// <summary>1-12 for an English month name of which the first three letters count.</summary>
    internal static bool Month(ReadOnlySpan<byte> token, out int month)
    {
        month = 0;
        if (token.Length < 3)
            return false;
        for (int i = 0; i < 12; i++)
        {
            if (Ascii.EqualsIgnoreCase(token[..3], Months.Slice(i * 3, 3)))
            {
                month = i + 1;
                return true;
            }
        }
        return false;
    }

    static TimeSpan Zone(ReadOnlySpan<byte> token, ref Tokens tokens)
    {
        if (token[0] is (byte)'+' or (byte)'-')
        {
            int sign = token[0] == (byte)'-' ? -1 : 1;
            ReadOnlySpan<byte> digits = token[1..];
            if (digits.IsEmpty && !tokens.Next(out digits))
                return TimeSpan.Zero;
            if (!Number(digits, 4, out int hhmm))
                return TimeSpan.Zero;
            if (digits.Length <= 2)
                hhmm *= 100;   // "+02"
            int minutes = hhmm / 100 * 60 + hhmm % 100;
            return hhmm % 100 > 59 || minutes > 14 * 60 ? TimeSpan.Zero : TimeSpan.FromMinutes(sign * minutes);
        }
        // RFC 5322 §4.3; the letters of one character were wrong in RFC 822 and mean UTC now.
        int hours = token.Length != 3 ? 0
            : Ascii.EqualsIgnoreCase(token, "EDT"u8) ? -4
            : Ascii.EqualsIgnoreCase(token, "EST"u8) || Ascii.EqualsIgnoreCase(token, "CDT"u8) ? -5
            : Ascii.EqualsIgnoreCase(token, "CST"u8) || Ascii.EqualsIgnoreCase(token, "MDT"u8) ? -6
            : Ascii.EqualsIgnoreCase(token, "MST"u8) || Ascii.EqualsIgnoreCase(token, "PDT"u8) ? -7
            : Ascii.EqualsIgnoreCase(token, "PST"u8) ? -8
            : 0;
        return TimeSpan.FromHours(hours);
    }

    static void Two(int value, Span<byte> to, ref int at)
    {
        to[at++] = (byte)('0' + value / 10 % 10);
        to[at++] = (byte)('0' + value % 10);
    }

    static bool Number(ReadOnlySpan<byte> token, int maxDigits, out int value)
    {
        value = 0;
        if (token.IsEmpty || token.Length > maxDigits)
            return false;
        foreach (byte b in token)
        {
            if (!IsDigit(b))
                return false;
            value = value * 10 + (b - '0');
        }
        return true;
    }

    static bool IsDigit(byte b) => b is >= (byte)'0' and <= (byte)'9';

    /// <summary>Runs of digits, runs of letters, signs with their digits. White space, commas, dots, hyphens between words and
    /// comments stand between them.</summary>
    ref struct Tokens(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> _rest = text;
        bool _timeSeen;

        public bool Next(out ReadOnlySpan<byte> token)
        {
            SkipSpace();
            while (!_rest.IsEmpty && !IsWord(_rest[0]) && !(_rest[0] is (byte)'+' or (byte)'-' && _rest.Length > 1 && IsDigit(_rest[1])))
            {
                _rest = _rest[1..];
                SkipSpace();
            }
            // "01-Jan-2026": before a colon was seen the hyphen is no sign.
            int length = 0;
            if (!_rest.IsEmpty && !IsWord(_rest[0]))
            {
                if (_timeSeen)
                    length = 1;
                else
                    _rest = _rest[1..];
            }
            while (length < _rest.Length && IsWord(_rest[length]))
                length++;
            token = _rest[..length];
            _rest = _rest[length..];
            return length > 0;
        }

        public bool Colon()
        {
            SkipSpace();
            if (_rest.IsEmpty || _rest[0] is not ((byte)':' or (byte)'.'))
                return false;
            _timeSeen = true;
            _rest = _rest[1..];
            return true;
        }

        static bool IsWord(byte b) => IsDigit(b) || (b | 0x20) is >= 'a' and <= 'z';

        void SkipSpace()
        {
            int depth = 0;
            int i = 0;
            for (; i < _rest.Length; i++)
            {
                byte b = _rest[i];
                if (b == (byte)'(')
                    depth++;
                else if (b == (byte)')' && depth > 0)
                    depth--;
                else if (b == (byte)'\\' && depth > 0)
                    i++;
                else if (depth == 0 && b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)','))
                    break;
            }
            _rest = _rest[Math.Min(i, _rest.Length)..];
        }
    }
}
