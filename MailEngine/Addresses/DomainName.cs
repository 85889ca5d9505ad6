using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailEngine.Addresses;

/// <summary>A domain name in its one canonical form: lower case A-labels, no trailing dot. Only <see cref="TryParse"/> makes one.</summary>
/// <remarks>RFC 5321 §4.1.2 (Domain), RFC 5890 for A-labels. At most 253 octets, labels of 1-63.</remarks>
public readonly record struct DomainName
{
    static readonly IdnMapping s_idn = new() { AllowUnassigned = false, UseStd3AsciiRules = true };
    readonly string? _value;

    DomainName(string value) => _value = value;

    /// <summary>A-label form, lower case: what is compared, stored and sent.</summary>
    public string Value => _value ?? "";

    /// <summary>True for <c>default</c>, which names no domain.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(_value);

    /// <summary>Form for people: U-labels where they map back.</summary>
    public string Display
    {
        get
        {
            try
            {
                return Value.Contains("xn--", StringComparison.Ordinal) ? s_idn.GetUnicode(Value) : Value;
            }
            catch (ArgumentException)
            {
                return Value;
            }
        }
    }

    /// <summary>Takes a host or mail domain name, ASCII or Unicode. A single trailing dot is dropped.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out DomainName domain)
    {
        domain = default;
        if (string.IsNullOrEmpty(text) || text.Length > 255)
            return false;
        string name = text.EndsWith('.') ? text[..^1] : text;
        if (!Ascii.IsValid(name))
        {
            try
            {
                name = s_idn.GetAscii(name.Normalize(NormalizationForm.FormC));
            }
            catch (ArgumentException)
            {
                return false;
            }
        }
        name = name.ToLowerInvariant();
        if (name.Length is 0 or > 253)
            return false;
        int labelStart = 0;
        for (int i = 0; i <= name.Length; i++)
        {
            if (i < name.Length && name[i] != '.')
            {
                if (!(char.IsAsciiLetterOrDigit(name[i]) || name[i] is '-' or '_'))
                    return false;
                continue;
            }
            if (i - labelStart is 0 or > 63 || name[labelStart] == '-' || name[i - 1] == '-')
                return false;
            labelStart = i + 1;
        }
        domain = new DomainName(name);
        return true;
    }

    /// <summary>Takes a name known to be right (constants, database rows).</summary>
    /// <exception cref="FormatException">It is not a domain name.</exception>
    public static DomainName Parse(string text) =>
        TryParse(text, out DomainName domain) ? domain : throw new FormatException($"\"{text}\" is not a domain name.");

    public override string ToString() => Value;
}
