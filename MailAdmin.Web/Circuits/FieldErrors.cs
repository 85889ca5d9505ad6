using MailAdmin.Web.Services;

namespace MailAdmin.Web.Circuits;

/// <summary>What a service found wrong, by the name of the form's property; "" stands for the form as a whole.</summary>
public sealed class FieldErrors
{
    IReadOnlyList<FieldError> _errors = [];

    /// <summary>Counts refused sends, so that a page knows when to move the focus to the first bad field.</summary>
    public int Refusals { get; private set; }

    public bool Any => _errors.Count > 0;

    public string? Of(string field) => _errors.FirstOrDefault(e => e.Field == field).Message;

    public void Clear() => _errors = [];

    public void Take(ServiceResult result)
    {
        _errors = result.Errors;
        Refusals++;
    }

    public void Add(string field, string message)
    {
        _errors = [.. _errors, new FieldError(field, message)];
        Refusals++;
    }
}
