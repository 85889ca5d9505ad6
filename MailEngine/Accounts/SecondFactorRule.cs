namespace MailEngine.Accounts;

/// <summary>Somebody must have a second factor: his domain asks for it, or a role that he has.</summary>
/// <param name="From">Until then he is only told; that is the grace period.</param>
/// <param name="Until">The role ends then; null: it does not.</param>
/// <remarks>Once the time has come and he has none, he has no rights but to set one up (<see cref="Rights.MustSetUp"/>), and his password opens no mail
/// program: it alone would be a way around. App passwords that he has stay good.</remarks>
public readonly record struct SecondFactorRule(DateTimeOffset From, DateTimeOffset? Until = null)
{
    public bool HoldsAt(DateTimeOffset now) => From <= now && (Until is null || Until > now);
}
