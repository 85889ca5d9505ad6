namespace MailEngine.Net;

/// <summary>The name this server gives itself in greetings, Received fields and reports.</summary>
/// <remarks>May change while the server runs: the set-up page asks for it. Sessions read it anew for each use.</remarks>
public sealed class ServerName(string name)
{
    volatile string _name = name;

    public string Name
    {
        get => _name;
        set => _name = value;
    }

    public override string ToString() => _name;
}
