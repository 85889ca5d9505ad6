using MailAdmin.Web.Resources;
using MailEngine;
using MailEngine.Accounts;

namespace MailAdmin.Web.Services;

/// <summary>Why a service did not do what it was asked.</summary>
public enum Refusal
{
    None,
    /// <summary>Something in the form: see <see cref="ServiceResult.Errors"/>.</summary>
    Invalid,
    Forbidden,
    /// <summary>Not there; also the answer for what belongs to a domain that is none of the actor's business.</summary>
    NotFound,
    /// <summary>Somebody else changed it meanwhile: load it again.</summary>
    Conflict,
    /// <summary>The volume that the mail is on is not there just now; everything else works.</summary>
    Unavailable,
}

/// <summary>One thing that is wrong.</summary>
/// <param name="Field">Property name of the form; empty: the form as a whole.</param>
/// <param name="Message">What to do about it.</param>
public readonly record struct FieldError(string Field, string Message);

/// <summary>Outcome of a service call: done, or why not. Exceptions mean a fault of the system.</summary>
public class ServiceResult
{
    static readonly ServiceResult s_done = new(Refusal.None, []);

    internal ServiceResult(Refusal refusal, IReadOnlyList<FieldError> errors)
    {
        Refusal = refusal;
        Errors = errors;
    }

    public Refusal Refusal { get; }

    public bool Ok => Refusal == Refusal.None;

    public IReadOnlyList<FieldError> Errors { get; }

    /// <summary>All messages in one line.</summary>
    public string Text => string.Join(' ', Errors.Select(e => e.Message));

    internal static ServiceResult Done() => s_done;

    internal static Refused Invalid(string field, string message) => new(Refusal.Invalid, [new FieldError(field, message)]);

    internal static Refused Invalid(IReadOnlyList<FieldError> errors) => new(Refusal.Invalid, errors);

    internal static Refused Forbidden() => new(Refusal.Forbidden, [new FieldError("", Texts.Of("Refusal.Forbidden"))]);

    internal static Refused NotFound(string what) => new(Refusal.NotFound, [new FieldError("", Texts.Of("NoSuch." + what))]);

    internal static Refused Conflict() => new(Refusal.Conflict, [new FieldError("", Texts.Of("Refusal.Conflict"))]);

    internal static Refused Unavailable() => new(Refusal.Unavailable, [new FieldError("", Texts.Of("Refusal.Unavailable"))]);

    /// <summary>A refusal that fits any result type.</summary>
    public readonly record struct Refused(Refusal Why, IReadOnlyList<FieldError> Errors);

#pragma warning disable CA2225 // The factory methods above are the named alternatives.
    public static implicit operator ServiceResult(Refused refused) => new(refused.Why, refused.Errors);
#pragma warning restore CA2225
}

/// <summary>A <see cref="ServiceResult"/> with what was asked for.</summary>
public sealed class ServiceResult<T> : ServiceResult
{
    ServiceResult(Refusal refusal, IReadOnlyList<FieldError> errors, T? value) : base(refusal, errors) => Value = value;

    /// <summary>Set when <see cref="ServiceResult.Ok"/>.</summary>
    public T? Value { get; }

#pragma warning disable CA2225, CA1000
    internal static ServiceResult<T> Of(T value) => new(Refusal.None, [], value);

    public static implicit operator ServiceResult<T>(T value) => Of(value);

    public static implicit operator ServiceResult<T>(Refused refused) => new(refused.Why, refused.Errors, default);
#pragma warning restore CA2225, CA1000
}

/// <summary>Which part of a list to show.</summary>
/// <param name="Take">At most 500.</param>
/// <param name="Sort">Property name of the row; one the list cannot sort by gives its usual order.</param>
/// <param name="Filter">Shows rows that contain it; case does not matter.</param>
public sealed record PageRequest(int Skip = 0, int Take = 50, string Sort = "", bool Descending = false, string Filter = "")
{
    internal int SafeSkip => Math.Max(0, Skip);
    internal int SafeTake => Math.Clamp(Take, 1, 500);
    internal string Needle => Filter.Trim().ToLowerInvariant();
}

/// <summary>A part of a list, and how long the whole is.</summary>
public sealed record PageOf<T>(IReadOnlyList<T> Items, int Total);

/// <summary>What is said of a password that will not do.</summary>
static class PasswordTexts
{
    public static string Text(this PasswordFault fault, PasswordOptions options) =>
        Texts.Of("PasswordFault." + fault, fault == PasswordFault.TooShort ? options.MinLength : PasswordPolicy.MaxBytes);
}

/// <summary>Collects what is wrong with a form: all of it, so that nobody has to send it once for each fault.</summary>
sealed class Problems
{
    readonly List<FieldError> _errors = [];

    public bool Any => _errors.Count > 0;

    public string Text => string.Join(' ', _errors.Select(e => e.Message));

    public void Add(string field, string message) => _errors.Add(new FieldError(field, message));

    /// <summary>Adds the message unless the condition holds.</summary>
    public void Require(bool holds, string field, string message)
    {
        if (!holds)
            Add(field, message);
    }

    public void RequirePassword(string field, string password, PasswordOptions options, params ReadOnlySpan<string> names)
    {
        if (PasswordPolicy.Check(password, options, names) is { } fault)
            Add(field, fault.Text(options));
    }

    public void RequireRepeated(string field, string password, string repeat) => Require(password == repeat, field, Texts.Of("Error.Repeat"));

    /// <summary>Takes over what is wrong with a part of the form that another service checks.</summary>
    /// <param name="from">Name of a field of the part; its errors belong to the field <paramref name="to"/> here.</param>
    public void AddAll(Problems part, string from, string to)
    {
        foreach (FieldError error in part._errors)
            Add(error.Field == from ? to : error.Field, error.Message);
    }

    public ServiceResult.Refused Refuse() => ServiceResult.Invalid(_errors);
}
