namespace MailAdmin.Web.Circuits;

/// <summary>Short messages in the corner, kept while the user moves between pages. Scoped to the circuit.</summary>
internal sealed class Notices
{
    readonly List<Notice> _shown = [];

    public event Action? Changed;

    public IReadOnlyList<Notice> Shown => _shown;

    public void Done(string text) => Show(new Notice(text, IsError: false));

    public void Failed(string text) => Show(new Notice(text, IsError: true));

    public void Close(Notice notice)
    {
        if (_shown.Remove(notice))
            Changed?.Invoke();
    }

    void Show(Notice notice)
    {
        if (_shown.Count == 3)
            _shown.RemoveAt(0);
        _shown.Add(notice);
        Changed?.Invoke();
    }
}

/// <summary>One message. A class on purpose: two with the same words are two messages.</summary>
internal sealed class Notice(string text, bool IsError)
{
    public string Text { get; } = text;
    public bool IsError { get; } = IsError;
}
