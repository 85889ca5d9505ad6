using Microsoft.Win32.SafeHandles;

namespace MailEngine.Store;

/// <summary>Keeps removed segment files readable for those who may still have ranges into them.</summary>
/// <remarks>
/// Every mailbox snapshot and every queue row in memory holds the pin that was current when it was read. When segments are retired, the
/// current pin takes their open handles, and a new pin follows it. A pin reaches all pins after it, none before it: so as long as anybody
/// holds a snapshot from before the retirement the handles live, and when the last one is gone the garbage collector closes them and the
/// disk gets its space back. No counting, no time limit, and a reader never meets bytes that are not those it was promised.
/// </remarks>
internal sealed class SegmentPin(SegmentFiles segments)
{
    /// <summary>Whose files they are: what the entries of a snapshot name is found here, wherever the mailbox has moved since.</summary>
    public SegmentFiles Segments => segments;

    /// <summary>Files removed while this pin was the current one.</summary>
    public IReadOnlyList<SafeFileHandle> Retired { get; private set; } = [];

    public SegmentPin? Next { get; private set; }

    /// <summary>Commit loop only.</summary>
    public SegmentPin Follow(IReadOnlyList<SafeFileHandle> retired)
    {
        Retired = retired;
        return Next = new SegmentPin(segments);
    }
}
