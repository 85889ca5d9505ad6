using System.Globalization;
using System.Resources;

namespace MailAdmin.Web.Resources;

/// <summary>Names the text file of panel and services: Texts.resx is English; another language is one more file, Texts.de.resx for German.</summary>
public sealed class Texts
{
    static readonly ResourceManager s_texts = new(typeof(Texts));

    Texts()
    {
    }

    /// <summary>A text in the language of whoever asks: that of the browser in the panel, English on the command line.</summary>
    /// <param name="key">A name in the file.</param>
    /// <param name="values">For {0} and so on.</param>
    public static string Of(string key, params ReadOnlySpan<object> values)
    {
        string text = s_texts.GetString(key, CultureInfo.CurrentUICulture) ?? key;
        return values.IsEmpty ? text : string.Format(CultureInfo.CurrentCulture, text, values);
    }
}
