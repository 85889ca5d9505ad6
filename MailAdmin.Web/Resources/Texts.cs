namespace MailAdmin.Web.Resources;

/// <summary>Names the panel's text file: Texts.resx is English; another language is one more file, Texts.de.resx for German.</summary>
public sealed class Texts;
