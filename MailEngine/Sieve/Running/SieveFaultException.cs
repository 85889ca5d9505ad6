namespace MailEngine.Sieve.Running;

/// <summary>A script cannot go on; the message says why, for its owner. Caught by <see cref="Interpreter"/>, which keeps the mail.</summary>
internal sealed class SieveFaultException(string message) : Exception(message);
