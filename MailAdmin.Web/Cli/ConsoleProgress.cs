using System.Globalization;
using MailAdmin.Web.Services;
using MailEngine.Store.Exchange;

namespace MailAdmin.Web.Cli;

/// <summary>One line that is written over on a terminal, and gone before anything else is said; nothing where nobody watches.</summary>
sealed class ConsoleProgress : IProgress<ExchangeProgress>, IDisposable
{
    bool _shows;

    public void Report(ExchangeProgress value)
    {
        if (Console.IsErrorRedirected)
            return;
        _shows = true;
        Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r{value.Messages,10} messages  {Size.Text(value.Bytes),10}\u001b[K"));
    }

    public void Dispose()
    {
        if (_shows)
            Console.Error.Write("\r\u001b[K");
        _shows = false;
    }
}
