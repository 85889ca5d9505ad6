namespace MailEngine.Checks;

/// <summary>What a domain says of a client that uses its name. RFC 7208 §2.6</summary>
public enum SpfResult
{
    /// <summary>It says nothing, or there is no such domain.</summary>
    None,
    /// <summary>It says that it does not want to say anything.</summary>
    Neutral,
    /// <summary>The client may use the name.</summary>
    Pass,
    /// <summary>The client may not.</summary>
    Fail,
    /// <summary>The client probably may not.</summary>
    SoftFail,
    /// <summary>A name server did not answer: ask again later.</summary>
    TempError,
    /// <summary>What it says cannot be understood.</summary>
    PermError,
}
