namespace MailEngine.Io;

/// <summary>Our own files failed, or are not what they should be. Apart from the <see cref="IOException"/> of a connection that is gone.</summary>
public class StorageException : IOException
{
    public StorageException(string message) : base(message)
    {
    }

    public StorageException(string message, Exception inner) : base(message, inner)
    {
    }
}
