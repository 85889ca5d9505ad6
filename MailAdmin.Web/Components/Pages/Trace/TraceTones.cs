using MailEngine.Flow;

namespace MailAdmin.Web.Components.Pages.Trace;

/// <summary>Which colour a step has.</summary>
static class TraceTones
{
    public static string Of(TraceStep step) => step switch
    {
        TraceStep.Delivered or TraceStep.Sent => "good",
        TraceStep.Deferred or TraceStep.Queued or TraceStep.Duplicate or TraceStep.Filtered => "warn",
        TraceStep.Bounced or TraceStep.Rejected or TraceStep.Removed => "bad",
        _ => "brand",
    };
}
